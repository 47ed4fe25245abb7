"""Sphinx: which run a figure was drawn from, and where and when that was, under its caption.

Right after the cell that draws it the source says `{provenance}` with the names of folders of
`notebooks/results`; all else comes from their `provenance.json`. The pages of the experiments
themselves need no such mark.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

RESULTS = "notebooks/results"
RUN_OF = {"reproduce": "digits-small"}  # the page's default run; other pages' runs have their name
PROCESSORS = {"x86_64", "AMD64", "aarch64", "arm64"}

logger = logging.getLogger(__name__)


def runs(root: Path) -> list[str]:
    return sorted(path.parent.name for path in (root / RESULTS).glob("*/provenance.json"))


def read(root: Path, name: str) -> dict:
    if name not in runs(root):
        raise ValueError(
            f"There is no {RESULTS}/{name}/provenance.json; "
            f"name one of the runs that are there: {', '.join(runs(root)) or 'none'}."
        )
    return json.loads((root / RESULTS / name / "provenance.json").read_text(encoding="utf-8"))


def size(root: Path, name: str, about: dict) -> str:
    """How much was measured: "30 models × 100 pairs"; without a spec, the rows of a table."""
    if "spec" in about:
        models = len(about["seeds"]) - len(about["diverged"])
        return f"{models} models × {about['spec']['pairs']['count']} pairs"
    for table in ("distances.csv", "pairs.csv"):
        if (path := root / RESULTS / name / table).exists():
            return f"{len(path.read_text(encoding='utf-8').splitlines()) - 1} rows in {table}"
    return ""


def device(about: dict) -> str:
    name = about["device"]
    return f"CPU ({name})" if name in PROCESSORS else name


def versions(about: dict) -> str:
    return f"Python {about['python']}, torch {about['torch']}, geokit {about['geokit']}"


def code(about: dict) -> str:
    """The first letters of the hash of the library's code that made the run."""
    return f"code {about['code'][:8]}" if "code" in about else ""


def facts(root: Path, name: str) -> list[str]:
    about = read(root, name)
    day = about.get("date", "date not recorded")
    parts = [size(root, name, about), day, device(about), versions(about), code(about)]
    return [part for part in parts if part]


def phrases(root: Path, names: list[str]) -> list[tuple[str, bool]]:
    """The whole line in pieces, and whether each is a name to be set as code.

    What several runs have in common is said once, at the end.
    """
    each = {name: facts(root, name) for name in names}
    shared = [fact for fact in each[names[0]] if all(fact in other for other in each.values())]
    end = f"{', '.join(shared)}." if shared else "."
    if len(names) == 1:
        return [("Data: ", False), (f"{RESULTS}/{names[0]}", True), (f": {end}", False)]
    line = [("Data in ", False), (RESULTS, True)]
    for n, (name, all_facts) in enumerate(each.items()):
        own = ", ".join(fact for fact in all_facts if fact not in shared)
        line += [(", " if n else ": ", False), (name, True)]
        line += [(f" ({own})", False)] * bool(own)
    return [*line, (f"; each: {end}" if shared else end, False)]


def markdown(root: Path, names: list[str]) -> str:
    """The line for a notebook, where no directive is drawn."""
    return "".join(f"`{text}`" if code else text for text, code in phrases(root, names))


def sentence(env: BuildEnvironment, names: list[str]) -> list[nodes.Node]:
    root = Path(env.srcdir)
    pieces = phrases(root, names)
    for name in names:
        env.note_dependency(str(root / RESULTS / name / "provenance.json"))
    return [nodes.literal(text=text) if code else nodes.Text(text) for text, code in pieces]


class Origin(nodes.paragraph):
    """A line that is still to be put under the figure before it."""


class Provenance(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        try:
            origin = Origin("", "", *sentence(self.env, self.arguments[0].split()))
        except ValueError as problem:
            raise self.error(str(problem)) from problem
        self.set_source_info(origin)
        return [origin]


class UnderItsFigure(SphinxTransform):
    """A figure's provenance becomes its legend, which stands below the caption."""

    default_priority = 500

    def apply(self, **options) -> None:
        for origin in list(self.document.findall(Origin)):
            here = origin.parent.index(origin)
            before = origin.parent.children[here - 1] if here else None
            figures = list(before.findall(nodes.figure)) if before else []
            line = nodes.paragraph("", "", *origin.children, classes=["provenance"])
            if figures:
                origin.parent.remove(origin)
                figures[-1] += nodes.legend("", line)
                continue
            if not isinstance(before, nodes.container):  # no cell
                logger.warning(
                    "provenance follows no figure: put it right after the cell that draws what "
                    "the run is behind, before any text.",
                    location=origin,
                )
            origin.replace_self(line)
        for name in self.written_here():
            for figure in self.document.findall(nodes.figure):
                line = nodes.paragraph("", "", *sentence(self.env, [name]))
                line["classes"] += ["provenance", "of-this-page"]
                figure += nodes.legend("", line)

    def written_here(self) -> list[str]:
        """The run that an experiment's own page made: all its figures are drawn from that."""
        folder, _, name = self.env.docname.rpartition("/")
        name = RUN_OF.get(name, name)
        return [name] if folder == "notebooks" and name in runs(Path(self.env.srcdir)) else []


def join(app: Sphinx) -> None:
    app.add_node(Origin)
    app.add_directive("provenance", Provenance)
    app.add_transform(UnderItsFigure)
