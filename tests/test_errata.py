"""Each erratum says where it stands, what is right, how we know, and where the book shows it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
PAGE = (BOOK / "errata.md").read_text(encoding="utf-8")
PARTS = ["Where", "It says", "Right", "How we know", "In the book"]
SOURCES = ["poster", "blog post of the paper", "mnist post", "report", "summary page", "code"]
ENTRY = re.compile(r"^\(erratum-([\w-]+)\)=\n### (\d+)\. (.+)\n\n((?:\* .+\n)+)", re.M)
ROLE = re.compile(r"\{([\w:]+)\}`([^`]+)`(?:, \*([^*]+)\*)?")

# what was known when the book was begun: twenty-seven remarks, some of two or three slips
KNOWN = {
    *("cv", "natural-spline", "star", "end-point", "energy-length", "constant-metric"),
    *("flat-not-enough", "same-manifold", "noise", "positive-definite", "almost-everywhere"),
    *("unit-ellipse", "uniform-density", "empty-space", "log-variance", "dense-jacobian"),
    *("relu-metric", "brownian", "row-vectors", "loss-names", "std-function", "scalar-variance"),
    *("inverse-a", "bandwidth", "softplus-head", "rbf-loss", "two-pixels", "semidefinite-step"),
    *("two-derivatives", "volume-surrogate", "far-distances", "citations", "expected-length"),
}


def parts(body: str) -> dict[str, str]:
    return dict(re.findall(r"^\* \*\*([^*]+)\.\*\* (.+)$", body, re.M))


ENTRIES = {key: (int(number), parts(body)) for key, number, _, body in ENTRY.findall(PAGE)}


def places(sources: list[Path]) -> dict[str, set[str]]:
    """What a role can lead to: theorems, exercises, figures, equations, pages."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)

    def labels(directive: str) -> set[str]:
        return set(re.findall(rf"\{{{directive}\}}.*\n:label: (\S+)", text))

    return {
        "prf:ref": labels(r"prf:\w+"),
        "ref": labels(r"exercise(?:-start)?"),
        "eq": labels("math"),
        "numref": set(re.findall(r"^    name: (fig-\S+)$", text, re.M)),
        "doc": {path.stem for path in sources} | {f"/notebooks/{path.stem}" for path in sources},
    }


PLACES = places([*BOOK.glob("*.md"), *(ROOT / "notebooks").glob("*.md")])


def heads(page: str) -> list[str]:
    path = ROOT / f"{page[1:]}.md" if page.startswith("/") else BOOK / f"{page}.md"
    return re.findall(r"^##+ (.+)$", path.read_text(encoding="utf-8"), re.M)


def faults(entry: dict[str, str]) -> list[str]:
    found = [f"no part {part!r}" for part in PARTS if not entry.get(part)]
    if not any(source in entry.get("Where", "").lower() for source in SOURCES):
        found.append("its source is none of those that the page names")
    links = ROLE.findall(entry.get("In the book", ""))
    found += [] if links else ["nowhere shown in the book"]
    for role, target, section in links:
        if target not in PLACES.get(role, ()):
            found.append(f"{{{role}}}`{target}` leads nowhere")
        elif role == "doc" and section and section not in heads(target):
            found.append(f"{target} has no section {section!r}")
        elif role == "doc" and not section and not target.startswith(("/", "references")):
            found.append(f"{target} is named without a section")
    return found


@pytest.mark.parametrize("key", ENTRIES)
def test_an_erratum_is_complete_and_leads_to_where_the_book_shows_it(key):
    assert faults(ENTRIES[key][1]) == []


def test_errata_are_numbered_from_one_without_a_gap():
    headings = re.findall(r"^### ", PAGE, re.M)
    assert [number for number, _ in ENTRIES.values()] == list(range(1, len(headings) + 1))


def test_what_was_known_to_be_wrong_is_listed():
    assert sorted(KNOWN - set(ENTRIES)) == []


GOOD = {
    "Where": "Poster, section 4.",
    "It says": "One.",
    "Right": "Two.",
    "How we know": "By counting.",
    "In the book": "{prf:ref}`thm-flat`; {doc}`07-flatness`, *Triangles*.",
}


def test_a_good_erratum_has_no_fault():
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("part", "text", "found"),
    [
        ("Right", "", "no part 'Right'"),
        ("Where", "Somewhere.", "its source is none"),
        ("In the book", "In chapter 7.", "nowhere shown"),
        ("In the book", "{prf:ref}`thm-round`.", "leads nowhere"),
        ("In the book", "{ref}`thm-flat`.", "leads nowhere"),
        ("In the book", "{doc}`07-flatness`, *Squares*.", "no section 'Squares'"),
        ("In the book", "{doc}`07-flatness`.", "without a section"),
    ],
)
def test_a_bad_erratum_is_found(part, text, found):
    assert any(found in fault for fault in faults({**GOOD, part: text}))
