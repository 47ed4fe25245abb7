"""Each word of the glossary is used, and linked where a chapter first uses it."""

from pathlib import Path

import pytest
import terms

BOOK = Path(__file__).parents[1] / "book"
CHAPTERS = sorted(BOOK.glob("[0-9][0-9]-*.md"))
ENTRIES = terms.terms((BOOK / "glossary.md").read_text(encoding="utf-8"))
NAMES = [words[0] for words in ENTRIES]
# These have an everyday sense too ("single precision"), and no program can tell which is meant:
# they are linked where a chapter sets them in bold, and elsewhere where the author sees fit.
EVERYDAY = {"disagreement", "drift", "embedding", "flat", "floor", "flow", "pace", "power"}
EVERYDAY |= {"precision", "similarity"}


def faults(page: str, entries: list[list[str]], everyday: set[str]) -> list[str]:
    """Entries that a page uses before it links them, or makes bold and does not link."""
    found, seen = [], set()
    for name, line, linked in terms.uses(page, entries):
        if name not in seen | everyday and not linked:
            found.append(
                f"line {line}: the first use of {name!r} is no link; write {{term}}`{name}`"
            )
        if linked or name not in everyday:
            seen.add(name)
    for words in entries:
        bold = any(f"**{word}**" in page for word in words)
        if bold and words[0] not in seen:
            found.append(
                f"{words[0]!r} is in bold, and never linked; write **{{term}}`{words[0]}`**"
            )
    return found


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_links_each_word_of_the_glossary_at_its_first_use(path):
    page = path.read_text(encoding="utf-8")
    assert [f"book/{path.name}, {fault}" for fault in faults(page, ENTRIES, EVERYDAY)] == []


def test_no_word_is_explained_that_no_chapter_links():
    linked = {
        name
        for path in CHAPTERS
        for name, _, is_link in terms.uses(path.read_text(encoding="utf-8"), ENTRIES)
        if is_link
    }
    assert sorted(set(NAMES) - linked) == []


def test_the_glossary_is_in_order_and_has_each_word_once():
    words = [word.lower() for entry in ENTRIES for word in entry]
    assert sorted(words) == sorted(set(words))
    assert sorted(NAMES, key=lambda name: name.lower().replace("–", "-")) == NAMES
    assert set(NAMES) >= EVERYDAY


SAMPLE = [["metric"], ["pullback metric"], ["geodesic"], ["isometry"], ["flat"]]
LINKED = "A {term}`metric`, two {term}`isometries <isometry>`; the metric again.\n"


@pytest.mark.parametrize(
    "page",
    [
        LINKED,
        "# The metric of a page\n\n| metric |\n|---|\n| metric |\n",
        "$metric$ and `metric`, [metric](x.md), {doc}`metric <x>`, **A metric.** Good.\n",
        '"A metric", it says. A flat tyre.\n',
        "$$\n\\text{metric}\n$$\n\n```{code-cell} ipython3\nmetric\n```\n",
        ":::{admonition} Objectives\n* a metric\n:::\n\n**Prerequisites.** metric\n",
        "```{exercise-start} M\n:label: m\n```\na metric\n```{exercise-end}\n```\n",
        "```{exercise} M\n:label: m\n\na metric\n```\n",
        "````{solution-start} m\n````\na metric\n````{solution-end}\n````\n",
    ],
)
def test_what_is_linked_or_no_prose_is_no_fault(page):
    assert faults(page, SAMPLE, {"flat"}) == []


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("First\n\nA metric, then a {term}`metric`.\n", "line 3: the first use of 'metric'"),
        ("A pullback\nmetric.\n", "'pullback metric'"),
        ("*Geodesics* and a {term}`metric`.\n", "'geodesic'"),
        ("Two isometries.\n", "'isometry'"),
        ("* an item: metric\n", "'metric'"),
        ("```{prf:theorem} T\n:label: t\n\nA metric.\n```\n", "line 4: the first use of 'metric'"),
        (":::{admonition} Mind\nA metric.\n:::\n", "line 2: the first use of 'metric'"),
        ("It is **flat**.\n", "'flat' is in bold"),
    ],
)
def test_a_first_use_that_is_no_link_is_found(page, found):
    assert any(found in fault for fault in faults(page, SAMPLE, {"flat"})), found


def test_a_pullback_metric_is_no_use_of_metric():
    assert [name for name, *_ in terms.uses("A pullback metric.\n", SAMPLE)] == ["pullback metric"]


def test_the_words_of_an_entry_are_its_lines_that_are_not_indented():
    page = "# G\n\n```{glossary}\none\nfirst\n  The *one*.\n\ntwo words\n  Another.\n```\n"
    assert terms.terms(page) == [["one", "first"], ["two words"]]
