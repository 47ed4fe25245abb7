"""The linked histograms: their JavaScript says what geokit says of the table, and they follow
mouse, key and finger, on a static page, with no kernel and no network."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from figures import (
    LISTENERS,
    assert_accessible,
    assert_fits,
    assert_prints,
    assert_redrawn,
    assert_sent,
    numbers,
    settled,
    shipped,
    soon,
    touch,
)
from figures import door as door  # the fixtures of any figure's page
from figures import folder as folder
from figures import served as served
from figures import show as show
from figures import still as still

from geokit import coefficient_of_variation
from geokit.explore import LinkedHistograms

pytestmark = pytest.mark.browser
STATES, MODELS, PAIRS = 60, 8, 25
COLUMNS = ("euclidean", "straight", "chord", "geodesic")
DIGITS = Path(__file__).parents[2] / "notebooks/results/digits-small/distances.csv"


def made() -> pd.DataFrame:
    """Distances that vary by 10 to 50 % over the models; about one geodesic in fifty unresolved."""
    random = np.random.default_rng(0)
    rows = list(itertools.product(range(10, 10 + MODELS), range(PAIRS)))
    table = pd.DataFrame(rows, columns=["model", "pair"])
    size = random.uniform(1, 5, PAIRS)[table.pair]
    for column, spread in zip(COLUMNS, (0.4, 0.3, 0.25, 0.15), strict=True):
        wide = random.uniform(0.3, 1.5, PAIRS)[table.pair]
        table[column] = size * np.exp(spread * wide * random.normal(size=len(table)))
    table["defect"] = 10 ** random.uniform(-8, -4, len(table))
    return table.assign(resolved=random.random(len(table)) > 0.02)


TABLE = made()
BAD = TABLE[~TABLE.resolved].pair.unique()
PICTURES = np.random.default_rng(1).integers(0, 256, (PAIRS, 2, 6, 6), dtype=np.uint8)
FRAMES = np.random.default_rng(2).integers(0, 256, (2, 3, 2, 4, 6, 6), dtype=np.uint8)
FIGURES = {
    "linked": lambda: LinkedHistograms(TABLE),
    "images": lambda: LinkedHistograms(
        TABLE, pair=7, pictures=PICTURES, strips={7: FRAMES[0], 9: FRAMES[1]}
    ),
    "digits": lambda: LinkedHistograms(pd.read_csv(DIGITS), compare=("euclidean", "geodesic")),
    "unresolved": lambda: LinkedHistograms(TABLE.assign(resolved=False), leave_out=True),
}
GIVEN = """const table = math.read(state);
  const said = ([first, second, models, leave_out]) =>
    math.summary(table, { compare: [first, second], models, leave_out });"""


def states() -> list[list]:
    """What the reader could set: two different distances, m, and whether pairs are left out."""
    random = np.random.default_rng(3)
    return [
        [*random.permutation(COLUMNS)[:2].tolist(), int(random.integers(2, MODELS + 1)), k % 2 == 1]
        for k in range(STATES)
    ]


def expected(first: str, second: str, models: int, leave_out: bool):
    """The CVs of all pairs in both distances, and which pairs count, by geokit and pandas."""
    used = TABLE[TABLE.model < 10 + models]
    both = []
    for column in (first, second):
        square = used.pivot(index="model", columns="pair", values=column).to_numpy(copy=True)
        both.append(coefficient_of_variation(square, dim=0))
    counts = torch.ones(PAIRS, dtype=torch.bool)
    if leave_out:
        counts = torch.from_numpy(used.groupby("pair").resolved.all().to_numpy(copy=True))
    return torch.stack(both), counts


# --- the JavaScript against geokit ----------------------------------------------------------------


def test_cvs_are_those_of_geokit_in_60_states(still):
    """To the rounding of the distances to float32."""
    seen = shipped(still("linked"), "(s) => said(s).cvs", states(), GIVEN)
    each = torch.stack([expected(*state)[0] for state in states()])
    torch.testing.assert_close(seen, each, rtol=1e-6, atol=1e-7)


def test_medians_shares_and_numbers_of_pairs_are_those_of_the_table_in_60_states(still):
    call = "(s) => { const q = said(s); return [...q.medians, q.below, q.kept.length]; }"
    seen = shipped(still("linked"), call, states(), GIVEN)
    left_out = 0
    for state, (*medians, below, count) in zip(states(), seen.tolist(), strict=True):
        (first, second), kept = expected(*state)
        first, second = first[kept].numpy(), second[kept].numpy()
        assert medians == pytest.approx([np.median(first), np.median(second)], rel=1e-6)
        assert below == (second < first).sum()
        assert count == len(first)
        left_out += count < PAIRS
    assert left_out > STATES / 4  # the rule was at work


def test_histograms_share_round_bins_that_hold_every_pair_in_60_states(still):
    call = """(s) => { const q = said(s), pad = (n) => [...n, ...Array(15 - n.length).fill(0)];
      return [pad([q.width, q.counts[0].length]), ...q.counts.map(pad)]; }"""
    seen = shipped(still("linked"), call, states(), GIVEN)
    for state, ((width, bins, *_), *counts) in zip(states(), seen.tolist(), strict=True):
        cvs, kept = expected(*state)
        edges = width * np.arange(bins + 1)
        assert edges[-2] <= float(cvs[:, kept].max()) < edges[-1]
        assert 8 <= bins <= 15
        assert any(f"{width:e}".startswith(digits) for digits in ("1.0", "2.0", "2.5", "5.0"))
        for cv, count in zip(cvs, counts, strict=True):
            expected_counts, _ = np.histogram(cv[kept], edges)
            assert count == [*expected_counts, *[0] * (15 - int(bins))]


def test_arrow_keys_go_through_the_pairs_in_the_order_of_the_cv(still):
    """Also where several pairs have the same, and from a pair that does not count."""
    call = """([values, kept, sign]) => { let at = 2; const way = [];
      for (let k = 0; k < 6; k += 1) way.push(at = math.neighbour(values, kept, at, sign));
      return way; }"""
    values = [0.3, 0.1, 0.2, 0.2, 0.05, 0.3]
    given = [[values, [0, 1, 3, 4, 5], sign] for sign in (1, -1)]
    up, down = shipped(still("linked"), call, given).tolist()
    assert up == [3, 0, 5, 5, 5, 5]
    assert down == [1, 4, 4, 4, 4, 4]


def test_a_median_of_nothing_is_none(still):
    seen = shipped(still("linked"), "(x) => math.median(x) ?? NaN", [[], [3.0], [5.0, 1.0]])
    assert seen.isnan().tolist() == [True, False, False]
    assert seen[1:].tolist() == [3.0, 3.0]


# --- what the page says ---------------------------------------------------------------------------

COUNT, MEDIAN, BELOW = "Pairs that count", "Median of their CVs", "Pairs below the diagonal"
CV, RESOLVED, MODEL = "CV of the selected pair", "Geodesics of that pair", "Model pointed at"


def said(page, name: str) -> str:
    item = page.locator(".explore dl > div").filter(has_text=name)
    return item.locator("dd").inner_text()


def assert_says(page, first: str, second: str, models: int, leave_out: bool, pair: int) -> None:
    cvs, kept = expected(first, second, models, leave_out)
    seen = numbers(page)
    below = int((cvs[1] < cvs[0])[kept].sum())
    assert seen[COUNT] == [int(kept.sum()), PAIRS]
    assert seen[MEDIAN] == pytest.approx(np.median(cvs[:, kept], axis=1).tolist(), abs=6e-4)
    assert seen[BELOW] == pytest.approx(
        [below, int(kept.sum()), 100 * below / int(kept.sum())], abs=0.06
    )
    assert seen[CV] == pytest.approx([pair, *cvs[:, pair].tolist()], abs=6e-4)
    used = TABLE[(TABLE.model < 10 + models) & (TABLE.pair == pair)]
    assert seen[RESOLVED] == [int(used.resolved.sum()), models]


def selected(page) -> int:
    return int(numbers(page)[CV][0])


def test_page_says_what_the_table_says(show, door):
    page = show("linked", door)
    settled(page)
    assert_says(page, "euclidean", "geodesic", MODELS, False, 0)


def test_committed_digits_say_what_python_says(show):
    table, seen = pd.read_csv(DIGITS), settled(show("digits"))
    both = [table.pivot(index="model", columns="pair", values=c) for c in ("euclidean", "geodesic")]
    e, g = (coefficient_of_variation(square.to_numpy(copy=True)).numpy() for square in both)
    assert seen[MEDIAN] == pytest.approx([np.median(e), np.median(g)], abs=6e-4)
    assert seen[BELOW][:2] == [(g < e).sum(), 20]


def test_distances_are_chosen_by_keyboard_and_change_places(show):
    page = show("linked")
    first = page.get_by_role("combobox", name="First distance")
    second = page.get_by_role("combobox", name="Second distance")
    assert first.locator("option").all_inner_texts() == [
        "Euclidean",
        "Straight line",
        "Chord",
        "Geodesic",
    ]
    first.focus()
    page.keyboard.press("ArrowDown")
    assert_says(page, "straight", "geodesic", MODELS, False, 0)
    assert page.locator(".ink-straight.bars").count()
    second.select_option("straight")  # which the first one has
    assert first.input_value() == "geodesic"
    assert_says(page, "geodesic", "straight", MODELS, False, 0)


def test_the_geodesic_has_its_colour_in_either_place(show):
    page = show("linked")
    lanes = page.locator(".lane")
    assert "ink-straight" in lanes.nth(0).get_attribute("class")
    assert "ink-geodesic" in lanes.nth(1).get_attribute("class")
    page.get_by_role("combobox", name="First distance").select_option("geodesic")
    assert "ink-geodesic" in lanes.nth(0).get_attribute("class")
    page.get_by_role("combobox", name="First distance").select_option("chord")
    page.get_by_role("combobox", name="Second distance").select_option("straight")
    assert "ink-theta" in lanes.nth(0).get_attribute("class")
    assert "ink-straight" in lanes.nth(1).get_attribute("class")


def test_fewer_models_are_other_histograms(show):
    page = show("linked")
    bars = page.locator("path.bars").first.get_attribute("d")
    models = page.get_by_role("slider", name="Models m")
    models.press("ArrowLeft")
    assert_says(page, "euclidean", "geodesic", MODELS - 1, False, 0)
    models.press("Home")
    assert_says(page, "euclidean", "geodesic", 2, False, 0)
    assert models.get_attribute("aria-valuetext") == "2"
    assert page.locator("path.bars").first.get_attribute("d") != bars
    assert dots(page, 0) == 2


def test_the_model_looked_at_is_one_of_those_in_use(show):
    page = show("linked")
    page.get_by_role("slider", name="Model", exact=True).press("ArrowRight")
    for _ in range(MODELS):
        page.keyboard.press("ArrowDown")
    assert_tells(page, 0, 10 + MODELS - 1)
    page.get_by_role("slider", name="Models m").press("Home")
    assert said(page, MODEL).startswith("Model 11: geodesic ")


def test_pairs_with_an_unresolved_geodesic_are_left_out_on_demand(show):
    page = show("linked")
    leave = page.get_by_role("button", name="Leave out pairs with an unresolved geodesic")
    points = page.locator(".explore-half").nth(2).locator("path.dots")
    count = [points.nth(k).get_attribute("d").count("M") for k in (0, 1)]
    assert count == [PAIRS - len(BAD), len(BAD)]
    assert leave.get_attribute("aria-pressed") == "false"
    leave.focus()
    page.keyboard.press("Space")
    assert leave.get_attribute("aria-pressed") == "true"
    assert_says(page, "euclidean", "geodesic", MODELS, True, 0)
    count = [(points.nth(k).get_attribute("d") or "").count("M") for k in (0, 1)]
    assert count == [PAIRS - len(BAD), 0]
    page.get_by_role("slider", name="Models m").press("Home")
    assert_says(page, "euclidean", "geodesic", 2, True, 0)  # the rule, for these two models
    leave.click()
    assert_says(page, "euclidean", "geodesic", 2, False, 0)


def test_where_no_pair_counts_the_figure_says_so_and_still_shows_the_pair(show):
    page = show("unresolved")
    seen = settled(page)
    assert seen[COUNT] == [0, PAIRS]
    assert seen[MEDIAN] == seen[BELOW] == []
    assert seen[CV][0] == 0
    for name in ("Pair", "Pair, in the order of its first coefficient of variation"):
        page.get_by_role("slider", name=name, exact=True).press("ArrowRight")
    page.mouse.click(*place(page, 0, 100, 150))
    assert numbers(page) == seen
    assert dots(page, 1, hollow=True) == MODELS
    page.get_by_role("button").click()
    assert numbers(page)[COUNT] == [PAIRS, PAIRS]


# --- brushing -------------------------------------------------------------------------------------


def place(page, half: int, x: float, y: float) -> tuple[float, float]:
    """Where (x, y) of a drawing is on the page."""
    drawing = page.locator(".explore-half > svg").nth(half)
    drawing.scroll_into_view_if_needed()
    call = "(el, [x, y]) => { const p = new DOMPoint(x, y).matrixTransform(el.getScreenCTM());"
    return tuple(drawing.evaluate(call + "return [p.x, p.y]; }", [x, y]))


def dots(page, row: int, hollow: bool = False) -> int:
    kind = "path.dots.hollow" if hollow else "path.dots:not(.hollow)"
    path = page.locator(".explore-half").nth(1).locator(kind).nth(row)
    return path.get_attribute("d").count("M")


def histogram(page) -> tuple[np.ndarray, float, int]:
    """CVs (2, P), width of a bin, and their number, as geokit and the page have them."""
    (width, bins), *_ = shipped(
        page,
        "(s) => [said(s).width, said(s).counts[0].length]",
        [["euclidean", "geodesic", MODELS, False]],
        GIVEN,
    ).tolist()
    return expected("euclidean", "geodesic", MODELS, False)[0].numpy(), width, int(bins)


def test_a_click_on_a_bar_selects_its_pairs_in_turn(show):
    page = show("linked")
    cvs, width, bins = histogram(page)
    bin_of = np.floor(cvs / width).astype(int)
    tall = np.stack([np.bincount(row, minlength=bins) for row in bin_of])
    highest, tried = tall.max(), 0
    for k in range(bins):
        for i in range(2):
            if tall[i, k] == 0 or tall[0, k] == tall[1, k]:
                continue
            other = tall[1 - i, k]  # the lower bar is in front; of the other one click its top
            height = (tall[i, k] + (other if other < tall[i, k] else 0)) / 2
            x = 34 + 278 * (k + 0.5) / bins
            spot = place(page, 0, x, 190 - 150 * height / highest)
            inside = np.flatnonzero(bin_of[i] == k).tolist()
            seen = []
            for _ in range(len(inside)):
                page.mouse.click(*spot)
                seen.append(selected(page))
            assert sorted(seen) == inside
            tried += 1
    assert tried > bins / 2


def test_a_click_in_the_scatter_plot_selects_the_nearest_point(show):
    page = show("linked")
    cvs, width, bins = histogram(page)
    for pair in (3, 11, 24):
        at = 278 * cvs[:, pair] / (width * bins)
        page.mouse.click(*place(page, 2, 34 + at[0] + 1, 8 + 278 - at[1] - 1))
        assert selected(page) == pair
    page.mouse.click(*place(page, 2, 36, 10))  # the upper left corner, far from all
    far = np.hypot(cvs[0] - 2 / 278 * width * bins, cvs[1] - 276 / 278 * width * bins)
    assert selected(page) == far.argmin()


@pytest.mark.parametrize(
    ("name", "key", "row", "sign"),
    [
        ("Pair", "ArrowRight", 0, 1),
        ("Pair", "ArrowLeft", 0, -1),
        ("Pair", "ArrowUp", 1, 1),
        ("Pair", "ArrowDown", 1, -1),
        ("Pair, in the order of its first coefficient of variation", "ArrowRight", 0, 1),
        ("Pair, in the order of its second coefficient of variation", "ArrowLeft", 1, -1),
    ],
)
def test_arrow_keys_select_the_next_pair_of_that_distance(show, name, key, row, sign):
    page = show("linked")
    cvs, *_ = histogram(page)
    order = (sign * cvs[row]).argsort().tolist()
    grip = page.get_by_role("slider", name=name, exact=True)
    for following in order[order.index(0) + 1 :][:4]:
        grip.press(key)
        assert selected(page) == following
    assert f"pair {selected(page)}" in grip.get_attribute("aria-valuetext")


def test_bars_of_the_selected_pair_are_marked(show):
    """They stand over its CVs, and where the pair does not count there are none."""
    page = show("linked")
    cvs, width, bins = histogram(page)
    grip = page.get_by_role("slider", name="Pair", exact=True)
    for _ in range(3):
        grip.press("ArrowRight")
        pair = selected(page)
        for i, ink in enumerate(("straight", "geodesic")):
            path = page.locator(f"path.bars.here.ink-{ink}").get_attribute("d")
            left = float(path.removeprefix("M").split(",")[0])
            column = int(cvs[i, pair] // width)
            assert left == pytest.approx(34 + 278 * column / bins, abs=0.02)
    while selected(page) not in BAD:
        grip.press("ArrowRight" if grip.get_attribute("aria-valuenow") < "0.9" else "ArrowUp")
    page.get_by_role("button").click()
    assert page.locator("path.bars.here.ink-geodesic").get_attribute("d") == ""


def test_a_grip_in_a_lane_is_dragged_to_the_nearest_pair(show):
    page = show("linked")
    cvs, width, bins = histogram(page)
    for i, y in enumerate((209, 233)):
        target = 0.7 * cvs[i].max()
        grip = page.locator(".lane").nth(i).get_by_role("slider")
        box = grip.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(*place(page, 0, 34 + 278 * target / (width * bins), y), steps=5)
        page.mouse.up()
        assert selected(page) == np.abs(cvs[i] - target).argmin()


# --- one pair -------------------------------------------------------------------------------------


def of_model(pair: int, model: int) -> list[float]:
    rows = TABLE[TABLE.pair == pair]
    row, values = rows[rows.model == model].iloc[0], []
    for column in ("euclidean", "geodesic"):
        values += [row[column], row[column] / rows[column].mean()]
    return values


def assert_tells(page, pair: int, model: int) -> None:
    heading, *rest = said(page, MODEL).replace("−", "-").split("\n")
    row = TABLE[(TABLE.pair == pair) & (TABLE.model == model)].iloc[0]
    words = heading.replace(":", "").replace(",", "").split()
    assert words[:2] == ["Model", str(model)]
    assert words[2:4] == ["geodesic", "resolved" if row.resolved else "unresolved"]
    assert float(words[-1]) == pytest.approx(row.defect, rel=0.06)
    told = [float(w) for w in " ".join(rest).replace(",", "").split() if w[0].isdigit()]
    assert told == pytest.approx(of_model(pair, model), rel=6e-4, abs=6e-3)


def test_each_model_is_told_by_key(show):
    page = show("linked")
    grip = page.get_by_role("slider", name="Model", exact=True)
    for model in range(10, 10 + MODELS):
        assert_tells(page, 0, model)
        assert str(model) in grip.get_attribute("aria-valuetext")
        grip.press("ArrowRight")
    assert_tells(page, 0, 10 + MODELS - 1)  # the last one


def test_each_model_is_told_to_the_mouse_over_either_of_its_dots(show):
    page = show("linked")
    reach = None
    for k, model in enumerate(range(10, 10 + MODELS)):
        for row, (top, floor) in enumerate([(44, 136), (174, 266)]):
            path = page.locator(".explore-half").nth(1).locator("path.dots:not(.hollow)").nth(row)
            starts = [part.split("a")[0] for part in path.get_attribute("d").split("M")[1:]]
            x, y = map(float, starts[k].split(","))
            assert top < y < floor
            ratio = of_model(0, model)[1 + 2 * row]
            reach = reach or (x + 4 - 160) / (ratio - 1)  # one scale for all dots
            assert x + 4 == pytest.approx(160 + reach * (ratio - 1), abs=0.5)
            page.mouse.move(*place(page, 1, x + 4, y))
            assert_tells(page, 0, model)


def test_unresolved_geodesics_are_hollow_and_said(show):
    page = show("linked")
    grip = page.get_by_role("slider", name="Pair", exact=True)
    for _ in range(PAIRS):
        grip.press("ArrowLeft")  # to the first one
    seen = set()
    for _ in range(PAIRS):
        pair = selected(page)
        seen.add(pair)
        rows = TABLE[TABLE.pair == pair]
        assert dots(page, 0, hollow=True) == 0  # a Euclidean distance is what it is
        assert dots(page, 1, hollow=True) == (~rows.resolved).sum()
        assert numbers(page)[RESOLVED] == [rows.resolved.sum(), MODELS]
        grip.press("ArrowRight")
    assert seen == set(range(PAIRS))


# --- images ---------------------------------------------------------------------------------------

PIXELS = """async (el) => {
  const image = new Image();
  image.src = el.getAttribute("src") ?? el.getAttribute("href");
  await image.decode();
  const ink = Object.assign(document.createElement("canvas"),
    { width: image.width, height: image.height }).getContext("2d");
  ink.drawImage(image, 0, 0);
  const { data } = ink.getImageData(0, 0, image.width, image.height);
  return Array.from({ length: image.height }, (_, i) =>
    Array.from({ length: image.width }, (_, j) => data[4 * (i * image.width + j)]));
}"""


def test_pictures_are_those_of_the_pair_dark_on_light(show):
    page = show("images")
    grip = page.get_by_role("slider", name="Pair", exact=True)
    for _ in range(2):
        for k, name in enumerate(("First", "Second")):
            image = page.get_by_alt_text(f"{name} image of pair {selected(page)}")
            seen = np.array(image.evaluate(PIXELS))
            np.testing.assert_array_equal(seen, 255 - PICTURES[selected(page), k].astype(int))
        grip.press("ArrowUp")


def test_frames_are_shown_for_the_pairs_and_models_that_have_some(show):
    page = show("images")
    panels = page.get_by_role("img", name="Images that model")
    assert panels.count() == 3
    for i in range(2):
        strip = panels.nth(1).locator("image").nth(i)
        seen = np.array(strip.evaluate(PIXELS))[:, 7 * 2 : 7 * 2 + 6]  # the third of four
        np.testing.assert_allclose(seen, 255 - FRAMES[0, 1, i, 2].astype(int), atol=1)
    page.get_by_role("slider", name="Models m").press("Home")
    assert panels.count() == 2
    page.get_by_role("slider", name="Pair", exact=True).press("ArrowUp")
    assert panels.count() == 0
    assert page.get_by_text("are here for pairs 7, 9.").is_visible()


def test_without_images_there_is_no_place_for_them(show):
    page = show("linked")
    assert page.locator(".explore :is(img, image)").count() == 0
    assert page.get_by_text("Decoded images").count() == 0


# --- every reader and every page ------------------------------------------------------------------


def test_a_finger_drags_a_grip_and_taps_a_point(show, page):
    page.set_viewport_size({"width": 390, "height": 700})
    show("linked")
    grip = page.locator(".lane").nth(0).get_by_role("slider")
    grip.scroll_into_view_if_needed()
    scrolled, before = page.evaluate("scrollY"), selected(page)
    touch(page, grip, [(12 * i, 0) for i in range(1, 7)])
    now = selected(page)
    assert now != before
    assert page.evaluate("scrollY") == scrolled
    cvs, width, bins = histogram(page)
    pair = next(p for p in range(PAIRS) if p != now)
    at = 278 * cvs[:, pair] / (width * bins)
    x, y = place(page, 2, 34 + at[0], 8 + 278 - at[1])
    finger = page.context.new_cdp_session(page)
    for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert soon(page, lambda: selected(page) == pair)


def test_what_python_sets_is_redrawn(still):
    values = {"pair": 12, "compare": ["chord", "straight"], "models": 5, "leave_out": True}
    assert_redrawn(still("linked"), values)


def test_what_the_reader_does_reaches_python(still):
    traits = {"pair", "compare", "models", "leave_out"}
    assert_sent(still("linked"), LinkedHistograms(TABLE), traits)


def test_a_removed_view_stops_listening(still):
    before, after = still("linked").evaluate(LISTENERS)
    assert before == 4
    assert after == 0


@pytest.mark.parametrize("name", ["linked", "images"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figure_is_accessible_light_and_dark(show, served, page, screenshots, name, scheme):
    page.emulate_media(color_scheme=scheme)
    show(name, served)
    picture = screenshots / f"figure-linked-{name}-{scheme}.png"
    assert_accessible(page, LinkedHistograms(TABLE).label, picture)


@pytest.mark.parametrize("name", ["linked", "images", "digits"])
@pytest.mark.parametrize("width", [390, 320])
def test_figure_fits_a_phone_and_lets_it_scroll(show, page, screenshots, name, width):
    page.set_viewport_size({"width": width, "height": 844})
    show(name)
    assert_fits(page, width, screenshots / f"figure-linked-{name}-{width}.png")


def test_print_keeps_pictures_and_numbers(show):
    assert_prints(show("linked"))
