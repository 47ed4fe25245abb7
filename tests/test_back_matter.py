"""The back matter says what the sources, the docstrings and the runs say, and says all of it."""

import importlib
import inspect
import json
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
from built import soup
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from small_site import build, write

import geokit
import geokit.check
from book._ext import api

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build/html/book"
CHAPTERS = sorted((ROOT / "book").glob("[0-9][0-9]-*.md"))
MODULES = [
    "",
    *[
        "surfaces",
        "solvers",
        "models",
        "training",
        "experiment",
        "data",
        "pretrained",
        "reliability",
    ],
]
MODULES += ["plotting", "explore", "check", "rbf", "ensemble", "walks"]


# The library's reference ------------------------------------------------------------------------


@cache
def entries() -> dict[str, str]:
    """What the reference says of each name: entries are told by the last part of their name."""
    found = {}
    for page in sorted(SITE.glob("api/*.html")):
        for entry in soup(page).select("dt.sig[id]"):
            found[entry["id"]] = entry.find_parent("dl").get_text()
    return found


def public(module) -> list[str]:
    """What a module offers: its `__all__`, or else what it defines without an underscore."""
    defined = (
        name
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    )
    return getattr(module, "__all__", [name for name in defined if not name.startswith("_")])


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_has_its_entry_with_its_docstring(site, name):
    module = importlib.import_module(f"geokit.{name}".rstrip("."))
    for one in public(module):
        known = [text for key, text in entries().items() if key.rpartition(".")[2] == one]
        assert known, f"{module.__name__}.{one} has no entry; name it on a page of book/api"
        made = getattr(module, one)
        if inspect.isclass(made) or inspect.isfunction(made):
            words = re.findall(r"\w+", inspect.getdoc(made).split("\n\n")[0])
            plain = (" ".join(re.findall(r"\w+", text)) for text in known)
            assert any(" ".join(words) in text for text in plain), one


def test_the_overview_lists_what_the_package_offers(site):
    listed = [code.get_text() for code in soup(SITE / "api.html").select("td:first-child code")]
    assert sorted(listed) == sorted(geokit.__all__)


@pytest.mark.parametrize("name", geokit.__all__)
def test_a_docstring_or_annotation_gives_the_shape_of_every_tensor(name):
    """Arrays are told from callables: a tensor's shape stands in brackets, here or there."""
    made = getattr(geokit, name)
    documented = inspect.getdoc(made)
    for part in re.findall(r"(\w+): Tensor\b", api.signature(made)[0]):
        assert re.search(rf"\b{part}\b[^\n]*\n?[^\n]*`\([^`]*\)`", documented), part


MEASURED = [
    "inner",
    "norm",
    "angle",
    "volume_element",
    "unit_ball",
    "jacobian",
    "christoffel",
    "gaussian_curvature",
    "energy",
    "length",
    "distance",
    "isometry_error",
    "smallest_singular_value",
    "injectivity_defect",
    "coefficient_of_variation",
    "disagreement",
    "ensemble_energy",
    "euclidean_walk",
    "riemannian_walk",
]


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_measured_has_a_unit(name):
    assert re.search(
        r"unit|radian|dimensionless", inspect.getdoc(getattr(geokit, name)), re.IGNORECASE
    )


def test_signatures_read_as_they_are_written(site):
    assert api.signature(geokit.PullbackMetric) == (
        "(f: Immersion, ambient: Metric | None = None)",
        "",
    )
    assert api.signature(geokit.energy) == (
        "(G: Metric, curve: Curve, *, elements: int = 64)",
        "Float[Tensor, '*batch']",
    )
    assert str(ROOT) not in "".join(entries().values())


def follow(page: Path, href: str) -> tuple[Path, str]:
    path, _, anchor = href.partition("#")
    return (page.parent / path).resolve(), anchor


@pytest.mark.parametrize(
    ("name", "line"), [("PullbackMetric", "return J.mT @ J"), ("jacobian", "_push_basis(f, z)")]
)
def test_from_an_equation_to_the_line_that_computes_it_are_two_clicks(site, name, line):
    """Chapter 2, the first cell after equation (2.1) that uses the name; its entry; its source."""
    page = SITE / "02-pullback-metric.html"
    equation = soup(page).find(id="equation-eq-taylor")
    first = next(a for a in equation.find_all_next("a", class_="to-api") if a.get_text() == name)
    place, anchor = follow(page, first["href"])
    entry = soup(place).find(id=anchor).parent
    place, anchor = follow(place, entry.find("a", string="[source]", href=True)["href"])
    assert place.name == "pullback.html"
    assert line in soup(place).find(id=anchor).get_text()


def test_markdown_of_docstrings_becomes_the_other_markup():
    lines = ["Of `*x` and |y|.", "", "Returns:", "    `a`s.", "", "Source: one", "    two."]
    assert api.reworded(lines) == [
        r"Of ``*x`` and \|y\|.",
        "",
        ":Returns:",
        r"    ``a``\ s.",
        "",
        ":Source: one",
        "    two.",
    ]
    example = [">>> f(`x`) | g", "3"]
    assert api.reworded(example) == example


# Theorems and exercises -------------------------------------------------------------------------

EXERCISE = re.compile(r"^`{3,}\{exercise(?:-start)?\}(.*)\n:label: *(\S+)", re.M)


def rows(page: str, number: int) -> list[list]:
    table = soup(SITE / f"{page}.html").find_all("table")[number]
    return [row.find_all("td") for row in table.select("tbody tr")]


def target(cell) -> tuple[Path, str]:
    page, _, anchor = cell.a["href"].partition("#")
    return SITE / page, anchor


def sources(pattern: re.Pattern) -> list[tuple[str, str]]:
    """Chapter and label of all that the sources hold, in order."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in CHAPTERS}
    return [
        (stem, found[found.re.groups]) for stem in texts for found in pattern.finditer(texts[stem])
    ]


def test_every_statement_is_listed_under_the_number_it_has_there(site):
    listed = rows("theorems", 0)
    boxes = [
        (path.stem, box["id"])
        for path in CHAPTERS
        for box in soup(SITE / f"{path.stem}.html").select("div.proof[id]")
    ]
    assert [(p.stem, a) for p, a in (target(row[0]) for row in listed)] == boxes
    for number, title, _ in listed:
        page, anchor = target(number)
        head = soup(page).find(id=anchor).select_one(".admonition-title").get_text(" ", strip=True)
        assert head.split() == f"{number.get_text()} ({title.get_text()})".split()


def test_every_exercise_is_listed_under_the_number_of_its_check(site):
    listed = rows("theorems", 1)
    assert [(p.stem, a) for p, a in (target(row[0]) for row in listed)] == sources(EXERCISE)
    assert {row[0].get_text() for row in listed} == set(geokit.check.table())
    for number, title, kind, _ in listed:
        page, anchor = target(number)
        box = soup(page).find(id=anchor)
        assert title.get_text() in box.select_one(".admonition-title").get_text()
        assert (kind.get_text() or title.get_text()) in ("By hand", "In code", "Find the error")
        assert f'check.answer("{number.get_text()}"' in box.get_text()


# Where data come from ---------------------------------------------------------------------------

MARK = re.compile(r"^```\{provenance\} (.+)\n```$", re.M)
RUNS = {
    path.parent.name: json.loads(path.read_text())
    for path in ROOT.glob("notebooks/results/*/provenance.json")
}


def test_every_mark_of_the_chapters_is_a_line_that_says_what_the_run_says(site):
    marked = 0
    for path in CHAPTERS:
        names = MARK.findall(path.read_text(encoding="utf-8"))
        lines = [p.get_text() for p in soup(SITE / f"{path.stem}.html").select("p.provenance")]
        assert len(lines) == len(names)
        for line, runs in zip(lines, names, strict=True):
            marked += 1
            for run in runs.split():
                about = RUNS[run]
                facts = [run, about.get("date", ""), f"torch {about['torch']}", about["device"]]
                if "spec" in about:
                    facts += [about["code"][:8], f"{len(about['seeds'])} models"]
                assert all(fact in line for fact in facts), (line, facts)
    assert marked > 5


def test_the_reproduction_names_all_runs_that_it_draws(site):
    thirty = {
        run for run, about in RUNS.items() if len(about.get("seeds", [])) == 30 and "spec" in about
    }
    text = (ROOT / "book/14-reproduction.md").read_text(encoding="utf-8")
    assert {*MARK.search(text)[1].split()} == thirty


def test_a_figure_of_an_experiment_has_the_line_of_its_run(site):
    for name in ("control", "oddity", "reproduce", "train-mnist"):
        figures = soup(SITE.parent / f"notebooks/{name}.html").select("article figure")
        assert figures
        assert all(figure.select_one("figcaption p.provenance") for figure in figures)


# Status -----------------------------------------------------------------------------------------


def test_every_run_is_told_and_every_spec_without_results_is_told_to_be_missing(site):
    chapters, runs, missing, _ = (rows("status", n) for n in range(4))
    assert len(chapters) == len(CHAPTERS)
    assert [row[0].get_text() for row in runs] == sorted(RUNS)
    for name, _, date, _, where in runs:
        about = RUNS[name.get_text()]
        assert date.get_text() == about.get("date", "not recorded")
        assert f"torch {about['torch']}" in where.get_text()
    specs = {path.stem for path in ROOT.glob("notebooks/specs/*.toml")}
    assert [row[0].get_text() for row in missing] == sorted(specs - RUNS.keys())


ABOUT = {
    "spec": {"dataset": "digits", "model": {"kind": "VAE"}, "pairs": {"count": 20}},
    "seeds": [0, 1, 2],
    "diverged": [1],
    "seconds": {"training": 100, "measuring": 50},
    "code": "0123456789",
    "device": "x86_64",
    "torch": "2.13.0",
    "geokit": "0.1.0",
    "python": "3.11.7",
    "date": "2026-01-02",
}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def run_of(root: Path, name: str, **changes) -> None:
    write(root, f"notebooks/results/{name}/provenance.json", json.dumps(ABOUT | changes))


def notebook(*cells: nbformat.NotebookNode) -> str:
    python = {"name": "python3", "language": "python", "display_name": "Python 3"}
    made = nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": python})
    for n, cell in enumerate(made.cells):
        cell.id = str(n)
    return nbformat.writes(made)


def executed_page(root: Path) -> None:
    """A page, and its outputs in the cache as `execute.py` leaves them."""
    cell = nbformat.v4.new_code_cell("1 + 1")
    text = notebook(nbformat.v4.new_markdown_cell("# A page"), cell)
    path = write(root, "01-page.ipynb", text)
    about = {"execution_seconds": 41.7, "device": "riscv", "python": "3.11.7", "torch": "2.13.0"}
    bundle = CacheBundleIn(nbformat.reads(text, 4), str(path), data=about | {"geokit": "0.1.0"})
    get_cache(root / "cache").cache_notebook_bundle(bundle, check_validity=False)


def test_two_builds_of_the_same_runs_give_the_same_bytes_whatever_the_clock_says(tmp_path):
    write(
        tmp_path,
        "index.md",
        "# Status\n\n"
        + "".join(
            f"```{{listing}} {name}\n```\n\n"
            for name in ("chapters", "runs", "waiting", "decoders")
        ),
    )
    executed_page(tmp_path)
    run_of(tmp_path, "digits")
    run_of(tmp_path, "old", seconds=None)
    write(tmp_path, "notebooks/specs/digits.toml", "# run\n")
    write(tmp_path, "notebooks/specs/large.toml", "# For a GPU\n# with 40 GB.\nx = 1\n")
    pages = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):  # never the same day
        run = build(tmp_path, zone.replace("/", "-"), TZ=zone)
        assert run.returncode == 0, run.stderr
        pages.append(tmp_path / "built" / zone.replace("/", "-") / "index.html")
    assert pages[0].read_bytes() == pages[1].read_bytes()

    chapters, runs, waiting = (
        [[cell.get_text() for cell in row.find_all("td")] for row in table.select("tbody tr")]
        for table in soup(pages[0]).find_all("table")
    )
    created = get_cache(tmp_path / "cache").list_cache_records()[0].created
    [[title, date, took, where]] = chapters
    assert (title, date, took) == ("1. A page", f"{created:%Y-%m-%d}", "42 s")
    assert where == "riscv, Python 3.11.7, torch 2.13.0, geokit 0.1.0"
    assert runs[0][1:4] == ["digits, VAE, 2 models × 20 pairs", "2026-01-02", "2 min"]
    assert runs[1][3] == "not recorded"
    assert waiting == [["large", "For a GPU with 40 GB."]]
    assert "None." in soup(pages[0]).get_text()  # no decoders here


# What can be said wrongly -----------------------------------------------------------------------


def page_with_figure(root: Path, after: str) -> None:
    look = {"mystnb": {"figure": {"name": "fig-a", "caption": "Says it."}}}
    data = nbformat.v4.new_output("display_data", data={"image/png": PIXEL})
    drawn = nbformat.v4.new_code_cell("draw()", metadata=look, outputs=[data])
    words = nbformat.v4.new_markdown_cell
    write(root, "page.ipynb", notebook(words("# A page"), drawn, words(after)))
    write(root, "index.md", "# Home\n")
    run_of(root, "digits")
    run_of(root, "newer", code="99999999", date="2026-01-03")


def test_the_line_stands_below_the_caption_and_says_what_runs_share_once(tmp_path):
    page_with_figure(tmp_path, "```{provenance} digits newer\n```\n\nWords.")
    run = build(tmp_path, execution="off")
    assert run.returncode == 0, run.stderr
    caption = soup(tmp_path / "built/html/page.html").select_one("figcaption")
    text = " ".join(caption.get_text(" ", strip=True).split())
    assert text.endswith(
        "Data in notebooks/results : digits (2026-01-02, code 01234567), "
        "newer (2026-01-03, code 99999999); each: 2 models × 20 pairs, CPU (x86_64), "
        "Python 3.11.7, torch 2.13.0, geokit 0.1.0."
    )
    assert text.index("Says it.") < text.index("Data in")


def test_wrong_marks_stop_the_build_and_say_where(tmp_path):
    page_with_figure(
        tmp_path,
        "Words.\n\n```{provenance} digits\n```\n\n"
        "```{provenance} digitz\n```\n\n```{listing} theorems\n```",
    )
    run = build(tmp_path, execution="off")
    assert run.returncode != 0
    for sentence in (
        "put it right after the cell that draws",
        "There is no notebooks/results/digitz/provenance.json; "
        "name one of the runs that are there: digits, newer.",
        "There is no listing 'theorems'; say one of statements,",
    ):
        assert re.search(rf"page\.ipynb:\d+: .*{re.escape(sentence)}", run.stderr), run.stderr
