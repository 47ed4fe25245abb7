"""What of the solutions could be found in a folder, and whether it is there."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from book._ext.chapters import Block, Chapter

TEXT = {".html", ".md", ".ipynb", ".js", ".json", ".txt", ".css", ".yml", ".toml", ".csv", ".inv"}
MARKUP = re.compile(r"\$[^$]*\$|\{[\w:]+\}`[^`]*`|[*_`\[\]\\#|]+|https?://\S+")
STATE = re.compile(r'<script type="application/[^"]*json">(.*?)</script>', re.S)
TAG = re.compile(r"<[^>]*>")
SHORTEST = {True: 11, False: 20}  # in code and in prose: what is shorter may stand anywhere


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def parts(line: str) -> Iterator[str]:
    """A line of a solution's prose in pieces that stand in a page as they are written."""
    yield from (squeezed(piece) for piece in [line, *MARKUP.split(line)])


def solution_rows(chapter: Chapter) -> set[int]:
    blocks = [exercise.solution for exercise in chapter.exercises]
    return {row for block in blocks for row in range(block.start, block.stop)}


def secrets(book: list[Chapter], others: Iterable[Path] = ()) -> dict[str, str]:
    """What only solutions say, without spaces, and the exercise it belongs to.

    What a line says that stands in another place of the chapters, or of the other pages, is none.
    """
    shown = squeezed(" ".join(path.read_text(encoding="utf-8") for path in others))
    for chapter in book:
        hidden = solution_rows(chapter)
        shown += squeezed("".join(li for k, li in enumerate(chapter.lines) if k not in hidden))
    found = {}
    for chapter in book:
        for exercise in chapter.exercises:
            for part, is_code in solution_parts(chapter, exercise.solution):
                # a cell to fill in names the function as its exercise does, and tries the check
                name = part.removeprefix("def").partition("(")[0]
                asked = part.startswith("def") and "=" not in part and name in shown
                given = asked or part.startswith(("check.answer(", "```", ":class:", ":tags:"))
                if len(part) >= SHORTEST[is_code] and part not in shown and not given:
                    found[part] = exercise.number
    return found


def solution_parts(chapter: Chapter, block: Block) -> Iterator[tuple[str, bool]]:
    """The lines of a solution: code as it is (True), prose in pieces (False)."""
    code = {row for cell in block.cells for row in range(cell.start, cell.stop)}
    for row in range(block.start + 1, block.stop):
        line = chapter.lines[row]
        if row in code:
            yield squeezed(line), True
        else:
            yield from ((part, False) for part in parts(line))


def strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield from strings(key)
                yield from strings(item) if key != "image/png" else ()
        case list():
            for item in value:
                yield from strings(item)


def readings(path: Path) -> Iterator[str]:
    """A file's text, as it is and as a browser or a notebook shows it; `pictures` reads images."""
    raw = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix in {".ipynb", ".json"}:
        yield squeezed(" ".join(strings(json.loads(raw))))
        return
    yield squeezed(html.unescape(raw))
    if path.suffix == ".html":
        yield squeezed(html.unescape(TAG.sub("", raw)))
        for state in STATE.findall(raw):
            yield squeezed(" ".join(strings(json.loads(state))))


def leaks(folder: Path, hidden: dict[str, str]) -> list[str]:
    """Files that hold a part of a solution."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in TEXT:
            for text in readings(path):
                found += [
                    f"{path.relative_to(folder)}: exercise {number}: {part}"
                    for part, number in hidden.items()
                    if part in text
                ]
    return found


def pictures(cells: list) -> set[str]:
    """Hashes of the images that cells have drawn."""
    data = [
        base64.b64decode(value)
        for cell in cells
        for output in cell.get("outputs", [])
        for kind, value in output.get("data", {}).items()
        if kind == "image/png"
    ]
    return {hashlib.sha256(value).hexdigest() for value in data}


def files_hashed(folder: Path) -> set[str]:
    return {hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.png")}
