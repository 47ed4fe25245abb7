"""The sources of an edition: a folder that builds like the book itself.

What the editions share is linked, not copied; the pages that differ are written.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml
from sphinx_external_toc.parsing import parse_toc_data

from ..chapters import Chapter, Exercise
from . import text
from .atlas import Atlas
from .course import Course, whole
from .source import check_notes, label_of

EDITIONS = ("reader", "student", "instructor")
SHARED = (
    "geokit",
    "constraints.txt",
    "book/_ext",
    "book/_assets",
    "book/_root",
    "book/references.bib",
    "book/style.mplstyle",
    "book/teaching/one-week.toml",
    "notebooks/results",
    "notebooks/specs",
)
TEACHING = "book/teaching/"
NOTES = "book/teaching/notes"
# it answers the exercises that ask for the sources' errors
ANSWERS = {"book/errata"}
ROLE = re.compile(r"\{(?P<role>doc|prf:ref|numref|ref|eq)\}`(?:[^`<]*<)?(?P<target>[^`<>]+)>?`")


@dataclass(frozen=True)
class Plan:
    """One edition of one course."""

    root: Path
    target: Path
    edition: str
    course: Course
    book: list[Chapter]
    atlas: Atlas

    @property
    def is_whole(self) -> bool:
        """Whether the course is the book as it stands."""
        return self.course == whole(self.book)

    @property
    def chapters(self) -> list[Chapter]:
        return [chapter for chapter in self.book if chapter.name in self.course.chapters]


def wanted(plan: Plan, page: str) -> bool:
    name = page.removeprefix("book/")
    if name in {chapter.name for chapter in plan.book}:
        return name in plan.course.chapters
    if plan.edition == "student":
        return page not in ANSWERS and not page.startswith(TEACHING)
    return True


def prune(plan: Plan, entries: list[dict]) -> list[dict]:
    kept = []
    for entry in entries:
        for parts in ("chapters", "sections"):
            if parts in entry:
                entry = entry | {parts: prune(plan, entry[parts])}
        if entry.get("caption") and not entry["chapters"]:
            continue
        if "file" not in entry or wanted(plan, entry["file"]):
            kept.append(entry)
    return kept


def contents(plan: Plan) -> dict:
    """The table of contents of the edition."""
    toc = yaml.safe_load((plan.root / "_toc.yml").read_text(encoding="utf-8"))
    for parts in ("parts", "chapters"):
        if parts in toc:
            toc[parts] = prune(plan, toc[parts])
    answers = plan.root / TEACHING / "notes/exam-answers.md"
    if plan.edition == "instructor" and answers.exists():
        page = answers.relative_to(plan.root).with_suffix("").as_posix()
        toc["parts"].append({"caption": "For the instructor", "chapters": [{"file": page}]})
    return toc


def removed_labels(plan: Plan) -> set[str]:
    """Labels of what the edition leaves out of the chapters that it has."""
    found = set()
    for chapter in plan.chapters:
        for exercise in chapter.exercises:
            gone = [] if exercise.number in plan.course.exercises else [exercise.text]
            if gone or plan.edition == "student":
                gone.append(exercise.solution)
            for block in gone:
                lines = chapter.lines[block.start : block.stop]
                found |= {label for line in lines if (label := label_of(line))}
    return found


def without_lost_references(plan: Plan, pages: set[str], removed: set[str], page: str, words: str):
    """References to what the edition does not have, as words."""

    def replace(found: re.Match) -> str:
        place = plan.atlas.reference(found["role"], found["target"], page)
        if place.page in pages and found["target"] not in removed:
            return found[0]
        if place.kind == "page":
            return f"*{place.text}*"
        title = plan.atlas.pages[place.page].text
        return f"{place.text} (*{title}*)" if place.page != page else place.text

    return ROLE.sub(replace, words)


def chapter_text(plan: Plan, chapter: Chapter) -> str:
    numbers = plan.course.exercises
    if plan.edition == "reader":
        return text.reader(chapter, numbers)
    check_notes(chapter)

    def points(exercise: Exercise) -> int:
        return plan.course.points.get(exercise.number, exercise.points)

    make = text.student if plan.edition == "student" else text.instructor
    return make(chapter, numbers, points)


def front_page(plan: Plan) -> str:
    """The book's own, or a plain one for a course that is a part of it."""
    if plan.is_whole:
        return (plan.root / "book/index.md").read_text(encoding="utf-8")
    title = plan.course.title or "The Geometry of Latent Spaces"
    return (
        f"# {title}\n\n"
        "These are chapters of *The Geometry of Latent Spaces*. Chapters, theorems and exercises "
        "have the numbers that they have in the book.\n\n"
        "```{tableofcontents}\n```\n"
    )


def configuration(plan: Plan) -> dict:
    config = yaml.safe_load((plan.root / "_config.yml").read_text(encoding="utf-8"))
    title = plan.course.title or config["title"]
    config["title"] = title if plan.edition == "reader" else f"{title} ({plan.edition} edition)"
    own = config["sphinx"]
    if plan.edition != "reader" or not plan.is_whole:
        own["config"]["publish_links"] = False  # they lead to the whole book, with its solutions
    own["config"]["book_numbers"] = {
        f"book/{chapter.name}": {
            e.label: int(e.number.partition(".")[2])
            for e in text.kept(chapter, plan.course.exercises)
        }
        for chapter in plan.chapters
    }
    return config


def write(path: Path, words: str) -> None:
    """A file of the edition's own, also where it has linked the book's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(words, encoding="utf-8")


def link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target.resolve(), target_is_directory=target.is_dir())


def dump(value: dict) -> str:
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False)


def plant(plan: Plan) -> None:
    """Write the edition's sources into `plan.target`, which is emptied first."""
    shutil.rmtree(plan.target, ignore_errors=True)
    for name in (name for name in SHARED if (plan.root / name).exists()):
        link(plan.target / name, plan.root / name)
    if plan.edition != "student":
        for path in sorted((plan.root / NOTES).glob("*.md")):
            link(plan.target / NOTES / path.name, path)
    # what is executed once is executed for all editions
    link(plan.target / "_build/.jupyter_cache", plan.root / "_build/.jupyter_cache")
    toc = contents(plan)
    pages = {*parse_toc_data(toc)}
    removed = removed_labels(plan)

    def mend(page: str, words: str) -> str:
        return without_lost_references(plan, pages, removed, page, words)

    by_name = {f"book/{chapter.name}": chapter for chapter in plan.chapters}
    for page in sorted(pages):
        source = plan.root / f"{page}.md"
        notebook = plan.root / f"{page}.ipynb"
        if page in by_name:
            write(plan.target / f"{page}.md", mend(page, chapter_text(plan, by_name[page])))
        elif page == toc["root"]:
            write(plan.target / f"{page}.md", mend(page, front_page(plan)))
        elif notebook.exists():
            executed = nbformat.read(notebook, as_version=4)
            for c in executed.cells:
                if c.cell_type == "markdown":
                    c.source = mend(page, c.source)
            write(plan.target / f"{page}.ipynb", nbformat.writes(executed) + "\n")
        else:
            write(plan.target / f"{page}.md", mend(page, source.read_text(encoding="utf-8")))
    write(plan.target / "_toc.yml", dump(toc))
    write(plan.target / "_config.yml", dump(configuration(plan)))
