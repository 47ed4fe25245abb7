"""Build the book: `python -m book._ext.make book`, or `page 05`; `moved` says what would execute.

Sphinx reads again only the pages that changed, and writes again only those and what shows them
(`fresh.py`), if the last build was sound and nothing changed that it cannot see. Otherwise all is
read and written anew: a strict build that failed fails again.
"""

import os
import shutil
import sys
from pathlib import Path

from . import execute
from .editions import build, source

UNSEEN = ("_config.yml", "_toc.yml", "constraints.txt", "book/_ext", "book/_assets", "book/_root")
STAMP = "_build/.sound"


def unseen(root: Path) -> str:
    """A hash of what every page may depend on without Sphinx knowing."""
    folders = (root / name for name in UNSEEN)
    inside = [p for f in folders for p in ([f] if f.is_file() else f.rglob("*"))]
    files = execute.digest(p for p in inside if p.is_file() and "__pycache__" not in p.parts)
    return f"{files} {os.environ.get('GITHUB_REPOSITORY')} {os.environ.get('GITHUB_SHA')}"


def pages(root: Path) -> None:
    """Build the pages from executed cells, and the notebooks beside them.

    Raises:
        RuntimeError: a page is not as it should be; each fault is named.
    """
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


def main(root: Path, command: str, chapter: str = "") -> str | None:
    """What is wrong, or None."""
    try:
        source.read_book(root)
        if command == "moved":
            moved = [page for page, *_ in execute.waiting(root)]
            print("\n".join(moved) or "No page would be executed.")
            return None
        found = sorted(root.glob(f"book/{chapter}*.md")) if chapter else [root / "book/index.md"]
        if not found:
            return f"There is no chapter {chapter} in book/; say one that is: make page CHAPTER=05."
        execute.main(root, chapter)
        if any(execute.waiting(root)):  # one page was asked for, and others are not up to date
            (root / STAMP).unlink(missing_ok=True)
            build.site(root, preview=True)
        else:
            pages(root)
    except (ValueError, RuntimeError) as fault:  # of the sources, of a cell, of the strict build
        return str(fault)
    what, name = ("page", f"book/{found[0].stem}") if chapter else ("book", "index")
    print(f"The {what} is ready: _build/html/{name}.html")


if __name__ == "__main__":
    sys.exit(main(Path.cwd(), *sys.argv[1:]))
