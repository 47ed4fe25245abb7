"""What an edit executes again: all that it may have changed, and nothing else."""

import ast
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from book._ext import execute
from book._ext.editions import executed
from book._ext.imports import Library, meaning

ROOT = Path(__file__).parents[1]
CONFIG = "parse: {myst_enable_extensions: []}\nexecute: {exclude_patterns: [], timeout: 60}\n"
HEADER = "---\nfile_format: mystnb\nkernelspec: {name: python3}\n---\n\n"
PACKAGE = {
    "geokit/__init__.py": "from .metric import norm\nfrom .walks import walk\n",
    "geokit/metric.py": '"""Lengths."""\nfrom . import types\n\n\ndef norm(z):\n    return z\n',
    "geokit/walks.py": "from .metric import norm\n\n\ndef walk():\n    return norm(1)\n",
    "geokit/types.py": "Float = float\n",
    "geokit/check/__init__.py": "from .rules import Rule\n\n\ndef answer():\n    return Rule\n",
    "geokit/check/rules.py": "class Rule:\n    pass\n",
    "geokit/check/chapter_01.py": "RULES = {}\n",
    "geokit/check/chapter_02.py": "from .. import walks\n",
    "geokit/explore/figure.js": "draw();\n",
    "geokit/assets/digits.safetensors": "1",
    "notebooks/results/run/table.csv": "1\n",
    "book/style.mplstyle": "figure.dpi: 100\n",
    "constraints.txt": "torch==1\n",
}
ONE = "from geokit import norm, check\nnorm(1)"
TWO = 'from geokit.walks import walk\nopen("../notebooks/results/run/table.csv")\nload("digits")'


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Two chapters on a library of few lines."""
    for name, text in PACKAGE.items():
        write(tmp_path / name, text)
    for name, code in (("01-one", ONE), ("02-two", TWO)):
        cell = f"```{{code-cell}}\n{code}\n```\n"
        write(tmp_path / f"book/{name}.md", f"{HEADER}# A page\n\n{cell}")
    toc = "format: jb-book\nroot: book/01-one\nchapters: [{file: book/02-two}]\n"
    write(tmp_path / "_toc.yml", toc)
    write(tmp_path / "_config.yml", CONFIG)
    return tmp_path


def prints(small: Path) -> dict[str, str]:
    meaning.cache_clear()
    made = execute.Fingerprints(small)
    return {page: made.of(page, nb) for page, nb in execute.chapters(small).items()}


@pytest.mark.parametrize(
    ("name", "text", "moved"),
    [
        ("geokit/types.py", "Float = int\n", {"book/01-one", "book/02-two"}),
        ("geokit/walks.py", "from .metric import norm\nwalk = norm\n", {"book/02-two"}),
        ("geokit/check/rules.py", "Rule = 1\n", {"book/01-one", "book/02-two"}),
        ("geokit/check/chapter_01.py", "RULES = {1: 2}\n", {"book/01-one"}),
        ("geokit/assets/digits.safetensors", "2", {"book/02-two"}),
        ("notebooks/results/run/table.csv", "2\n", {"book/02-two"}),
        ("book/style.mplstyle", "figure.dpi: 200\n", {"book/01-one", "book/02-two"}),
        ("constraints.txt", "torch==2\n", {"book/01-one", "book/02-two"}),
        ("geokit/metric.py", PACKAGE["geokit/metric.py"].replace("Lengths", "Norms"), set()),
        ("geokit/types.py", "# a type\nFloat = float\n", set()),
        ("geokit/explore/figure.js", "draw(2);\n", set()),
        ("geokit/__pycache__/types.pyc", "new", set()),
        ("book/01-one.md", f"{HEADER}# Other prose\n\n```{{code-cell}}\n{ONE}\n```\n", set()),
    ],
)
def test_an_edit_executes_the_pages_that_rest_on_it(small, name, text, moved):
    """Chapter 1 takes `norm` from the package: what else that offers is not its business."""
    if name == "geokit/check/rules.py":  # chapter 2 imports no checks, but its rules do
        write(small / "geokit/check/chapter_02.py", "from .rules import Rule\n")
    before = prints(small)
    write(small / name, text)
    after = prints(small)
    assert {page for page in before if before[page] != after[page]} == moved


def test_a_page_that_shows_docstrings_rests_on_them(small):
    write(small / "book/01-one.md", f"{HEADER}```{{code-cell}}\n{ONE}\nhelp(norm)\n```\n")
    before = prints(small)
    write(small / "geokit/metric.py", PACKAGE["geokit/metric.py"].replace("Lengths", "Norms"))
    assert prints(small)["book/01-one"] != before["book/01-one"]


def test_results_rest_on_the_presence_of_the_large_data(small, monkeypatch):
    monkeypatch.delenv("GEOKIT_DATA", raising=False)
    before = prints(small)
    monkeypatch.setenv("GEOKIT_DATA", "somewhere")
    assert all(before[page] != now for page, now in prints(small).items())


def test_importing_the_whole_package_rests_on_all_it_offers(small):
    library = Library(small / "geokit")
    assert library.reached("import geokit") == {
        "geokit",
        "geokit.metric",
        "geokit.types",
        "geokit.walks",
    }
    assert library.reached("from geokit.metric import norm") == {"geokit.metric", "geokit.types"}
    assert library.reached("import torch\nfrom math import pi") == set()


@pytest.mark.parametrize("path", sorted((ROOT / "book").glob("[0-9]*.md")), ids=lambda p: p.stem)
def test_what_a_chapter_imports_is_found_where_python_finds_it(path):
    """A second route: the module that each imported object says it was defined in."""
    cells = re.findall(r"^```\{code-cell\}.*?\n(.*?)^```", path.read_text(), re.M | re.S)
    imports = [
        node
        for cell in cells
        for node in ast.walk(
            ast.parse(re.sub(r"\A(---\n.*?---\n|(:.*\n)+)|^%.*", "", cell, flags=re.S))
        )
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("geokit")
    ]
    assert imports
    library = Library(ROOT / "geokit")
    for node in imports:
        reached = library.reached(ast.unparse(node))
        for alias in node.names:
            given: dict = {}
            exec(f"from {node.module} import {alias.name} as made", given)
            made = given["made"]
            home = made.__name__ if isinstance(made, type(sys)) else getattr(made, "__module__", "")
            assert home in reached or not home.startswith("geokit")


def test_a_saved_figure_gets_todays_script_without_being_executed(small):
    cell, other = new_code_cell("fold"), new_markdown_cell("# A page")
    notebook = new_notebook(cells=[other, cell])
    write(small / "book/01-one.md", HEADER + "# A page\n\n```{code-cell}\nfold\n```\n")
    (notebook,) = (nb for page, nb in execute.chapters(small).items() if page == "book/01-one")
    model = {"_anywidget_id": "geokit.explore.fold.Fold", "_esm": "old", "_css": "old", "x": 1.5}
    states = {"a": {"model_module": "anywidget", "state": model}, "b": {"state": {}}}
    notebook.metadata.widgets = nbformat.from_dict({execute.WIDGETS: {"state": states}})
    execute.enter(execute.cache_of(small), small, "book/01-one", notebook, {"fingerprint": "f"})
    stamp = small / execute.STAMPS / "book/01-one"
    stamp.unlink()

    execute.refresh_looks(small)
    cache, (page, *_) = execute.cache_of(small), execute.chapters(small).values()
    state = executed.outputs_of(cache, page).metadata.widgets[execute.WIDGETS]["state"]["a"][
        "state"
    ]
    assert state["x"] == 1.5
    assert "function" in state["_esm"]
    assert "old" not in (state["_esm"], state["_css"])
    assert stamp.exists()
    assert execute.record_of(cache, page) == {"fingerprint": "f"}

    stamp.unlink()
    execute.refresh_looks(small)  # nothing new: nothing is read again
    assert not stamp.exists()


def test_students_cells_run_behind_those_whose_names_they_take():
    cells = [
        new_code_cell("import math\na = 1"),
        new_code_cell("slow = math.inf"),
        new_code_cell("b = a + 1"),
        new_code_cell("answer = ..."),
        new_code_cell("(answer, b)"),
        new_code_cell("late = 1"),
    ]
    for cell in cells[3:5]:
        cell.metadata.nbgrader = {"grade": False}
    chosen = [(cell.source, own) for cell, own in executed.excerpt(cells)]
    assert chosen == [
        ("import math\na = 1", False),
        ("b = a + 1", False),
        ("answer = ...", True),
        ("(answer, b)", True),
    ]
