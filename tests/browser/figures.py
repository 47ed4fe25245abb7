"""What the tests of all interactive figures share: a page for each figure, as a built book holds
it, the JavaScript that the page ships, and a hand that drags."""

import functools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from conftest import tab_of
from pages import violations

ASSETS = Path(__file__).parents[2] / "book/_assets"

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A figure</title><link rel="icon" href="data:,"><link rel="stylesheet" href="book.css">
<style>
  html { color-scheme: light dark; background: Canvas; color: CanvasText; font-family: sans-serif }
  main { max-width: 46rem; margin: auto }
</style>
<script src="anywidget-static.js" defer></script></head>
<body><main><h1>A figure</h1>
<script type="application/vnd.jupyter.widget-state+json">%s</script>
<script type="application/vnd.jupyter.widget-view+json">%s</script>
</main></body></html>"""

MODULE = """
  const saved = JSON.parse(document.querySelector('script[type$="widget-state+json"]').textContent);
  const { state, buffers = [] } = Object.values(saved.state).find(({ state }) => state._esm);
  const view = (data) => new DataView(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer);
  for (const { path, data } of buffers) state[path[0]] = view(data);
  const url = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
  const { math, default: figure } = await import(url);
"""
LISTENERS = f"""async () => {{
  {MODULE}
  const listening = new Set();
  const each = (act) => (names, f) => names.split(" ").forEach((name) => listening[act](name + f));
  const model = {{ get: (key) => state[key], on: each("add"), off: each("delete") }};
  const cleanup = figure.render({{ model, el: document.createElement("div") }});
  const before = listening.size;
  cleanup();
  return [before, listening.size];
}}"""
LIVE = f"""
  {MODULE}
  let listeners = [];
  const unsaved = new Set(), sent = [];
  const tell = (name) =>
    listeners.filter(([to]) => to === `change:${{name}}`).forEach(([, act]) => act());
  const model = {{ // as anywidget hands it over in JupyterLab
    get: (name) => state[name],
    set: (name, value) => {{ state[name] = value; unsaved.add(name); tell(name); }},
    save_changes: () => {{
      sent.push(Object.fromEntries([...unsaved].map((name) => [name, state[name]])));
      unsaved.clear();
    }},
    on: (names, act) => listeners.push(...names.split(" ").map((name) => [name, act])),
    off: (_, act) => {{ listeners = listeners.filter(([, other]) => other !== act); }},
  }};
  const el = document.createElement("div");
  const cleanup = figure.render({{ model, el }});
"""
FROM_PYTHON = f"""async (values) => {{
  {LIVE}
  const look = (el) =>
    el.innerHTML + [...el.querySelectorAll("input, select")].map((control) => control.value);
  const seen = {{}};
  for (const [name, value] of Object.entries(values)) {{
    const before = look(el), fresh = document.createElement("div");
    state[name] = value;
    tell(name);
    figure.render({{ model, el: fresh }})();
    seen[name] = [look(el) !== before, look(el) === look(fresh), sent.length];
  }}
  cleanup();
  return seen;
}}"""
FROM_THE_READER = f"""async () => {{
  {LIVE}
  const all = (kind) => [...el.querySelectorAll(kind)];
  for (const knob of all("[role=slider]"))
    for (const key of ["ArrowRight", "ArrowUp"])
      knob.dispatchEvent(new KeyboardEvent("keydown", {{ key }}));
  for (const range of all("input")) {{
    range.valueAsNumber = 0.3;
    range.dispatchEvent(new Event("input"));
  }}
  for (const choice of all("select")) {{
    choice.selectedIndex = 1;
    choice.dispatchEvent(new Event("change"));
  }}
  all("button").forEach((button) => button.click());
  cleanup();
  return [sent, [...unsaved]];
}}"""
FORM = r"[-−]?\d[\d,]*\.?\d*"
AT_REST = "document.querySelector('dl').getAttribute('aria-busy') !== 'true'"


@pytest.fixture(scope="module")
def folder(request, tmp_path_factory) -> Path:
    """One page for each of the module's `FIGURES`, as a built book holds them: saved state, a view,
    the book's renderer."""
    from ipywidgets.embed import dependency_state, embed_data

    folder = tmp_path_factory.mktemp("figures")
    for name in ("anywidget-static.js", "book.css"):
        (folder / name).write_bytes((ASSETS / name).read_bytes())
    for name, figure in request.module.FIGURES.items():
        shown = figure()
        state = dependency_state([shown], drop_defaults=False)
        saved = embed_data(views=[shown], state=state)
        parts = json.dumps(saved["manager_state"]), json.dumps(saved["view_specs"][0])
        (folder / f"{name}.html").write_text(PAGE % parts, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def served(folder) -> Iterator[str]:
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=folder)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(params=["http", "file"])
def door(request, folder, served) -> str:
    return served if request.param == "http" else folder.as_uri()


@pytest.fixture(scope="module")
def still(browser, folder) -> Iterator:
    """`still("tissot")` is that figure's page, opened once for all who ask what it computes."""
    with ExitStack() as tabs:

        @functools.cache
        def opened(name: str):
            tab = tabs.enter_context(tab_of(browser))
            tab.goto(f"{folder.as_uri()}/{name}.html")
            tab.wait_for_function("document.documentElement.dataset.widgets === 'drawn'")
            tabs.callback(lambda: complaints.extend(tab.complaints))
            return tab

        complaints: list[str] = []
        yield opened
    assert not complaints


@pytest.fixture
def show(page, folder) -> Iterator:
    """`show("tissot")` opens that figure's page; at the end nothing may have gone wrong in it."""

    page.set_default_timeout(10_000)

    def open_page(name: str, door: str = folder.as_uri()):
        page.goto(f"{door}/{name}.html")
        page.wait_for_function("document.documentElement.dataset.widgets === 'drawn'")
        return page

    yield open_page
    assert not page.complaints


def shipped(page, expression: str, states: list, given: str = "") -> torch.Tensor:
    """What the figure's own JavaScript says of each state: `expression` is a function of one, in
    terms of its `math`, of the `state` that it holds, and of what the statements `given` define."""
    call = f"""async ([given, expression, states]) => {{
      {MODULE}
      const body = `${{given}}; return ${{expression}}`;
      return states.map(new Function("math", "state", body)(math, state));
    }}"""
    return torch.tensor(page.evaluate(call, [given, expression, states]), dtype=torch.float64)


def settled(page) -> dict[str, list[float]]:
    """The numbers, as soon as the figure is at rest."""
    page.wait_for_function(AT_REST, timeout=120_000)
    return numbers(page)


def soon(page, ready: Callable[[], bool]) -> bool:
    """Whether it is so within two seconds: a finger's touch arrives with a later frame."""
    for _ in range(100):
        if ready():
            return True
        page.wait_for_timeout(20)
    return False


def drag(page, handle, dx: float, dy: float) -> None:
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()


def in_words(text: str) -> list[float]:
    return [float(n.replace("−", "-").replace(",", "")) for n in re.findall(FORM, text)]


def numbers(page) -> dict[str, list[float]]:
    """The numbers under each name, as the reader sees them."""
    items = page.locator(".explore dl > div").all()
    read = {i.locator("dt").inner_text(): i.locator("dd").inner_text() for i in items}
    return {name: in_words(text) for name, text in read.items()}


def touch(page, on, moves: list[tuple[float, float]]) -> None:
    """A finger that goes down in the middle of an element and moves by these steps from there."""
    finger = page.context.new_cdp_session(page)
    on.scroll_into_view_if_needed()
    box = on.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, step in [("Start", (0, 0)), *(("Move", step) for step in moves), ("End", None)]:
        points = [] if step is None else [{"x": x + step[0], "y": y + step[1]}]
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})


# --- what every figure owes its reader ------------------------------------------------------------

REDRAWN = f"""async (values) => {{
  {LIVE}
  const frame = () => new Promise(requestAnimationFrame);
  const rest = async (el) => {{
    do await frame(); while (el.querySelector("dl").getAttribute("aria-busy") === "true");
    return [...el.querySelectorAll("dd")].map((dd) => dd.textContent);
  }};
  const seen = {{}};
  for (const [name, value] of Object.entries(values)) {{
    const before = await rest(el), fresh = document.createElement("div");
    state[name] = value;
    tell(name);
    const after = await rest(el), clean = figure.render({{ model, el: fresh }});
    seen[name] = [before, after, await rest(fresh), sent.length];
    clean();
  }}
  cleanup();
  return seen;
}}"""


def assert_redrawn(page, values: dict[str, object], rel: float = 0.0) -> None:
    """Each trait that Python sets is shown as if the figure had begun there, its numbers to `rel`,
    and nothing is sent back, so that the two sides cannot chase each other."""
    for name, (before, after, fresh, sent) in page.evaluate(REDRAWN, values).items():
        assert after != before, name
        assert sent == 0
        for one, other in zip(after, fresh, strict=True):
            assert in_words(one) == pytest.approx(in_words(other), rel=rel, abs=0.011), name


def assert_sent(page, figure, traits: set[str]) -> None:
    """All that the reader can change is sent, and Python takes it."""
    sent, unsaved = page.evaluate(FROM_THE_READER)
    assert unsaved == []
    assert {trait for state in sent for trait in state} == traits
    for state in sent:
        figure.set_state(state)
        told = json.loads(json.dumps(figure.get_state(list(state))))
        assert told == json.loads(json.dumps(state))


def assert_accessible(page, label: str, picture: Path) -> None:
    page.screenshot(path=picture, full_page=True)
    assert violations(page) == []
    assert page.get_by_role("group", name=label).count() == 1


def assert_fits(page, width: int, picture: Path) -> None:
    """Nothing is wider than the phone, and a finger scrolls wherever it does not meet a handle."""
    page.screenshot(path=picture, full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inner = page.locator(".widget-static").evaluate("(el) => el.scrollWidth - el.clientWidth")
    assert inner <= 0
    grips = page.locator(".explore *").evaluate_all(
        """(all) => all.filter((el) => getComputedStyle(el).touchAction === 'none')
                       .map((el) => el.getAttribute('class'))"""
    )
    assert set(grips) == {"handle"}


def assert_prints(page) -> None:
    """Picture and numbers on paper, in black on white, and nothing that one would press or drag."""
    page.emulate_media(color_scheme="dark", media="print")
    assert not page.locator(".explore :is(button, input)").filter(visible=True).count()
    for drawing in page.locator(".explore-panel svg:not(svg svg)").all():
        box = drawing.bounding_box()
        assert min(box["width"], box["height"]) > 100
    assert all(item.is_visible() for item in page.locator(".explore :is(dt, dd)").all())
    ink = "(el) => getComputedStyle(el).color"
    assert page.locator(".explore dd").first.evaluate(ink) == "rgb(0, 0, 0)"
