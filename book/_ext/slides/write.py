"""Write a reveal.js deck for each chapter of a built book.

reveal.js comes from the installed wheel `sphinx-revealjs`, MathJax and the renderer of interactive
figures from the built book. Nothing is loaded from another host, and the folder works from a disk.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path

from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from pygments.formatters import HtmlFormatter

from .cut import slides_of
from .fill import Slide
from .finish import finish, kept_state, name_widgets, places_of, saved_state

OWN = Path(__file__).parent
REVEAL = ("dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js", "LICENSE")
FROM_THE_BOOK = ("anywidget-static.js", "favicon.svg", "mathjax")
CHAPTERS = "book/[0-9][0-9]-*.html"


def write_decks(book: Path, out: Path) -> None:
    """Cut the chapters of the built book in the folder `book`; the folder `out` is written anew."""
    pages = sorted(book.glob(CHAPTERS))
    if not pages:
        raise FileNotFoundError(f"{book} holds no built chapters: run `make book` first.")
    soups = {p.stem: BeautifulSoup(p.read_text(encoding="utf-8"), "html.parser") for p in pages}
    title = next(iter(soups.values())).title.get_text().rsplit("—", 1)[-1].strip()
    decks = {name: slides_of(soup.find("article")) for name, soup in soups.items()}
    places = {name: places_of(slides) for name, slides in decks.items()}

    shutil.rmtree(out, ignore_errors=True)
    (out / "images").mkdir(parents=True)
    copy_parts(book, out)
    templates = Environment(loader=FileSystemLoader(OWN), trim_blocks=True)
    listed = []
    for name, slides in decks.items():
        saved = saved_state(soups[name])
        name_widgets(slides, saved)
        for slide in slides:
            for picture in finish(slide, name, places):
                shutil.copy(book / "book" / picture, out / "images")
        about = {"name": plain(slides[0].title), "file": f"{name}.html", "slides": len(slides)}
        listed.append(about)
        deck = templates.get_template("deck.html").render(
            about, book=title, columns=columns(slides), state=kept_state(saved, slides)
        )
        (out / about["file"]).write_text(deck, encoding="utf-8")
    index = templates.get_template("index.html").render(book=title, decks=listed)
    (out / "index.html").write_text(index, encoding="utf-8")


def copy_parts(book: Path, out: Path) -> None:
    """What the decks load: reveal.js, MathJax, the renderer of figures, our look, code colours."""
    reveal = Path(find_spec("sphinx_revealjs").origin).parent / "_static/revealjs"
    (out / "reveal").mkdir()
    for part in REVEAL:
        shutil.copy(reveal / part, out / "reveal")
    for source in (*(book / "_static" / part for part in FROM_THE_BOOK), *OWN.glob("slides.*")):
        (shutil.copytree if source.is_dir() else shutil.copy)(source, out / source.name)
    light, dark = (
        HtmlFormatter(style=f"a11y-high-contrast-{scheme}").get_style_defs(".content .highlight")
        for scheme in ("light", "dark")
    )
    only_dark = f"@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    (out / "code.css").write_text(f"{light}\n{only_dark}", encoding="utf-8")


def plain(html: str) -> str:
    return BeautifulSoup(html, "html.parser").get_text()


def columns(slides: list[Slide]) -> list[list[Slide]]:
    """reveal.js lays slides out in columns: a slide, and below it the details."""
    found = []
    for slide in slides:
        if slide.below and found:
            found[-1].append(slide)
        else:
            found.append([slide])
    return found
