"""Build the book: `python -m book._ext.make book`, or `page 05`; `moved` says what would execute.

`course [course.toml]` builds the reader's, student's and instructor's editions of a built book.

Sphinx reads again only the pages that changed, and writes again only those and what shows them
(`fresh.py`), if the last build was sound and nothing changed that it cannot see. Otherwise all is
read and written anew: a strict build that failed fails again.
"""

import os
import shutil
import sys
from pathlib import Path

from . import execute
from .editions import build, course, source

UNSEEN = ("_config.yml", "_toc.yml", "constraints.txt", "book/_ext", "book/_assets", "book/_root")
STAMP = "_build/.sound"


def unseen(root: Path) -> str:
    """A hash of what every page may depend on without Sphinx knowing."""
    folders = (root / name for name in UNSEEN)
    inside = [p for f in folders for p in ([f] if f.is_file() else f.rglob("*"))]
    files = execute.digest(p for p in inside if p.is_file() and "__pycache__" not in p.parts)
    return f"{files} {os.environ.get('GITHUB_REPOSITORY')} {os.environ.get('GITHUB_SHA')}"


def pages(root: Path) -> None:
    """Build the pages from executed cells, and the notebooks beside them."""
    stamp, html, now = root / STAMP, root / "_build/html", unseen(root)
    sound = html.exists() and stamp.exists() and stamp.read_text() == now
    stamp.unlink(missing_ok=True)
    if not sound:
        shutil.rmtree(html, ignore_errors=True)
        shutil.rmtree(root / "_build/.doctrees", ignore_errors=True)
    try:
        build.site(root, everything=not sound)
    except RuntimeError:
        shutil.rmtree(html, ignore_errors=True)
        raise
    for page, text in build.notebooks(root):
        (html / f"{page}.ipynb").write_text(text, encoding="utf-8")
    stamp.write_text(now)


def book(root: Path, chapter: str = "") -> str:
    """Execute and build all pages, or those of one chapter. Returns what is ready."""
    found = sorted(root.glob(f"book/{chapter}*.md")) if chapter else [root / "book/index.md"]
    if not found:
        raise ValueError(
            f"There is no chapter {chapter} in book/; say one that is: make page CHAPTER=05."
        )
    execute.main(root, chapter)
    if any(execute.waiting(root)):  # one page was asked for, and others are not up to date
        (root / STAMP).unlink(missing_ok=True)
        build.site(root, preview=True)
    else:
        pages(root)
    what, name = ("page", f"book/{found[0].stem}") if chapter else ("book", "index")
    return f"The {what} is ready: _build/html/{name}.html"


def main(root: Path, command: str, given: str = "") -> str | None:
    """What is wrong, or None."""
    try:
        chapters = source.read_book(root)
        if command == "moved":
            moved = [page for page, *_ in execute.waiting(root)]
            print("\n".join(moved) or "No page would be executed.")
        elif command == "course":
            datasets = [path.stem for path in sorted((root / "notebooks/specs").glob("*.toml"))]
            whole = course.whole(chapters)
            chosen = course.read(Path(given), chapters, datasets) if given else whole
            build.build(root, chosen, chapters)
            done = "_build/course/{reader,student,instructor}, _build/course/nbgrader"
            print(f"The course is ready: {done}")
        else:
            print(book(root, given))
    except (ValueError, RuntimeError) as fault:  # of the sources, of a cell, of the strict build
        return str(fault)
    return None


if __name__ == "__main__":
    sys.exit(main(Path.cwd(), *sys.argv[1:]))
