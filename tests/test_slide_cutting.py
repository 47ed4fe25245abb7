"""The decks: what is on the slides, what is in the notes, and what no student may see."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from built import WIDGET, soup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from book._ext.slides import deck, main, typed

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build/html"
CHAPTERS = sorted(path.stem for path in SITE.glob("book/[0-9][0-9]-*.html"))
HEAD = "# Chapter\n\nIts question.\n\n## Section\n\nIts opening."


def text(source: str, *tags: str):
    return new_markdown_cell(source, metadata={"tags": [*tags]})


def code(source: str, *tags: str, prints: str = "", shows: str = ""):
    outputs = [new_output("stream", text=prints)] if prints else []
    outputs += [new_output("display_data", {shows: "0"})] if shows else []
    return new_code_cell(source, metadata={"tags": [*tags]}, outputs=outputs)


def cut(*cells) -> list[tuple[str, str]]:
    """What the pieces of slides are called, and how they begin."""
    found = typed([text(HEAD), *cells])
    return [(c.metadata.slideshow.slide_type, c.source.split("\n")[0]) for c in found][4:]


@pytest.fixture(scope="module")
def decks(site, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("slides")
    assert main(site, out) is None
    return out


def words(tag: BeautifulSoup) -> str:
    return re.sub(r"\s+", " ", tag.get_text())


# --- how a notebook is cut


def test_a_heading_begins_a_slide_and_the_sentence_that_opens_a_section_stands_on_it():
    found = [c.metadata.slideshow.slide_type for c in typed([text(HEAD)])]
    assert found == ["slide", "-", "slide", "-"]


def test_prose_is_for_the_speaker_and_what_stands_out_is_for_the_audience():
    prose, box = "One may say so.", "> **Theorem 1** (One)\n>\n> It is."
    formula, items = "$$\na\n\n=b\n$$", "* one\n* two"
    predicted = "We step. Predict: *how far?*"
    assert cut(text("\n\n".join([prose, formula, items, box, predicted, prose]))) == [
        ("notes", prose),
        ("-", "$$"),
        ("-", "* one"),
        ("subslide", "> **Theorem 1** (One)"),
        ("subslide", predicted),
        ("notes", prose),
    ]


def test_a_figure_has_a_slide_with_its_caption():
    caption = "**Fig. 1** A line."
    cells = code("plot()", shows="image/png"), text(caption)
    assert cut(*cells) == [("subslide", "plot()"), ("-", caption)]


def test_an_exercise_is_on_the_slide_whole_and_its_solution_is_left_out():
    asked = "### Exercise 1.1 (Why)", "(By hand.) Say why.", "A hint."
    solved = text("#### Solution", "solution"), text("Since.", "solution"), code("7", prints="7")
    cells = text("\n\n".join(asked)), *solved, code("assert 8", "hide-cell"), text("## Next")
    kinds = ("subslide", "-", "-")
    assert cut(*cells) == [*zip(kinds, asked, strict=True), ("slide", "## Next")]


def test_a_long_cell_and_a_hidden_one_show_what_they_print_and_not_their_code():
    long = "\n".join(f"line_{k} = {k}" for k in range(13))
    cells = [text(HEAD), code(long, prints="seen"), code("veiled", "hide-input", prints="also")]
    html, about = deck(new_notebook(cells=[*cells, code("short", prints="too")]), "Book")
    assert all(printed in html for printed in ("seen", "also", "too"))
    assert "short" in html
    assert "line_3" not in html
    assert "veiled" not in html
    assert about == {"name": "Chapter", "slides": 2}


def test_without_a_built_book_there_is_one_sentence(tmp_path):
    said = main(tmp_path / "html", tmp_path / "out")
    assert said == f"{tmp_path / 'html'} holds no built chapters: run `make book` first."
    assert not (tmp_path / "out").exists()


# --- the decks of the book


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_line_of_a_solution_is_in_a_deck(decks, name):
    """Not on a slide, not in the notes, not in the state of a figure."""
    article = soup(SITE / f"book/{name}.html").find("article")
    deck = (decks / f"{name}.html").read_text(encoding="utf-8")
    text = words(BeautifulSoup(deck, "html.parser")) + re.sub(r"\s+", " ", deck)
    secret = [
        line for s in article.select(".solution, .tag_hide-cell") for line in solution_lines(s)
    ]
    open_text = BeautifulSoup(str(article), "html.parser")
    for hidden in open_text.select(".solution, .tag_hide-cell"):
        hidden.decompose()
    public = words(open_text)
    only_there = [line for line in secret if line not in public]
    assert only_there
    assert [line for line in only_there if line in text] == []


def solution_lines(solution: BeautifulSoup) -> list[str]:
    """Lines of code and paragraphs of prose that are long enough to be no accident."""
    code = [line for pre in solution.find_all("pre") for line in pre.get_text().split("\n")]
    prose = solution.select("p:not(.admonition-title), li")
    # formulas are drawn from other letters here and there; the prose between them is the same
    pieces = [piece for p in prose for piece in (p.get_text(), *p.find_all(string=True))]
    lines = (re.sub(r"\s+", " ", line).strip() for line in (*code, *pieces))
    return [line for line in lines if len(line) > 15]


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_figure_box_and_exercise_of_a_chapter_is_in_its_deck(decks, name):
    page, deck = soup(SITE / f"book/{name}.html").find("article"), soup(decks / f"{name}.html")
    for solution in (copy := BeautifulSoup(str(page), "html.parser")).select(".solution"):
        solution.decompose()
    files = [((SITE / "book" / i["src"]).read_bytes(), i["alt"]) for i in copy.select("figure img")]
    shown = [(base64.b64decode(i["src"].split(",")[1]), i["alt"]) for i in deck.select("img")]
    assert shown == files
    slides = " ".join(words(slide) for slide in deck.select("section"))
    for number in copy.select(".proof .caption-number, .exercise .caption-number"):
        assert words(number).strip() in slides
    views = copy.select("script[type$='view+json']")
    kept = [json.loads(v.string)["model_id"] for v in deck.select("script[type$='view+json']")]
    assert len(views) == len(kept)
    state = deck.find("script", type=f"{WIDGET}state+json")
    assert set(kept) <= set(json.loads(state.string)["state"] if state else ())
    assert deck.select("aside.notes")


@pytest.mark.parametrize("name", [*CHAPTERS, "index"])
def test_every_link_of_a_deck_leads_to_a_file_of_the_folder(decks, name):
    path = decks / f"{name}.html"
    faults = []
    for tag in soup(path).find_all(["a", "link", "script", "img"]):
        parts = urlsplit(tag.get("href") or tag.get("src") or "")
        if parts.scheme == "data" or (tag.name == "a" and parts.scheme in ("http", "https")):
            continue
        target = path.parent / unquote(parts.path) if parts.path else path
        if parts.scheme or parts.netloc or not target.is_file():
            faults.append(parts.geturl())
    assert faults == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_id_occurs_twice_in_a_deck(decks, name):
    ids = [tag["id"] for tag in soup(decks / f"{name}.html").find_all(id=True)]
    assert len(ids) == len(set(ids))
