"""A chapter's notebook says what its page says, in Markdown that any notebook viewer reads."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import policy
import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from test_build import write

from book._ext.editions.atlas import Atlas, AtlasError, Citation, Reference
from book._ext.editions.inline import PlainError
from book._ext.editions.plain import plain
from book._ext.editions.widgets import STATE, VIEW, renumber_widgets

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build/html"

SOURCES = sorted(
    path
    for path in [*(ROOT / "book").glob("[0-9][0-9]-*.md"), *(ROOT / "notebooks").glob("*.md")]
    if path.name != "README.md"
)
PAGES = [path.relative_to(ROOT).with_suffix("").as_posix() for path in SOURCES]
COMMONMARK = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, double_inline=True)
RAW = re.compile(
    r"^\s*[`:]{3,}\{|^:::|\{[a-zA-Z][\w:+.-]*\}`|^\([\w:.-]+\)=|^\s*:[a-z-]+:|\{[#.][\w-]+\}"
    r"|^\+\+\+|^% |\{\{|\[\^",
    re.M,
)
CODE = re.compile(r"^( *)(`{3,}).*?^\1\2`*$|(`+)(?!`).+?(?<!`)\3(?!`)", re.M | re.S)
MATH = re.compile(r"\$\$.+?\$\$|\$(?:\\.|[^\\$])+?\$", re.S)
# what the site puts on a page beside what its source says
BESIDE = (
    ".headerlink, h2 .section-number, h3 .section-number, h4 .section-number, noscript, script, "
    ".provenance.of-this-page"
)


@pytest.fixture(scope="module")
def atlas(site) -> Atlas:
    return Atlas.read(site.parents[1])


@pytest.fixture(scope="module")
def fresh(atlas) -> dict[str, nbformat.NotebookNode]:
    """The plain notebooks of all chapters and experiments."""
    return {page: plain(policy.read(ROOT / f"{page}.md"), page, atlas) for page in PAGES}


def prose(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def without_code(text: str) -> str:
    return CODE.sub("", text)


def of_words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def page_words(page: str) -> list[str]:
    """What the built page says: its text without code, and its numbers."""
    html = (SITE / f"{page}.html").read_text(encoding="utf-8")
    html = re.sub(r"<script.*?</script>", "", html, flags=re.S)
    article = BeautifulSoup(html, "html.parser").select_one("article")
    for cell in article.select("div.cell"):
        captions = [caption.extract() for caption in cell.select("figcaption")]
        cell.replace_with(*captions)
    for number in article.select(".eqno"):
        formula = number.parent
        number.extract()
        formula.append(f" tag {number.get_text(strip=True).strip('()')}")
    for title in article.select("div.solution > .admonition-title"):
        exercise = re.search(r"Exercise ([\d.]+)", title.get_text())[1]
        title.string = f"Solution of exercise {exercise}"
    for tag in article.select(BESIDE):
        tag.decompose()
    text = re.sub(r"\\(begin|end)\{split\}", " ", article.get_text(" "))
    return of_words(text)


def notebook_words(notebook: nbformat.NotebookNode) -> list[str]:
    text = "\n\n".join(part for part in prose(notebook) if not part.startswith("## References"))
    return of_words(BeautifulSoup(COMMONMARK.render(text), "html.parser").get_text(" "))


@pytest.mark.parametrize("page", PAGES)
def test_notebook_says_what_the_page_says_word_for_word(fresh, page):
    """Numbers of theorems, figures, exercises and equations are words too."""
    ours, theirs = notebook_words(fresh[page]), page_words(page)
    at = next((k for k, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), len(ours))
    here = " ".join(ours[max(at - 8, 0) : at + 12]), " ".join(theirs[max(at - 8, 0) : at + 12])
    assert ours == theirs, f"the notebook says {here[0]!r} where the page says {here[1]!r}"


@pytest.mark.parametrize("page", PAGES)
def test_no_myst_shows_and_the_notebook_is_valid(fresh, page):
    nbformat.validate(fresh[page])
    for text in prose(fresh[page]):
        raw = RAW.search(without_code(text))
        assert not raw, f"{raw[0]!r} in {text[:200]!r}"
        rest = MATH.sub("", without_code(text))
        assert "$" not in rest, f"a $ without its other half in {rest[:200]!r}"


@pytest.mark.parametrize("page", PAGES)
def test_every_formula_is_one_for_every_viewer(fresh, page):
    """Jupyter ends a formula at an empty line and takes a quote's `>` for a sign; KaTeX, in VS
    Code, wants no blank beside a dollar and no digit behind the last."""
    for text in prose(fresh[page]):
        for found in MATH.finditer(without_code(text)):
            formula = found[0]
            assert "\n\n" not in formula
            assert not re.search(r"\n[ ]*>", formula), formula
            if not formula.startswith("$$"):
                assert formula[1:-1] == formula[1:-1].strip(), formula
                assert not re.match(r"\d", found.string[found.end() :]), formula


@pytest.mark.parametrize("page", PAGES)
def test_links_between_notebooks_lead_to_notebooks(fresh, page):
    for text in prose(fresh[page]):
        for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
            if not target.startswith("https://"):
                path = (ROOT / page).parent / target
                assert path.suffix == ".ipynb"
                assert path.with_suffix(".md").resolve() in SOURCES, target


@pytest.mark.parametrize("page", PAGES)
def test_only_checks_follow_a_solution_before_the_next_heading(fresh, page):
    """JupyterLab folds a solution up to the next heading: other text there would not be seen."""
    cells = fresh[page].cells
    folded = False
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            folded = cell.metadata.get("jp-MarkdownHeadingCollapsed", False)
        elif folded and "solution" not in cell.metadata.get("tags", []):
            assert cell.cell_type == "code", cell.source


def test_citations_are_those_of_the_page_of_references(atlas):
    """The entries are made from the bibliography, the page by Sphinx: two ways, one text."""
    soup = BeautifulSoup((SITE / "book/references.html").read_text("utf-8"), "html.parser")
    shown = {" ".join(of_words(one.p.get_text())) for one in soup.select("div.citation")}
    ours = {" ".join(of_words(one.entry)) for one in atlas.citations.values()}
    assert len(shown) > 30
    assert shown <= ours


def test_notebook_ends_with_what_it_cites_and_nothing_else(atlas):
    source = jupytext.reads("# Ours\n\n{cite:t}`lee2018` and {cite:p}`xi2023`.", fmt="md:myst")
    *_, last = plain(source, "book/06-isometry", atlas).cells
    assert last.source.startswith("## References\n\n* John M. Lee.")
    assert last.source.count("\n* ") == 2
    nothing = jupytext.reads("# Ours\n\nNo source.", fmt="md:myst")
    assert "References" not in prose(plain(nothing, "book/06-isometry", atlas))[-1]


# one page with everything, on a site that is made up

TINY = {
    ("box", "thm-one"): Reference("Theorem 1.1", "book/01-tiny", "thm-one", "", "box"),
    ("box", "thm-far"): Reference("Lemma 2.3", "book/02-far", "thm-far", "", "box"),
    ("box", "ex-one"): Reference("Exercise 1.1", "book/01-tiny", "ex-one", "", "box"),
    ("figure", "fig-one"): Reference("Fig. 1.1", "book/01-tiny", "fig-one", "", "figure"),
    ("equation", "eq-one"): Reference("(1.1)", "book/01-tiny", "equation-eq-one", "", "equation"),
    ("section", "here"): Reference("Where it is", "book/02-far", "here", "", "section"),
    ("term", "chart"): Reference("chart", "book/glossary", "term-chart", "", "term"),
}
TINY_PAGES = {
    name: Reference(title, name, "", number, "page")
    for name, title, number in (
        ("book/01-tiny", "Tiny", "1"),
        ("book/02-far", "Far away", "2"),
        ("book/glossary", "Glossary", ""),
        ("notebooks/try", "Try", ""),
    )
}
CITATIONS = {
    "lee": Citation("Lee", "2018", "John Lee. *Book*. 2018."),
    "tosi": Citation("Tosi et al.", "2014", "A. Tosi and others. 2014."),
}


@pytest.fixture
def tiny() -> Atlas:
    beside = frozenset({"book/01-tiny", "book/02-far", "notebooks/try"})
    return Atlas(TINY_PAGES, beside, TINY, CITATIONS)


def rewritten(text: str, atlas: Atlas, page: str = "book/01-tiny") -> str:
    """The text after `plain`, its cells divided by a line of stars."""
    notebook = new_notebook(cells=[new_markdown_cell(text)])
    cells = plain(notebook, page, atlas).cells
    return "\n***\n".join(cell.source for cell in cells if not cell.source.startswith("## Ref"))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("see {prf:ref}`thm-one`", "see Theorem 1.1"),
        ("see {prf:ref}`thm-far`", "see [Lemma 2.3](02-far.ipynb)"),
        ("see {prf:ref}`the lemma <thm-far>`", "see [the lemma](02-far.ipynb)"),
        ("{numref}`fig-one`", "Fig. 1.1"),
        ("{ref}`ex-one` and {ref}`here`", "Exercise 1.1 and [Where it is](02-far.ipynb)"),
        ("by {eq}`eq-one`", "by (1.1)"),
        ("{doc}`02-far`", "[Far away](02-far.ipynb)"),
        ("{doc}`/notebooks/try`", "[Try](../notebooks/try.ipynb)"),
        ("{doc}`there <02-far>` and {doc}`glossary`", "[there](02-far.ipynb) and Glossary"),
        ("two {term}`charts <chart>`, a {term}`Chart`", "two charts, a Chart"),
        ("{cite:t}`tosi` {cite:p}`lee`", "Tosi et al. (2014) (Lee, 2018)"),
        ("{cite:p}`tosi, lee`", "(Lee, 2018; Tosi et al., 2014)"),
        ("a [link](https://example.org/a.md)", "a [link](https://example.org/a.md)"),
        ("(here)=\n## Title", "## Title"),
        ("one\n\n% a remark\n\ntwo", "one\n\ntwo"),
        ("one\n\n+++\n\ntwo", "one\n\ntwo"),
        ("$a\nb$ and $\\{x\\}<1$", "$a b$ and $\\{x\\}<1$"),
        ("5\\$ or ``{doc}`a` ``", "5\\$ or ``{doc}`a` ``"),
        ("```python\n{ref}`x` # (a)=\n```", "```python\n{ref}`x` # (a)=\n```"),
        ("````\n```{note}\nx\n```\n````", "````\n```{note}\nx\n```\n````"),
        ("$$\na\n\nb\n$$", "$$\na\nb\n$$"),
        ("$$\na\n$$ (eq-one)", "$$\na \\tag{1.1}\n$$"),
        ("```{math}\n:label: eq-one\na < b\n```", "$$\na < b \\tag{1.1}\n$$"),
        (":::{note}\nOf {eq}`eq-one`.\n:::\nNext", "> **Note**\n>\n> Of (1.1).\n\nNext"),
        (
            "````{admonition} A *title*\n:class: tip\n```{note}\nx\n```\n````",
            "> **A *title***\n>\n> > **Note**\n> >\n> > x",
        ),
        (
            "````{prf:theorem} One $x$\n:label: thm-one\n\nLet\n\n$$\na % left\n=\nb\n$$\n\n"
            "1. x\n````",
            "> **Theorem 1.1** (One $x$)\n>\n> Let\n>\n> $$a = b$$\n>\n> 1. x",
        ),
        ("```{prf:proof}\nBy $x$.\n```", "> **Proof.** By $x$."),
        ("```{prf:proof} short\n* a\n```", "> **Proof** (short).\n>\n> * a"),
        (
            "## A\n\n```{exercise-start} Add\n:label: ex-one\n```\nWhat?\n```{exercise-end}\n```\n"
            "```{solution-start} ex-one\n:class: dropdown\n```\nFour.\n```{solution-end}\n```\nSo.",
            "## A\n***\n### Exercise 1.1 (Add)\n\nWhat?\n***\n#### Solution of exercise 1.1\n***\n"
            "Four.\n***\nSo.",
        ),
    ],
)  # fmt: skip
def test_every_construct_has_a_plain_form(tiny, source, target):
    assert rewritten(source, tiny) == target


def test_a_chapter_has_its_number_in_its_title(tiny):
    assert rewritten("# Tiny", tiny) == "# 1. Tiny"
    assert rewritten("# Try", tiny, "notebooks/try") == "# Try"


def test_only_notebooks_are_links(tiny):
    text = "{doc}`glossary`: {term}`chart`, {prf:ref}`thm-far`"
    assert rewritten(text, tiny) == "Glossary: chart, [Lemma 2.3](02-far.ipynb)"
    alone = Atlas(tiny.pages, frozenset({"book/01-tiny"}), tiny.labels, tiny.citations)
    assert rewritten(text, alone) == "Glossary: chart, Lemma 2.3"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("```{mermaid}\nx\n```", "the directive {mermaid}"),
        ("* a\n\n  :::{tab-set}\n  :::", ":::{tab-set} has no plain form"),
        ("1. ```{math}\n   a\n   ```", "```{math} has no plain form"),
        ("> :::{note}\n> x\n> :::", ":::{note} has no plain form"),
        ("{foo}`bar`", "the role {foo}`bar` has no plain form"),
        (":::{note}\n{foo}`bar`\n:::", "the role {foo}`bar` has no plain form"),
        ("{py:func}`geokit.norm`", "the role {py:func}`geokit.norm` has no plain form"),
        ("{prf:ref}`nothing`", "{prf:ref}`nothing` names nothing"),
        ("{prf:ref}`fig-one`", "{prf:ref}`fig-one` names nothing"),
        ("{doc}`06-nowhere`", "{doc}`06-nowhere` names nothing"),
        ("{cite:t}`nobody2020`", "cites 'nobody2020'"),
        ("```{prf:theorem} One\nx\n```", "the theorem 'One' without a `:label:`"),
        ("````{exercise} Add\nx\n````", "the directive {exercise} Add has no plain form"),
        ("```{tableofcontents}\n```", "the directive {tableofcontents} has no plain form"),
        ("a\n: one", ": one has no plain form"),
        ("`x`{.python}", "{.python} has no plain form"),
        ("```{note} x\n```", "the directive {note} x has no plain form"),
        ("{{ x }}", "{{ x }} has no plain form"),
        ("so[^1].\n\n[^1]: A note.", "[^1] has no plain form"),
        ("[x](#here)", "(#here) has no plain form"),
        ("[x](02-far.md#y)", "(02-far.md#y) has no plain form"),
        (":::\nx\n:::", "::: has no plain form"),
    ],
)
def test_what_has_no_plain_form_is_an_error_of_one_sentence(tiny, source, said):
    with pytest.raises((PlainError, AtlasError), match=re.escape(said)) as caught:
        rewritten(source, tiny)
    message = str(caught.value)
    assert message.startswith("book/01-tiny: ")
    assert message.endswith(".")
    assert "\n" not in message


def test_a_site_that_is_not_built_is_named(tmp_path):
    with pytest.raises(AtlasError, match="build it first, by `make book`"):
        Atlas.read(tmp_path)


CONF = f"""\
import sys
sys.path.insert(0, {str(ROOT)!r})
extensions = ["myst_parser", "book._ext"]
myst_enable_extensions = ["dollarmath"]
numfig = math_numfig = True
"""
FAR = """\
# Far $J$

(my_label)=
## The `code` of *it*

```{figure} line.svg
:name: fig_one
A caption.
```

$$a$$ (eq-one)

```{glossary}
Aa b
B's
  Both.
```

"""


@pytest.mark.slow
def test_labels_are_found_as_sphinx_writes_them(tmp_path):
    """A label becomes an id, a section's name and a page's lose their numbers, terms share one."""
    write(tmp_path / "conf.py", CONF)
    write(tmp_path / "_config.yml", "repository: {}\n")
    write(tmp_path / "book/line.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>')
    write(tmp_path / "index.md", "# Index\n\n```{toctree}\n:numbered:\nfirst\nbook/02-far\n```\n")
    write(tmp_path / "first.md", "# First\n")
    write(tmp_path / "book/02-far.md", FAR)
    command = [sys.executable, "-m", "sphinx", "-q", str(tmp_path), str(tmp_path / "_build/html")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    atlas = Atlas.read(tmp_path)
    assert atlas.pages["book/02-far"].text == "Far $J$"
    assert atlas.pages["book/02-far"].number == "2"
    assert atlas.notebooks == frozenset()
    section = atlas.reference("ref", "my_label", "book/index")
    assert (section.text, section.anchor) == ("The `code` of *it*", "my-label")
    assert atlas.reference("term", "aa b", "book/index").anchor == "term-Aa-b"
    assert atlas.reference("term", "B's", "book/index").page == "book/02-far"
    assert atlas.reference("numref", "fig_one", "book/index").text == "Fig. 2.1"
    assert atlas.reference("eq", "eq-one", "book/index").text == "(2.1)"


# cells

PICTURE = {"image/png": "aGk=", "text/plain": "<Figure>"}


def figure_cell() -> nbformat.NotebookNode:
    shown = {
        "figure": {"name": "fig-one", "caption": "A line, by {eq}`eq-one`."},
        "image": {"alt": "A line that rises."},
    }
    return new_code_cell(
        "plot()",
        metadata={"mystnb": shown, "tags": ["hide-input"], "nbgrader": {"grade": False}},
        outputs=[new_output("display_data", data=PICTURE)],
        execution_count=3,
    )


def test_a_figures_caption_stands_below_its_cell_and_its_alt_text_in_the_output(tiny):
    code, caption = plain(new_notebook(cells=[figure_cell()]), "book/01-tiny", tiny).cells
    assert caption.source == "**Fig. 1.1** A line, by (1.1)."
    assert code.outputs[0].data == PICTURE
    assert code.outputs[0].metadata == {"image/png": {"alt": "A line that rises."}}
    assert code.execution_count == 3


@pytest.mark.parametrize(
    ("tag", "hidden"),
    [
        ("hide-input", {"source_hidden": True}),
        ("remove-input", {"source_hidden": True}),
        ("hide-output", {"outputs_hidden": True}),
        ("hide-cell", {"source_hidden": True, "outputs_hidden": True}),
        ("remove-cell", None),
        ("scratch", None),
    ],
)
def test_tags_hide_in_jupyterlab_what_they_hide_on_the_page(tiny, tag, hidden):
    cell = new_code_cell("x", metadata={"tags": [tag], "nbgrader": {"points": 2}})
    (fresh,) = plain(new_notebook(cells=[cell]), "book/01-tiny", tiny).cells
    assert fresh.metadata.get("jupyter") == hidden
    assert fresh.metadata.tags == [tag]
    assert fresh.metadata.nbgrader == {"points": 2}


def test_of_the_header_only_the_kernel_stays(tiny):
    source = jupytext.reads(SOURCES[0].read_text("utf-8").partition("# ")[0] + "Text.", "md:myst")
    assert "jupytext" in source.metadata
    fresh = plain(source, "book/01-tiny", tiny)
    assert set(fresh.metadata) == {"kernelspec", "language_info"}
    assert fresh.metadata.kernelspec.name == "python3"
    assert prose(fresh) == ["Text."]


SOLVED = """\
{exercise-start} Add
:label: ex-one
```
What?
```{exercise-end}
```
```{solution-start} ex-one
```
Four.
"""


def solved_notebook() -> nbformat.NotebookNode:
    closing = "```{solution-end}\n```\nOn we go."
    cells = [new_markdown_cell("```" + SOLVED), figure_cell(), new_markdown_cell(closing)]
    return new_notebook(cells=cells)


def test_exactly_the_text_of_a_solution_has_its_tag(tiny):
    """Whoever takes solutions away, or adds marks for a grader, goes by it."""
    cells = plain(solved_notebook(), "book/01-tiny", tiny).cells
    tagged = [c.source for c in cells if "solution" in c.metadata.get("tags", [])]
    assert tagged == ["#### Solution of exercise 1.1", "Four.", "**Fig. 1.1** A line, by (1.1)."]


def test_solutions_are_folded_unless_asked(tiny):
    for fold in (True, False):
        cells = plain(solved_notebook(), "book/01-tiny", tiny, fold_solutions=fold).cells
        folded = [c.source for c in cells if c.metadata.get("jp-MarkdownHeadingCollapsed")]
        assert folded == ["#### Solution of exercise 1.1"] * fold


# what must not change

UUIDS = ("a" * 32, "b" * 32, "c" * 32)


def with_widget(view: str, layout: str, stray: str) -> nbformat.NotebookNode:
    """A figure with its layout, and a model that nothing shows, under ids of that day."""
    model = {"model_name": "AnyModel", "model_module": "anywidget", "state": {"x": 1}}
    state = {
        stray: {"model_name": "LayoutModel", "state": {}},
        view: model | {"state": {"x": 1, "layout": f"IPY_MODEL_{layout}"}},
        layout: {"model_name": "LayoutModel", "state": {"width": "9em"}},
    }
    shown = new_output("display_data", data={VIEW: {"model_id": view}, "text/plain": "Knob()"})
    notebook = new_notebook(cells=[new_code_cell("Knob()", id="knob", outputs=[shown])])
    notebook.metadata.widgets = {STATE: {"version_major": 2, "version_minor": 0, "state": state}}
    return notebook


def test_widgets_have_ids_of_their_content_and_still_find_each_other():
    notebook = with_widget(*UUIDS)
    renumber_widgets(notebook)
    state = notebook.metadata.widgets[STATE]["state"]
    view = notebook.cells[0].outputs[0].data[VIEW]["model_id"]
    assert len(state) == 2, "the model that nothing shows is gone"
    assert state[view]["state"]["x"] == 1
    layout = state[view]["state"]["layout"].removeprefix("IPY_MODEL_")
    assert state[layout]["state"] == {"width": "9em"}
    assert not any(old in nbformat.writes(notebook) for old in UUIDS)

    again = with_widget(*UUIDS[1:], UUIDS[0])
    renumber_widgets(again)
    assert again == notebook
    again.metadata.widgets[STATE]["state"][view]["state"]["x"] = 2
    renumber_widgets(again)
    assert again.cells[0].outputs[0].data[VIEW]["model_id"] != view


def test_two_runs_give_the_same_bytes_and_leave_what_they_were_given(tiny):
    """Whatever ids the cells and the widgets had that day."""

    def given(uuids: tuple[str, ...]) -> nbformat.NotebookNode:
        widget = with_widget(*uuids)
        cells = [*solved_notebook().cells, figure_cell(), *widget.cells]
        return new_notebook(cells=cells, metadata=widget.metadata)

    one = given(UUIDS)
    before = copy.deepcopy(one)
    first = nbformat.writes(plain(one, "book/01-tiny", tiny))
    assert one == before
    assert nbformat.writes(plain(given((*UUIDS[1:], UUIDS[0])), "book/01-tiny", tiny)) == first
    ids = [cell["id"] for cell in json.loads(first)["cells"]]
    assert len(set(ids)) == len(ids)
