"""The pages for teachers speak of what exists, and their minutes and numbers are right."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from sphinx_external_toc.parsing import parse_toc_yaml

from book._ext.chapters import DOC, Fault, read_chapters
from book._ext.plans import arrows, graph, read_plan, total

ROOT = Path(__file__).parents[1]

TEACHING = ROOT / "book/teaching"
PAGES = sorted(TEACHING.glob("*.md"))
ANSWERS = TEACHING / "notes/exam-answers.md"
PROJECTS = (TEACHING / "projects.md").read_text(encoding="utf-8")
BOOK = read_chapters(ROOT / "book")
FENCED = re.compile(r"^(`{3,})(.*)\n(?:.*\n)*?\1$", re.M)
ROLE = re.compile(r"\{(doc|ref|numref|eq|prf:ref)\}`(?:[^`<]*<)?([^`<>]+)>?`")
LABEL = re.compile(r"^\s*:?(?:label|name): *(\S+) *$|^\(([\w-]+)\)=$", re.M)
PLAN = re.compile(
    r"^```\{plan\} (?P<name>.+)\n(?::without: (?P<without>.+)\n)?(?P<body>(?:.+\n)*?)```$", re.M
)
QUESTION = re.compile(
    r"^\*\*(?P<id>(?P<chapter>\d+)\.[A-Z])\*\*"
    r" \((?P<kind>proof|computation|error|reading), (?:easy|medium|hard), \d+ min\)\.",
    re.M,
)
CODE = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def words(path: Path) -> str:
    """A page without the code that it shows."""
    text = path.read_text(encoding="utf-8")
    return FENCED.sub(lambda m: m[0] if m[2].startswith("{") else "", text)


def plans() -> dict[str, tuple[list[str], set[int]]]:
    """The plans of the page, by name: their lines, and the prerequisites they leave out."""
    found = {}
    for match in PLAN.finditer(words(TEACHING / "plans.md")):
        without = {int(n) for n in (match["without"] or "").split(",") if n.strip()}
        found[match["name"]] = [li for li in match["body"].splitlines() if li.strip()], without
    return found


def chapter(folder: Path, name: str, prerequisites: str, exercises: int = 2) -> None:
    text = f"# {name}\n\n:::{{admonition}} Objectives\n* know it;\n:::\n\n"
    text += f"**Prerequisites.** {prerequisites}\n\n**Minutes.** 20 to read, 30 to do.\n\n"
    for n in range(exercises):
        text += f"```{{exercise-start}} One\n:label: ex-{name}-{n}\n```\n(By hand.) Add.\n"
        text += "```{exercise-end}\n```\n\n"
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    notes = folder / "teaching/notes"
    notes.mkdir(parents=True, exist_ok=True)
    said = "".join(
        f"# ex-{name}-{n}\n:points: 1\n:minutes: {10 * (n + 1)}\n\n" for n in range(exercises)
    )
    (notes / f"{name}.md").write_text("# The chapter\n\n" + said, encoding="utf-8")


@pytest.fixture
def small(tmp_path) -> dict:
    """Three chapters: 2 needs 1; 3 needs 2, and 1 for a part."""
    chapter(tmp_path, "01-one", "Some patience.")
    chapter(tmp_path, "02-two", "{doc}`01-one`; what algebra is for.")
    chapter(tmp_path, "03-three", "{doc}`02-two`; {doc}`01-one` for the names.")
    return read_chapters(tmp_path)


# The graph


def test_the_arrows_are_the_links_of_the_prerequisites_lines():
    """Held against a second reading of the sources, line by line."""
    expected = set()
    for path in sorted((ROOT / "book").glob("[0-9][0-9]-*.md")):
        (line,) = (li for li in path.read_text("utf-8").splitlines() if "**Prerequisites.**" in li)
        expected |= {(before, path.stem) for before in DOC.findall(line)}
    assert {(a, b) for a, b, _ in arrows(BOOK)} == expected
    assert len(expected) > len(BOOK)


def test_each_arrow_is_drawn_and_told(small):
    drawing = graph(small, lambda name: f"../{name}.html")
    assert drawing.count('<path class="needed"') == 2
    assert drawing.count('<path class="part"') == 1
    assert "Arrows: 1 → 2; 1 → 3 (for a part); 2 → 3." in drawing
    assert re.findall(r'href="(.*?)"', drawing) == [f"../{name}.html" for name in small]


def test_no_chapter_builds_on_itself_or_on_a_later_one(small):
    order = list(BOOK)
    assert all(order.index(a) < order.index(b) for a, b, _ in arrows(BOOK))
    chapter(small["01-one"].path.parent, "01-one", "{doc}`03-three`.")
    with pytest.raises(Fault, match="the prerequisite 03-three comes later"):
        list(arrows(read_chapters(small["01-one"].path.parent)))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("{doc}`01-one`, {doc}`02-two`; algebra.", {"01-one": True, "02-two": True}),
        ("{doc}`02-two`; {doc}`01-one` for the names.", {"01-one": False, "02-two": True}),
        ("{doc}`02-two`; for its start {doc}`01-one`.", {"01-one": False, "02-two": True}),
        ("The chapter reads alone. It uses {doc}`02-two`.", {"02-two": False}),
        ("What {doc}`the first <01-one>` is; calculus.", {"01-one": True}),
        ("Algebra.", {}),
    ],
)
def test_a_link_is_needed_unless_the_line_says_what_it_is_for(tmp_path, line, found):
    chapter(tmp_path, "03-three", line)
    assert read_chapters(tmp_path)["03-three"].prerequisites == found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("**Minutes.** 20 to", "**Time.** 20 to", "no line that begins with **Minutes.**"),
        ("20 to read, 30 to do", "about an hour", "must begin like"),
        ("* know it;", "Know it.", "no box of objectives"),
        ("(By hand.) Add.", "Add.", "exercise ex-01-one-0 does not say what kind it is"),
    ],
)
def test_a_chapter_that_cannot_be_read_is_named(tmp_path, old, new, said):
    chapter(tmp_path, "01-one", "None.")
    path = tmp_path / "01-one.md"
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    one = read_chapters(tmp_path)["01-one"]
    with pytest.raises(Fault, match=re.escape(said)) as caught:
        _ = one.minutes, one.objectives, [e.kind for e in one.exercises]
    assert str(path) in str(caught.value)


def test_an_exercise_whose_minutes_are_nowhere_is_named(tmp_path):
    chapter(tmp_path, "01-one", "None.")
    notes = tmp_path / "teaching/notes/01-one.md"
    notes.write_text(notes.read_text("utf-8").replace(":minutes: 20", ""), encoding="utf-8")
    with pytest.raises(Fault, match=r"01-one\.md:7: .*'ex-01-one-1'.* a line like `:minutes: 8`"):
        _ = [e.minutes for e in read_chapters(tmp_path)["01-one"].exercises]


# The directives, in a small book of their own

PAGE = """\
# For teachers

```{toctree}
:glob:
book/*
```

```{chapter-table}
```

```{chapter-graph}
```

```{aims} 02-two
```

```{plan} Two days
Saturday | 1, 2 | 1.1 | Talk.
Sunday | 3 | 3.2 | Walk.
```
"""
CONF = """\
import sys
sys.path.insert(0, FOLDER)
extensions = ["myst_parser", "book._ext"]
exclude_patterns = ["book/teaching/notes"]
suppress_warnings = ["myst.directive_unknown", "ref.ref"]
EDITION
"""


def built(small: dict, edition: str = "", page: str = PAGE) -> tuple[str, str]:
    """The page in HTML, and what the build complains of."""
    root = small["02-two"].path.parents[1] / "site"
    shutil.copytree(small["02-two"].path.parent, root / "book")
    conf = CONF.replace("FOLDER", repr(str(ROOT))).replace("EDITION", edition)
    (root / "conf.py").write_text(conf, encoding="utf-8")
    (root / "_config.yml").write_text("repository: {}\n", encoding="utf-8")
    (root / "index.md").write_text(page, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", str(root), str(root / "out")]
    said = subprocess.run(command, capture_output=True, text=True).stderr
    return (root / "out/index.html").read_text(encoding="utf-8"), said


@pytest.mark.slow
def test_a_page_says_what_the_chapters_say(tmp_path):
    home = tmp_path / "sources"
    home.mkdir()
    chapter(home, "01-one", "Some patience.")
    chapter(home, "02-two", "{doc}`01-one`; what algebra is for.")
    chapter(home, "03-three", "{doc}`02-two`; {doc}`01-one` for the names.")
    page, said = built(read_chapters(home))
    assert said == ""
    text = re.sub(r"<[^>]+>", " ", page)
    assert "In all 60 minutes to read and 30 to do, 1.5 hours." in text
    assert 'href="book/02-two.html"' in page.partition("<svg")[2]
    assert re.search(r"20\s+minutes to read, 30 to do · builds on\s+01-one", text)
    shutil.rmtree(tmp_path / "site")
    _, said = built(read_chapters(home), page=PAGE.replace("Saturday | 1, 2", "Saturday | 2"))
    assert re.search(r"index\.md:\d+: ERROR: the plan lacks, or has too late", said)


@pytest.mark.slow
def test_a_course_that_leaves_chapters_out_still_has_its_pages(tmp_path):
    home = tmp_path / "sources"
    home.mkdir()
    chapter(home, "02-two", "{doc}`01-one`; what algebra is for.", exercises=1)
    edition = 'book_numbers = {"book/02-two": {"ex-02-two-0": 2}}'
    page, said = built(read_chapters(home), edition, PAGE.replace("{aims} 02-two", "{aims} 01-one"))
    assert [line for line in said.splitlines() if "01-one" not in line or "index" in line] == []
    assert "This plan is for the whole book" in page
    assert "This chapter is not a part of the course" in page


# The plans


def test_the_plans_are_closed_under_prerequisites_or_say_what_they_leave_out():
    """A second route: the closure, computed here from the arrows."""
    found = plans()
    assert len(found) == 3
    for lines, without in found.values():
        steps = read_plan(lines, BOOK, without)
        taken = {c.name for step in steps for c in step.chapters}
        needed = {a for a, b, strictly in arrows(BOOK) if strictly and b in taken}
        assert {int(name[:2]) for name in needed - taken} == without


def test_a_plans_minutes_are_those_of_its_chapters_and_exercises(small):
    steps = read_plan(["Monday | 1, 2 | 1.1 | talk", "Tuesday | 3 | 2.2, 3.1 | "], small, set())
    assert [(step.read, step.do) for step in steps] == [(40, 10), (20, 30)]
    assert total(steps) == (60, 40)
    whole = [
        f"all | {c.number} | {', '.join(e.number for e in c.exercises)} | " for c in BOOK.values()
    ]
    read, do = (sum(c.minutes[k] for c in BOOK.values()) for k in (0, 1))
    assert total(read_plan(whole, BOOK, set())) == (read, do)


@pytest.mark.parametrize(
    ("lines", "without", "said"),
    [
        (["a | 1 | 1.1"], set(), "has 3 cells"),
        (["a | 1, 9 | 1.1, 7.2 | "], set(), "there is no 9, 7.2 in the book"),
        (["a | 2 | | "], set(), r"lacks, or has too late, the prerequisites \[1\]"),
        (["a | 2 | | ", "b | 1 | | "], set(), r"the prerequisites \[1\], and names \[\]"),
        (["a | 1, 2 | | "], {1}, r"the prerequisites \[\], and names \[1\]"),
    ],
)
def test_a_plan_that_cannot_be_given_is_refused(small, lines, without, said):
    with pytest.raises(Fault, match=said):
        read_plan(lines, small, without)


def test_what_a_plan_leaves_out_on_purpose_may_be_missing(small):
    assert total(read_plan(["a | 2 | | "], small, {1})) == (20, 0)


def test_the_week_that_make_course_builds_is_the_one_that_is_planned():
    course = tomllib.loads((TEACHING / "one-week.toml").read_text(encoding="utf-8"))
    lines, without = plans()["One week"]
    steps = read_plan(lines, BOOK, without)
    assert [c.name for step in steps for c in step.chapters] == course["chapters"]
    assert [e.number for step in steps for e in step.exercises] == course["exercises"]


def test_the_rhythms_and_the_lecture_last_as_long_as_they_say():
    rhythms = re.findall(
        r"^\*\*Rhythm\.\*\* ([^\d\n]*\d.*)$", words(TEACHING / "chapters.md"), re.M
    )
    assert len(rhythms) == len(BOOK) - 1  # the first has none
    for rhythm in rhythms:
        minutes = sum(int(n) for n in re.findall(r"(?:^|[;:?]\*? )(\d+) (?=\S)", rhythm))
        assert minutes == 90 * (2 if "two lectures" in rhythm else 1), rhythm
    table = re.findall(r"^\| (\d+) \| .* \| .* \|$", words(TEACHING / "plans.md"), re.M)
    assert sum(map(int, table)) == 90


# The pages


def test_every_page_for_teachers_is_in_the_table_of_contents():
    listed = set(parse_toc_yaml(ROOT / "_toc.yml"))
    assert [p.name for p in PAGES if f"book/teaching/{p.stem}" not in listed] == []
    assert not any("teaching/notes" in name for name in listed)


@pytest.mark.parametrize("path", [*PAGES, ANSWERS], ids=lambda path: path.stem)
def test_what_a_page_refers_to_exists(path):
    sources = [*(ROOT / "book").glob("*.md"), *PAGES]
    known = {a or b for p in sources for a, b in LABEL.findall(p.read_text(encoding="utf-8"))}
    for role, target in ROLE.findall(words(path)):
        if role == "doc":
            base = ROOT if target.startswith("/") else path.parent
            assert (base / f"{target.lstrip('/')}.md").exists(), target
        else:
            assert target in known, target


def test_the_interactive_figures_that_are_named_are_in_the_chapter_they_are_named_in():
    from geokit import explore

    parts = re.split(r"^```\{aims\} (\S+)$", words(TEACHING / "chapters.md"), flags=re.M)
    named = 0
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        for figure in re.findall(r"`([A-Z]\w+)`", text):
            named += 1
            assert figure in explore.__all__
            assert f"{figure}(" in BOOK[name].text, (name, figure)
    assert named >= len(explore.__all__)


def test_every_misconception_says_where_what_to_ask_and_what_to_do():
    entries = re.split(r"^### ", words(TEACHING / "misconceptions.md"), flags=re.M)[1:]
    assert len(entries) >= 15
    for entry in entries:
        parts = re.findall(r"^\*(Where|Ask|Mend)\.\* (.+)$", entry, re.M)
        assert [name for name, _ in parts] == ["Where", "Ask", "Mend"], entry
        assert ROLE.search(parts[0][1]), entry
        assert "?" in parts[1][1] or "Name" in parts[1][1], entry


# The exam


def questions() -> list[re.Match]:
    return list(QUESTION.finditer((TEACHING / "exam.md").read_text(encoding="utf-8")))


def answers() -> dict[str, str]:
    parts = re.split(r"^# (.+)$", ANSWERS.read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_question_has_one_answer_and_every_chapter_some_questions():
    ids = [q["id"] for q in questions()]
    assert [name for name in answers() if name[0].isdigit()] == ids  # the same, in order
    assert len(ids) == len(set(ids)) >= 30
    bold = re.findall(r"^\*\*[\d.]+[A-Z]?\*\*", (TEACHING / "exam.md").read_text("utf-8"), re.M)
    assert len(bold) == len(ids)  # none of them has a form that is not read
    assert {int(q["chapter"]) for q in questions()} == {c.number for c in BOOK.values()} - {0}
    assert len({q["kind"] for q in questions()}) == 4
    titles = re.split(r"^## ", (TEACHING / "exam.md").read_text("utf-8"), flags=re.M)[1:]
    for number, text in enumerate(titles, start=1):  # each stands below its chapter
        assert {int(q["chapter"]) for q in QUESTION.finditer(text)} == {number}


@pytest.mark.parametrize("exercise", [q["id"] for q in questions()])
def test_the_numbers_of_an_answer_come_out_when_computed_again(exercise):
    kind = next(q["kind"] for q in questions() if q["id"] == exercise)
    blocks = CODE.findall(answers()[exercise])
    assert blocks or kind != "computation"
    dtype = torch.get_default_dtype()
    try:
        for block in blocks:
            assert block.count("assert ") >= 1
            exec(compile(block, exercise, "exec"), {})
    finally:
        torch.set_default_dtype(dtype)


def test_no_answer_is_on_a_public_page():
    """Each sentence of an answer that is longer than a phrase."""
    public = " ".join(words(path) for path in PAGES)
    said = [s.strip() for text in answers().values() for s in re.split(r"(?<=[.?]) ", text)]
    told = [s for s in said if len(s) > 60 and s in public]
    assert told == []


# The projects


@pytest.mark.slow
@pytest.mark.parametrize("title", re.findall(r"^## (?!Rubric)(.+)$", PROJECTS, re.M))
def test_a_project_is_whole_and_its_first_steps_run(title, monkeypatch, capsys):
    text = PROJECTS.split(f"## {title}\n")[1].split("\n## ")[0]
    for part in ("First steps.", "Milestones.", "A result is", "Pitfalls."):
        assert f"**{part}**" in text
    monkeypatch.chdir(ROOT)
    dtype = torch.get_default_dtype()
    try:
        (block,) = CODE.findall(text)
        exec(compile(block, title, "exec"), {})
    finally:
        torch.set_default_dtype(dtype)
    said = capsys.readouterr().out
    assert said.count("\n") >= 2
    assert "nan" not in said


def test_the_rubric_has_the_points_it_says():
    rows = re.findall(r"^\| \w+ \| (\d+) \|", PROJECTS, re.M)
    assert sum(map(int, rows)) == 20
    assert "Twenty points" in PROJECTS
