"""Rows of four tables: what was run, when, how long, on what, with which versions; and what not.

`chapters` come from the cache of executed pages, `runs` from the results of the experiments,
`decoders` from the weights in the package, `waiting` from the specs without results. No clock of
the build is looked at, so two builds from the same runs are the same.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from docutils import nodes
from jupyter_cache import get_cache
from myst_nb.sphinx_ import NbMetadataCollector
from safetensors import safe_open
from sphinx.builders import Builder
from sphinx.environment import BuildEnvironment

from . import provenance
from .places import Cell, chapter, pages

NOT_RECORDED = "not recorded"


def chapters(env: BuildEnvironment, builder: Builder) -> Iterator[list[Cell]]:
    """The pages that are executed for the build: as `execute.py` left them in the cache."""
    kept = recorded(env)
    for page in pages(env):
        done = NbMetadataCollector.get_doc_data(env).get(page, {}).get("exec_data")
        if not done:
            continue
        # UTC, though MyST-NB read it as local time: what comes back is UTC again
        day = datetime.fromtimestamp(done["mtime"]).date().isoformat()
        about = {"date": day} | (kept.get(done["mtime"]) or {})
        yield [chapter(env, builder, page), date(about), duration(done["runtime"]), where(about)]


def recorded(env: BuildEnvironment) -> dict[float, dict]:
    """What the cache holds beside each executed page, by the moment it was stored."""
    folder = env.mystnb_config.execution_cache_path
    records = get_cache(folder).list_cache_records() if folder and Path(folder).is_dir() else []
    return {record.created.timestamp(): record.data for record in records}


def runs(env: BuildEnvironment, builder: Builder) -> Iterator[list[Cell]]:
    root = Path(env.srcdir)
    for name in provenance.runs(root):
        about = provenance.read(root, name)
        took = about.get("seconds")
        spec = about.get("spec", {})
        asked = f"{spec['dataset']}, {spec['model']['kind']}, " if spec else ""
        yield [
            literal(name),
            asked + provenance.size(root, name, about),
            date(about),
            duration(sum(took.values()) if isinstance(took, dict) else took),
            where(about),
        ]


def decoders(env: BuildEnvironment, builder: Builder) -> Iterator[list[Cell]]:
    for path in sorted(Path(env.srcdir).glob("geokit/assets/*.safetensors")):
        with safe_open(path, framework="numpy") as file:
            about = json.loads(file.metadata()["about"])
        yield [literal(path.stem), about["made"], date(about), provenance.versions(about)]


def waiting(env: BuildEnvironment, builder: Builder) -> Iterator[list[Cell]]:
    """Specs without results; the comment in the file says what each is."""
    root = Path(env.srcdir)
    for path in sorted(root.glob("notebooks/specs/*.toml")):
        if path.stem not in provenance.runs(root):
            lines = path.read_text(encoding="utf-8").splitlines()
            said = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
            yield [literal(path.stem), " ".join(said)]


def duration(seconds: float | None) -> str:
    """In seconds up to two minutes, then in minutes."""
    if seconds is None:
        return NOT_RECORDED
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def literal(text: str) -> list[nodes.Node]:
    return [nodes.literal(text=text)]


def date(about: dict) -> Cell:
    return [nodes.inline(text=about["date"], classes=["date"])] if "date" in about else NOT_RECORDED


def where(about: dict) -> str:
    """On what, with which versions; where one of these was not recorded, that is said."""
    if not {"device", "python", "torch", "geokit"} <= about.keys():
        return NOT_RECORDED
    parts = provenance.device(about), provenance.versions(about), provenance.code(about)
    return ", ".join(part for part in parts if part)


LISTS = {
    "chapters": (chapters, ("Chapter", "Executed", "Took", "On")),
    "runs": (runs, ("Run", "What", "Date", "Took", "On")),
    "decoders": (decoders, ("Decoder", "How it was made", "Date", "Versions")),
    "waiting": (waiting, ("Spec", "What it is")),
}
