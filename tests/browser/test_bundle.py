"""The bundle of geodesics: its JavaScript is geokit's mathematics, and it moves by mouse, key and
finger, on a static page, with no kernel and no network."""

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
from torch import nn

from geokit import (
    PullbackMetric,
    coefficient_of_variation,
    disagreement,
    geodesic,
    jacobian,
    length,
    mean_pullback_metric,
)
from geokit.curves import LobattoCurve
from geokit.elements import Elements
from geokit.explore import EnsembleBundle
from geokit.explore.bundle import A, B, fitted_decoders
from geokit.models import MLP

pytestmark = pytest.mark.browser
STATES = 60
DECODERS = [decode.double() for decode in fitted_decoders()]  # float32 weights, as the page has
GIVEN = """const all = math.decoders(state.layers, state.sizes, state.weights);
  const some = (S) => math.joint(all.slice(0, S));"""
ONE, MEAN = "Length under one member, mean", "Length under the mean metric"


def own() -> EnsembleBundle:
    """Decoders of different layers, from one user's list."""
    torch.manual_seed(0)
    one = MLP(nn.Linear(2, 5), nn.ELU(), nn.Linear(5, 3))
    return EnsembleBundle([one, MLP(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3))])


FIGURES = {"bundle": EnsembleBundle, "own": own}


def drawn(seed: int, *shape: int) -> torch.Tensor:
    """Normal numbers, about as far out as the codes of the digits."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def sizes(seed: int, count: int) -> list[int]:
    """Numbers of members, 1 and 16 among them."""
    random = torch.Generator().manual_seed(seed)
    return [1, 16, *torch.randint(1, 17, (count - 2,), generator=random).tolist()]


# --- the JavaScript against geokit ----------------------------------------------------------------


def test_each_member_is_its_decoder(still):
    z = drawn(0, STATES, 2)
    call = "(z) => all.map((f) => f.jacobian(z).map((x) => [...x]))"
    seen = shipped(still("bundle"), call, z.tolist(), GIVEN)
    for s, decode in enumerate(DECODERS):
        torch.testing.assert_close(seen[:, s, 0], decode(z), rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(seen[:, s, 1:].mT, jacobian(decode, z), rtol=1e-9, atol=1e-9)


def test_metric_of_the_joint_map_is_the_mean_of_the_metrics(still):
    """For 60 places and numbers of members, to 1e-9."""
    z, S = drawn(1, STATES, 2), sizes(2, STATES)
    call = """([S, z]) => { const [, ...t] = some(S).jacobian(z);
      return t.map((u) => t.map((v) => u.reduce((sum, x, k) => sum + x * v[k], 0))); }"""
    given = [[s, p] for s, p in zip(S, z.tolist(), strict=True)]
    seen = shipped(still("bundle"), call, given, GIVEN)
    for s, p, G in zip(S, z, seen, strict=True):
        mean = mean_pullback_metric(DECODERS[:s])(p)
        torch.testing.assert_close(G, mean, rtol=1e-9, atol=1e-9)


def test_grey_is_the_disagreement(still):
    z, S = drawn(3, STATES, 2), sizes(4, STATES)
    call = "([S, z]) => math.disagreement(all.slice(0, S).map(({ decode }) => decode(z)))"
    given = [[s, p] for s, p in zip(S, z.tolist(), strict=True)]
    seen = shipped(still("bundle"), call, given, GIVEN)
    for s, p, V in zip(S, z, seen, strict=True):
        torch.testing.assert_close(V, disagreement(DECODERS[:s], p), rtol=1e-9, atol=1e-12)


def test_mean_and_spread_are_those_of_a_sample(still):
    samples = drawn(5, STATES, 7).exp()
    call = "(x) => [math.average(x), math.spread(x), math.spread(x) / math.average(x)]"
    seen = shipped(still("bundle"), call, samples.tolist())
    expected = [samples.mean(-1), samples.std(-1), coefficient_of_variation(samples, dim=-1)]
    torch.testing.assert_close(seen, torch.stack(expected, -1), rtol=1e-12, atol=0)


def test_curves_are_geodesics_of_a_member_and_of_the_mean_metric(still):
    """As long as the certified ones to 0.5 %, where those begin at the same curve; and of the
    length in their metric that the page says, to 0.1 %."""
    pairs = drawn(6, 8, 2, 2)
    call = """([S, a, b]) => [all[S - 1], some(S)].map((f) => {
      const { points, L } = math.geodesic(f, a, b);
      return [...points, [L, 0]];
    })"""
    S = [2, 3, 5, 8, 11, 13, 15, 16]
    given = [[s, *p] for s, p in zip(S, pairs.tolist(), strict=True)]
    seen = shipped(still("bundle"), call, given, GIVEN)
    for s, ends, both in zip(S, pairs, seen, strict=True):
        metrics = PullbackMetric(DECODERS[s - 1]), mean_pullback_metric(DECODERS[:s])
        for G, found in zip(metrics, both, strict=True):
            points, L = found[:-1], found[-1, 0]
            curve = LobattoCurve(points, Elements(len(points) - 1, 1))
            measured = length(G, curve, elements=4 * (len(points) - 1))
            torch.testing.assert_close(L, measured, rtol=1e-3, atol=0)
            path = geodesic(G, *ends, initial=points, tolerance=1e-3)
            near = path.candidates[1]  # of the same neighbourhood
            assert near.resolved
            torch.testing.assert_close(L, near.length, rtol=5e-3, atol=0)


def test_no_curve_is_shorter_under_the_mean_metric_than_for_the_members_on_average(still):
    """A root mean square is at least the mean, chord by chord: so for 60 pairs of ends the length
    under the mean metric is at least the mean of the members' on the same curve."""
    pairs, S = drawn(7, STATES, 2, 2), sizes(8, STATES)
    call = """([S, a, b]) => { const curve = math.geodesic(some(S), a, b).points;
      return [some(S), ...all.slice(0, S)].map(({ decode }) => math.length(curve.map(decode)))
        .concat(Array(16 - S).fill(0)); }"""
    given = [[s, *p] for s, p in zip(S, pairs.tolist(), strict=True)]
    seen = shipped(still("bundle"), call, given, GIVEN)
    for s, (whole, *each) in zip(S, seen, strict=True):
        mean = sum(each) / s
        assert float(whole) >= float(mean) * (1 - 1e-12)
        assert s > 1 or float(whole) == pytest.approx(float(mean), rel=1e-12)


# --- by mouse, key and finger ---------------------------------------------------------------------


def test_numbers_are_the_members_geodesics_and_that_of_their_mean_metric(show, door):
    ends = torch.tensor([A, B], dtype=torch.float64)
    seen = settled(show("bundle", door))
    each = torch.stack([geodesic(PullbackMetric(f), *ends).length for f in DECODERS])
    assert seen[ONE] == pytest.approx([float(each.mean())], rel=5e-3)
    assert seen["Standard deviation over members"] == pytest.approx([float(each.std())], rel=0.02)
    ratio = 100 * seen["Standard deviation over members"][0] / seen[ONE][0]
    assert seen["Coefficient of variation"] == pytest.approx([ratio], abs=0.06)
    whole = geodesic(mean_pullback_metric(DECODERS), *ends)
    assert seen[MEAN] == pytest.approx([float(whole.length)], rel=5e-3)
    assert seen[MEAN] < seen["The straight line, mean metric"]


def test_fewer_members_are_a_thinner_bundle(show):
    page = show("bundle")
    seen = settled(page)
    members = page.get_by_role("slider", name="Members S")
    assert page.locator("path.member").get_attribute("d").count("M") == 16
    members.press("ArrowLeft")
    assert settled(page) != seen
    assert page.locator("path.member").get_attribute("d").count("M") == 15
    assert page.locator("path.lengths").get_attribute("d").count("M") == 15
    assert members.get_attribute("aria-valuetext") == "15"
    members.press("Home")
    one = settled(page)
    assert one["Standard deviation over members"] == one["Coefficient of variation"] == []
    assert one[ONE] == pytest.approx(one[MEAN], abs=0.001)  # the mean of one metric


@pytest.mark.parametrize("name", "AB")
def test_the_bundle_follows_hand_and_keys(show, name):
    page = show("bundle")
    before_all = settled(page)
    end = page.get_by_role("slider", name=f"End {name}")
    before, curves = end.bounding_box(), page.locator("path.member").get_attribute("d")
    drag(page, end, 20, -30)
    moved = end.bounding_box()
    assert [moved[axis] - before[axis] for axis in "xy"] == pytest.approx([20, -30], abs=0.6)
    assert settled(page) != before_all
    assert page.locator("path.member").get_attribute("d") != curves
    at = end.bounding_box()["y"]
    page.keyboard.press("ArrowUp")
    assert 3 < at - end.bounding_box()["y"] < 9


def test_two_ends_in_one_place_are_no_way_apart(show):
    page = show("own")
    for name in "AB":
        drag(page, page.get_by_role("slider", name=f"End {name}"), 900, 900)
    seen = settled(page)
    assert seen[ONE] == seen[MEAN] == [0]
    assert seen["Coefficient of variation"] == []


def test_a_finger_drags_an_end(show, page):
    page.set_viewport_size({"width": 390, "height": 500})
    show("bundle")
    before = settled(page)
    end = page.get_by_role("slider", name="End B")
    end.scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    touch(page, end, [(0, -10 * i) for i in range(1, 7)])
    assert soon(page, lambda: settled(page)[MEAN] != before[MEAN])
    assert page.evaluate("scrollY") == scrolled


# --- every reader and every page ------------------------------------------------------------------


def test_what_python_sets_is_redrawn(still):
    assert_redrawn(still("own"), {"a": [1.0, -2.0], "b": [2.5, 1.25], "members": 1})


def test_what_the_reader_does_reaches_python(still):
    assert_sent(still("bundle"), EnsembleBundle(), {"a", "b", "members"})


def test_a_removed_view_stops_listening(still):
    before, after = still("own").evaluate(LISTENERS)
    assert before == 3
    assert after == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figure_is_accessible_light_and_dark(show, served, page, screenshots, scheme):
    page.emulate_media(color_scheme=scheme)
    settled(show("bundle", served))
    assert_accessible(page, own().label, screenshots / f"figure-bundle-{scheme}.png")


@pytest.mark.parametrize("width", [390, 320])
def test_figure_fits_a_phone_and_lets_it_scroll(show, page, screenshots, width):
    page.set_viewport_size({"width": width, "height": 844})
    settled(show("bundle"))
    assert_fits(page, width, screenshots / f"figure-bundle-{width}.png")


def test_print_keeps_pictures_and_numbers(show):
    page = show("bundle")
    settled(page)
    assert_prints(page)
