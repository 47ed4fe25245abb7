"""`python -m geokit.experiment SPEC.toml --device cuda --out DIR`: the experiment without a
notebook."""

import argparse
import sys
from pathlib import Path

from .runs import run
from .spec import read_spec


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m geokit.experiment", description=run.__doc__.partition("\n")[0]
    )
    parser.add_argument("spec", type=Path, help="a TOML file, such as notebooks/specs/digits.toml")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, … (default: cpu)")
    parser.add_argument("--out", type=Path, help="a folder (default: runs/NAME)")
    parser.add_argument("--restart", action="store_true", help="delete what an earlier run left")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    given = parser.parse_args(arguments)
    try:
        spec = read_spec(given.spec)
        out = given.out or Path("runs") / spec.name
        table = run(
            spec, device=given.device, out=out, resume=not given.restart, progress=not given.quiet
        )
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"{out / 'distances.csv'}: {table.model.nunique()} models, {table.pair.nunique()} pairs, "
        f"{table.resolved.sum()} of {len(table)} geodesics resolved"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
