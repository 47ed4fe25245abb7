"""Every exercise has its notes for the teacher: book/teaching/notes/NN-name.md, one a chapter.

They are a part of the instructor edition, and of no public page.
"""

import re
from pathlib import Path

import policy
import pytest
import yaml

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
CHAPTERS = sorted(path for path in BOOK.glob("*.md") if re.match(r"\d\d-", path.name))
FIRST = "Teaching this chapter"
HEADING = re.compile(r"^(#+) +(.*?) *$", re.M)
FIELD = re.compile(r"^:(\w+): *(.*?) *$", re.M)
ROLE = re.compile(r"\{(doc|ref|numref|eq|prf:ref)\}`(?:[^`<]*<)?([^`<>]+)>?`")
LABEL = re.compile(r"^ *:?(?:label|name): *(\S+) *$", re.M)
TARGET = re.compile(r"^\(([\w-]+)\)= *$", re.M)
TO_DO = re.compile(r"^\*\*Minutes\.\*\* \d+ to read, (\d+) to do", re.M)


def notes_of(chapter: Path) -> Path:
    return BOOK / "teaching" / "notes" / chapter.name


def sections(text: str) -> dict[str, tuple[dict[str, str], str]]:
    """Heading -> (its fields, its text), in the order of the file."""
    starts = [*HEADING.finditer(text)]
    ends = [*(m.start() for m in starts[1:]), len(text)]
    found = {}
    for m, end in zip(starts, ends, strict=True):
        body = text[m.end() : end].strip("\n")
        fields, rest = {}, body
        while field := FIELD.match(rest):
            fields[field[1]] = field[2]
            rest = rest[field.end() :].lstrip("\n")
        found[m[2]] = (fields, rest)
    return found


def faults(notes: Path, chapter: str) -> list[str]:
    """What is missing in one file of notes, against the text of its chapter."""
    if not notes.exists():
        return [f"{notes.name} is missing"]
    text = notes.read_text(encoding="utf-8")
    headings = [(m[1], m[2]) for m in HEADING.finditer(text)]
    asked = [("#", FIRST), *(("#", label) for label in policy.EXERCISE.findall(chapter))]
    if headings != asked:
        odd = sorted({*headings} ^ {*asked}) or ["their order"]
        return [f"{notes.name}: sections are not the exercises of the chapter: {odd}"]
    found = sections(text)
    wrong, minutes = [], 0
    for label, (fields, body) in found.items():
        if label == FIRST:
            continue
        if [*fields] != ["points", "minutes"] or not all(v.isdecimal() for v in fields.values()):
            wrong.append(f"{notes.name}, {label}: give :points: and :minutes:, whole numbers")
            continue
        minutes += int(fields["minutes"])
        if not 1 <= int(fields["points"]) <= 6:
            wrong.append(f"{notes.name}, {label}: points run from 1 to 6")
        for part in ("**Grading.** ", "**Common mistakes.**"):
            if body.count(part) != 1:
                wrong.append(f"{notes.name}, {label}: one paragraph {part.strip()}")
    if not wrong and minutes != int(TO_DO.search(chapter)[1]):
        wrong.append(f"{notes.name}: its exercises take {minutes} minutes, not the chapter's")
    return wrong


def targets() -> set[str]:
    """All labels that the book's sources define."""
    pages = "\n".join(path.read_text(encoding="utf-8") for path in sorted(BOOK.glob("*.md")))
    return {*LABEL.findall(pages), *TARGET.findall(pages)}


def dangling(text: str, known: set[str]) -> list[str]:
    """The references of a page that lead nowhere; a {doc} is given from the root."""
    lost = []
    for role, target in ROLE.findall(text):
        if role == "doc":
            file = ROOT / f"{target.removeprefix('/')}.md"
            found = target.startswith("/") and file.exists()
        else:
            found = target in known
        if not found:
            lost.append(f"{role}: {target}")
    return lost


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_each_exercise_of_a_chapter_has_points_minutes_grading_and_mistakes(chapter):
    assert faults(notes_of(chapter), chapter.read_text(encoding="utf-8")) == []


def test_there_are_notes_of_chapters_only():
    found = {path.name for path in notes_of(CHAPTERS[0]).parent.glob("[0-9][0-9]-*.md")}
    assert found == {path.name for path in CHAPTERS}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_reference_of_the_notes_leads_to_the_book(chapter):
    assert dangling(notes_of(chapter).read_text(encoding="utf-8"), targets()) == []


def test_the_notes_are_no_page_of_the_public_book():
    """They hold answers; `only_build_toc_files` keeps out what the table of contents leaves out."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["only_build_toc_files"] is True
    assert "teaching/notes" not in (ROOT / "_toc.yml").read_text(encoding="utf-8")


CHAPTER = """**Minutes.** 5 to read, 9 to do.

```{exercise-start} One
:label: ex-one
```
```{exercise-end}
```

```{exercise} Two
:label: ex-two
```
"""
NOTES = """# Teaching this chapter

Begin.

# ex-one
:points: 2
:minutes: 4

**Grading.** Half.

**Common mistakes.** None.

# ex-two
:points: 3
:minutes: 5

**Grading.** Whole.

**Common mistakes.**

* Many.
"""


def test_notes_in_order_have_no_fault(tmp_path):
    notes = tmp_path / "00-a.md"
    notes.write_text(NOTES)
    assert faults(notes, CHAPTER) == []
    assert sections(NOTES)["ex-one"][0] == {"points": "2", "minutes": "4"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# ex-two", "# ex-three", "ex-three"),
        ("# ex-two", "## ex-two", "ex-two"),
        ("# ex-one\n", "# ex-two\n", "sections are not"),
        ("# Teaching this chapter", "# Teaching", "Teaching this chapter"),
        (":points: 2", ":points: two", "whole numbers"),
        (":points: 2\n", "", "whole numbers"),
        (":points: 2", ":points: 7", "from 1 to 6"),
        (":minutes: 5", ":minutes: 6", "10 minutes"),
        ("**Common mistakes.** None.", "None.", "one paragraph **Common mistakes.**"),
        ("**Grading.** Half.", "Half.", "one paragraph **Grading.**"),
    ],
)
def test_a_fault_of_the_notes_is_named(tmp_path, old, new, said):
    notes = tmp_path / "00-a.md"
    notes.write_text(NOTES.replace(old, new, 1))
    assert said in " ".join(faults(notes, CHAPTER))


def test_sections_in_another_order_are_a_fault(tmp_path):
    first, one, two = re.split(r"(?=^# ex)", NOTES, flags=re.M)
    (notes := tmp_path / "00-a.md").write_text(first + two + one)
    assert "their order" in " ".join(faults(notes, CHAPTER))


def test_missing_notes_are_a_fault(tmp_path):
    assert faults(tmp_path / "00-a.md", CHAPTER) == ["00-a.md is missing"]


def test_a_reference_that_leads_nowhere_is_named():
    known = {"thm-a"}
    assert dangling("{prf:ref}`thm-a` {numref}`fig-b`", known) == ["numref: fig-b"]
    assert dangling("{prf:ref}`as there <thm-a>`", known) == []
    assert dangling("{doc}`/book/01-maps` {doc}`01-maps` {doc}`/book/x`", known) == [
        "doc: 01-maps",
        "doc: /book/x",
    ]
