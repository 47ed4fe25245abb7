"""Print the built pages as one PDF: _build/html -> _build/geometry-of-latent-spaces.pdf.

Each page draws itself in headless Chromium, formulas and interactive figures included, and hands
out its article. All of them become one document that is printed once: so links, page numbers and
the tags for screen readers are Chromium's own. Its bookmarks would spell a formula twice.
"""

import io
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from pikepdf import Dictionary, Name, ObjectStreamMode, OutlineItem, Pdf
from playwright.sync_api import Browser, Route, sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

from .offline import NAME, NOT_BUILT
from .render import render

# no server: what this made-up host is asked for comes from the folder, and no other host answers
SITE = "http://book.invalid/"
WHOLE = f"{SITE}whole.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND")
SCRIPT = Path(__file__).with_name("paper.js")
# scripts of menus and search: nothing of theirs is printed
IDLE = re.compile(r"/_static/(?!mathjax/|anywidget-static).*\.js$|/searchindex\.js$")
WIDTH = 658  # of the text on the paper, in pixels of CSS: what is wider is drawn smaller
Part = tuple[str, list[str]]


def parts_of(root: Path) -> list[Part]:
    """Captions with the pages below them, as in _toc.yml; the first page has no caption."""
    toc = parse_toc_yaml(root / "_toc.yml")

    def below(name: str) -> Iterator[str]:
        yield name
        for tree in toc[name].subtrees:
            for page in tree.files():
                yield from below(page)

    parts = [("", [toc.root.docname])]
    for tree in toc.root.subtrees:
        parts.append((tree.caption or "", [page for file in tree.files() for page in below(file)]))
    return parts


def entries(parts: list[Part], articles: Mapping[str, dict]) -> Iterator[tuple[int, str, str]]:
    """Parts, pages and sections for contents and bookmarks: their depths, titles and anchors."""
    for number, (caption, names) in enumerate(parts):
        if caption:
            yield 0, caption, f"part-{number}"
        for name in names:
            for level, title, anchor in articles[name]["sections"]:
                depth = level - 1 + bool(caption)
                yield depth, title, name if level == 1 else anchor


def answer(route: Route, site: Path) -> None:
    """A file of the site, if it is asked for one."""
    path = site / unquote(urlsplit(route.request.url).path).lstrip("/")
    is_ours = route.request.url.startswith(SITE) and path.is_file()
    if is_ours and not IDLE.search(path.as_posix()):
        route.fulfill(path=path)
    else:
        route.abort()


def page_numbers(pdf: bytes) -> dict[str, int]:
    """For each anchor that a link leads to, its page, counted from 1."""
    with Pdf.open(io.BytesIO(pdf)) as file:
        numbers = {page.objgen: number for number, page in enumerate(file.pages, 1)}
        places = file.Root.get("/Dests", {}).items()
        return {name[1:]: numbers[place[0].objgen] for name, place in places}


def finished(pdf: bytes, marks: list[tuple[int, str, str]], config: Mapping[str, str]) -> bytes:
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
    parts, articles = parts_of(root), {}
    pages = [name for _, names in parts for name in names]
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    tab = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    tab.set_default_timeout(600_000)  # a slow machine takes minutes to lay out the whole book
    tab.add_init_script(path=SCRIPT)
    tab.route("**/*", lambda route: answer(route, root / "_build/html"))
    for name in pages:
        tab.goto(f"{SITE}{name}.html", wait_until="load")
        articles[name] = tab.evaluate("(book) => article(book)", {"site": SITE, "pages": pages})
    marks = list(entries(parts, articles))
    style = {  # each once, in order
        kind: list(dict.fromkeys(one for article in articles.values() for one in article[kind]))
        for kind in ("sheets", "rules")
    }
    told = {"config": config, "version": version("geokit"), "entries": marks, "parts": parts}
    whole = render("paper.html.j2", articles=articles, **style, **told)
    tab.route(WHOLE, lambda route: route.fulfill(body=whole, content_type="text/html"))

    tab.set_viewport_size({"width": WIDTH, "height": 900})
    tab.emulate_media(media="print")
    tab.goto(WHOLE, wait_until="load")
    tab.evaluate("document.fonts.ready.then(() => fit())")
    # first without ink, to learn the numbers that the contents show
    tab.evaluate("document.body.classList.add('no-ink')")
    numbers = page_numbers(tab.pdf(prefer_css_page_size=True))
    tab.evaluate("(numbers) => number(numbers)", numbers)
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
