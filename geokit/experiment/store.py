"""Files of an experiment: each replaced as a whole, all of them of one spec and one code."""

import hashlib
import json
from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from .spec import Spec, read_spec

PACKAGE = Path(__file__).parents[1]
UNINVOLVED = {
    "assets",
    "check",
    "explore",
    "plotting.py",
    "reliability",
}  # no number of an experiment is theirs


def replace(path: Path, content: str | bytes) -> None:
    """Write a file so that there is the old one or the new one, and never a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OSError(
            f"{path} could not be written ({error.strerror}); make room and start again: "
            "what is finished is kept."
        ) from error


@cache  # the code that runs is the code as it was imported
def code_version() -> str:
    """A hash of everything in geokit that a number of an experiment may depend on."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        where = path.relative_to(PACKAGE)
        if where.parts[0] not in UNINVOLVED:
            digest.update(where.as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def identity(spec: Spec) -> dict:
    """What has to agree for two runs to be one: the spec, the code, the version of torch."""
    return json.loads(
        json.dumps({"spec": spec.as_dict(), "code": code_version(), "torch": torch.__version__})
    )


def settle(out: Path, spec: Spec, resume: bool) -> bool:
    """Make `out` the folder of this spec; True if a finished table lies there already.

    Raises:
        ValueError: it holds the work of another spec, or of other code.
    """
    mine, claim = identity(spec), out / "run.json"
    if not resume and claim.exists():
        _clear(out)
    if claim.exists():
        theirs = _claim(claim)
        worked = any(out.glob("seeds/*")) or (out / "distances.csv").exists()
        if theirs != mine and worked:
            raise ValueError(
                f"{out} holds a run that differs in {_difference(theirs, mine)}; "
                "choose another folder, or start anew with resume=False (--restart), "
                "which deletes it."
            )
        if theirs == mine:
            return (out / "distances.csv").exists() and (out / "provenance.json").exists()
    elif (out / "distances.csv").exists():
        raise ValueError(
            f"{out} holds a table but not the run it came from; choose another folder."
        )
    replace(claim, json.dumps(mine, indent=2) + "\n")
    return False


def _claim(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} cannot be read ({error}); choose another folder.") from error


def _difference(theirs: dict, mine: dict) -> str:
    """The keys in which two identities differ, as a reader of specs would name them."""
    keys = []
    a, b = theirs.get("spec", {}), mine["spec"]
    for key in b:
        if a.get(key) != b[key]:
            inner = b[key] if isinstance(b[key], dict) and isinstance(a.get(key), dict) else {}
            names = [n for n in {**inner, **(a.get(key) if inner else {})}]
            parts = [n for n in names if inner.get(n) != a[key].get(n)]
            keys += [f"{key}.{n}" for n in parts] or [key]
    keys += [
        f"the version of {name}" for name in ("code", "torch") if theirs.get(name) != mine[name]
    ]
    return ", ".join(keys)


def _clear(out: Path) -> None:
    """Delete what a run wrote, the claim last; nothing else in the folder is touched."""
    for path in sorted(out.glob("seeds/*")):
        path.unlink()
    for name in (
        "distances.csv",
        "models.csv",
        "pairs.csv",
        "codes.csv",
        "provenance.json",
        "run.json",
    ):
        (out / name).unlink(missing_ok=True)


def seed_file(out: Path | str, seed: int, kind: str) -> Path:
    """Where the weights ("safetensors"), rows ("csv") or figures ("json") of one seed lie."""
    return Path(out) / f"seeds/{seed:03d}.{kind}"


def load_model(out: Path | str, seed: int) -> nn.Module:
    """A trained model of a run, in eval mode and double precision; needs no images.

    Raises:
        ValueError: there is no finished model of that seed in `out`, or its file is damaged.
    """
    path = seed_file(out, seed, "safetensors")
    if not path.exists():
        raise ValueError(f"{path} is not there: no finished model of seed {seed}.")
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
        spec = read_spec(json.loads(about["spec"]))
        model = spec.build(tuple(json.loads(about["shape"])))
        model.load_state_dict(load_file(path))
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{path} cannot be read as a model of a run ({reason}); "
            "delete it and run the experiment again."
        ) from error
    return model.double().eval().requires_grad_(False)
