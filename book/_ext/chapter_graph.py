"""The prerequisites of the chapters as a drawing: chapters below each other, arrows on the left."""

from collections.abc import Callable, Iterator
from html import escape

from .chapters import Chapter, Fault

ROW, LEFT, WIDTH = 36, 118, 372  # height of a chapter's row, where its words begin, of the drawing


def arrows(chapters: dict[str, Chapter]) -> Iterator[tuple[str, str, bool]]:
    """(prerequisite, chapter, needed) for each link of a prerequisites line."""
    for name, chapter in chapters.items():
        for before, needed in chapter.prerequisites.items():
            if before >= name:
                raise Fault(f"{chapter.path}: the prerequisite {before} comes later in the book.")
            if before in chapters:  # a course may have left it out
                yield before, name, needed


def graph_svg(chapters: dict[str, Chapter], address: Callable[[str], str]) -> str:
    """The chapters below each other, their prerequisites as arrows that bow to the left."""
    rows = {name: ROW * k + ROW / 2 for k, name in enumerate(chapters)}
    edges = list(arrows(chapters))
    spoken = "; ".join(
        f"{chapters[a].number} → {chapters[b].number}{'' if needed else ' (for a part)'}"
        for a, b, needed in edges
    )
    groups = []
    for name, chapter in chapters.items():
        y, into = rows[name], [(a, needed) for a, b, needed in edges if b == name]
        curves = []
        for k, (a, needed) in enumerate(into):
            # arrows arrive below each other, the one from farthest away at the bottom
            end = y + 5 - 10 * (k + 1) / (len(into) + 1)
            reach = LEFT - 10 - 10.5 * (chapter.number - chapters[a].number)
            start = rows[a] + 5
            curves.append(
                f'<path class="{"needed" if needed else "part"}" d="M {LEFT - 10} {start:.0f}'
                f" C {reach:.0f} {start:.0f}, {reach:.0f} {end:.1f}, {LEFT - 10} {end:.1f}"
                f'" marker-end="url(#chapter-arrow)"/>'
            )
        lines = wrapped(f"{chapter.number}  {chapter.title}", 34)
        first = y + 4 - 7 * (len(lines) - 1)
        words = "".join(
            f'<tspan x="{LEFT}" y="{first + 14 * k:.0f}">{escape(line)}</tspan>'
            for k, line in enumerate(lines)
        )
        link = f'<a href="{escape(address(name))}"><text>{words}</text></a>'
        groups.append(f'<g class="chapter">{"".join(curves)}{link}</g>')
    height = ROW * len(chapters)
    return (
        f'<figure class="chapter-graph"><svg viewBox="0 0 {WIDTH} {height}" role="group"'
        f' aria-labelledby="chapter-graph-title chapter-graph-arrows">'
        f'<title id="chapter-graph-title">Which chapter builds on which</title>'
        f'<desc id="chapter-graph-arrows">Arrows: {escape(spoken)}.</desc>'
        '<defs><marker id="chapter-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
        ' markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M 0 0 L 8 4 L 0 8 z"'
        f' class="tip"/></marker></defs>{"".join(groups)}</svg></figure>'
    )


def wrapped(text: str, width: int) -> list[str]:
    """One line, or two if it is longer than `width`."""
    if len(text) <= width:
        return [text]
    cut = text.rfind(" ", 0, width)
    return [text[:cut], text[cut + 1 :]]
