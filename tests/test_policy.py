"""Every page, notebook and built file keeps the book's rules, and every rule finds its breach."""

import re
from pathlib import Path

import built
import nbformat
import policy
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "book").glob("*.md"))
CHAPTERS = [page for page in PAGES if re.match(r"\d\d-", page.name)]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEXTS = [p for p in sorted((ROOT / "notebooks").glob("*.md")) if p.name != "README.md"]
LIBRARY = policy.public_names(ROOT / "geokit")


def faults_in(check, paths) -> list[str]:
    return [f"{path.relative_to(ROOT)}: {fault}" for path in paths for fault in check(path)]


def test_pages_figures_have_their_own_alt_text():
    assert faults_in(policy.figure_faults, [*PAGES, *TEXTS, *NOTEBOOKS]) == []


def test_chapters_have_every_part():
    assert faults_in(policy.chapter_faults, CHAPTERS) == []


def test_cells_keep_good_habits():
    assert faults_in(lambda path: policy.cell_faults(path, LIBRARY), [*PAGES, *TEXTS]) == []


def test_notebooks_were_executed_once_in_order():
    assert faults_in(policy.notebook_faults, NOTEBOOKS) == []


def test_notebooks_equal_their_text():
    assert faults_in(policy.pair_faults, TEXTS) == []


def test_every_page_is_in_the_table_of_contents():
    assert policy.pages_left_out(ROOT) == []


@pytest.fixture(scope="module")
def pages(site) -> list[Path]:
    found = (p for p in site.rglob("*.html") if "_static" not in p.relative_to(site).parts)
    return sorted(found)


@pytest.mark.parametrize(
    "check", [built.image_faults, built.widget_faults, built.id_faults, built.link_faults]
)
def test_built_pages_are_sound(pages, check):
    assert faults_in(check, pages) == []


GOOD_CHAPTER = """\
# A chapter

:::{admonition} Objectives
- Know.

**Prerequisites.** None.

**Minutes.** 20
:::

```{exercise} One
:label: one
```

```{solution} one
```

```{exercise-start} Two
:label: two
```
```{exercise-end}
```

```{solution-start} two
```
```{solution-end}
```

```{figure} line.png
:alt: A line that rises to the right
A line is straight.
```

## What could go wrong

## Take-away
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_chapter_passes(tmp_path):
    page = written(tmp_path / "01-good.md", GOOD_CHAPTER)
    assert policy.chapter_faults(page) + policy.figure_faults(page) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("{admonition} Objectives", "{note}", "no objectives"),
        ("**Prerequisites.** None.", "", "no prerequisites"),
        ("**Minutes.** 20", "**Minutes.** some", "no minutes"),
        ("## What could go wrong", "", "no a section 'What could go wrong'"),
        ("## Take-away", "", "no a section 'Take-away'"),
        (":label: two", "", "1 exercises"),
        ("{solution-start} two", "{solution-start} one", "exercise two has no solution"),
        (":alt: A line that rises to the right\n", "", "has no alt text"),
        ("A line that rises to the right", "A line is straight", "has its caption"),
        ("```{figure}", "![](line.png)\n\n```{figure}", "image ![]( has no alt text"),
    ],
)
def test_a_bad_chapter_is_found(tmp_path, old, new, found):
    page = written(tmp_path / "01-bad.md", GOOD_CHAPTER.replace(old, new))
    faults = policy.chapter_faults(page) + policy.figure_faults(page)
    assert any(found in fault for fault in faults), faults


def picture(alt: str = "A rising line", caption: str = "Straight.", count: int = 1):
    """An executed cell that shows a figure."""
    return new_code_cell(
        "draw()",
        execution_count=count,
        metadata={"mystnb": {"image": {"alt": alt}, "figure": {"caption": caption}}},
        outputs=[new_output("display_data", data={"image/png": "iVBORw0KGgo="})],
    )


def printed(text: str, count: int = 1, source: str = "show()", **metadata):
    output = new_output("stream", name="stdout", text=text)
    return new_code_cell(source, execution_count=count, outputs=[output], metadata=metadata)


def saved(path: Path, *cells) -> Path:
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def test_a_good_notebook_passes(tmp_path):
    path = saved(tmp_path / "good.ipynb", picture(), printed("distance 1.2 of a/b/c, 3/4", 2))
    assert policy.notebook_faults(path) + policy.figure_faults(path) == []


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([printed("1", source="plot();")], "what a last semicolon hides"),
        ([printed("1", count=2)], "not executed in order"),
        ([new_code_cell("1 + 1")], "not executed in order"),
        ([printed("1", count=2), printed("1", count=1)], "not executed in order"),
        ([printed("saved to /home/ann/out.csv")], "an absolute path"),
        ([printed(r"saved to C:\Users\Ann")], "an absolute path"),
        ([printed("1", source="open('/tmp/x')")], "an absolute path"),
        ([printed("lib/python3.11/site-packages/torch: warning")], "an absolute path"),
        ([picture(alt="")], "has no alt text"),
        ([picture(alt="straight")], "has its caption"),
        ([picture(), picture(count=2)], "has the alt text of cell"),
    ],
)
def test_a_bad_notebook_is_found(tmp_path, cells, found):
    path = saved(tmp_path / "bad.ipynb", *cells)
    faults = policy.notebook_faults(path) + policy.figure_faults(path)
    assert any(found in fault for fault in faults), faults


def test_an_error_in_a_notebook_is_found(tmp_path):
    error = new_output("error", ename="ValueError", evalue="no", traceback=[])
    path = saved(tmp_path / "bad.ipynb", new_code_cell("1", execution_count=1, outputs=[error]))
    assert "an output is an error" in policy.notebook_faults(path)


def test_habits_are_found(tmp_path):
    tagged = printed("", source="def jacobian(f): ...", tags=["scratch"])
    assert policy.cell_faults(saved(tmp_path / "ok.ipynb", tagged), {"jacobian"}) == []
    bad = [printed("", source="def jacobian(f): ..."), printed("", source="plt.show()")]
    assert len(policy.cell_faults(saved(tmp_path / "bad.ipynb", *bad), {"jacobian"})) == 2


def test_a_twin_that_differs_is_found(tmp_path):
    text = written(tmp_path / "x.md", "# One\n\n```{code-cell}\n1 + 1\n```\n")
    assert "missing" in policy.pair_faults(text)[0]
    title, same = new_markdown_cell("# One"), printed("2", source="1 + 1")
    saved(tmp_path / "x.ipynb", title, same)
    assert policy.pair_faults(text) == []
    saved(tmp_path / "x.ipynb", title, printed("3", source="1 + 2"))
    assert "cell 1 differs" in policy.pair_faults(text)[0]
    saved(tmp_path / "x.ipynb", title)
    assert "2 cells in x.md, 1 in x.ipynb" in policy.pair_faults(text)


def test_a_page_left_out_is_found(tmp_path):
    (tmp_path / "book").mkdir()
    for name in ("index", "01-listed", "02-forgotten"):
        written(tmp_path / f"book/{name}.md", "# Title")
    written(
        tmp_path / "_toc.yml", "format: jb-book\nroot: book/index\nchapters: [file: book/01-listed]"
    )
    assert policy.pages_left_out(tmp_path) == ["book/02-forgotten"]


WIDGET_PAGE = """<main><img src="a.png" alt="A rising line">
<script type="application/vnd.jupyter.widget-state+json">{"state": {"m": {"model_module": "MODULE",
"model_name": "Slider", "state": {"label": "LABEL"}}}}</script>
<script type="application/vnd.jupyter.widget-view+json">{"model_id": "m"}</script>
<h1 id="one">One</h1><a href="#one">up</a></main>"""
GOOD_PAGE = WIDGET_PAGE.replace("MODULE", "anywidget").replace("LABEL", "A point to drag")
CHECKS = (built.image_faults, built.widget_faults, built.id_faults, built.link_faults)


def built_faults(folder: Path, html: str) -> list[str]:
    (folder / "a.png").touch()
    page = written(folder / "page.html", html)
    return [fault for check in CHECKS for fault in check(page)]


def test_a_good_built_page_passes(tmp_path):
    assert built_faults(tmp_path, GOOD_PAGE) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('alt="A rising line"', "", "a.png has no alt text"),
        ("A rising line", "../_images/a.png", "file name for alt text"),
        ("<h1", '<img src="b.png" alt="A rising line"><h1', "b.png has the alt text of a.png"),
        ('"anywidget"', '"@jupyter-widgets/controls"', "is a Slider, not an anywidget"),
        ("A point to drag", "", "has no label"),
        ('{"model_id": "m"}', '{"model_id": "n"}', "without its state"),
        ("<h1", '<p id="one"></p><h1', "2 elements have the id one"),
        ('href="#one"', 'href="#two"', "no place on that page"),
        ('href="#one"', 'href="gone.html"', "leads to no file"),
    ],
)
def test_a_bad_built_page_is_found(tmp_path, old, new, found):
    assert old in GOOD_PAGE
    faults = built_faults(tmp_path, GOOD_PAGE.replace(old, new))
    assert any(found in fault for fault in faults), faults


def test_a_caption_for_alt_text_is_found_in_a_built_page(tmp_path):
    caption = '<figcaption><span class="caption-text">Straight.</span></figcaption>'
    page = f'<main><figure><img src="a.png" alt="straight">{caption}</figure></main>'
    assert any("has its caption" in fault for fault in built_faults(tmp_path, page))
