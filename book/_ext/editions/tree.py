"""The sources of an edition: a folder that builds like the book itself.

What the editions share is linked, not copied; the pages that differ are written.
"""

import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml
from sphinx_external_toc.parsing import parse_toc_data

from ..chapters import Chapter
from .atlas import Atlas
from .course import Course, whole
from .source import check_notes, labels
from .text import edited

EDITIONS = ("reader", "student", "instructor")
SHARED = (
    *("geokit", "constraints.txt", "book/_ext", "book/_assets", "book/_root"),
    *("book/references.bib", "book/style.mplstyle", "book/teaching/one-week.toml"),
    *("notebooks/results", "notebooks/specs"),
    "_build/.jupyter_cache",  # what is executed once is executed for all editions
)
TEACHING = "book/teaching/"
NOTES = "book/teaching/notes"
ANSWERS = "book/errata"  # it answers the exercises that ask for the sources' errors
ROLE = re.compile(r"\{(?P<role>doc|prf:ref|numref|ref|eq)\}`(?:[^`<]*<)?(?P<target>[^`<>]+)>?`")
FRONT_PAGE = """\
# {title}

These are chapters of *The Geometry of Latent Spaces*. Chapters, theorems and exercises \
have the numbers that they have in the book.

```{{tableofcontents}}
```
"""


@dataclass(frozen=True)
class Edition:
    """One edition of one course."""

    root: Path
    target: Path
    name: str
    course: Course
    book: list[Chapter]
    atlas: Atlas

    @property
    def is_whole(self) -> bool:
        """Whether the course is the book as it stands."""
        return self.course == whole(self.book)

    @property
    def chapters(self) -> dict[str, Chapter]:
        """Those that the edition has, by their pages."""
        return {f"book/{c.name}": c for c in self.book if c.name in self.course.chapters}

    def has(self, page: str) -> bool:
        if page in {f"book/{chapter.name}" for chapter in self.book}:
            return page in self.chapters
        return self.name != "student" or not (page == ANSWERS or page.startswith(TEACHING))

    def pruned(self, entry: dict) -> dict:
        """An entry of the table of contents, with what the edition has of those below it."""
        for parts in ("parts", "chapters", "sections"):
            if parts in entry:
                below = [self.pruned(e) for e in entry[parts] if self.has(e.get("file", ""))]
                below = [e for e in below if not e.get("caption") or e["chapters"]]
                entry = entry | {parts: below}
        return entry

    def contents(self) -> dict:
        toc = self.pruned(yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8")))
        page = f"{NOTES}/exam-answers"
        if self.name == "instructor" and (self.root / f"{page}.md").exists():
            toc["parts"].append({"caption": "For the instructor", "chapters": [{"file": page}]})
        return toc

    def configuration(self) -> dict:
        config = yaml.safe_load((self.root / "_config.yml").read_text(encoding="utf-8"))
        title = self.course.title or config["title"]
        config["title"] = title if self.name == "reader" else f"{title} ({self.name} edition)"
        config["sphinx"]["config"] |= {
            "publish_links": False,  # they lead to the whole book, with its solutions
            "book_numbers": {
                page: {e.label: int(e.number.partition(".")[2]) for e in chapter.exercises}
                for page, chapter in self.chapters.items()
            },
        }
        return config

    def text(self, page: str, root: str) -> str:
        if page in self.chapters:
            return edited(self.chapters[page], self.name, self.course)
        if page == root and not self.is_whole:
            title = self.course.title or "The Geometry of Latent Spaces"
            return FRONT_PAGE.format(title=title)
        return (self.root / f"{page}.md").read_text(encoding="utf-8")

    def mended(self, page: str, words: str, there: Collection[str], lost: Collection[str]) -> str:
        """References to what the edition does not have, as words."""

        def replace(found: re.Match) -> str:
            place = self.atlas.reference(found["role"], found["target"], page)
            if place.page in there and found["target"] not in lost:
                return found[0]
            if place.kind == "page":
                return f"*{place.text}*"
            where = f" (*{self.atlas.pages[place.page].text}*)" if place.page != page else ""
            return place.text + where

        return ROLE.sub(replace, words)

    def plant(self) -> None:
        """Write the edition's sources into `target`, which is emptied first."""
        shutil.rmtree(self.target, ignore_errors=True)
        if self.name != "reader":
            for chapter in self.chapters.values():
                check_notes(chapter)
        toc = self.contents()
        pages, lost = {*parse_toc_data(toc)}, set()
        written = {p: self.text(p, toc["root"]) for p in pages if (self.root / f"{p}.md").exists()}
        for page, chapter in self.chapters.items():
            lost |= {label for _, label in labels(chapter.text)}
            lost -= {label for _, label in labels(written[page])}
        for page in sorted(pages):
            notebook = self.root / f"{page}.ipynb"
            if not notebook.exists():
                words = self.mended(page, written[page], pages, lost)
                write(self.target / f"{page}.md", words)
                continue
            executed = nbformat.read(notebook, as_version=4)
            for c in executed.cells:
                if c.cell_type == "markdown":
                    c.source = self.mended(page, c.source, pages, lost)
            write(self.target / f"{page}.ipynb", nbformat.writes(executed) + "\n")
        for name, value in (("_toc", toc), ("_config", self.configuration())):
            words = yaml.safe_dump(value, allow_unicode=True, sort_keys=False)
            write(self.target / f"{name}.yml", words)
        notes = [f"{NOTES}/{path.name}" for path in (self.root / NOTES).glob("*.md")]
        for name in [*SHARED, *(notes if self.name != "student" else [])]:
            path, shared = self.target / name, self.root / name
            if shared.exists() and not path.exists():  # a page has been written
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(shared.resolve())


def write(path: Path, words: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words, encoding="utf-8")
