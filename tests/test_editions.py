"""One source, three editions: a tiny book of two chapters goes all the way, and its faults stop it.

`test_course.py` looks at the editions of the real book.
"""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from leaks import leaks, secrets
from test_build import HEADER, again, make, write

from book._ext.chapters import Fault
from book._ext.editions import assignment, course, executed, names, source, text, tree
from book._ext.editions.atlas import Atlas, Reference

ROOT = Path(__file__).parents[1]

FIRST = (
    HEADER
    + """\
# Before all else

**Minutes.** 5 to read, 5 to do.

````{prf:theorem} One theorem
:label: thm-one
It says that {doc}`06-tiny` comes later.
````

```{code-cell} ipython3
from geokit import check
```

## Exercises

```{exercise-start} A sum
:label: ex-sum
```
(By hand.) What is $2+2$? Say `check.answer("0.1", 3)`.

```{code-cell} ipython3
:tags: [remove-input]

check.question("0.1")
```
```{exercise-end}
```

```{solution-start} ex-sum
:class: dropdown
```
One counts on the fingers of a single hand, leaving out the thumb.

```{code-cell} ipython3
answer_1 = 4
check.answer("0.1", answer_1)
```

```{code-cell} ipython3
:tags: [hide-cell]

assert check.answer("0.1", answer_1) == "correct"
```
```{solution-end}
```

## Take-away

Sums are sums.
"""
)
TINY = (
    HEADER
    + """\
# A tiny chapter

**Minutes.** 5 to read, 10 to do.

It uses {prf:ref}`thm-one` of {doc}`00-first`.

```{code-cell} ipython3
import matplotlib.pyplot as plt
import torch

from geokit import check
```

## Exercises

```{exercise-start} In order
:label: ex-order
```
(By hand.) Which order? Say `check.answer("6.1", "a")`.
```{exercise-end}
```

```{solution-start} ex-order
:class: dropdown
```
Nothing but (c) respects that maps exist before they are differentiated, as a picture shows:

```{code-cell} ipython3
---
mystnb:
  image: {alt: A line that only the solution draws.}
  figure: {name: fig-secret, caption: Drawn in the solution alone.}
---
figure, ax = plt.subplots()
marks = ax.plot([0, 3, 1, 2])
```

```{code-cell} ipython3
answer_1 = "c"
check.answer("6.1", answer_1)
```

```{code-cell} ipython3
:tags: [hide-cell]

assert check.answer("6.1", answer_1) == "correct"
```
```{solution-end}
```

```{exercise-start} The residual
:label: ex-residual
```
(In code.) Write `residual(A, G_a, G_b, z)`. Say `check.answer("6.2", residual)`.
```{exercise-end}
```

```{solution-start} ex-residual
:class: dropdown
```
The Jacobian of the map stands on both sides of the metric that is pulled back.

```{code-cell} ipython3
def derivative_of_the_map(A, z):
    return torch.func.vmap(torch.func.jacfwd(A))(z)


def residual(A, G_a, G_b, z):
    J = derivative_of_the_map(A, z)
    return torch.linalg.matrix_norm(J.mT @ G_b(A(z)) @ J - G_a(z))


print("solved in", residual.__code__.co_argcount, "arguments")
check.answer("6.2", residual)
```

```{code-cell} ipython3
:tags: [hide-cell]

assert check.answer("6.2", residual) == "correct"
```
```{solution-end}
```

## Take-away

Done, as {doc}`/book/notation` says.
"""
)
NOTES = """\
# Teaching this chapter
Draw a triangle first, says the teacher's own note.

{sections}"""
NOTE = """\
# {label}
:points: 2
:minutes: 5

**Grading.** Half the marks for the right idea, notes the teacher of {label}.
"""
TOC = """\
format: jb-book
root: book/index
parts:
  - caption: Before
    chapters: [{file: book/00-first}]
  - caption: The book
    numbered: true
    chapters: [{file: book/06-tiny}]
  - caption: Back matter
    chapters: [{file: book/notation}, {file: book/errata}]
"""


def tiny_house(folder: Path) -> Path:
    for name in ("Makefile", "_config.yml", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("_ext", "_assets", "_root", "teaching/grading"):
        shutil.copytree(ROOT / "book" / name, folder / "book" / name)
    shutil.copy(ROOT / "book/style.mplstyle", folder / "book/style.mplstyle")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "geokit").symlink_to(ROOT / "geokit")
    write(folder / "_toc.yml", TOC)
    write(folder / "book/index.md", "# The book\n")
    write(folder / "book/notation.md", "# Notation\n\nSee {prf:ref}`thm-one`.\n")
    write(folder / "book/errata.md", "# Errata\n\nThe post says three, and four is right.\n")
    write(folder / "book/references.bib", "")
    write(folder / "book/00-first.md", FIRST)
    write(folder / "book/06-tiny.md", TINY)
    write(folder / "notebooks/results/table.csv", "a,b\n1,2\n")
    write(folder / "notebooks/specs/small.toml", "x = 1\n")
    for name, labels in (("00-first", ["ex-sum"]), ("06-tiny", ["ex-order", "ex-residual"])):
        sections = "\n".join(NOTE.format(label=label) for label in labels)
        write(folder / f"book/teaching/notes/{name}.md", NOTES.format(sections=sections))
    return folder


def editions_of(house: Path) -> Path:
    return house / "_build/course"


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """The tiny book with its three editions, built by the project's own command."""
    folder = tiny_house(tmp_path_factory.mktemp("house"))
    for run in (again(folder), make(folder, "course")):
        assert run.returncode == 0, run.stdout + run.stderr
    return folder


def notebook(house: Path, edition: str, name: str = "06-tiny") -> nbformat.NotebookNode:
    return nbformat.read(editions_of(house) / edition / f"notebooks/book/{name}.ipynb", 4)


def verdicts(cells) -> list[str]:
    """What the cells that call a check have answered."""
    tried = [c for c in cells if c.cell_type == "code" and c.source.startswith("check.answer(")]
    return [c.outputs[0].data["text/plain"].strip("'") for c in tried]


def page(house: Path, edition: str, name: str = "06-tiny") -> str:
    path = editions_of(house) / edition / f"html/book/{name}.html"
    return path.read_text(encoding="utf-8")


# the editions


def test_no_part_of_a_solution_is_anywhere_in_the_students_edition(house):
    hidden = secrets(source.read_book(house))
    assert {"0.1", "6.1", "6.2"} <= set(hidden.values())
    student = editions_of(house) / "student"
    assert leaks(student / "html", hidden) == []
    assert leaks(student / "notebooks", hidden) == []
    # and the search can find it where it is
    for edition in ("reader", "instructor"):
        for folder in ("html", "notebooks"):
            found = leaks(editions_of(house) / edition / folder, hidden)
            assert {row.split(": ")[1] for row in found} == {
                f"exercise {n}" for n in hidden.values()
            }


def test_unsolved_notebooks_ran_and_every_check_says_not_attempted(house):
    for name, count in (("00-first", 1), ("06-tiny", 2)):
        cells = notebook(house, "student", name).cells
        assert verdicts(cells) == ["not attempted"] * count


def test_solved_notebooks_ran_and_every_check_passes(house):
    for name, count in (("00-first", 1), ("06-tiny", 2)):
        cells = notebook(house, "instructor", name).cells
        assert verdicts(cells) == ["correct"] * count


def test_what_a_solution_printed_stays_with_the_cell_that_printed_it(house):
    printed = [c for c in notebook(house, "instructor").cells if "solved in" in c.source]
    (cell,) = printed
    assert cell.outputs[0].text == "solved in 4 arguments\n"
    assert "def residual" not in cell.source


def test_the_answers_cell_has_nbgraders_marks_and_points(house):
    marks = [
        (m["grade_id"], m["solution"], m["grade"], m.get("points"))
        for c in notebook(house, "student").cells
        if (m := c.metadata.get("nbgrader"))
    ]
    assert marks == [
        ("answer-6-1", True, False, None),
        ("try-6-1", False, False, None),
        ("test-6-1", False, True, 2),
        ("answer-6-2", True, False, None),
        ("try-6-2", False, False, None),
        ("test-6-2", False, True, 2),
    ]


def test_the_teachers_notes_are_the_instructors_alone(house):
    said = "Half the marks for the right idea"
    assert said in page(house, "instructor")
    assert "2 points, 5 minutes" in page(house, "instructor")
    assert said not in page(house, "reader") + page(house, "student")
    hidden = {"Halfthemarksfortherightidea": "note", "Drawatrianglefirst": "note"}
    for edition in ("reader", "student"):
        assert leaks(editions_of(house) / edition / "html", hidden) == []
        assert leaks(editions_of(house) / edition / "notebooks", hidden) == []


def test_students_do_not_get_the_page_that_answers_exercises(house):
    assert (editions_of(house) / "reader/html/book/errata.html").exists()
    assert not (editions_of(house) / "student/html/book/errata.html").exists()


def test_a_second_build_executes_nothing_and_gives_the_same_bytes(house):
    def state() -> dict[str, bytes]:
        found = editions_of(house).rglob("*")
        return {str(p): p.read_bytes() for p in found if p.is_file() and "/source/" not in str(p)}

    before = state()
    for command in ("book", "course"):
        run = again(house, command)
        assert run.returncode == 0, run.stderr
        assert "executing" not in run.stdout
    after = state()
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == []


def test_a_course_has_its_chapters_exercises_points_and_numbers(house):
    """Chapter 6 alone, with its second exercise: what is left keeps its number."""
    path = write(
        house / "course.toml",
        'title = "One chapter"\nchapters = ["06-tiny"]\nexercises = ["6.2"]\n[points]\n"6.2" = 5\n',
    )
    planned = make(house, "--dry-run", "course", "COURSE=one.toml").stdout
    assert "-m book._ext.make course one.toml\n" in planned
    run = again(house, "course", str(path))
    assert run.returncode == 0, run.stderr
    student = page(house, "student")
    assert "Exercise 6.2" in student
    assert "Exercise 6.1" not in student
    assert "One chapter" in student
    # the theorem of a chapter that is not there is named, and links nowhere
    assert "00-first.html" not in student
    assert "<em>Before all else</em>" in student
    assert not (editions_of(house) / "student/html/book/00-first.html").exists()
    tests = [
        c for c in notebook(house, "student").cells if c.metadata.get("nbgrader", {}).get("grade")
    ]
    assert [c.metadata.nbgrader.points for c in tests] == [5]
    assert sorted(p.name for p in (editions_of(house) / "nbgrader/source").iterdir()) == ["06-tiny"]


# faults


def faulty(folder: Path, old: str, new: str) -> str:
    assert old in TINY
    path = write(folder / "book/06-tiny.md", TINY.replace(old, new, 1))
    write(folder / "book/00-first.md", FIRST)
    with pytest.raises(Fault) as caught:
        source.read_book(folder)
    message = str(caught.value)
    assert path.name in message
    for line in message.splitlines():
        where, what = line.split(": ", 1)
        assert where.rpartition(":")[2].isdigit(), line
        assert "; " in what, line  # the remedy
        assert what.endswith("."), line
    return message


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("```{solution-end}\n```\n", "", "inside the solution that began in line"),
        ("```{exercise-end}\n```\n", "", "inside the exercise that began in line"),
        ("```{exercise-start} In order\n:label: ex-order\n```\n", "", "without a {exercise-start}"),
        ("{solution-start} ex-order", "{solution-start} ex-none", "no exercise of this page"),
        ("{solution-start} ex-residual", "{solution-start} ex-order", "a second solution"),
        (":label: ex-residual", ":label: ex-order", "the label 'ex-order' is that of"),
        (":label: ex-residual", ":label: ex-sum", "the label 'ex-sum' is that of book/00-first.md"),
        (":label: ex-residual\n", "", "exercise without a label"),
        ('assert check.answer("6.2", residual) == "correct"', "1", "has no solution that passes"),
        (
            'assert check.answer("6.1", answer_1)',
            'assert check.answer("6.2", a)',
            "the check of 6.2",
        ),
        ('assert check.answer("6.1", answer_1)', 'assert check.answer("6.1", "c")', "has no name"),
        ('Say `check.answer("6.2"', 'Say `check.answer("6.1"', "asks for the check of 6.1"),
        ("## Take-away", "```python\n", "a fence that is never closed"),
        (
            "{exercise-start} In order",
            "{exercise} In order",
            "{exercise} without a {exercise-start}",
        ),
        ("## Take-away", "```{code-cell}\nprint(marks)\n```\n", "uses marks, which only the"),
        (
            "## Take-away",
            '```{code-cell}\nassert check.answer("6.1", "c") == "correct"\n```\n',
            "stands outside its solution",
        ),
    ],
)
def test_a_fault_of_the_source_is_named_with_its_line_and_its_remedy(tmp_path, old, new, found):
    assert found in faulty(tmp_path, old, new)


def test_a_fault_stops_the_build_of_the_book_too(tmp_path):
    folder = tiny_house(tmp_path)
    write(folder / "book/06-tiny.md", TINY.replace("```{solution-end}\n```\n", "", 1))
    run = again(folder)
    assert run.returncode != 0
    assert "book/06-tiny.md:" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ('chapters = ["06-tny"]', "did you mean '06-tiny'"),
        ('chapters = ["zzz"]', "there are 00-first, 06-tiny"),
        ("chapters = []", "chapters are missing"),
        ('chapters = ["06-tiny", "06-tiny"]', "named twice"),
        ('chapters = "06-tiny"', "chapters is not a list"),
        ('chapters = ["06-tiny"]\nexercises = ["0.1"]', "no exercise 0.1 in these chapters"),
        ('[points]\n"6.9" = 1', "points for 6.9"),
        ('[points]\n"6.2" = -1', "give a whole number"),
        ('[points]\n"6.2" = 1.5', "give a whole number"),
        ('dataset = "mnist"', "there are small"),
        ("chapter = 1", "unknown key 'chapter'"),
        ("chapters = [", "this is not TOML"),
    ],
)
def test_a_fault_of_the_course_is_named_with_its_line_and_its_remedy(tmp_path, words, found):
    book = source.read_book(tiny_house(tmp_path))
    path = write(tmp_path / "course.toml", f"# a course\n{words}\n")
    with pytest.raises(Fault) as caught:
        course.read(path, book, ["small"])
    assert found in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_courses_that_come_with_the_book_are_sound():
    book = source.read_book(ROOT)
    datasets = [path.stem for path in (ROOT / "notebooks/specs").glob("*.toml")]
    found = sorted((ROOT / "book/teaching").glob("*.toml"))
    assert found
    for path in found:
        assert course.read(path, book, datasets).chapters


def test_a_course_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Fault, match="there is no such file"):
        course.read(tmp_path / "none.toml", [], [])


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("# ex-order", "# ex-other", "no exercise of 06-tiny"),
        (":points: 2\n", "", "no whole number of points"),
        (":minutes: 5", ":minutes: five", "no whole number of minutes"),
        (NOTE.format(label="ex-order"), "", "no note on the exercise 'ex-order'"),
    ],
)
def test_a_fault_of_the_notes_is_named(tmp_path, old, new, found):
    folder = tiny_house(tmp_path)
    path = folder / "book/teaching/notes/06-tiny.md"
    words = path.read_text(encoding="utf-8")
    assert old in words
    write(path, words.replace(old, new, 1))
    with pytest.raises(Fault) as caught:
        source.check_notes(source.read_book(folder)[1])
    assert found in str(caught.value)


# the parts


@pytest.mark.parametrize("chapter", source.read_book(ROOT), ids=lambda chapter: chapter.name)
def test_the_instructors_cells_compute_what_the_chapters_do(chapter):
    for exercise in chapter.exercises:
        for cell in exercise.solution.cells:
            parts = [words for _, words in assignment.instructor_cells(cell, exercise, 1)]
            computed = [node for words in parts for node in assignment.meaning(words)]
            assert computed == assignment.meaning(cell.source)


@pytest.mark.parametrize("chapter", source.read_book(ROOT), ids=lambda chapter: chapter.name)
def test_every_exercise_has_an_answer_a_try_and_a_test(chapter):
    for exercise in chapter.exercises:
        roles = [o["nbgrader"]["grade_id"] for o, _ in assignment.student_cells(exercise, 1)]
        number = exercise.number.replace(".", "-")
        expected = [f"{role}-{number}" for role in ("answer", "try", "test")]
        assert roles == (expected if exercise.number != "0.2" else expected[:2])


def test_an_exercise_that_rests_on_another_is_left_out_with_it(tmp_path):
    folder = tiny_house(tmp_path)
    words = TINY.replace('print("solved in"', 'print(marks, "solved in"')
    write(folder / "book/06-tiny.md", words)
    book = source.read_book(folder)
    assert names.needs(book[1].exercises[1]) == {"6.1": {"marks"}}
    path = write(tmp_path / "course.toml", 'exercises = ["6.2"]\n')
    with pytest.raises(Fault, match=r"uses marks of 6\.1; add 6\.1, or leave 6\.2 out"):
        course.read(path, book, ["small"])


def test_a_course_of_some_chapters_leaves_the_books_sources_as_they_are(tmp_path):
    """The instructor's page of answers was once written through a link, into the book itself."""
    (folder := tmp_path / "house").mkdir()
    tiny_house(folder)
    told = "See {ref}`ex-sum`.\n"
    answers = write(folder / "book/teaching/notes/exam-answers.md", told)
    names = ("00-first", "06-tiny", "notation")
    pages = {f"book/{n}": Reference(n, f"book/{n}", "", "", "page") for n in names}
    labels = {
        ("box", label): Reference(text, "book/00-first", label, "", "box")
        for label, text in (("thm-one", "Theorem 1"), ("ex-sum", "Exercise 1"))
    }
    book = source.read_book(folder)
    part = course.Course(("06-tiny",), frozenset({"6.1"}))
    atlas = Atlas(pages, frozenset(), labels, {})
    tree.Edition(folder, tmp_path / "out", "instructor", part, book, atlas).plant()
    here = tmp_path / "out/book/teaching/notes/exam-answers.md"
    assert here.read_text(encoding="utf-8") == "See Exercise 1 (*00-first*).\n"
    assert answers.read_text(encoding="utf-8") == told


def test_cells_that_compute_something_else_are_refused():
    one = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 2")])
    with pytest.raises(ValueError, match="compute something else"):
        executed.carry_over(one, other)


def test_a_text_keeps_every_line_that_is_not_of_an_exercise():
    for chapter in source.read_book(ROOT):
        same = text.edited(chapter, "reader", course.whole([chapter]))
        assert same == chapter.path.read_text(encoding="utf-8")
