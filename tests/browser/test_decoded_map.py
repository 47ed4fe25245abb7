"""The decoded map: its JavaScript is geokit's mathematics, its geodesic keeps up with the ends by
mouse, key and finger, on a static page, with no kernel and no network."""

import numpy as np
import pytest
import torch
from colours import SIGHT, contrast, difference
from figures import (
    AT_REST,
    LISTENERS,
    assert_accessible,
    assert_fits,
    assert_prints,
    assert_redrawn,
    assert_sent,
    drag,
    numbers,
    settled,
    shipped,
    touch,
)
from figures import door as door  # the fixtures of any figure's page
from figures import folder as folder
from figures import served as served
from figures import show as show
from figures import still as still
from torch import nn

from geokit import PullbackMetric, StraightLine, geodesic, jacobian, length, pretrained
from geokit.elements import Elements
from geokit.explore import DecodedMap
from geokit.explore.decoded_map import A, B
from geokit.models import MLP
from geokit.solvers import newton
from geokit.solvers.energies import DecodedEnergy

pytestmark = pytest.mark.browser
STATES = 60
PIECES = 24
MNIST = pretrained.load("mnist")
DECODER = MNIST.model.double().mean
G = PullbackMetric(DECODER)
OWN = MLP(nn.Linear(2, 5), nn.ELU(), nn.Linear(5, 3))  # its data are no pictures
FIGURES = {"map": DecodedMap, "own": lambda: DecodedMap(OWN)}
GIVEN = """const f = math.decoder(state.layers, state.weights), relax = math.relaxing(f, math.NEAR);
  const tight = (p) => math.atRest(relax, p).points"""
GEODESIC, STRAIGHT = "Length of the geodesic", "Length of the straight line"


def codes(seed: int, *shape: int) -> torch.Tensor:
    """Places among the codes of the test images."""
    chosen = torch.randint(len(MNIST.codes), shape, generator=torch.Generator().manual_seed(seed))
    return MNIST.codes.double()[chosen]


# --- the JavaScript against geokit ----------------------------------------------------------------


def test_decoder_and_jacobian_are_geokits_although_weights_travel_as_float16(still):
    """To 1e-9, on 60 codes: the pretrained weights are float16 numbers, so nothing is lost."""
    page, z = still("map"), codes(0, STATES)
    both = shipped(page, "(z) => f.jacobian(z).map((x) => [...x])", z.tolist(), GIVEN)
    torch.testing.assert_close(both[:, 0], DECODER(z), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(both[:, 1:].mT, jacobian(DECODER, z), rtol=1e-9, atol=1e-9)


def test_every_float16_is_read_as_it_is(still):
    bits = np.arange(2**16, dtype=np.uint16)
    values = bits.view(np.float16)
    finite = np.isfinite(values)
    read = shipped(still("map"), "(bits) => math.half(bits)", bits[finite].tolist())
    torch.testing.assert_close(read, torch.tensor(values[finite]).double(), rtol=0, atol=0)


def test_running_length_is_that_of_the_decoded_chords(still):
    curves = codes(1, STATES, 5)
    call = """(points) => math.measured({ points, images: points.map(f.decode) }, f.decode).clock"""
    clock = shipped(still("map"), call, curves.tolist(), GIVEN)
    fine = StraightLine(curves[:, :-1, None], curves[:, 1:, None])
    t = torch.linspace(0, 1, 5, dtype=torch.float64)[:-1]
    points = torch.cat([fine(t).squeeze(2).flatten(1, 2), curves[:, -1:]], dim=1)
    by_hand = DECODER(points).diff(dim=1).norm(dim=-1).cumsum(dim=1)
    torch.testing.assert_close(clock[:, 1:], by_hand, rtol=1e-9, atol=1e-9)


def test_a_curve_is_carried_along_with_its_ends(still):
    """It ends where they are, exactly, and a straight line stays one."""
    curves, ends = codes(2, STATES, 9), codes(3, STATES, 2)
    call = "([points, [a, b]]) => math.carried(points, a, b)"
    states = [[c, e] for c, e in zip(curves.tolist(), ends.tolist(), strict=True)]
    moved = shipped(still("map"), call, states)
    t = torch.linspace(0, 1, 9, dtype=torch.float64)
    shift = StraightLine(*(ends - curves[:, [0, -1]]).unbind(1))(t)
    torch.testing.assert_close(moved, curves + shift, rtol=0, atol=1e-12)


def test_a_curve_at_rest_is_a_geodesic(still):
    """From the straight line and 12 pairs of codes. At rest the energy of the chords is within 2e-3
    of its least value near by, by Newton's method, and the curve is as long as the certified
    geodesic to 0.5 %, measured as the figure does."""
    pairs = codes(4, 12, 2)
    call = """([a, b]) => { const p = tight(math.bent(a, b, math.PIECES));
      return [...p, [math.measured({ points: p, images: [] }, f.decode).clock.at(-1), 0]]; }"""
    found = shipped(still("map"), call, pairs.tolist(), GIVEN)
    points, long = found[:, :-1], found[:, -1, 0]
    E = DecodedEnergy(DECODER, Elements(PIECES, 1))
    with torch.no_grad():
        best = newton(E, points, 1e-13)
    assert best.converged.all()
    torch.testing.assert_close(E.energy(points), E.energy(best.points), rtol=2e-3, atol=0)
    path = geodesic(G, *pairs.unbind(1), tolerance=1e-3)
    assert path.resolved.all()
    torch.testing.assert_close(long, path.length, rtol=5e-3, atol=0)


# --- by mouse, key and finger ---------------------------------------------------------------------


def test_numbers_at_rest_are_the_geodesic_and_the_straight_line(show, door):
    ends = torch.tensor([A, B], dtype=torch.float64)
    page = show("map", door)
    rest = settled(page)
    path = geodesic(G, *ends)
    assert rest[GEODESIC] == pytest.approx([float(path.length)], rel=2e-3)
    straight = float(length(G, StraightLine(*ends), elements=256))
    assert rest[STRAIGHT] == pytest.approx([straight], rel=2e-3)
    more = 100 * (rest[STRAIGHT][0] / rest[GEODESIC][0] - 1)
    assert rest["The straight line is longer by"] == pytest.approx([more], abs=0.1)
    latent = float((ends[1] - ends[0]).norm())
    assert rest["Straight line in the plane"] == pytest.approx([latent], abs=0.006)


@pytest.mark.parametrize("name", "AB")
def test_the_geodesic_follows_hand_and_keys(show, name):
    page = show("map")
    settled(page)
    end = page.get_by_role("slider", name=f"End {name}")
    before, curve = end.bounding_box(), page.locator("path.geodesic").nth(0).get_attribute("d")
    drag(page, end, 20, 30)
    moved = end.bounding_box()
    assert [moved[axis] - before[axis] for axis in "xy"] == pytest.approx([20, 30], abs=0.6)
    rest = settled(page)
    assert page.locator("path.geodesic").nth(0).get_attribute("d") != curve
    assert 0 < rest[GEODESIC][0] <= rest[STRAIGHT][0]
    for key, axis, sign in (("ArrowRight", "x", 1), ("ArrowUp", "y", -1)):
        at = end.bounding_box()[axis]
        page.keyboard.press(key)
        assert 3 < sign * (end.bounding_box()[axis] - at) < 9
    drag(page, end, 900, -900)  # out of the plane: it stops in the corner
    assert end.get_attribute("aria-valuenow") == end.get_attribute("aria-valuemax")


def test_the_curve_that_followed_rests_where_a_new_one_does(show):
    """Carried over in steps, both ends moved: the length is that of the certified geodesic."""
    page = show("map")
    for name, dx, dy in (("A", 40, -40), ("B", -30, 50)):
        drag(page, page.get_by_role("slider", name=f"End {name}"), dx, dy)
    rest = settled(page)
    places = [
        page.get_by_role("slider", name=f"End {n}").get_attribute("aria-valuetext") for n in "AB"
    ]
    ends = [[float(x.split()[1].replace("−", "-")) for x in p.split(", ")] for p in places]
    path = geodesic(G, *torch.tensor(ends, dtype=torch.float64))
    assert rest[GEODESIC] == pytest.approx([float(path.length)], rel=5e-3)


def test_two_ends_in_one_place_are_no_way_apart(show):
    page = show("own")
    drag(page, page.get_by_role("slider", name="End A"), 900, 900)
    drag(page, page.get_by_role("slider", name="End B"), 900, 900)
    rest = settled(page)
    assert rest[GEODESIC] == rest[STRAIGHT] == [0]
    assert rest["The straight line is longer by"] == []


def test_the_figure_is_silent_until_it_rests(show):
    page = show("map")
    settled(page)
    page.evaluate("window.requestAnimationFrame = (f) => { window.held = f; return 1; }")
    page.get_by_role("slider", name="End A").press("ArrowUp")
    assert page.locator("dl").get_attribute("aria-busy") == "true"


def test_a_finger_drags_an_end(show, page):
    page.set_viewport_size({"width": 390, "height": 500})
    show("map")
    before = settled(page)
    page.get_by_role("slider", name="End B").scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    touch(page, page.get_by_role("slider", name="End B"), [(0, -10 * i) for i in range(1, 7)])
    assert settled(page)[STRAIGHT] != before[STRAIGHT]
    assert page.evaluate("scrollY") == scrolled


def test_a_reader_who_wants_no_motion_sees_the_curve_at_rest_at_once(show, page):
    page.emulate_media(reduced_motion="reduce")
    page.set_default_timeout(60_000)
    show("own")
    page.get_by_role("slider", name="End A").press("ArrowUp")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate(AT_REST)
    assert numbers(page)[GEODESIC] <= numbers(page)[STRAIGHT]


def test_codes_have_ten_colours_that_differ_for_every_eye_on_the_heat_map(show, page):
    """Contrast of 3 against the densest grey, and ΔE above 20 between any two."""
    for scheme, ground in (("light", "#d9d9d9"), ("dark", "#34373b")):
        page.emulate_media(color_scheme=scheme)
        show("map")
        fills = [
            page.locator(f".coloured .class-{k}").first.evaluate(
                "(el) => getComputedStyle(el).fill"
            )
            for k in range(10)
        ]
        assert page.locator(".coloured .class-3").first.text_content() == "3"
        for k, colour in enumerate(fills):
            assert contrast(colour, ground) >= 3, (scheme, k)
            for other in fills[:k]:
                for sight in SIGHT:
                    assert difference(colour, other, sight) > 20, (scheme, sight, colour, other)


def test_a_decoder_without_pictures_has_a_map_too(show):
    page = show("own")
    rest = settled(page)
    assert rest[GEODESIC] <= rest[STRAIGHT]
    assert page.locator(".explore-plane image[href]").count() == 1  # the heat map alone


# --- every reader and every page ------------------------------------------------------------------


def test_what_python_sets_is_redrawn(still):
    assert_redrawn(still("own"), {"a": [1.0, -2.0], "b": [2.5, 1.25]}, rel=2e-3)


def test_what_the_reader_does_reaches_python(still):
    assert_sent(still("own"), DecodedMap(OWN), {"a", "b"})


def test_a_removed_view_stops_listening(still):
    before, after = still("own").evaluate(LISTENERS)
    assert before == 2
    assert after == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figure_is_accessible_light_and_dark(show, served, page, screenshots, scheme):
    page.emulate_media(color_scheme=scheme)
    settled(show("map", served))
    assert_accessible(page, DecodedMap(OWN).label, screenshots / f"figure-map-{scheme}.png")


@pytest.mark.parametrize("width", [390, 320])
def test_figure_fits_a_phone_and_lets_it_scroll(show, page, screenshots, width):
    page.set_viewport_size({"width": width, "height": 844})
    settled(show("map"))
    assert_fits(page, width, screenshots / f"figure-map-{width}.png")


def test_print_keeps_pictures_and_numbers(show):
    page = show("map")
    settled(page)
    assert_prints(page)
