"""Each chapter's exercises can be checked by the reader, and no page defines the library anew.

The other parts of a chapter (objectives, minutes, solutions, …) are asked for in test_policy.py.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import policy
import pytest

import geokit
from geokit import check

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "book").glob("*.md"))
CHAPTERS = [page for page in PAGES if re.match(r"\d\d-", page.name)]
BLOCK = re.compile(r"^[`:]{3,}\{(exercise|solution)(?:-start)?\}", re.M)
# the last thing in an exercise; the page shows what the cell returns and not the cell
QUESTION = re.compile(
    r"^(`{3,})\{code-cell\} ipython3\n:tags: \[remove-input\]\n\n"
    r'check\.question\("(?P<id>[\d.]+)"\)\n\1\n`{3,}\{exercise-end\}$',
    re.M,
)
MAGIC = re.compile(r"^[%!].*$", re.M)
OF_THEIR_OWN = (ast.Lambda, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)
OF_READERS_FILES = {"0.2"}  # the reader runs an experiment first: nothing to check in a build


def exercises(text: str) -> list[str]:
    """The text of each exercise, without its solution."""
    starts = [*BLOCK.finditer(text)]
    ends = [*(m.start() for m in starts[1:]), len(text)]
    return [text[m.end() : end] for m, end in zip(starts, ends, strict=True) if m[1] == "exercise"]


def shown_correct(path: Path) -> set[str]:
    """The ids i for which a cell holds `assert check.answer(i, …) == "correct"`."""
    found = set()
    for cell in policy.code_cells(path):
        for node in ast.walk(ast.parse(MAGIC.sub("", cell.source))):
            match node:
                case ast.Assert(
                    test=ast.Compare(
                        left=ast.Call(
                            func=ast.Attribute(attr="answer"), args=[ast.Constant(exercise), _]
                        ),
                        ops=[ast.Eq()],
                        comparators=[ast.Constant("correct")],
                    )
                ):
                    found.add(exercise)
    return found


def asked_in_the_page(text: str) -> list[str]:
    """The ids that an exercise's text asks by a widget, as a page without a kernel can."""
    return [found["id"] for found in QUESTION.finditer(text)]


def check_faults(path: Path, ruled: set[str], sealed: set[str]) -> list[str]:
    """The nth exercise of chapter c says how to check answer c.n, and a cell shows it correct.

    What is `sealed`, a number or a choice, is asked in the page too.
    """
    chapter = int(path.name[:2])
    found = exercises(path.read_text(encoding="utf-8"))
    ids = [f"{chapter}.{n}" for n in range(1, len(found) + 1)]
    known = {i for i in ruled if i.startswith(f"{chapter}.")}
    unsaid = [i for i, text in zip(ids, found, strict=True) if f'check.answer("{i}"' not in text]
    unasked = [
        i
        for i, text in zip(ids, found, strict=True)
        if asked_in_the_page(text) != [i] * (i in sealed)
    ]
    unshown = {*ids} - shown_correct(path) - OF_READERS_FILES
    return [
        *(f"no rule for {i}" for i in ids if i not in known),
        *(f"a rule for {i}, but no such exercise" for i in sorted(known - {*ids})),
        *(f"exercise {i} does not say how to check it" for i in unsaid),
        *(f"exercise {i} must end in its question, if it has one" for i in unasked),
        *(f"no cell asserts that the solution of {i} is correct" for i in sorted(unshown)),
    ]


def bound(source: str) -> Iterator[str]:
    """Names that a cell gives a meaning for the cells that follow."""
    waiting: list[ast.AST] = [ast.parse(MAGIC.sub("", source))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname
        elif not isinstance(node, OF_THEIR_OWN):
            waiting += ast.iter_child_nodes(node)


def redefinitions(path: Path, library: set[str]) -> list[str]:
    """Names of the library with another meaning, outside cells tagged `scratch`."""
    return [
        f"cell {number}: {name} is geokit's own name"
        for number, cell in enumerate(policy.read(path).cells)
        if cell.cell_type == "code" and "scratch" not in cell.metadata.get("tags", [])
        for name in sorted(set(bound(cell.source)) & library)
    ]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_exercise_has_a_check_and_its_solution_passes(path):
    sealed = {i for i, rule in check.table().items() if rule.sealed}
    assert check_faults(path, set(check.table()), sealed) == []


def test_every_rule_belongs_to_a_chapter():
    numbers = {int(path.name[:2]) for path in CHAPTERS}
    assert {int(i.partition(".")[0]) for i in check.table()} <= numbers


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_give_the_librarys_names_no_other_meaning(path):
    assert redefinitions(path, {*geokit.__all__}) == []


CHAPTER = """\
# A chapter

```{exercise-start} One
:label: one
```
Add. Check yourself: `check.answer("7.1", 3)`.

```{code-cell} ipython3
:tags: [remove-input]

check.question("7.1")
```
```{exercise-end}
```

````{solution-start} one
````
```{code-cell}
assert check.answer("7.1", 4) == "correct"
```
````{solution-end}
````

## Take-away
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "07-page.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_chapter_with_checks_passes(tmp_path):
    assert check_faults(written(tmp_path, CHAPTER), {"7.1", "8.2"}, {"7.1", "8.2"}) == []
    code = CHAPTER.replace('check.question("7.1")', "")
    assert check_faults(written(tmp_path, code), {"7.1"}, set()) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('`check.answer("7.1", 3)`', "yes", "exercise 7.1 does not say how"),
        ('`check.answer("7.1", 3)`', '`check.answer("7.2", 3)`', "exercise 7.1 does not say how"),
        ("assert check", "check", "no cell asserts that the solution of 7.1"),
        ('assert check.answer("7.1"', 'assert check.answer("7.2"', "no cell asserts"),
        ('== "correct"', '!= "correct"', "no cell asserts"),
        ("## Take-away", "```{exercise} Two\n:label: two\n```\n", "no rule for 7.2"),
        ("{exercise-start}", "{note}", "a rule for 7.1, but no such exercise"),
        ('check.question("7.1")', "1 + 1", "exercise 7.1 must end in its question"),
        ('check.question("7.1")', 'check.question("7.2")', "exercise 7.1 must end in its question"),
        ('check.question("7.1")', '# check.question("7.1")', "exercise 7.1 must end in its"),
        (":tags: [remove-input]\n", "", "exercise 7.1 must end in its question"),
        ("```{code-cell} ipython3\n", "```\n", "exercise 7.1 must end in its question"),
        ("```{exercise-end}\n", "", "exercise 7.1 must end in its question"),
    ],
)
def test_a_missing_check_is_found(tmp_path, old, new, found):
    assert old in CHAPTER
    page = written(tmp_path, CHAPTER.replace(old, new))
    faults = check_faults(page, {"7.1"}, {"7.1"})
    assert any(found in fault for fault in faults), faults


def test_a_question_that_no_page_can_judge_is_found(tmp_path):
    faults = check_faults(written(tmp_path, CHAPTER), {"7.1"}, set())
    assert faults == ["exercise 7.1 must end in its question, if it has one"]


@pytest.mark.parametrize(
    "line",
    [
        "def length(x): ...",
        "class length: ...",
        "length = 3",
        "energy, length = 1, 2",
        "length += 1",
        "for length in (1, 2): pass",
        "if True:\n    length = 2",
        "with open('a') as length: pass",
        "from math import sqrt as length",
        "%time\nlength = 3",
    ],
)
def test_a_redefined_name_is_found_unless_scratch(tmp_path, line):
    cell = f"```{{code-cell}}\n{line}\n```\n"
    assert "cell 1: length" in redefinitions(written(tmp_path, "# A\n\n" + cell), {"length"})[0]
    scratch = cell.replace("}\n", "}\n:tags: [scratch]\n", 1)
    assert redefinitions(written(tmp_path, "# A\n\n" + scratch), {"length"}) == []


@pytest.mark.parametrize(
    "line",
    [
        "from geokit import length",
        "length(3)",
        "f(length=3)",
        "path.length = 3",
        "def f(length):\n    length = 2",
        "[length for length in a]",
        "lambda length: length",
    ],
)
def test_a_name_that_is_only_used_passes(tmp_path, line):
    cell = f"# A\n\n```{{code-cell}}\n{line}\n```\n"
    assert redefinitions(written(tmp_path, cell), {"length"}) == []
