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
MARK = "provenance"  # the class of the paragraph, which a figure takes over

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


def versions(about: dict) -> str:
    return f"Python {about['python']}, torch {about['torch']}, geokit {about['geokit']}"


def where(about: dict) -> list[str]:
    """The device, the versions, and the first letters of the hash of the library's code."""
    device = about["device"]
    hashed = [f"code {about['code'][:8]}"] if "code" in about else []
    return [f"CPU ({device})" if device in PROCESSORS else device, versions(about), *hashed]


def markdown(root: Path, names: list[str]) -> str:
    """The line about one or more runs; what several have in common is said once, at the end."""
    each = {}
    for name in names:
        about = read(root, name)
        facts = [size(root, name, about), about.get("date", "date not recorded"), *where(about)]
        each[name] = [fact for fact in facts if fact]
    shared = [fact for fact in each[names[0]] if all(fact in facts for facts in each.values())]
    end = f"{', '.join(shared)}." if shared else "."
    if len(names) == 1:
        return f"Data: `{RESULTS}/{names[0]}`: {end}"
    own = {name: ", ".join(f for f in facts if f not in shared) for name, facts in each.items()}
    parts = ", ".join(f"`{name}`" + f" ({facts})" * bool(facts) for name, facts in own.items())
    return f"Data in `{RESULTS}`: {parts}" + (f"; each: {end}" if shared else end)


def line(env: BuildEnvironment, names: list[str], *classes: str) -> nodes.paragraph:
    root = Path(env.srcdir)
    parts = markdown(root, names).split("`")
    for name in names:
        env.note_dependency(str(root / RESULTS / name / "provenance.json"))
    inside = (nodes.literal(text=t) if n % 2 else nodes.Text(t) for n, t in enumerate(parts))
    return nodes.paragraph("", "", *inside, classes=[MARK, *classes])


class Provenance(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        try:
            made = line(self.env, self.arguments[0].split())
        except ValueError as problem:
            raise self.error(str(problem)) from problem
        self.set_source_info(made)
        return [made]


class UnderItsFigure(SphinxTransform):
    """A figure's provenance becomes its legend, which stands below the caption."""

    default_priority = 500

    def apply(self, **options) -> None:
        lines = [p for p in self.document.findall(nodes.paragraph) if MARK in p["classes"]]
        for made in lines:
            here = made.parent.index(made)
            before = made.parent[here - 1] if here else nodes.Element()
            if figures := list(before.findall(nodes.figure)):
                made.parent.remove(made)
                figures[-1] += nodes.legend("", made)
            elif not isinstance(before, nodes.container):  # no cell
                logger.warning(
                    "provenance follows no figure: put it right after the cell that draws what "
                    "the run is behind, before any text.",
                    location=made,
                )
        # the run that an experiment's own page made: all its figures are drawn from that
        folder, _, name = self.env.docname.rpartition("/")
        name = RUN_OF.get(name, name)
        if folder == "notebooks" and name in runs(Path(self.env.srcdir)):
            for figure in self.document.findall(nodes.figure):
                figure += nodes.legend("", line(self.env, [name], "of-this-page"))


def join(app: Sphinx) -> None:
    app.add_directive("provenance", Provenance)
    app.add_transform(UnderItsFigure)
