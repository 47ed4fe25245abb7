"""The interactive figures of a static page: what Jupyter saved is drawn, or says why it is not."""

import base64
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

RENDERER = Path(__file__).parents[2] / "book/_assets/anywidget-static.js"
MIME = "application/vnd.jupyter.widget-"
COUNTER = """
function render({ model, el }) {
  const button = document.createElement("button");
  const show = () => { button.textContent = `count ${model.get("n")}`; };
  button.onclick = () => { model.set("n", model.get("n") + 1); model.save_changes(); };
  model.on("change:n", show);
  show();
  el.append(button);
  return () => { localStorage.setItem("cleaned", "yes"); };
}
export default { render };
"""
BYTES = """export default () => ({ render({ model, el }) {
  el.append(String(new Float32Array(model.get("points").buffer)[1]));
} });"""
FOLLOWER = """export default { async render({ model, el }) {
  const other = await model.widget_manager.get_model(model.get("source"));
  const show = () => { el.textContent = `sees ${other.get("n")}`; };
  other.on("change:n", show);
  show();
} };"""
BROKEN = """export default { render() { throw new Error("no such colour"); } };"""


def saved(esm: str, *, buffers: tuple = (), module: str = "anywidget", **traits) -> dict:
    state = {"_esm": esm, **traits}
    return {
        "model_name": "AnyModel",
        "model_module": module,
        "state": state,
        "buffers": list(buffers),
    }


@pytest.fixture
def show(page, tmp_path):
    """Open a page that holds these models and a view of each name in `views`."""

    def show(models: dict, *views: str):
        def view(name: str) -> str:
            model = json.dumps({"model_id": name})
            return f'<div id="{name}"><script type="{MIME}view+json">{model}</script></div>'

        state = json.dumps({"state": models}).replace("</", "<\\/")
        path = tmp_path / "page.html"
        path.write_text(
            "<!doctype html><meta charset='utf-8'>"
            f"<script defer src='{RENDERER.as_uri()}'></script>{''.join(map(view, views))}"
            f"<script type='{MIME}state+json'>{state}</script>"
        )
        page.goto(path.as_uri())
        page.wait_for_function("document.documentElement.dataset.widgets === 'drawn'")
        return page

    return show


def test_a_figure_computes_without_a_kernel(show):
    page = show({"a": saved(COUNTER, n=1)}, "a")
    page.click("#a button")
    assert page.inner_text("#a button") == "count 2"
    assert not page.complaints


def test_two_views_share_one_model(show):
    page = show({"a": saved(COUNTER, n=1)}, "a", "a")
    page.locator("button").first.click()
    assert page.locator("button").all_inner_texts() == ["count 2", "count 2"]


def test_a_figure_can_follow_another(show):
    models = {"a": saved(COUNTER, n=1), "b": saved(FOLLOWER, source="IPY_MODEL_a")}
    page = show(models, "a", "b")
    page.click("#a button")
    assert "sees 2" in page.inner_text("#b")


def test_bytes_arrive_as_they_were_saved(show):
    data = base64.b64encode(bytes.fromhex("0000803f00002040")).decode()  # 1.0 and 2.5 as float32
    buffer = {"path": ["points"], "encoding": "base64", "data": data}
    assert show({"a": saved(BYTES, buffers=(buffer,))}, "a").inner_text("#a") == "2.5"


def test_label_role_and_style_come_from_the_widget(show):
    css = "button { color: rgb(1, 2, 3); }"
    page = show({"a": saved(COUNTER, n=1, label="A counter", _css=css)}, "a", "a")
    assert page.get_by_role("group", name="A counter").count() == 2
    assert page.locator("button").first.evaluate("b => getComputedStyle(b).color") == "rgb(1, 2, 3)"
    assert page.locator("style.widget-style").count() == 1


def test_leaving_the_page_cleans_up(show):
    page = show({"a": saved(COUNTER, n=1)}, "a")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: false }))")
    assert page.evaluate("localStorage.getItem('cleaned')") == "yes"


@pytest.mark.parametrize(
    ("models", "reason"),
    [
        ({"a": saved(BROKEN)}, "no such colour"),
        ({}, "its state (model a) was not saved with the page"),
        ({"a": saved("", module="@jupyter-widgets/controls")}, "needs a running kernel"),
        ({"a": saved(FOLLOWER, source="IPY_MODEL_gone")}, "model gone"),
    ],
)
def test_a_figure_that_cannot_be_drawn_says_why_and_harms_no_other(show, models, reason):
    page = show(models | {"good": saved(COUNTER, n=1)}, "a", "good")
    said = page.get_by_role("alert").inner_text()
    assert said.startswith("What belongs here could not be drawn")
    assert reason in said
    assert any(reason in complaint for complaint in page.complaints)
    assert page.inner_text("#good button") == "count 1"
