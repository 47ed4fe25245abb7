"""A question in the page is judged as `check.answer` judges it, by mouse and by keyboard, with no
kernel and no network."""

import functools
import json
import math
import random
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from answers import chapter_00, chapter_01, chapter_04
from pages import violations

from geokit import check
from geokit.check import rules
from geokit.check.rules import Refused, choice, number, seal

pytestmark = pytest.mark.browser
ASSETS = Path(__file__).parents[2] / "book/_assets"
MIME = "application/vnd.jupyter.widget-"
ASKED = ("0.1", "1.3", "4.3")  # an integer, a choice, a number with decimals
SOLUTIONS = chapter_00.SOLUTIONS | chapter_01.SOLUTIONS | chapter_04.SOLUTIONS
STATES = 300
WORDS = """1e3 1E+3 -1e-3 1,5 1.000,5 0x10 1_0 nan NaN inf -Infinity infinity 1e308 1e309 -1e400
9007199254740993 -0 -0.0 .5 5. . e e5 -.5 +.5e1 −−1 1e 1e1.5 four 1/32 0.49999999999999994
-0.49999999999999994 4503599627370495.5 -4503599627370497.5 2.5 -2.5 3.5 1.005 0.285"""

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Questions</title><link rel="icon" href="data:,"><link rel="stylesheet" href="book.css">
<style>
  html { color-scheme: light dark; background: Canvas; color: CanvasText; font-family: sans-serif }
  main { max-width: 46rem; margin: auto }
</style>
<script src="anywidget-static.js" defer></script></head>
<body><main><h1>Questions</h1>
"""
MODULE = """
  const saved = document.querySelector('script[type$="widget-state+json"]').textContent;
  const { state } = Object.values(JSON.parse(saved).state).find(({ state }) => state._esm);
  const url = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
  const { math, default: figure } = await import(url);
"""
ROUNDED = f"""async (states) => {{
  {MODULE}
  return states.map(([given, decimals]) => String(math.lastDecimal(given, decimals)));
}}"""
JUDGED = f"""async (states) => {{
  {MODULE}
  const said = [];
  for (const [question, given] of states) said.push(await math.judge(question, given));
  return said;
}}"""
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """One page with all questions, as a built book holds them: saved states, a view of each."""
    from ipywidgets.embed import dependency_state, embed_data

    folder = tmp_path_factory.mktemp("questions")
    for name in ("anywidget-static.js", "book.css"):
        (folder / name).write_bytes((ASSETS / name).read_bytes())
    shown = [check.question(exercise) for exercise in ASKED]
    saved = embed_data(views=shown, state=dependency_state(shown, drop_defaults=False))
    parts = [("state", saved["manager_state"]), *(("view", v) for v in saved["view_specs"])]
    scripts = (f'<script type="{MIME}{kind}+json">{json.dumps(p)}</script>' for kind, p in parts)
    page = PAGE + "\n".join(scripts) + "</main></body></html>"
    (folder / "questions.html").write_text(page, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def served(folder) -> Iterator[str]:
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=folder)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def opened(page, door: str):
    page.set_default_timeout(10_000)
    page.goto(f"{door}/questions.html")
    page.wait_for_function("document.documentElement.dataset.widgets === 'drawn'")
    return page


@pytest.fixture
def questions(page, folder) -> Iterator:
    """The page from disk; at the end nothing may have gone wrong in it."""
    yield opened(page, folder.as_uri())
    assert not page.complaints


def of(page, exercise: str):
    return page.get_by_role("group", name=f"Check your answer to exercise {exercise}", exact=True)


def press(question, name: str) -> None:
    question.get_by_role("button", name=name).click()


def says(question, words: str) -> None:
    """Waits for the verdict: hashing takes a moment."""
    question.get_by_role("status").filter(has_text=words).wait_for()
    assert question.get_by_role("status").inner_text() == words


def give(question, value: object) -> None:
    if question.get_by_role("textbox").count():
        question.get_by_role("textbox").fill(str(value))
    for box in question.get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") in str(value))


# --- the JavaScript against Python ----------------------------------------------------------------


def dress(random: random.Random, value: float) -> str:
    """A number as people write it."""
    form = random.choice(("{!r}", "{:.3f}", "{:.12e}", "{:+.6g}", " {:.17g}", "{:E}\t", "{:.0f}."))
    text = form.format(value)
    return text.replace("-", "−") if random.random() < 0.3 else text


def numbers(seed: int) -> list[tuple[str, int]]:
    """Texts and decimals: ordinary numbers, exact ties, extremes, and what is no number."""
    draw = random.Random(seed)
    states = []
    for _ in range(STATES):
        d = draw.randrange(7)
        states += [
            (dress(draw, draw.gauss(0, 10.0 ** draw.randrange(-4, 5))), d),
            (
                repr((draw.randrange(-60, 60) + 0.5) / 2.0 ** draw.randrange(1, 5)),
                draw.randrange(3),
            ),
            (repr((draw.randrange(-999, 999) + 0.5) / 10 ** max(d, 1)), max(d, 1)),
            (repr(draw.choice((-1, 1)) * draw.random() * 10.0 ** draw.randrange(-320, 309)), d),
            ("".join(draw.choices("0123456789.eE+-−, _x١∞\t", k=draw.randrange(1, 8))), d),
        ]
    return states + [(word, d) for word in WORDS.split() for d in (0, 2, 5)]


def last_decimal(text: str, decimals: int) -> str:
    try:
        return str(rules._last_decimal(rules._number(text), decimals))
    except Refused as refused:
        return str(refused)


def test_the_page_rounds_as_python_does(questions):
    """Integers of the last decimal, ties to even, and the same words where there is no number."""
    states = numbers(0)
    expected = [last_decimal(*state) for state in states]
    assert questions.evaluate(ROUNDED, states) == expected
    read = [state for state, e in zip(states, expected, strict=True) if not e.startswith("give")]
    scaled = [float(text.replace("−", "-")) * 10.0**d for text, d in read]
    ties = [x for x in scaled if x % 1 == 0.5]
    assert len(ties) > STATES
    assert {round(x) - math.trunc(x) for x in ties} == {-1, 0, 1}
    assert expected.count("give a number") > 50
    assert expected.count("give a whole number") > 50
    assert expected.count("give a smaller number") >= 3
    assert any(len(e) > 300 for e in expected)


def test_the_page_says_what_check_answer_says(questions, monkeypatch):
    """Right, nearly right and wrong numbers, all sets of letters, blanks and junk."""
    draw, made_up, states = random.Random(1), {}, []
    for i in range(STATES):
        exercise = f"9.{i}"
        if i % 3 == 2:
            letters = "abcde"[: draw.randrange(2, 6)]
            right = "".join(c for c in letters if draw.random() < 0.5) or "a"
            rule = choice(seal(exercise, right), options=letters, hints=("-",))
            some = "".join(c for c in letters if draw.random() < 0.5)
            given = draw.choice((right, some, ""))
        else:
            d, value = draw.randrange(5), draw.gauss(0, 100)
            value = value if d else float(round(value))
            rule = number(seal(exercise, value, decimals=d), decimals=d, hints=("-",))
            near = round(value, d) + draw.randrange(-2, 3) * 10.0**-d
            given = draw.choice((dress(draw, value), repr(near), repr(near), " ", "1,5", "1e999"))
        made_up[exercise] = rule
        states.append((exercise, given))
    monkeypatch.setattr(check, "table", lambda: made_up)
    sent = []
    for exercise, given in states:
        question = check.question(exercise)
        names = ("exercise", "sealed", "salt", "rounds", "decimals", "options")
        sent.append([{name: getattr(question, name) for name in names}, given])
    expected = [check.answer(*state) for state in states]
    assert questions.evaluate(JUDGED, sent) == expected
    words = {said: expected.count(said) for said in set(expected)}
    assert words["correct"] > 80
    assert words["not attempted"] > 20
    assert words["not yet: that is not it: at least one letter is wrong or missing."] > 20
    assert sum("not the number" in said for said in expected) > 20
    assert words["not yet: give a number."] > 20


# --- as readers use it ----------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["http", "file"])
def test_each_question_of_a_page_is_judged_on_its_own(page, folder, served, door):
    opened(page, served if door == "http" else folder.as_uri())
    for exercise in ASKED:
        press(of(page, exercise), "Check")
        says(of(page, exercise), "not attempted")
    give(of(page, "1.3"), "ab")
    press(of(page, "1.3"), "Check")
    says(of(page, "1.3"), "not yet: that is not it: at least one letter is wrong or missing.")
    for exercise in ASKED:
        give(of(page, exercise), SOLUTIONS[exercise])
        press(of(page, exercise), "Check")
        says(of(page, exercise), "correct")
    assert not page.complaints


def test_a_question_is_answered_by_keyboard_alone(questions):
    """Tab, digits and letters, space and Enter; Enter submits from every control."""
    press_key = questions.keyboard.press
    press_key("Tab")
    questions.keyboard.type("5")
    press_key("Enter")
    says(of(questions, "0.1"), "not yet: this is not the number we found.")
    press_key("Backspace")
    questions.keyboard.type("4")
    press_key("Tab")
    press_key("Enter")
    says(of(questions, "0.1"), "correct")
    press_key("Tab")
    press_key("Space")
    assert of(questions, "0.1").get_by_role("listitem").inner_text() == check_hint("0.1", 1)
    for letter in "abcd":
        press_key("Tab")
        if letter in SOLUTIONS["1.3"]:
            press_key("Space")
    press_key("Enter")
    says(of(questions, "1.3"), "correct")


def check_hint(exercise: str, n: int) -> str:
    """The nth answer of `check.hint`."""
    check._given[exercise] = n - 1
    return check.hint(exercise)


def test_hints_come_one_a_press_in_the_words_of_check_hint(questions):
    for exercise in ASKED:
        question, count = of(questions, exercise), len(check.table()[exercise].hints)
        button = question.get_by_role("button").nth(1)
        assert question.get_by_role("listitem").all_inner_texts() == []
        for given in range(count):
            assert button.inner_text() == f"Hint ({count - given} left)"
            button.click()
            expected = [check_hint(exercise, n + 1) for n in range(given + 1)]
            assert question.get_by_role("listitem").all_inner_texts() == expected
        assert button.inner_text() == "No more hints"
        assert button.get_attribute("aria-disabled") == "true"
        button.focus()
        questions.keyboard.press("Enter")
        assert question.get_by_role("listitem").count() == count


def test_a_verdict_goes_when_the_answer_changes(questions):
    for exercise, other in (("0.1", "44"), ("1.3", "acd")):
        question = of(questions, exercise)
        give(question, SOLUTIONS[exercise])
        press(question, "Check")
        says(question, "correct")
        give(question, other)
        assert question.get_by_role("status").inner_text() == ""


def test_the_same_verdict_is_announced_each_time(questions):
    """The live region empties before it speaks: an unchanged text is not read out again."""
    question = of(questions, "0.1")
    question.get_by_role("status").evaluate(
        """(el) => {
          window.heard = [];
          const listen = () => heard.push(el.textContent);
          new MutationObserver(listen).observe(el, { childList: true });
        }"""
    )
    give(question, "5")
    for _ in range(2):
        press(question, "Check")
        says(question, "not yet: this is not the number we found.")
        questions.wait_for_timeout(100)
    words = "not yet: this is not the number we found."
    assert questions.evaluate("heard") == [words, "", words]


def test_without_webcrypto_the_page_says_so(browser, folder):
    """Plain http from another machine is no secure context: there is no `crypto.subtle`."""
    tab = browser.new_page()
    errors = []
    tab.on("pageerror", lambda error: errors.append(error))
    types = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}

    def serve(route) -> None:
        file = folder / route.request.url.rsplit("/", 1)[1]
        route.fulfill(body=file.read_bytes(), content_type=types[file.suffix])

    tab.route("http://book.test/*", serve)
    page = opened(tab, "http://book.test")
    assert page.evaluate("crypto.subtle") is None
    question = of(page, "0.1")
    press(question, "Check")
    says(question, "not attempted")
    give(question, "4")
    press(question, "Check")
    says(
        question,
        "A browser can judge answers only on pages from disk, from this machine or by https; "
        'here, say check.answer("0.1", …) in a notebook.',
    )
    press(question, "Hint")
    assert question.get_by_role("listitem").count() == 1
    assert not errors
    tab.close()


def test_a_notebooks_shortcuts_leave_a_question_alone(questions):
    kept = questions.locator(".explore-question").evaluate_all(
        "(all) => all.map((el) => el.dataset.lmSuppressShortcuts)"
    )
    assert kept == ["true"] * len(ASKED)


def test_a_removed_view_stops_listening(questions):
    assert questions.evaluate(LISTENERS) == [1, 0]


# --- every reader and every page ------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_questions_are_accessible_light_and_dark(page, served, screenshots, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    opened(page, served)  # axe reads the style sheet, which no page may do from disk
    for exercise, given in zip(ASKED, (4, "ab", ""), strict=True):
        give(of(page, exercise), given)
        press(of(page, exercise), "Hint")
        press(of(page, exercise), "Check")
        of(page, exercise).locator(".explore-verdict:not(:empty)").wait_for()
    page.screenshot(path=screenshots / f"questions-{scheme}-{width}.png", full_page=True)
    assert violations(page) == []
    options = of(page, "1.3").get_by_role("group", name="Your answer")
    assert [options.get_by_role("checkbox", name=f"({c})").count() for c in "abcd"] == [1] * 4
    asked = "Your answer (a number, to 5 decimals)"
    assert of(page, "4.3").get_by_role("textbox", name=asked).count() == 1
    assert not page.complaints


@pytest.mark.parametrize("width", [390, 320])
def test_questions_fit_a_phone(questions, width):
    questions.set_viewport_size({"width": width, "height": 844})
    for exercise in ASKED:
        press(of(questions, exercise), "Hint")
    assert questions.evaluate("document.documentElement.scrollWidth") <= width
    for inner in questions.locator(".widget-static").all():
        assert inner.evaluate("(el) => el.scrollWidth - el.clientWidth") <= 0


def test_print_leaves_the_question_to_the_text(questions):
    assert questions.locator(".explore-question").first.is_visible()
    questions.emulate_media(media="print")
    for question in questions.locator(".explore-question").all():
        assert not question.is_visible()
