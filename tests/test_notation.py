"""One symbol, one meaning; and what a chapter borrows a letter for, it does use it for."""

import re
from pathlib import Path

import policy

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
PAGE = (BOOK / "notation.md").read_text(encoding="utf-8")
MATH = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$|```\{math\}(.+?)```", re.S)
WORDS = re.compile(r"\\(?:text|operatorname|mathrm)\{[^}]*\}|:label: \S+")


def table(head: str) -> list[list[str]]:
    rows = PAGE.split(head)[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


MAIN = table("| mathematics | meaning")
BORROWED = table("| letter | in the first table")
SOURCES = table("| | here |")


def formulas(page: str) -> str:
    return WORDS.sub(" ", " ".join("".join(found) for found in MATH.findall(page)))


def has(letter: str, page: str) -> bool:
    """Whether a letter such as K or \\theta occurs in a formula of the page."""
    return bool(re.search(rf"(?<![A-Za-z\\]){re.escape(letter)}(?![A-Za-z])", formulas(page)))


def symbols(row: list[str]) -> set[str]:
    """What a row explains: f of f: ℝᵈ → ℝᴰ, and of f(z)."""
    formula = re.findall(r"\$([^$]+)\$", row[0])
    return {re.split(r"[(:=]|\\in|\\sim|\\ge", one)[0].strip() for one in formula}


def test_no_symbol_has_two_rows():
    explained = [symbol for row in MAIN for symbol in symbols(row)]
    assert sorted(explained) == sorted(set(explained))


def test_a_chapter_that_borrows_a_letter_has_it_in_a_formula():
    absent = [
        (letter, chapter)
        for cell, _, borrowed in BORROWED
        for chapter in re.findall(r"\{doc\}`([^`]+)`", borrowed)
        for letter in re.findall(r"\$([^$]+)\$", cell)
        if not has(letter, (BOOK / f"{chapter}.md").read_text(encoding="utf-8"))
    ]
    assert len(BORROWED) > 20
    assert absent == []


def test_a_letter_is_found_in_formulas_only():
    assert has("K", "the curvature $K_0$")
    assert has("K", "$$\nK\n$$")
    assert not has("K", "K and $\\operatorname{K}$ and $Kx$")
    assert has("\\theta", "$2\\theta_i$")
    assert not has("\\eta", "$\\theta$")


def test_functions_of_the_table_are_functions_of_the_library():
    called = {name for row in MAIN for name in re.findall(r"`([a-z]\w+)\(", row[2])}
    public = policy.public_names(ROOT / "geokit")
    assert called
    assert sorted(called - public) == []


def test_each_source_has_a_cell_in_each_row():
    assert {len(row) for row in SOURCES} == {6}
    assert all(cell for row in SOURCES for cell in row)
