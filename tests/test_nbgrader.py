"""An assignment goes through nbgrader's own commands and comes back with the right marks."""

import ast
import copy
import csv
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook

from book._ext.chapters import read_chapters
from book._ext.editions import build, course, source, text
from book._ext.editions.atlas import Atlas, Reference
from book._ext.editions.plain import plain

ROOT = Path(__file__).parents[1]
TINY = "04-tiny"  # the exercises of chapter 4 are a function, a choice and a number
CHAPTER = """\
---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A tiny chapter

**Minutes.** One.

```{code-cell} ipython3
import torch

from geokit import PullbackMetric, check, volume_element
```

## Exercises

```{exercise-start} An area
:label: ex-area
```
Write `my_area(f, low, high)`. Check yourself: `check.answer("4.1", my_area)`.
```{exercise-end}
```

```{solution-start} ex-area
:class: dropdown
```
Add up parallelograms, as the lecture did.

```{code-cell} ipython3
def middles(low, high):
    t = (torch.arange(200) + 0.5) / 200
    return torch.cartesian_prod(*(low + t[:, None] * (high - low)).mT)


def my_area(f, low, high):
    volumes = volume_element(PullbackMetric(f), middles(low, high))
    return volumes.mean() * (high - low).prod()


check.answer("4.1", my_area)
```

```{code-cell} ipython3
print("a demonstration for those who solved it")
```

```{code-cell} ipython3
:tags: [hide-cell]

assert check.answer("4.1", my_area) == "correct"
```
```{solution-end}
```

```{exercise-start} A choice
:label: ex-choice
```
Which? Check yourself: `check.answer("4.2", "...")`.
```{exercise-end}
```

```{solution-start} ex-choice
:class: dropdown
```
The first and the fourth.

```{code-cell} ipython3
answer_2 = "ad"
check.answer("4.2", answer_2)
```

```{code-cell} ipython3
:tags: [hide-cell]

assert check.answer("4.2", answer_2) == "correct"
```
```{solution-end}
```

```{exercise-start} A factor
:label: ex-factor
```
By what factor? Check yourself: `check.answer("4.3", factor)`.
```{exercise-end}
```

```{solution-start} ex-factor
:class: dropdown
```
One over two to the fifth.

```{code-cell} ipython3
answer_3 = 1 / 32
check.answer("4.3", answer_3)
```

```{code-cell} ipython3
:tags: [hide-cell]

assert check.answer("4.3", answer_3) == "correct"
```
```{solution-end}
```

## Take-away

* The last words of the chapter.
"""
POINTS = {"ex-area": 4, "ex-choice": 2, "ex-factor": 1}
NOTES = "# 04-tiny\n\nFor the teacher.\n" + "".join(
    f"\n# {label}\n:points: {points}\n:minutes: 5\n\nOften seen.\n"
    for label, points in POINTS.items()
)
# what a student writes over the answer cells
GOOD = {
    "answer-4-1": """\
def my_area(f, low, high):
    n = 40
    t = (torch.arange(n) + 0.5) / n
    x, y = torch.meshgrid(*(low + t[:, None] * (high - low)).mT, indexing="ij")
    z = torch.stack([x, y], dim=-1)
    return volume_element(PullbackMetric(f), z).sum() * (high - low).prod() / n**2""",
    "answer-4-2": 'answer_2 = "ad"',
    "answer-4-3": "answer_3 = 0.03125",
}


def notebook(words: str) -> NotebookNode:
    """A chapter as cells, as the build reads it."""
    return read_myst_markdown_notebook(words, MdParserConfig(enable_extensions=["colon_fence"]))


def editions(folder: Path) -> tuple[NotebookNode, NotebookNode]:
    """The student's and the instructor's notebook of the tiny chapter."""
    (folder / "book/teaching/notes").mkdir(parents=True)
    path = folder / f"book/{TINY}.md"
    path.write_text(CHAPTER, encoding="utf-8")
    (folder / f"book/teaching/notes/{TINY}.md").write_text(NOTES, encoding="utf-8")
    chapter = read_chapters(path.parent)[TINY]
    assert not [*source.exercise_faults(chapter)]
    page = f"book/{TINY}"
    pages = {page: Reference("A tiny chapter", page, "", "", "page")}
    labels = {
        ("box", e.label): Reference(f"Exercise {e.number}", page, e.label, e.text.title, "box")
        for e in chapter.exercises
    }
    atlas = Atlas(pages, frozenset(pages), labels, {})
    whole = course.whole([chapter])
    student, instructor = (
        plain(notebook(text.edited(chapter, edition, whole)), page, atlas)
        for edition in ("student", "instructor")
    )
    return student, instructor


def nbgrader(course: Path, *words: str) -> subprocess.CompletedProcess:
    """nbgrader's own command, from a shell in which the environment was not activated."""
    environment = os.environ | {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "nbgrader", *words]
    return subprocess.run(command, cwd=course, env=environment, text=True, capture_output=True)


def graded(nb: NotebookNode, name: str) -> NotebookNode:
    """The cell with this name in nbgrader's metadata."""
    [found] = [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name]
    return found


def solve(nb: NotebookNode, **other: str) -> None:
    for name, answer in (GOOD | {k.replace("_", "-"): v for k, v in other.items()}).items():
        graded(nb, name).source = answer


def warn(nb: NotebookNode) -> None:
    """Solve everything, with a function that writes to stderr."""
    shout = '    import sys; print("old style", file=sys.stderr)\n    n = 40'
    solve(nb, answer_4_1=GOOD["answer-4-1"].replace("    n = 40", shout))


def leave(nb: NotebookNode) -> None:
    """Hand it in as it was handed out."""


def err(nb: NotebookNode) -> None:
    """Solve the choice, get the function wrong and forget the number; leave a script behind."""
    solve(nb, answer_4_1="def my_area(f, low, high):\n    return (high - low).prod()")
    graded(nb, "answer-4-3").source = "answer_3 = ..."
    script = "import IPython\nIPython.display.HTML('<script>' + 'alert(1)</script>')"
    nb.cells.append(new_code_cell(script))


def meddle(nb: NotebookNode) -> None:
    """Delete a test, loosen another and ask for more points, copy a cell, damage metadata."""
    solve(nb, answer_4_2='answer_2 = "b"')
    loosened = graded(nb, "test-4-2")
    loosened.source = "pass"
    loosened.metadata.nbgrader.points = 100
    graded(nb, "try-4-2").source = "check.answer = lambda *given: 'correct'"
    nb.cells.insert(0, new_code_cell("", metadata=copy.deepcopy(loosened.metadata)))
    nb.cells.remove(graded(nb, "test-4-1"))
    graded(nb, "answer-4-3").metadata.nbgrader = {}


def loop(nb: NotebookNode) -> None:
    """Loop without end, then solve the choice, then forget a bracket."""
    solve(nb, answer_4_1="while True:\n    pass", answer_4_3="answer_3 = (1 / 32")


def crash(nb: NotebookNode) -> None:
    """Take the kernel down, half-way through."""
    solve(nb, answer_4_2="import os\n\nos._exit(1)")


STUDENTS: dict[str, tuple[Callable[[NotebookNode], None], float]] = {
    "crashing": (crash, 0),
    "erring": (err, 2),
    "leaving": (leave, 0),
    "looping": (loop, 2),
    "meddling": (meddle, 5),
    "warned": (warn, 7),
}


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory) -> tuple[Path, NotebookNode, NotebookNode]:
    """A course folder after `generate_assignment`, and the editions that it was made of."""
    folder = tmp_path_factory.mktemp("teaching")
    student, instructor = editions(folder)
    files = folder / "instructor/notebooks"
    (files / "book").mkdir(parents=True)
    (files / "book/style.mplstyle").write_text("")
    nbformat.write(instructor, files / f"book/{TINY}.ipynb")
    build.grading(files, folder / "course")
    done = nbgrader(folder / "course", "generate_assignment", TINY)
    assert done.returncode == 0, done.stderr
    shutil.copytree(folder / "course", folder / "untouched")
    return folder / "course", student, instructor


@pytest.fixture(scope="module")
def run(handed_out) -> tuple[Path, subprocess.CompletedProcess]:
    """The course folder after one `autograde` of all submissions, and what that said."""
    course, *_ = handed_out
    with (course / "nbgrader_config.py").open("a") as config:
        # so that the endless loop does not take long, and a busy machine may take its time
        config.write("c.Execute.timeout_func = lambda c: 2 if 'while True' in c.source else 100\n")
    for name, (do, _) in STUDENTS.items():
        nb = copy.deepcopy(released(course))
        do(nb)
        save(nb, course / f"submitted/{name}/{TINY}/{TINY}.ipynb")
    return course, nbgrader(course, "autograde", TINY)


def released(course: Path) -> NotebookNode:
    return nbformat.read(course / f"release/{TINY}/{TINY}.ipynb", as_version=4)


def save(nb: NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(nb), encoding="utf-8")


def autograded(course: Path, name: str) -> NotebookNode:
    return nbformat.read(course / f"autograded/{name}/{TINY}/{TINY}.ipynb", as_version=4)


def booked(course: Path) -> dict[str, float]:
    """The marks in the grade book."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        return {s.student.id: s.score for s in book.assignment_submissions(TINY)}


def marks(course: Path) -> dict[str, float]:
    """What `nbgrader export` writes."""
    done = nbgrader(course, "export", "--to", "grades.csv")
    assert done.returncode == 0, done.stderr
    with (course / "grades.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert {float(row["max_score"]) for row in rows} == {sum(POINTS.values())}
    return {row["student_id"]: float(row["score"]) for row in rows}


def essence(nb: NotebookNode) -> list[tuple]:
    """What reaches the student: text, code, and nbgrader's metadata but for what it adds itself."""
    found = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            if found and found[-1][0] == "markdown":
                found[-1] = ("markdown", f"{found[-1][1]}\n\n{cell.source}".strip())
            else:
                found.append(("markdown", cell.source.strip()))
        else:
            own = cell.metadata.get("nbgrader", {})
            kept = {k: v for k, v in own.items() if k not in ("checksum", "cell_type")}
            found.append(("code", cell.source, kept))
    return [entry for entry in found if entry[1]]


def test_nbgraders_release_is_the_students_edition(handed_out):
    course, student, _ = handed_out
    assert essence(released(course)) == essence(student)


def test_nothing_of_a_solution_and_no_hidden_test_is_handed_out(handed_out):
    course, _, instructor = handed_out
    given = "\n".join(cell.source for cell in released(course).cells)
    solutions = re.findall(r"^```\{solution-start\}.*?^```\{solution-end\}", CHAPTER, re.M | re.S)
    lines = {line.strip() for block in solutions for line in block.splitlines()}
    kept = {"def my_area(f, low, high):"} | {c for c in lines if c.startswith("check.answer(")}
    for line in lines - kept:
        if len(line) > 3 and not line.startswith(("```", ":")):
            assert line not in given, line
    assert "### BEGIN" not in given
    assert "### BEGIN HIDDEN TESTS" in "".join(c.source for c in instructor.cells)
    assert "For the teacher" not in given


def test_each_submission_gets_its_marks(run):
    course, done = run
    expected = {name: points for name, (_, points) in STUDENTS.items()}
    assert marks(course) == expected, done.stderr


def test_a_submission_that_could_not_be_graded_is_named_and_holds_up_no_other(run):
    course, done = run
    assert done.returncode == 1
    named = re.findall(r"error processing assignment '.*' for student '(.*)'", done.stderr)
    assert named == ["crashing"]
    assert {p.parent.name for p in course.glob(f"autograded/*/{TINY}")} == {*STUDENTS} - {*named}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        unsure = [s.student.id for s in book.assignment_submissions(TINY) if s.needs_manual_grade]
    assert unsure == named


def test_a_notebook_that_nobody_touched_runs_and_says_not_attempted(run):
    course, _ = run
    nb = autograded(course, "leaving")
    failed = [c for c in nb.cells if any(o.output_type == "error" for o in c.get("outputs", []))]
    assert {c.metadata.nbgrader.grade_id for c in failed} == {"test-4-1", "test-4-2", "test-4-3"}
    for number in ("4-1", "4-2", "4-3"):
        [output] = graded(nb, f"try-{number}").outputs
        assert output.data["text/plain"] == "'not attempted'"


def test_marks_can_be_taken_from_notebooks_that_ran_elsewhere(run, tmp_path):
    """`--no-execute` reads the outputs: the grade book need not be where submissions run."""
    course, _ = run
    shutil.copytree(course.with_name("untouched"), tmp_path, dirs_exist_ok=True)
    shutil.copytree(course / "autograded", tmp_path / "executed")
    folder = "--CourseDirectory.submitted_directory=executed"
    done = nbgrader(tmp_path, "autograde", TINY, "--no-execute", folder)
    assert done.returncode == 0, done.stderr
    ran = {name: points for name, (_, points) in STUDENTS.items() if name != "crashing"}
    assert booked(tmp_path) == ran


PRY = """\
import socket
from pathlib import Path

def reached(what):
    try:
        return bool(what())
    except OSError:
        return False

{
    "network": reached(lambda: socket.create_connection(("127.0.0.1", PORT), 2)),
    "grade book": reached(Path("GRADES").exists),
    "others": reached(lambda: len([*Path("/course/submitted").iterdir()]) > 1),
    "library": reached(lambda: Path(torch.__file__).with_name("mine").write_text("x")),
    "link": reached(lambda: Path("secret.txt").read_text()),
}"""


@pytest.mark.sandbox
def test_a_contained_submission_gets_its_marks_and_reaches_nothing_else(handed_out, tmp_path):
    """No network, grade book, other submission, file behind a link, or library to write to."""
    (course, *_), secret = handed_out, tmp_path / "secret.txt"
    course = Path(shutil.copytree(course.with_name("untouched"), tmp_path / "course"))
    secret.write_text("of the teacher")
    with socket.create_server(("127.0.0.1", 0)) as server:
        pry = PRY.replace("PORT", str(server.getsockname()[1]))
        pry = pry.replace("GRADES", str(course / "gradebook.db"))
        for name, do in (("prying", solve), ("crashing", crash)):
            nb = released(course)
            do(nb)
            nb.cells.append(new_code_cell(pry))
            save(nb, course / f"submitted/{name}/{TINY}/{TINY}.ipynb")
            (course / f"submitted/{name}/{TINY}/secret.txt").symlink_to(secret)
        command = [sys.executable, "contained.py", TINY]
        done = subprocess.run(command, cwd=course, text=True, capture_output=True)
    assert re.findall(r"^NOT GRADED (\w+): ", done.stderr, re.M) == ["crashing"], done.stderr
    assert done.returncode == 1
    assert booked(course) == {"prying": sum(POINTS.values())}
    said = autograded(course, "prying").cells[-1].outputs[0].data["text/plain"]
    assert set(ast.literal_eval(said).values()) == {False}


def test_feedback_shows_points_and_runs_no_script_of_a_submission(run):
    course, _ = run
    done = nbgrader(course, "generate_feedback", TINY, "--student", "erring")
    assert done.returncode == 0, done.stderr
    page = (course / f"feedback/erring/{TINY}/{TINY}.html").read_text("utf-8")
    assert "(Score: 2.0 / 7.0)" in page
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page


def test_the_settings_name_no_folder_of_any_machine(handed_out):
    course, *_ = handed_out
    words = (course / "nbgrader_config.py").read_text("utf-8")
    assert not re.search(r"[\"'](/|~|[A-Z]:\\)", words)
