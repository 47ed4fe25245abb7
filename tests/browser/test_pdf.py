"""The book on paper: page, figure, formula and solution are all there, and no link leads astray."""

import io
import re
import unicodedata
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pytest
import test_build
import yaml
from built import soup
from pikepdf import OutlineItem, Page, Pdf, Stream
from pypdfium2 import PdfDocument

from book._ext import pdf

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
house = test_build.house


class Printed:
    """The PDF, and what of it is asked for again and again."""

    def __init__(self, data: bytes, root: Path) -> None:
        self.reader = Pdf.open(io.BytesIO(data))
        self.parts = pdf.parts_of(root)
        self.names = [name for _, names in self.parts for name in names]
        self.numbers = pdf.page_numbers(data)
        self.starts = [self.numbers[name] for name in self.names]
        self.texts = [page.get_textpage().get_text_range() for page in PdfDocument(data)]

    def pages_of(self, name: str) -> slice:
        """The sheets of a page of the book, with the part's sheet that may follow it."""
        k = self.names.index(name)
        return slice(self.starts[k] - 1, ([*self.starts, len(self.texts) + 1])[k + 1] - 1)

    def text_of(self, name: str) -> str:
        return plain("".join(self.texts[self.pages_of(name)]))


def plain(text: str) -> str:
    """Letters and digits alone: no ligature, no line break, no hyphen counts."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())


def article(site: Path, name: str):
    return soup(site / f"{name}.html").select_one("article.bd-article")


# four pages of the book, with all that a page can hold, links between them and to pages left out
FEW = """\
format: jb-book
root: book/index
parts:
  - caption: Maps
    chapters: [file: book/02-pullback-metric, file: book/03-jacobians]
  - caption: Learned manifolds
    chapters: [file: book/11-walks]
"""


@pytest.fixture(scope="module", params=["few", pytest.param("whole", marks=pytest.mark.nightly)])
def printed(request, site, browser, tmp_path_factory) -> Printed:
    """A book of a few of the built pages; at night the whole book too."""
    if request.param == "whole":
        return Printed(pdf.book_of(browser, ROOT), ROOT)
    few = tmp_path_factory.mktemp("few")
    (few / "_build").mkdir()
    (few / "_build/html").symlink_to(site)
    (few / "_config.yml").symlink_to(ROOT / "_config.yml")
    test_build.write(few / "_toc.yml", FEW)
    return Printed(pdf.book_of(browser, few), few)


def test_each_page_of_the_book_takes_as_many_sheets_as_it_has_to_say(printed, site):
    """Between the sheets its letters fill when set solid, and those of an airy layout."""
    for name in printed.names:
        here = article(site, name)
        letters = len(plain(here.get_text()))
        figures = len(here.select("img, script[type$='widget-view+json']"))
        lines = here.get_text().count("\n")
        sheets = printed.pages_of(name)
        taken = sheets.stop - sheets.start
        assert letters / 4500 <= taken <= 3 + letters / 600 + lines / 40 + figures, name


def test_bookmarks_name_every_part_page_and_section_where_it_is(printed, site):
    found: list[tuple[int, str, int]] = []

    def walk(items: list[OutlineItem], depth: int) -> None:
        for item in items:
            found.append((depth, item.title, printed.numbers[str(item.destination)[1:]] - 1))
            walk(item.children, depth + 1)

    with printed.reader.open_outline() as outline:
        walk(outline.root, 0)
    wanted = []
    for caption, names in printed.parts:
        wanted += [(0, [caption])] if caption else []
        for name in names:
            for heading in article(site, name).select("h1, h2"):
                words = re.split(r"\\\(.*?\\\)", heading.get_text().removesuffix("#").strip())
                wanted.append((int(heading.name[1]) - 1 + bool(caption), words))
    assert [depth for depth, *_ in found] == [depth for depth, _ in wanted]
    for (_, title, number), (_, words) in zip(found, wanted, strict=True):
        # a formula in a heading is drawn, not written
        assert re.fullmatch(".+".join(map(re.escape, words)), title)
        assert plain(words[0])[:20] in plain(printed.texts[number]), title


def test_the_contents_show_the_number_of_the_sheet(printed):
    first = printed.starts[0] - 1
    shown = plain("".join(printed.texts[1:first]))
    for caption, names in printed.parts:
        for name in names:
            place = printed.reader.Root.Dests[f"/{name}"]
            assert Page(place[0]).index + 1 == printed.numbers[name]
        if caption:
            number = printed.numbers[names[0]] - 1
            assert plain(f"{caption}{number}") in shown, caption
    footers = [text.split("\n", 1)[0].strip() for text in printed.texts]
    assert footers == [str(number) for number in range(1, len(footers) + 1)]


def fonts(page: Page) -> dict:
    return dict(page.Resources.get("/Font", {}).items())


def is_embedded(font: dict) -> bool:
    if font["/Subtype"] == "/Type3":
        return bool(font["/CharProcs"])
    bearer = font["/DescendantFonts"][0] if "/DescendantFonts" in font else font
    return any(key.startswith("/FontFile") for key in bearer["/FontDescriptor"])


def missing_glyphs(page: Page) -> list[str]:
    """Fonts that draw glyph 0, the empty box, on a page."""
    wide = {name[1:]: font["/Subtype"] == "/Type0" for name, font in fonts(page).items()}
    stream, now, faults = page.Contents.read_bytes().decode("latin-1"), "", []
    for found in re.finditer(r"/(\w+) [\d.]+ Tf|<([0-9A-F]+)> Tj", stream):
        if found[1]:
            now = found[1]
        else:
            size = 4 if wide[now] else 2
            codes = [found[2][k : k + size] for k in range(0, len(found[2]), size)]
            faults += [now] * ("0" * size in codes)
    return faults


def test_every_glyph_is_there_and_every_font_inside(printed):
    drawn = 0
    for number, page in enumerate(printed.reader.pages, 1):
        assert all(is_embedded(font) for font in fonts(page).values()), number
        assert not missing_glyphs(page), number
        drawn += page.Contents.read_bytes().count(b"> Tj")
    assert drawn > 50 * len(printed.texts)  # the form that is looked for is the form in use
    for replacement in ("\ufffd", "□"):
        assert not any(replacement in text for text in printed.texts)


def test_theorems_exercises_and_solutions_are_printed_open(printed, site):
    looked = Counter()
    for name in printed.names:
        text = printed.text_of(name)
        for box in article(site, name).select(".proof, .exercise, .solution, .toggle"):
            if heading := box.select_one(".admonition-title"):  # a proof has none
                title = heading.find(string=True, recursive=True)
                assert plain(title) in text, title
            # of the words in it, formulas apart, the longest stretch
            seen = [
                s for s in box.find_all(string=True) if not s.find_parent(["script", "noscript"])
            ]
            words = max(seen, key=lambda part: len(plain(part)))
            if "math" not in words.parent.get("class", ()):
                assert plain(words)[:60] in text, (name, words)
                looked[box["class"][0]] += 1
    assert {"proof", "exercise", "solution"} <= set(looked)


def sizes(page: Page) -> Counter:
    """The pictures on a sheet, by their pixels."""
    found, waiting = Counter(), [page]
    while waiting:
        for _, thing in waiting.pop().get("/Resources", {}).get("/XObject", {}).items():
            if thing["/Subtype"] == "/Image":
                found[(int(thing["/Width"]), int(thing["/Height"]))] += 1
            else:
                waiting.append(thing)
    return found


def test_every_figure_is_printed(printed, site):
    from PIL import Image

    for name in printed.names:
        there = Counter()
        for page in printed.reader.pages[printed.pages_of(name)]:
            there += sizes(page)
        images = [
            site / name.rpartition("/")[0] / i["src"] for i in article(site, name).select("img")
        ]
        wanted = Counter(Image.open(image).size for image in images)
        assert not (wanted - there), name
        views = article(site, name).select("script[type$='widget-view+json']")
        assert "Whatbelongsherecouldnotbedrawn" not in printed.text_of(name)
        assert not views or "ThispartofthepageneedsJavaScript" not in printed.text_of(name)


def small_objects(reader: Pdf) -> bytes:
    return b"\n".join(o.unparse(resolved=True) for o in reader.objects if not isinstance(o, Stream))


def test_links_stay_in_the_book_or_go_to_the_web(printed):
    inside = outside = 0
    places = printed.reader.Root.Dests
    for page in printed.reader.pages:
        for note in page.get("/Annots", []):
            if "/A" in note and "/URI" in note["/A"]:
                outside += 1
                assert (url := str(note["/A"]["/URI"])).startswith(("https://", "http://")), url
            else:
                inside += 1
                assert note["/Dest"] in places, note["/Dest"]
    assert inside > len(printed.names)
    assert outside > 0
    said = small_objects(printed.reader) + "".join(printed.texts).encode()
    for trace in (
        b"file://",
        str(ROOT).encode(),
        str(Path.home()).encode() + b"/",
    ):
        assert trace not in said, trace


def test_a_screen_reader_finds_language_title_tags_and_formulas(printed, site):
    root = printed.reader.Root
    told = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert root["/Lang"] == told["sphinx"]["config"]["language"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert printed.reader.docinfo.Title == told["title"]
    assert printed.reader.docinfo.Author == told["author"]
    assert f"Version {version('geokit')}" in printed.texts[0]
    assert "CC BY 4.0" in printed.texts[0]
    formulas = sum(len(article(site, name).select(".math")) for name in printed.names)
    assert small_objects(printed.reader).count(b"/Alt ") >= formulas > 0


def test_the_same_pages_give_the_same_bytes(house, browser):
    """Pages below pages too; a link to a file beside the pages is no link on paper."""
    test_build.write(house / "book/02-below.md", "# Below\n\nSee {doc}`01-tiny`, and $x^2$.\n")
    toc = (house / "_toc.yml").read_text(encoding="utf-8")
    below = toc.replace(
        "[file: book/01-tiny]", "[{file: book/01-tiny, sections: [{file: book/02-below}]}]"
    )
    test_build.write(house / "_toc.yml", below)
    test_build.write(house / "book/index.md", "# The book\n\n{download}`a file <style.mplstyle>`\n")
    run = test_build.make(house, "book")
    assert run.returncode == 0, run.stderr
    once, again = pdf.book_of(browser, house), pdf.book_of(browser, house)
    assert once == again
    small = Printed(once, house)
    assert small.names == ["book/index", "book/01-tiny", "book/02-below"]
    heads = [plain(small.text_of(name))[:6] for name in small.names]
    assert heads == ["3Thebo", "4Atiny", "5Below"]
    notes = [note for page in small.reader.pages[2:] for note in page.get("/Annots", [])]
    assert {note.get("/Dest") for note in notes} == {"/book/01-tiny", "/book/01-tiny/fig-line"}


@pytest.mark.parametrize(
    ("there", "without", "said"),
    [
        (False, "", "There is no built book in _build/html: run `make book` first."),
        (True, "PATH", "There is no Chromium to print with: install the package chromium."),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(tmp_path, monkeypatch, there, without, said):
    if there:
        test_build.write(tmp_path / "_build/html/index.html", "")
    if without:
        monkeypatch.setenv(without, "")
    assert pdf.main(tmp_path) == said
