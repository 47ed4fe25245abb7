"""The three editions of the real book, as `make course` has built them."""

import copy
import json
import re
import shutil
from pathlib import Path

import nbclient
import nbformat
import pytest
from leaks import files_hashed, leaks, pictures, secrets, solution_rows
from sphinx.search.en import SearchEnglish

from book._ext.editions import executed, source

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "_build/course"
BOOK = source.read_book(ROOT)
NAMES = [chapter.name for chapter in BOOK]
OTHERS = [*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md")]
OTHERS = [path for path in OTHERS if path.stem not in {*NAMES, "errata"}]
# the library's source is shown, and may say the same; the judges' is not
LIBRARY = ROOT / "geokit"
OTHERS += [p for p in LIBRARY.rglob("*.py") if "check" not in p.relative_to(LIBRARY).parts]
RAW = re.compile(r"^[`:]{3,}\{|\{[\w:]+\}`|^\([\w-]+\)=$", re.M)
WORD = re.compile(r"[a-z]{4,}")


pytestmark = pytest.mark.usefixtures("course")


def notebook(edition: str, name: str) -> nbformat.NotebookNode:
    return nbformat.read(COURSE / edition / f"notebooks/book/{name}.ipynb", as_version=4)


def verdicts(edition: str, name: str) -> list[str]:
    """What the cells that call a check have answered."""
    tried = [
        cell
        for cell in executed.code(notebook(edition, name))
        if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("try-")
        and "skip-execution" not in cell.metadata.get("tags", [])
    ]
    return [cell.outputs[0].data["text/plain"].strip("'") for cell in tried]


def checked(name: str) -> int:
    (chapter,) = (c for c in BOOK if c.name == name)
    return sum(e.number != "0.2" for e in chapter.exercises)  # it rests on the reader's files


@pytest.mark.parametrize("folder", ["html", "notebooks"])
def test_no_part_of_a_solution_is_anywhere_in_the_students_edition(folder):
    """Pages, sources, downloads, search index, widgets' state, notebooks with their metadata."""
    hidden = secrets(BOOK, OTHERS)
    assert {*hidden.values()} == {e.number for chapter in BOOK for e in chapter.exercises}
    assert leaks(COURSE / "student" / folder, hidden) == []


def test_no_picture_of_a_solution_is_in_the_students_edition():
    found = set()
    for chapter in BOOK:
        cells = notebook("instructor", chapter.name).cells
        found |= pictures([c for c in cells if "solution" in c.metadata.get("tags", [])])
    shown = set()
    for name in NAMES:
        shown |= pictures(notebook("student", name).cells)
    assert found
    assert not found & shown
    assert not found & files_hashed(COURSE / "student/html")
    assert found & files_hashed(COURSE / "instructor/html")


def test_the_search_index_knows_no_word_that_only_solutions_use():
    index = (COURSE / "student/html/searchindex.js").read_text(encoding="utf-8")
    index = json.loads(index.removeprefix("Search.setIndex(").rstrip(")"))
    elsewhere = " ".join(
        path.read_text(encoding="utf-8")
        for path in [*OTHERS, *(ROOT / "book/api").glob("*.md"), ROOT / "book/references.bib"]
    )
    elsewhere += " ".join(p.read_text(encoding="utf-8") for p in (ROOT / "geokit").rglob("*.py"))
    secret = ""
    for chapter in BOOK:
        rows = solution_rows(chapter)
        for k, line in enumerate(chapter.lines):
            if k not in rows:
                elsewhere += f" {line}"
            else:
                secret += f" {line}"
    stem = SearchEnglish({}).stem  # the index holds stems
    stems, others = ({stem(w) for w in WORD.findall(s.lower())} for s in (secret, elsewhere))
    assert len(stems - others) > 10
    assert (stems - others) & {*index["terms"]} == set()


@pytest.mark.parametrize("name", NAMES)
def test_unsolved_notebooks_ran_and_every_check_says_not_attempted(name):
    assert verdicts("student", name) == ["not attempted"] * checked(name)


@pytest.mark.parametrize("name", NAMES)
def test_solved_notebooks_ran_and_every_check_passes(name):
    assert verdicts("instructor", name) == ["correct"] * checked(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("edition", ["reader", "student", "instructor"])
def test_every_notebook_ran_from_top_to_bottom_and_shows_no_directive(edition, name):
    cells = notebook(edition, name).cells
    ran = [
        cell.execution_count
        for cell in cells
        if cell.cell_type == "code"
        and cell.source.strip()
        and "skip-execution" not in cell.metadata.get("tags", [])
        and "first-cell" not in cell.metadata.get("tags", [])
    ]
    assert ran == sorted(ran)
    assert None not in ran
    assert not any(o.output_type == "error" for c in cells for o in c.get("outputs", []))
    assert [c.source for c in cells if c.cell_type == "markdown" and RAW.search(c.source)] == []


def test_the_teachers_notes_are_the_instructors_alone():
    """A line of every note is found in the instructor's pages, and in no other edition."""
    lines = {}
    for path in sorted((ROOT / "book/teaching/notes").glob("*.md")):
        words = re.findall(r"[A-Z][\w ,']{50,}", path.read_text(encoding="utf-8"))
        lines |= {re.sub(r"\s+", "", max(words, key=len)): path.stem}
    assert len(lines) >= len(NAMES)
    for edition in ("reader", "student"):
        assert leaks(COURSE / edition / "html", lines) == []
        assert leaks(COURSE / edition / "notebooks", lines) == []
    found = leaks(COURSE / "instructor/html", lines)
    assert {row.split(": ")[1].removeprefix("exercise ") for row in found} == {*lines.values()}


def said(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """What each cell prints and gives, as text; how a printed text was cut up in time is chance."""
    return [
        [
            "".join(o.text for o in cell.outputs if o.output_type == "stream"),
            *(o.data.get("text/plain", "") for o in cell.outputs if "data" in o),
        ]
        for cell in executed.code(notebook)
    ]


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_an_unsolved_notebook_says_when_it_runs_what_it_was_given(name, tmp_path):
    """A second route: its outputs were carried over from the book, cell by cell."""
    shutil.copytree(COURSE / "student/notebooks", tmp_path, dirs_exist_ok=True)
    carried = notebook("student", name)
    again = copy.deepcopy(carried)
    where = {"metadata": {"path": str(tmp_path / "book")}}
    nbclient.NotebookClient(again, timeout=300, resources=where).execute()
    assert said(again) == said(carried)
