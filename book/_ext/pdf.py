"""Print the built pages as one PDF: _build/html -> _build/geometry-of-latent-spaces.pdf.

Each page draws itself in headless Chromium, formulas and interactive figures included, and hands
out its article. All of them become one document that is printed once: so links, page numbers and
the tags for screen readers are Chromium's own. Its bookmarks would spell a formula twice.
"""

import io
import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import yaml
from pikepdf import Dictionary, Name, ObjectStreamMode, OutlineItem, Pdf
from playwright.sync_api import Browser, sync_playwright
from sphinx_external_toc.api import TocTree
from sphinx_external_toc.parsing import parse_toc_yaml

from .offline import NAME, NOT_BUILT
from .render import render

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND")
SCRIPT = Path(__file__).with_name("paper.js")
# scripts of menus and search: nothing of theirs is printed
IDLE = re.compile(r"/_static/(?!mathjax/|anywidget-static).*\.js\b|/searchindex\.js\b")
WIDTH = 658  # of the text on the paper, in pixels of CSS: what is wider is drawn smaller


def parts_of(root: Path) -> list[tuple[str, list[str]]]:
    """Captions with the pages below them, as in _toc.yml; the first page has no caption."""
    toc = parse_toc_yaml(root / "_toc.yml")

    def below(trees: list[TocTree]) -> list[str]:
        files = [file for tree in trees for file in tree.files()]
        return [page for file in files for page in (file, *below(toc[file].subtrees))]

    first = ("", [toc.root.docname])
    return [first, *((tree.caption or "", below([tree])) for tree in toc.root.subtrees)]


def page_numbers(pdf: bytes) -> dict[str, int]:
    """For each anchor that a link leads to, its page, counted from 1."""
    with Pdf.open(io.BytesIO(pdf)) as file:
        numbers = {page.objgen: number for number, page in enumerate(file.pages, 1)}
        places = file.Root.get("/Dests", {}).items()
        return {name[1:]: numbers[place[0].objgen] for name, place in places}


def finished(pdf: bytes, marks: list[tuple[int, str, str]], config: dict) -> bytes:
    """The PDF with bookmarks, folded below the parts, with its title and author, and small."""
    with Pdf.open(io.BytesIO(pdf)) as file:
        with file.open_outline() as outline:
            above = [outline.root]  # the open list of each depth
            for depth, title, anchor in marks:
                item = OutlineItem(title, Name(f"/{anchor}"))
                item.is_closed = True
                above[depth].append(item)
                above[depth + 1 :] = [item.children]
        file.Root.PageMode = Name.UseOutlines
        file.trailer.Info = Dictionary(Title=config["title"], Author=config["author"])
        small = io.BytesIO()
        # Chromium writes each of a hundred thousand small objects by itself
        file.save(small, object_stream_mode=ObjectStreamMode.generate, deterministic_id=True)
        return small.getvalue()


def book_of(browser: Browser, root: Path) -> bytes:
    """The PDF of the pages that are built below `root`."""
    site, parts, articles = (root / "_build/html").as_uri() + "/", parts_of(root), {}
    pages = [name for _, names in parts for name in names]
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    tab = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    tab.set_default_timeout(600_000)  # a slow machine takes minutes to lay out the whole book
    tab.add_init_script(path=SCRIPT)
    tab.route(IDLE, lambda route: route.abort())
    for name in pages:
        tab.goto(f"{site}{name}.html", wait_until="load")
        tab.evaluate("drawn()")
        articles[name] = tab.evaluate("(book) => article(book)", {"site": site, "pages": pages})
    style = {  # each once, in order
        kind: list(dict.fromkeys(one for article in articles.values() for one in article[kind]))
        for kind in ("sheets", "rules")
    }
    told = {"config": config, "version": version("geokit"), "parts": parts, "articles": articles}
    tab.set_viewport_size({"width": WIDTH, "height": 900})
    tab.emulate_media(media="print")
    tab.set_content(render("paper.html.j2", **told, **style), wait_until="load")
    tab.evaluate("document.fonts.ready.then(() => fit())")
    # first without ink, to learn the numbers that the contents show
    tab.evaluate("document.body.classList.add('no-ink')")
    numbers = page_numbers(tab.pdf(prefer_css_page_size=True))
    marks = tab.evaluate("(numbers) => contents(numbers)", numbers)
    tab.evaluate("document.body.classList.remove('no-ink')")
    pdf = tab.pdf(prefer_css_page_size=True, print_background=True, tagged=True)
    tab.close()
    return finished(pdf, marks, config)


def main(root: Path) -> str | None:
    """What is wrong, or None."""
    target = root / f"_build/{NAME}.pdf"
    chromium = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if not (root / "_build/html/index.html").exists():
        return NOT_BUILT
    if not chromium:
        return "There is no Chromium to print with: install the package chromium."
    with sync_playwright() as playwright:
        pdf = book_of(playwright.chromium.launch(executable_path=chromium, args=OPTIONS), root)
    target.write_bytes(pdf)
    print(f"The book on paper is ready: {target.relative_to(root)}, {len(page_numbers(pdf))} links")


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
