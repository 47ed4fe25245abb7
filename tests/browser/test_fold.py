"""The fold: its JavaScript is geokit's mathematics, and it moves by mouse, key and finger, on a
static page, with no kernel and no network."""

import pytest
import torch
from figures import (
    LISTENERS,
    assert_accessible,
    assert_fits,
    assert_prints,
    assert_redrawn,
    assert_sent,
    drag,
    numbers,
    shipped,
    touch,
)
from figures import door as door  # the fixtures of any figure's page
from figures import folder as folder
from figures import served as served
from figures import show as show
from figures import still as still

from geokit import (
    PullbackMetric,
    StraightLine,
    injectivity_defect,
    jacobian,
    length,
    smallest_singular_value,
)
from geokit.explore import Fold
from geokit.explore.fold import HIGH, LIMIT, LOW

pytestmark = pytest.mark.browser
STATES = 60
FIGURES = {"fold": Fold}
LEAST, LARGEST, PAIR = (
    "Smallest singular value",
    "Largest defect of two codes",
    "Defect of t₁ and t₂",
)
CHORD, WAY = "Decoded chord", "Length of the way"


def curve(s: float):
    return lambda t: torch.cat([t**2, t**3 - s * t], dim=-1)


def states(seed: int, count: int = STATES) -> torch.Tensor:
    """Rows s, t1, t2 at random, with the ends of the knob, its cusp, and a shared image among
    them."""
    random = torch.Generator().manual_seed(seed)
    u = torch.rand(count, 3, generator=random, dtype=torch.float64)
    given = torch.stack([LOW + (HIGH - LOW) * u[:, 0], *(LIMIT * (2 * u[:, 1:].T - 1))], dim=-1)
    special = [[LOW, -LIMIT, LIMIT], [HIGH, -LIMIT, LIMIT], [0, -0.4, 0.3], [0.25, -0.5, 0.5]]
    given[:4] = torch.tensor(special, dtype=torch.float64)
    return given


def turn(page, s: float) -> dict[str, list[float]]:
    page.get_by_role("slider", name="Knob s").fill(str(s))
    return numbers(page)


def said(page, name: str) -> tuple[str, str]:
    """How a number is lit, and its words."""
    item = page.locator(".explore dl > div").filter(has=page.get_by_text(name, exact=True))
    return item.get_attribute("data-said"), item.locator("dd").inner_text()


def moved_to(page, which: str) -> float:
    return float(page.get_by_role("slider", name=which).get_attribute("aria-valuenow"))


# --- the JavaScript against geokit ----------------------------------------------------------------


def test_the_range_of_python_is_that_of_the_page(still):
    seen = shipped(still("fold"), "() => [math.LIMIT, ...math.KNOB]", [0])[0]
    assert seen.tolist() == [LIMIT, LOW, HIGH]


def test_image_and_speed_are_the_curve_and_its_singular_value(still):
    given = states(0)
    call = "([s, t]) => [...math.image(s, t), math.speed(s, t)]"
    seen = shipped(still("fold"), call, given.tolist())
    for (s, t, _), found in zip(given, seen, strict=True):
        f = curve(float(s))
        torch.testing.assert_close(found[:2], f(t[None]))
        torch.testing.assert_close(found[2], smallest_singular_value(f, t[None]))
        torch.testing.assert_close(found[2], jacobian(f, t[None]).norm())


def test_the_least_speed_is_that_of_a_fine_grid(still):
    """No code has less than the page says, and the code that it names has just that."""
    given = states(1)[:, 0]
    t = torch.linspace(-LIMIT, LIMIT, 20001, dtype=torch.float64)[:, None]
    seen = shipped(still("fold"), "math.least", given.tolist())
    for s, (where, slow) in zip(given, seen, strict=True):
        f = curve(float(s))
        searched = smallest_singular_value(f, t)
        assert (searched >= slow - 1e-12).all()
        assert float(searched.min() - slow) < 1e-6
        torch.testing.assert_close(smallest_singular_value(f, where[None]), slow)


def test_chord_way_and_defect_of_a_pair_are_geokits(still):
    given = states(2)
    seen = shipped(still("fold"), "([s, t, u]) => math.pair(s, t, u)", given.tolist())
    for (s, *codes), (chord, way, defect) in zip(given, seen, strict=True):
        f, z = curve(float(s)), torch.stack(codes)[:, None]
        torch.testing.assert_close(chord, f(z).diff(dim=0).norm(), rtol=1e-12, atol=1e-12)
        walk = length(PullbackMetric(f), StraightLine(z[0], z[1]), elements=4096)
        torch.testing.assert_close(way, walk, rtol=1e-7, atol=1e-7)
        expected = injectivity_defect(f, z, elements=4096)
        torch.testing.assert_close(defect.expand(2), expected, rtol=0, atol=1e-6)


def test_the_way_at_the_cusp_has_its_closed_form(still):
    """From 0 to t at s = 0: ∫ u √(4 + 9u²) du = ((4 + 9t²)^{3/2} − 8)/27, with the sign of t."""
    t = states(3)[:, 1]
    seen = shipped(still("fold"), "(t) => math.reach(0, t)", t.tolist())
    expected = t.sign() * ((4 + 9 * t**2) ** 1.5 - 8) / 27
    torch.testing.assert_close(seen, expected, rtol=1e-9, atol=1e-9)


def test_the_largest_defect_is_geokits_on_the_same_codes(still):
    page, given = still("fold"), states(4)[:, 0]
    codes = shipped(page, "() => math.CODES", [0])[0]
    step = codes.diff()
    torch.testing.assert_close(step, torch.full_like(step, 0.025))
    seen = shipped(page, "math.largest", given.tolist())
    for s, (defect, *pair) in zip(given, seen, strict=True):
        f, root = curve(float(s)), s.clamp(min=0).sqrt()
        z = torch.cat([codes, torch.stack([-root, root])])[:, None]
        walk = length(PullbackMetric(f), StraightLine(z[:1].expand_as(z), z), elements=256)
        clock = torch.where(z[:, 0] > z[0, 0], walk, -walk)
        apart = (clock[:, None] - clock).abs()
        expected = injectivity_defect(f, z, apart=apart).max()
        torch.testing.assert_close(defect, expected, rtol=0, atol=1e-5)
        of_pair = injectivity_defect(f, torch.stack(pair)[:, None], elements=1024).max()
        torch.testing.assert_close(defect, of_pair, rtol=0, atol=1e-5)
        assert (defect > 1 - 1e-9) == (s > 0)


def test_two_codes_share_an_image_exactly_for_a_positive_knob(still):
    given = states(5)[:, 0].tolist()
    call = "(s) => math.twins(s).length ? [math.pair(s, ...math.twins(s))[0], 1] : [0, 0]"
    for s, (chord, some) in zip(given, shipped(still("fold"), call, given), strict=True):
        assert (some == 1) == (s > 0)
        assert chord < 1e-12


# --- what the reader does and sees ----------------------------------------------------------------


def test_the_two_assumptions_light_up_one_after_the_other_and_never_together(show):
    page = show("fold")
    seen = []
    for s in (-0.5, -0.01, 0, 0.01, 0.5, 1):
        turn(page, s)
        (rank, rank_words), (one, one_words) = said(page, LEAST), said(page, LARGEST)
        assert ("A3 fails" in rank_words) == (rank == "fails")
        assert ("A2 fails" in one_words) == (one == "fails")
        seen.append((rank, one))
    assert seen == [("holds", "holds")] * 2 + [("fails", "holds")] + [("holds", "fails")] * 3


def test_a_lit_number_has_another_colour_than_one_that_is_not(show):
    page = show("fold")
    colours = []
    for s in (-0.25, 0, 0.25):
        turn(page, s)
        items = page.locator(".explore dl > div").all()[:2]
        ink = "(el) => getComputedStyle(el).borderLeftColor + getComputedStyle(el).backgroundColor"
        colours.append([item.evaluate(ink) for item in items])
    (calm, _), (lit, also_calm), (calm_again, also_lit) = colours
    assert calm == calm_again == also_calm != lit == also_lit


def test_the_selected_pair_meets_at_one_position_of_the_knob(show):
    """For the codes ±½ the chord is |¼ − s|: it shrinks to nothing and grows again."""
    page = show("fold")
    for s in (-0.5, 0, 0.25, 0.75, 1):
        seen = turn(page, s)
        assert seen[CHORD] == [pytest.approx(abs(0.25 - s), abs=6e-4)]
        assert (said(page, PAIR)[0] == "fails") == (s == 0.25)
        expected = 1 - seen[CHORD][0] / seen[WAY][0]
        assert seen[PAIR][0] == pytest.approx(expected, abs=2e-3)


def test_the_marks_say_in_the_picture_what_fails(show):
    page = show("fold")
    for s, words, rings in (
        (-0.25, "", 0),
        (0, "no speed here", 1),
        (0.5, "two codes, one image", 2),
    ):
        turn(page, s)
        marks = [path.get_attribute("d") for path in page.locator("path.alarm").all()]
        assert [d.count("M") for d in marks] == [rings, min(rings, 1)]  # one image in the plane
        told = page.locator(".explore-plane svg > text").all_text_contents()
        assert told[-1] == words


@pytest.mark.parametrize("which", ["Code t₁", "Code t₂"])
def test_the_numbers_follow_hand_and_keys(show, which):
    page = show("fold")
    turn(page, 0.6)
    code, before = page.get_by_role("slider", name=which), numbers(page)
    place, at = code.bounding_box(), moved_to(page, which)
    drag(page, code, 25, 40)
    assert code.bounding_box()["x"] - place["x"] == pytest.approx(25, abs=2)
    assert code.bounding_box()["y"] == pytest.approx(place["y"], abs=0.1)
    assert moved_to(page, which) > at
    now = numbers(page)
    assert now[CHORD] != before[CHORD]
    assert now[WAY] != before[WAY]
    at = moved_to(page, which)
    page.keyboard.press("ArrowLeft")
    assert moved_to(page, which) == pytest.approx(at - 0.05, abs=1.1e-3)
    page.keyboard.press("Shift+ArrowUp")
    assert moved_to(page, which) == pytest.approx(at - 0.045, abs=1.1e-3)


def test_a_code_dragged_near_the_fold_meets_its_twin(show):
    page = show("fold")
    turn(page, 0.37)
    wide = page.get_by_role("group", name="The latent line").bounding_box()["width"]
    unit = wide * 136 / 320
    for which, sign in (("Code t₁", -1), ("Code t₂", 1)):
        goal = sign * (0.37**0.5 + 0.01)
        drag(page, page.get_by_role("slider", name=which), unit * (goal - moved_to(page, which)), 0)
    assert numbers(page)[CHORD] == [0]
    assert numbers(page)[PAIR][0] == 1
    assert said(page, PAIR)[0] == "fails"


def test_codes_stay_on_the_line_and_one_code_has_no_defect(show):
    page = show("fold")
    for which in ("Code t₁", "Code t₂"):
        drag(page, page.get_by_role("slider", name=which), 900, 0)
        assert moved_to(page, which) == LIMIT
    assert said(page, PAIR)[1] == "–\none code"
    assert numbers(page)[WAY] == [0]


def test_the_knob_moves_by_key(show):
    page = show("fold")
    knob = page.get_by_role("slider", name="Knob s")
    for _ in range(25):
        knob.press("ArrowRight")
    assert knob.get_attribute("aria-valuetext") == "0.00"
    assert said(page, LEAST)[0] == "fails"


def test_a_finger_drags_a_code_and_does_not_scroll(show, page):
    page.set_viewport_size({"width": 390, "height": 500})
    show("fold")
    before = moved_to(page, "Code t₂")
    code = page.get_by_role("slider", name="Code t₂")
    code.scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    touch(page, code, [(6 * i, -5 * i) for i in range(1, 7)])
    assert moved_to(page, "Code t₂") > before + 0.1
    assert page.evaluate("scrollY") == scrolled


# --- every reader and every page ------------------------------------------------------------------


def test_figure_draws_over_http_and_from_disk(show, door):
    assert numbers(show("fold", door))[LEAST][:2] == [0.25, 0]


def test_what_python_sets_is_redrawn(still):
    assert_redrawn(still("fold"), {"s": 0.5, "t1": 0.9, "t2": -0.3})


def test_what_the_reader_does_reaches_python(still):
    assert_sent(still("fold"), Fold(), {"s", "t1", "t2"})


def test_a_removed_view_stops_listening(still):
    assert still("fold").evaluate(LISTENERS) == [3, 0]


@pytest.mark.parametrize("s", [-0.25, 0, 0.5])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figure_is_accessible_light_and_dark(show, served, page, screenshots, scheme, s):
    page.emulate_media(color_scheme=scheme)
    turn(show("fold", served), s)
    assert_accessible(page, Fold().label, screenshots / f"figure-fold-{s}-{scheme}.png")


@pytest.mark.parametrize("width", [390, 320])
def test_figure_fits_a_phone_and_lets_it_scroll(show, page, screenshots, width):
    page.set_viewport_size({"width": width, "height": 844})
    turn(show("fold"), 0.5)
    assert_fits(page, width, screenshots / f"figure-fold-{width}.png")


def test_print_keeps_pictures_and_numbers(show):
    assert_prints(show("fold"))
