"""The decks: what is on the slides, what is in the notes, and what no student may see."""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from built import WIDGET, soup

from book._ext.make_slides import main
from book._ext.slides.cut import slides_of
from book._ext.slides.fill import fragment
from book._ext.slides.sentences import predicted, sentences

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build/html"


CHAPTERS = sorted(path.stem for path in SITE.glob("book/[0-9][0-9]-*.html"))
HEAD = '<section id="c"><h1>Chapter</h1><section id="s"><h2>Section</h2>'


def cut(html: str) -> list:
    return slides_of(fragment(f"<article>{HEAD}{html}</section></section></article>"))


def shown(slides: list) -> list[str]:
    return [f"{s.kind}: {''.join(b.decode() for b in s.blocks)}" for s in slides]


@pytest.fixture(scope="module")
def decks(tmp_path_factory) -> Path:
    if not CHAPTERS:
        pytest.fail("There is no built book in _build/html: run `make book` first.", pytrace=False)
    out = tmp_path_factory.mktemp("slides")
    assert main(SITE, out) == 0
    return out


def words(tag: BeautifulSoup) -> str:
    return re.sub(r"\s+", " ", tag.get_text())


# --- sentences


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("One. Two? Three", ["One.", "Two?", "Three"]),
        ("See e.g. Fig. 3, or 3.14. Then go.", ["See e.g. Fig. 3, or 3.14.", "Then go."]),
        ("It is. <em>Is it? Really?</em> Yes.", ["It is.", "<em>Is it? Really?</em>", "Yes."]),
        ("<strong>A2.</strong> It is one. Two.", ["<strong>A2.</strong> It is one.", "Two."]),
        ("<strong>A <a>z</a>.</strong> One. Two.", ["<strong>A <a>z</a>.</strong> One.", "Two."]),
        ("“One. Two.” (Three. Four.) Five.", ["“One. Two.”", "(Three. Four.)", "Five."]),
        (
            'Let <span class="math">a</span>. So &lt;.',
            ['Let <span class="math">a</span>.', "So &lt;."],
        ),
    ],
)
def test_a_paragraph_is_cut_where_its_sentences_end(html, said):
    assert sentences(fragment(f"<p>{html}</p>")) == said


def test_a_prediction_goes_as_far_as_its_question():
    assert predicted(["We step.", "Predict: <em>how far?</em>", "Now look."]) == (1, 2)
    assert predicted(["Predict the order.", "<em>Which first?</em>", "Look."]) == (0, 2)
    assert predicted(["Before you look, predict: <em>what?</em>"]) == (0, 1)
    assert predicted(["The predicted value."]) is None


# --- one block after the other


def test_the_prediction_stands_before_the_answer_and_not_on_its_slide():
    slides = cut(
        "<p>A globe. Predict: <em>how far is it from one of them to the other?</em> Measure.</p>"
        '<div class="cell"><div class="cell_input"><div class="highlight"><pre>1</pre></div></div>'
        '<div class="cell_output"><div class="output"><pre>42</pre></div></div></div>'
    )
    assert [s.kind for s in slides] == ["title", "section", "predict", "code"]
    assert "42" not in "".join(shown(slides[:3])) + slides[2].title
    assert slides[2].title == "<em>How far is it from one of them to the other?</em>"
    assert slides[2].notes == ["Measure."]


def test_a_brief_question_is_asked_with_the_sentence_before_it():
    slides = cut("<p>One. Pairs gain when near. Predict: <em>do they?</em></p>")
    assert slides[-1].title == "Pairs gain when near. Do they?"


def test_prose_is_in_the_notes_and_lists_are_on_the_slides():
    slides = cut("<p>First. Second.</p><p>Third.</p><ul><li>item</li></ul><p>Fourth.</p>")
    assert [s.kind for s in slides] == ["title", "section"]
    assert "First." in shown(slides)[1]
    assert "Second." not in shown(slides)[1]
    assert "item" in shown(slides)[1]
    assert slides[1].notes == ["First. Second.", "Third.", "Fourth."]


def test_a_proof_lies_below_its_theorem():
    theorem = '<div class="proof theorem admonition" id="t"><p class="admonition-title">'
    title = (
        '<span class="caption-number">Theorem 1 </span> (Short)</p><section><p>So.</p></section>'
    )
    proof = '<div class="proof admonition"><section><p>Proof. Because.</p></section></div>'
    *_, first, second = cut(f"{theorem}{title}</div>{proof}")
    assert (first.kicker, first.title, first.below) == ("Theorem 1", "Short", False)
    assert (second.kicker, second.title, second.below) == ("Proof of Theorem 1", "Short", True)
    assert shown([second]) == ["proof: <p>Because.</p>"]


def test_no_solution_and_no_hidden_cell_is_looked_at():
    secret = '<div class="cell_output"><div class="output"><pre>it is 7</pre></div></div>'
    slides = cut(
        f'<div class="solution admonition"><section><p>Seven</p>{secret}</section></div>'
        f'<div class="cell tag_hide-cell">{secret}</div>'
        '<div class="exercise admonition"><p class="admonition-title">Exercise</p><section>'
        f'<p>How many?</p><div class="cell tag_hide-cell">{secret}</div></section></div>'
    )
    text = " ".join([*shown(slides), *(note for s in slides for note in s.notes)])
    assert "How many?" in text
    assert "7" not in text
    assert "Seven" not in text


def test_a_long_list_goes_on_below_with_its_numbers():
    items = "".join(f"<li>{'word ' * 40}</li>" for _ in range(8))
    slides = cut(f"<ol>{items}</ol>")[1:]
    assert len(slides) > 1
    assert [s.below for s in slides] == [False] + [True] * (len(slides) - 1)
    counts = [len(s.blocks[0].find_all("li")) for s in slides]
    assert sum(counts) == 8
    assert max(counts) - min(counts) <= 1
    starts = [int(s.blocks[0].get("start", 1)) for s in slides]
    assert starts == [1 + sum(counts[:k]) for k in range(len(counts))]
    assert len({s.title for s in slides}) == len(slides)


def test_a_long_cell_shows_what_it_prints_and_not_its_code():
    code = "\n".join(f"line_{k} = {k}" for k in range(13))
    slides = cut(
        f'<div class="cell"><div class="cell_input"><div class="highlight"><pre>{code}</pre></div>'
        '</div><div class="cell_output"><div class="output"><pre>printed</pre></div></div></div>'
    )
    assert "printed" in shown(slides)[-1]
    assert "line_3" not in shown(slides)[-1]


def test_without_a_built_book_there_is_one_sentence(tmp_path, capsys):
    assert main(tmp_path / "html", tmp_path / "out") == 1
    said = capsys.readouterr().err.strip()
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
    prose = [p.get_text() for p in solution.find_all(["p", "li"])]
    lines = (re.sub(r"\s+", " ", line).strip() for line in (*code, *prose))
    return [line for line in lines if len(line) > 15 and not line.startswith("Solution to")]


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_figure_box_and_exercise_of_a_chapter_is_in_its_deck(decks, name):
    page, deck = soup(SITE / f"book/{name}.html").find("article"), soup(decks / f"{name}.html")
    for solution in (copy := BeautifulSoup(str(page), "html.parser")).select(".solution"):
        solution.decompose()
    pictures = {(Path(i["src"]).name, i["alt"]) for i in copy.select("figure img")}
    assert {(Path(i["src"]).name, i["alt"]) for i in deck.select("figure img")} == pictures
    boxes = {box["id"] for box in copy.select(".proof[id], .exercise[id]")}
    assert boxes <= {slide["id"] for slide in deck.select("section[id]")}
    views = [json.loads(v.string)["model_id"] for v in copy.select("script[type$='view+json']")]
    kept = [json.loads(v.string)["model_id"] for v in deck.select("script[type$='view+json']")]
    assert sorted(views) == sorted(kept)
    state = deck.find("script", type=f"{WIDGET}state+json")
    assert set(kept) <= set(json.loads(state.string)["state"] if state else ())


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_titles_of_a_deck_are_all_there_and_all_different(decks, name):
    deck = soup(decks / f"{name}.html")
    slides = deck.select("section[data-kind]")
    titles = [words(slide.find(["h1", "h2"])).strip() for slide in slides]
    assert all(titles)
    assert len(set(titles)) == len(slides)
    assert [slide["data-kind"] for slide in slides][:2] == ["title", "objectives"]
    assert deck.select("aside.notes")


@pytest.mark.parametrize("name", [*CHAPTERS, "index"])
def test_every_link_of_a_deck_leads_to_a_file_or_a_slide_of_the_folder(decks, name):
    path = decks / f"{name}.html"
    faults = []
    for tag in soup(path).find_all(["a", "link", "script", "img"]):
        parts = urlsplit(tag.get("href") or tag.get("src") or "")
        if tag.name == "a" and parts.scheme in ("http", "https"):
            continue
        target = path.parent / unquote(parts.path) if parts.path else path
        place = unquote(parts.fragment).removeprefix("/")
        is_here = not parts.scheme and not parts.netloc and target.is_file()
        if not is_here or (place and not soup(target).find(id=place)):
            faults.append(parts.geturl())
    assert faults == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_id_occurs_twice_in_a_deck(decks, name):
    ids = [tag["id"] for tag in soup(decks / f"{name}.html").find_all(id=True)]
    assert len(ids) == len(set(ids))
