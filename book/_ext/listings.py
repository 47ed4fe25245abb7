"""Sphinx: tables of the back matter, made from what the build has read: `{listing} exercises`.

Rows are Markdown. `chapters` come from the cache of executed pages, `runs` from the results of the
experiments, `decoders` from the weights in the package, `waiting` from the specs without results.
No clock of the build is looked at, so two builds from the same runs are the same.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from docutils import nodes
from docutils.utils import new_document
from jupyter_cache import get_cache
from myst_nb.sphinx_ import NbMetadataCollector
from myst_parser.parsers.sphinx_ import MystParser
from safetensors import safe_open
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxSmartQuotes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective, sphinx_domains
from sphinx_external_toc.parsing import parse_toc_yaml

from . import provenance
from .chapters import Chapter, read_chapters

STATEMENT = re.compile(r"^`{3,}\{prf:(?!proof)\w+\} *(.*)\n:label: *(\S+)", re.M)
NOT_RECORDED = "not recorded"


def statements(env: BuildEnvironment) -> Iterator[list[str]]:
    for chapter in of_the_book(env):
        for title, label in STATEMENT.findall(chapter.text):
            yield [f"{{prf:ref}}`{label}`", title, link(env, f"book/{chapter.name}")]


def exercises(env: BuildEnvironment) -> Iterator[list[str]]:
    for chapter in of_the_book(env):
        for e in chapter.exercises:
            number, page = f"{{ref}}`{e.number} <{e.label}>`", link(env, f"book/{chapter.name}")
            yield [number, e.text.title, e.kind.capitalize(), page]


def of_the_book(env: BuildEnvironment) -> Iterator[Chapter]:
    found = read_chapters(Path(env.srcdir, "book"), env.config.book_numbers).values()
    return (chapter for chapter in found if f"book/{chapter.name}" in env.found_docs)


def chapters(env: BuildEnvironment) -> Iterator[list[str]]:
    """The pages that are executed for the build: as `execute.py` left them in the cache."""
    folder = env.mystnb_config.execution_cache_path
    records = get_cache(folder).list_cache_records() if folder and Path(folder).is_dir() else []
    kept = {record.created.timestamp(): record.data for record in records}
    for page in parse_toc_yaml(Path(env.srcdir, env.config.external_toc_path)):
        if done := NbMetadataCollector.get_doc_data(env).get(page, {}).get("exec_data"):
            # UTC, though MyST-NB read it as local time: what comes back is UTC again
            day = datetime.fromtimestamp(done["mtime"]).date().isoformat()
            about = {"date": day} | (kept.get(done["mtime"]) or {})
            yield [link(env, page), date(about), duration(done["runtime"]), where(about)]


def runs(env: BuildEnvironment) -> Iterator[list[str]]:
    root = Path(env.srcdir)
    for name in provenance.runs(root):
        about = provenance.read(root, name)
        took, spec = about.get("seconds"), about.get("spec", {})
        what = f"{spec['dataset']}, {spec['model']['kind']}, " if spec else ""
        what += provenance.size(root, name, about)
        took = sum(took.values()) if isinstance(took, dict) else took
        yield [f"`{name}`", what, date(about), duration(took), where(about)]


def decoders(env: BuildEnvironment) -> Iterator[list[str]]:
    for path in sorted(Path(env.srcdir).glob("geokit/assets/*.safetensors")):
        with safe_open(path, framework="numpy") as file:
            about = json.loads(file.metadata()["about"])
        yield [f"`{path.stem}`", about["made"], date(about), provenance.versions(about)]


def waiting(env: BuildEnvironment) -> Iterator[list[str]]:
    """Specs without results; the comment in the file says what each is."""
    root = Path(env.srcdir)
    for path in sorted(root.glob("notebooks/specs/*.toml")):
        if path.stem not in provenance.runs(root):
            lines = path.read_text(encoding="utf-8").splitlines()
            said = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
            yield [f"`{path.stem}`", " ".join(said)]


def link(env: BuildEnvironment, page: str) -> str:
    """To a page by its title, a chapter's with the number that `geokit.check` knows it by."""
    number, title = re.match(r"(\d\d)-", page.rpartition("/")[2]), env.titles[page].astext()
    return f"{{doc}}`{int(number[1])}. {title} </{page}>`" if number else f"{{doc}}`/{page}`"


def duration(seconds: float | None) -> str:
    """In seconds up to two minutes, then in minutes."""
    if seconds is None:
        return NOT_RECORDED
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def date(about: dict) -> str:
    return f"[{about['date']}]{{.date}}" if "date" in about else NOT_RECORDED


def where(about: dict) -> str:
    """On what, with which versions; where one of these was not recorded, that is said."""
    recorded = {"device", "python", "torch", "geokit"} <= about.keys()
    return ", ".join(provenance.where(about)) if recorded else NOT_RECORDED


LISTS = {
    "statements": (statements, ("Statement", "What it says", "Chapter")),
    "exercises": (exercises, ("Exercise", "Title", "Kind", "Chapter")),
    "chapters": (chapters, ("Chapter", "Executed", "Took", "On")),
    "runs": (runs, ("Run", "What", "Date", "Took", "On")),
    "decoders": (decoders, ("Decoder", "How it was made", "Date", "Versions")),
    "waiting": (waiting, ("Spec", "What it is")),
}


class List(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # its rows come from other pages, and from runs
        name = self.arguments[0]
        if name not in LISTS:
            raise self.error(f"There is no listing {name!r}; say one of {', '.join(LISTS)}.")
        return [nodes.container(listing=name)]  # until every page has been read


class FillListing(SphinxPostTransform):
    default_priority = 8  # before references are resolved

    def run(self, **options) -> None:
        for node in [n for n in self.document.findall(nodes.container) if "listing" in n]:
            rows, heads = LISTS[node["listing"]]
            table = [heads, ["--"] * len(heads), *rows(self.env)]
            text = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
            made = new_document(self.document["source"], self.document.settings)
            with sphinx_domains(self.env):  # their roles are known while pages are read
                MystParser().parse(text if len(table) > 2 else "None.", made)
            SphinxSmartQuotes(made, None).apply()
            node.replace_self(made.children)


def join(app: Sphinx) -> None:
    app.add_directive("listing", List)
    app.add_post_transform(FillListing)
