"""Print the built pages as one PDF: _build/html -> _build/geometry-of-latent-spaces.pdf.

Each page draws itself in headless Chromium, formulas and interactive figures included, and hands
out its article. All of them become one document that is printed once: so links, page numbers and
the tags for screen readers are Chromium's own.
"""

import io
import mimetypes
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pikepdf import Dictionary, Name, ObjectStreamMode, OutlineItem, Pdf
from playwright.sync_api import Browser, Page, Route, sync_playwright

from .paper import Entry, about, document, entries, parts_of
from .published import NAME

# no server: what this made-up host is asked for comes from the folder, and no other host answers
SITE = "http://book.invalid/"
WHOLE = f"{SITE}whole.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND")
SCRIPT = Path(__file__).with_name("paper.js")
PAPER = {"format": "A4", "prefer_css_page_size": True}
# scripts of menus and search: nothing of theirs is printed
IDLE = re.compile(r"/_static/(?!mathjax/|anywidget-static).*\.js$|/searchindex\.js$")
WIDTH = 658  # of the text on the paper, in pixels of CSS: what is wider is drawn smaller


def answer(route: Route, site: Path, whole: list[str]) -> None:
    """A file of the site, or the document of all pages."""
    url = route.request.url
    path = site / unquote(urlsplit(url).path).lstrip("/")
    if url == WHOLE:
        route.fulfill(body=whole[0], content_type="text/html; charset=utf-8")
    elif url.startswith(SITE) and path.is_file() and not IDLE.search(path.as_posix()):
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        route.fulfill(body=path.read_bytes(), content_type=kind)
    else:
        route.abort()


def read_article(tab: Page, name: str, pages: list[str]) -> dict:
    """The article of a page as it is drawn, its sections, and the style it needs."""
    tab.goto(f"{SITE}{name}.html", wait_until="load")
    tab.evaluate("drawn()")
    return tab.evaluate("(book) => article(book)", {"site": SITE, "pages": pages})


def page_numbers(pdf: bytes) -> dict[str, int]:
    """For each anchor that a link leads to, its page, counted from 1."""
    with Pdf.open(io.BytesIO(pdf)) as file:
        numbers = {page.objgen: number for number, page in enumerate(file.pages, 1)}
        places = file.Root.get("/Dests", {}).items()
        return {name[1:]: numbers[place[0].objgen] for name, place in places}


def finished(pdf: bytes, marks: Iterable[Entry], told: Mapping[str, str]) -> bytes:
    """The PDF with bookmarks, folded below the parts, with its title and author, and small."""
    with Pdf.open(io.BytesIO(pdf)) as file:
        with file.open_outline() as outline:
            above = [outline.root]  # the open list of each depth
            for depth, title, anchor in marks:
                item = OutlineItem(title, Name(f"/{anchor}"))
                item.is_closed = True
                del above[depth + 1 :]
                above[-1].append(item)
                above.append(item.children)
        file.Root.PageMode = Name.UseOutlines
        file.trailer.Info = Dictionary(Title=told["title"], Author=told["author"])
        small = io.BytesIO()
        # Chromium writes each of a hundred thousand small objects by itself
        file.save(small, object_stream_mode=ObjectStreamMode.generate, deterministic_id=True)
        return small.getvalue()


def book_of(browser: Browser, root: Path) -> bytes:
    """The PDF of the pages that are built below `root`."""
    parts, told, whole = parts_of(root), about(root), [""]
    pages = [name for _, names in parts for name in names]
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(600_000)  # a slow machine takes minutes to lay out the whole book
    context.add_init_script(f"Object.assign(globalThis, {SCRIPT.read_text(encoding='utf-8')})")
    context.route("**/*", lambda route: answer(route, root / "_build/html", whole))
    tab = context.new_page()
    articles = {name: read_article(tab, name, pages) for name in pages}
    whole[0] = document(parts, articles, told)

    tab.set_viewport_size({"width": WIDTH, "height": 900})
    tab.emulate_media(media="print")
    tab.goto(WHOLE, wait_until="load")
    tab.evaluate("document.fonts.ready.then(() => fit())")
    # first without ink, to learn the numbers that the contents show
    tab.evaluate("document.body.classList.add('no-ink')")
    numbers = page_numbers(tab.pdf(**PAPER))
    tab.evaluate("(numbers) => number(numbers)", numbers)
    tab.evaluate("document.body.classList.remove('no-ink')")
    pdf = tab.pdf(**PAPER, print_background=True, tagged=True)
    context.close()
    return finished(pdf, entries(parts, articles), told)


def main(root: Path) -> int:
    target = root / f"_build/{NAME}.pdf"
    chromium = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if not (root / "_build/html/index.html").exists():
        print("There is no built book in _build/html: run `make book` first.", file=sys.stderr)
        return 1
    if not chromium:
        print("There is no Chromium to print with: install the package chromium.", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        pdf = book_of(browser, root)
        browser.close()
    half = target.with_name(f".{target.name}")
    half.write_bytes(pdf)
    half.replace(target)
    print(f"The book on paper is ready: {target.relative_to(root)}, {len(page_numbers(pdf))} links")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
