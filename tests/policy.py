"""What every source page must hold: each check takes a path and names the faults it finds there."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
from nbformat import NotebookNode
from sphinx_external_toc.parsing import parse_toc_yaml

# a folder of somebody's machine: /home/..., /Users/..., C:\Users\..., an installed package
ABSOLUTE_PATH = re.compile(
    r"(?<![\w.~/-])/(?:home|Users|root|tmp|var|opt|usr|mnt|srv|work|workspace|private|content)/[\w.-]"
    r"|\b[A-Z]:\\+[A-Za-z]"
    r"|\bsite-packages/"
)
FIGURE = re.compile(
    r"^(?P<fence>[`:]{3,})\{(?:figure|image)\}(?P<body>.*?)^(?P=fence)\s*$", re.M | re.S
)
INLINE_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\(")
PARTS = {
    "objectives": r"^:::+\{admonition\} Objectives\s*$",
    "prerequisites": r"\*\*Prerequisites\.\*\*\s+\S",
    "minutes": r"\*\*Minutes\.\*\*\s+\d+",
    "a section 'What could go wrong'": r"^## What could go wrong\s*$",
    "a section 'Take-away'": r"^## Take-away\s*$",
}
EXERCISE = re.compile(r"^[`:]{3,}\{exercise(?:-start)?\}.*?^:label:\s*(\S+)", re.M | re.S)
SOLUTION = re.compile(r"^[`:]{3,}\{solution(?:-start)?\}\s*(\S+)", re.M)
UNWELCOME = {
    "%matplotlib inline": "the style sheet and the kernel do it",
    'filterwarnings("ignore"': "a warning is mended, or shown and explained",
    "plt.show()": "the last value of a cell is its figure",
}


def read(path: Path) -> NotebookNode:
    """A page or notebook as cells; a page without a jupytext header is read as MyST too."""
    return jupytext.read(path, fmt="md:myst" if path.suffix == ".md" else "ipynb")


def code_cells(path: Path) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def same(one: str, other: str) -> bool:
    def plain(text: str) -> str:
        return re.sub(r"\W+", " ", text).strip().lower()

    return plain(one) == plain(other)


def alt_faults(where: str, alt: str, caption: str) -> list[str]:
    if not alt.strip():
        return [f"{where} has no alt text"]
    return [f"{where} has its caption for alt text"] if same(alt, caption) else []


def written_figure_faults(text: str) -> Iterator[str]:
    """Figures a page brings in by a directive or an image link."""
    for found in FIGURE.finditer(text):
        lines = [line.strip() for line in found["body"].splitlines()]
        alt = next((li.removeprefix(":alt:") for li in lines if li.startswith(":alt:")), "")
        caption = " ".join(line for line in lines[1:] if line and not line.startswith(":"))
        yield from alt_faults(f"figure {lines[0]}", alt, caption)
    for found in INLINE_IMAGE.finditer(text):
        yield from alt_faults(f"image {found[0]}", found["alt"], "")


def figure_faults(path: Path) -> list[str]:
    """Figures without an alt text of their own, in a page's words and in its cells."""
    faults, seen = [], {}
    for number, cell in enumerate(read(path).cells):
        if cell.cell_type == "markdown":
            faults += written_figure_faults(cell.source)
            continue
        look = cell.metadata.get("mystnb", {})
        drawn = any(
            kind.startswith("image/") for o in cell.get("outputs", []) for kind in o.get("data", {})
        )
        if drawn or "figure" in look:
            alt = look.get("image", {}).get("alt", "")
            faults += alt_faults(f"cell {number}", alt, look.get("figure", {}).get("caption", ""))
            if alt and alt in seen:
                faults.append(f"cell {number} has the alt text of cell {seen[alt]}")
            seen[alt] = number
    return faults


def chapter_faults(path: Path) -> list[str]:
    """Parts of a chapter that are missing; each exercise needs a solution that names it."""
    text = path.read_text(encoding="utf-8")
    faults = [f"no {part}" for part, form in PARTS.items() if not re.search(form, text, re.M)]
    exercises, solved = EXERCISE.findall(text), SOLUTION.findall(text)
    if len(exercises) < 2:
        faults.append(f"{len(exercises)} exercises, and two are needed")
    faults += [f"exercise {label} has no solution" for label in exercises if label not in solved]
    return faults


def cell_faults(path: Path, library: set[str]) -> list[str]:
    """Habits no cell should have; only a `scratch` cell may define a name of the library anew."""
    faults = []
    for cell in code_cells(path):
        faults += [f"{bad}: {why}" for bad, why in UNWELCOME.items() if bad in cell.source]
        if "scratch" not in cell.metadata.get("tags", []):
            defined = set(re.findall(r"^(?:def|class) (\w+)", cell.source, re.M))
            faults += [f"{name} is geokit's own name" for name in sorted(defined & library)]
    return faults


def public_names(package: Path) -> set[str]:
    """Functions and classes of the package that a page could define a second time."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in package.rglob("*.py"))
    nodes = (node for tree in trees for node in tree.body)
    defined = (n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef))
    return {name for name in defined if not name.startswith("_")}


def notebook_faults(path: Path) -> list[str]:
    """A committed notebook ran once, in order, without error, and tells nothing of the machine."""
    notebook = read(path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    counts = [cell.execution_count for cell in cells]
    faults = []
    if counts != list(range(1, len(cells) + 1)):
        faults.append(f"not executed in order: {counts}")
    outputs = [output for cell in cells for output in cell.outputs]
    if hushed := [cell.execution_count for cell in cells if cell.source.endswith(";")]:
        faults.append(
            f"nbval prints what a last semicolon hides: assign the value in cell {hushed}"
        )
    if any(output.output_type == "error" for output in outputs):
        faults.append("an output is an error")
    if notebook.metadata.get("papermill", {}).get("exception"):
        faults.append("the last run ended in an exception")
    for output in outputs:  # the bytes of a picture may hold anything
        for kind in [kind for kind in output.get("data", {}) if kind.startswith("image/")]:
            del output.data[kind]
    text = json.dumps(notebook)
    faults += [
        f"an absolute path: …{text[m.start() : m.end() + 40]}…"
        for m in ABSOLUTE_PATH.finditer(text)
    ]
    return faults


def pair_faults(markdown: Path) -> list[str]:
    """Where the executed twin of a text notebook holds other cells than the text."""
    twin = markdown.with_suffix(".ipynb")
    if not twin.exists():
        return [f"{twin.name} is missing: run `make notebooks`"]

    def cells(path: Path) -> list[tuple]:
        return [
            (c.cell_type, c.source, c.metadata.get("tags", []), c.metadata.get("mystnb", {}))
            for c in read(path).cells
        ]

    text, executed = cells(markdown), cells(twin)
    if len(text) != len(executed):
        return [f"{len(text)} cells in {markdown.name}, {len(executed)} in {twin.name}"]
    return [
        f"cell {number} differs: {one[1][:40]!r}, {other[1][:40]!r}"
        for number, (one, other) in enumerate(zip(text, executed, strict=True))
        if one != other
    ]


def pages_left_out(root: Path) -> list[str]:
    """Pages in book/ that the table of contents does not list: they would never be built."""
    listed = set(parse_toc_yaml(root / "_toc.yml"))
    names = (f"book/{path.stem}" for path in sorted((root / "book").glob("*.md")))
    return [name for name in names if name not in listed]
