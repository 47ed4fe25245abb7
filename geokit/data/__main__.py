"""`python -m geokit.data NAME`: fetch a set ahead of time; say how large it is, and where."""

import argparse
import signal
import sys

from . import SETS, SPLITS, read, subset

CALLED = {"train": "training", "valid": "validation", "test": "test"}


def main(arguments: list[str] | None = None) -> int:
    """Fetch the set named on the command line; the exit status is 0, or 2 when it cannot be had."""
    parser = argparse.ArgumentParser(
        prog="python -m geokit.data",
        description="Fetch a data set ahead of time, or check the copy that is there.",
        epilog="Looks in $GEOKIT_DATA/NAME, then in the cache (moved by $GEOKIT_CACHE). "
        "CelebA is not downloaded: bring your own copy, and it is made small here.",
    )
    parser.add_argument("name", metavar="NAME", help=", ".join(SETS))
    name = parser.parse_args(arguments).name
    try:
        counts, paths = [], []
        for split in SPLITS.get(name, ["train"]):  # `read` refuses an unknown name
            stored = read(name, split)
            counts.append(f"{len(stored.labels)} {CALLED[split]} images{subset(stored)}")
            paths += [path for path in stored.paths if path not in paths]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"Stopped before {name} was complete; run it again to go on.", file=sys.stderr)
        return 130
    print(f"{name}: {', '.join(counts)}")
    for path in paths or ["nothing to fetch: it comes with the library, or with scikit-learn"]:
        print(f"  {path}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop as by Ctrl-C: tidy up
    sys.exit(main())
