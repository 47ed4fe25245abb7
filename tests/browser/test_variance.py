"""The variance by radial bumps: its JavaScript is geokit's mathematics, and it moves by mouse, key
and finger, on a static page, with no kernel and no network."""

import functools
import math

import pytest
import torch
from figures import (
    LISTENERS,
    MODULE,
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
from machine import FULL
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from sklearn.datasets import make_moons

from geokit import (
    LatentGraph,
    PullbackMetric,
    RBFPrecision,
    StraightLine,
    expected_pullback_metric,
    geodesic,
    jacobian,
    length,
)
from geokit.curves import LobattoCurve
from geokit.elements import Elements
from geokit.explore import RBFVariance
from geokit.explore.variance import CENTRES, CURVATURES, FLOORS, NOISE, A, B

pytestmark = pytest.mark.browser
STATES = 60
MOONS = torch.from_numpy(make_moons(400, noise=0.06, random_state=0)[0])
FIGURES = {"variance": RBFVariance}
GIVEN = """const fits = math.read(state.fits), at = (K, a, ζ) => math.variance(fits, K, a, ζ);
  const found = ([K, a, ζ, p, q]) => {
    const { surface } = at(K, a, ζ);
    return math.geodesic(surface, math.gridOn(state.box, surface), p, q);
  };"""
GEODESIC, STRAIGHT = "Length of the geodesic", "Length of the straight line"


@functools.cache
def precision(K: int, a: float, ζ: float) -> RBFPrecision:
    std = torch.full_like(MOONS, NOISE)
    return RBFPrecision.fit(MOONS, std, centres=K, curvature=a, floor=ζ)


def metric(K: int, a: float, ζ: float) -> PullbackMetric:
    return expected_pullback_metric(lambda z: z, precision(K, a, ζ).std)


def settings(seed: int, count: int) -> list[tuple[int, float, float]]:
    """K, a and ζ at random, all K and the least and the largest ζ among them."""
    random = torch.Generator().manual_seed(seed)
    a = torch.randint(len(CURVATURES), (count,), generator=random)
    u = torch.rand(count, generator=random, dtype=torch.float64)
    u[0], u[1] = 0, 1
    low, high = (math.log10(ζ) for ζ in FLOORS)
    ζ = (10 ** (low + (high - low) * u)).clamp(*FLOORS)
    return [(CENTRES[i % len(CENTRES)], CURVATURES[a[i]], float(ζ[i])) for i in range(count)]


def around(seed: int, *shape: int) -> torch.Tensor:
    """Places near codes, and some between them."""
    random = torch.Generator().manual_seed(seed)
    z = MOONS[torch.randint(len(MOONS), shape, generator=random)]
    return z + 0.1 * torch.randn(z.shape, generator=random, dtype=torch.float64)


# --- the JavaScript against geokit ----------------------------------------------------------------


def test_std_and_its_gradient_are_those_of_the_fitted_precision(still):
    """For 60 settings, to 1e-6: the page scales the fit of a precision of 1, geokit fits anew."""
    states, z = settings(0, STATES), around(1, STATES)
    call = "([K, a, ζ, z]) => at(K, a, ζ).gradient(z)"
    given = [[*s, p] for s, p in zip(states, z.tolist(), strict=True)]
    seen = shipped(still("variance"), call, given, GIVEN)
    for state, p, (σ, *slope) in zip(states, z, seen, strict=True):
        std = precision(*state).std
        torch.testing.assert_close(σ.expand(2), std(p), rtol=1e-6, atol=0)
        J = jacobian(std, p)
        torch.testing.assert_close(torch.stack(slope).expand(2, 2), J, rtol=1e-6, atol=1e-6)


def test_the_landscape_has_the_expected_metric(still):
    states, z = settings(2, STATES), around(3, STATES)
    call = """([K, a, ζ, z]) => { const [, ...t] = at(K, a, ζ).surface.jacobian(z);
      return t.map((u) => t.map((v) => u[0] * v[0] + u[1] * v[1] + u[2] * v[2])); }"""
    given = [[*s, p] for s, p in zip(states, z.tolist(), strict=True)]
    seen = shipped(still("variance"), call, given, GIVEN)
    for state, p, G in zip(states, z, seen, strict=True):
        torch.testing.assert_close(G, metric(*state)(p), rtol=1e-5, atol=1e-8)


def test_length_of_the_curve_that_is_drawn_is_its_length_in_that_metric(still):
    """To 2 %, which the chords of the page cost where the landscape is steep; and it is never
    longer than the straight line."""
    states, ends = settings(4, 12), around(5, 12, 2)
    given = [[*s, *e] for s, e in zip(states, ends.tolist(), strict=True)]
    seen = shipped(
        still("variance"),
        "(s) => { const { points, L, straight } = found(s); return [...points, [L, straight]]; }",
        given,
        GIVEN,
    )
    for state, found in zip(states, seen, strict=True):
        points, (L, straight) = found[:-1], found[-1]
        G = metric(*state)
        measured = length(
            G, LobattoCurve(points, Elements(len(points) - 1, 1)), elements=4 * (len(points) - 1)
        )
        torch.testing.assert_close(L, measured, rtol=0.02, atol=0)
        assert straight >= L


def test_it_is_as_short_as_the_geodesic_that_geokit_finds_round_the_wall(still):
    """To 1 %, from the same kind of start, where geokit's own is certified."""
    low, high = torch.tensor(RBFVariance().box, dtype=torch.float64)
    ends = torch.tensor([A, B], dtype=torch.float64)
    states = [(64, 1.25, 0.01), (64, 1.25, 1.0), (64, 1.25, 10.0), (32, 2.0, 0.1)]
    states = states if FULL else states[::3]
    given = [[*s, A, B] for s in states]
    lengths = shipped(still("variance"), "(s) => found(s).L", given, GIVEN)
    for state, L in zip(states, lengths, strict=True):
        graph = LatentGraph.on_grid(metric(*state), low, high, resolution=48)
        path = geodesic(metric(*state), *ends, graph=graph, tolerance=1e-2)
        assert path.resolved
        assert float(L) == pytest.approx(float(path.length), rel=0.01), state


def test_shortest_way_over_the_grid_is_dijkstras(still):
    """As scipy finds it in the same graph, each edge measured by its middle: for three settings."""
    n, pairs = 64, [(100, 3900), (2700, 1300), (63, 5)]
    states = [(64, 1.25, 0.01), (32, 2.0, 10.0), (128, 0.5, 0.1)]
    call = """([K, a, ζ, from, to]) => {
      const { surface } = at(K, a, ζ), grid = math.gridOn(state.box, surface);
      const way = math.shortestWay(grid, grid.nodes[from], grid.nodes[to]).slice(1, -1);
      const images = way.flatMap((z, i) => (i ? [math.along(way[i - 1], z, 0.5), z] : [z]));
      return math.length(images.map(surface.decode)); }"""
    given = [[*s, *p] for s, p in zip(states, pairs, strict=True)]
    seen = shipped(still("variance"), call, given, GIVEN)
    low, high = torch.tensor(RBFVariance().box, dtype=torch.float64)
    share = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    x, y = low[0] + share * (high - low)[0], high[1] - share * (high - low)[1]
    z = torch.stack([x.expand(n, -1), y[:, None].expand(-1, n)], dim=-1)
    number = torch.arange(n * n).reshape(n, n)
    steps = [(i, j) for i in range(-2, 3) for j in range(-2, 3) if 0 < i * i + j * j <= 5]
    steps = [step for step in steps if set(map(abs, step)) != {0, 2}]  # a king's and a knight's
    assert len(steps) == 16
    for state, (start, end), L in zip(states, pairs, seen, strict=True):
        std = precision(*state).std
        rows, columns, weights = [], [], []
        for i, j in steps:
            here = slice(max(0, -i), n - max(0, i)), slice(max(0, -j), n - max(0, j))
            there = slice(max(0, i), n + min(0, i)), slice(max(0, j), n + min(0, j))
            way = torch.stack([z[here], (z[here] + z[there]) / 2, z[there]])
            rows.append(number[here].flatten())
            columns.append(number[there].flatten())
            point = torch.cat([way, math.sqrt(2) * std(way)[..., :1]], dim=-1)  # on the surface
            weights.append(point.diff(dim=0).norm(dim=-1).sum(dim=0).flatten())
        edges = torch.cat(weights), (torch.cat(rows), torch.cat(columns))
        found = dijkstra(coo_array(edges, (n * n, n * n)).tocsr(), indices=start)[end]
        assert float(L) == pytest.approx(found, rel=1e-6)


def test_outside_the_wall_the_shortest_curve_goes_round(still):
    """Both ends beyond the wall, where σ is flat: the figure's curve is the certified geodesic to
    1 %, its σ is nowhere below 9.9, and the straight line, through the data, is ten times as long.
    """
    ends = torch.tensor([[-1.0, -0.9], [2.0, 1.3]], dtype=torch.float64)
    call = "(s) => { const { points, L, straight } = found(s); return [...points, [L, straight]]; }"
    (found,) = shipped(still("variance"), call, [[64, 1.25, 0.01, *ends.tolist()]], GIVEN)
    points, (L, straight) = found[:-1], found[-1]
    low, high = torch.tensor(RBFVariance().box, dtype=torch.float64)
    G = metric(64, 1.25, 0.01)
    path = geodesic(G, *ends, graph=LatentGraph.on_grid(G, low, high), tolerance=1e-3)
    assert path.resolved
    assert float(L) == pytest.approx(float(path.length), rel=0.01)
    assert float(straight) == pytest.approx(
        float(length(G, StraightLine(*ends), elements=2048)), rel=5e-3
    )
    assert straight > 10 * L
    assert precision(64, 1.25, 0.01).std(points).min() > 9.9


def test_javascript_and_python_know_the_same_settings(show):
    said = show("variance").evaluate(
        f"async () => {{ {MODULE}"
        "const { CENTRES, CURVATURES, FLOORS, NOISE } = math;"
        "return [CENTRES, CURVATURES, FLOORS, NOISE]; }"
    )
    assert said == [list(CENTRES), list(CURVATURES), list(FLOORS), NOISE]


# --- by mouse, key and finger ---------------------------------------------------------------------


def slide(page, name: str, position: float) -> dict[str, list[float]]:
    page.get_by_role("slider", name=name).evaluate(
        "(el, at) => { el.valueAsNumber = at; el.dispatchEvent(new Event('input')); }", position
    )
    return settled(page)


def test_numbers_are_the_shortest_curve_and_the_wall(show, door):
    """At its default setting, ζ = 0.01: the straight line climbs over the wall, the geodesic does
    not."""
    page = show("variance", door)
    seen, G = settled(page), metric(64, 1.25, 0.01)
    ends = torch.tensor([A, B], dtype=torch.float64)
    straight = float(length(G, StraightLine(*ends), elements=1024))
    assert seen[STRAIGHT] == pytest.approx([straight], rel=5e-3)
    assert 2.8 < seen[GEODESIC][0] < 3.1
    std = precision(64, 1.25, 0.01).std
    assert seen["σ at A and B"] == pytest.approx(std(ends)[:, 0].tolist(), abs=0.006)
    assert seen["σ far away, ζ^(−1/2)"][-1] == 10
    climb = math.sqrt(2) * (10 - float(std(ends)[0, 0]))
    assert seen["Climb from A to there"] == pytest.approx([climb], abs=0.006)
    r = torch.linspace(0, 1, 4001, dtype=torch.float64)
    u = (ends[1] - ends[0]) / (ends[1] - ends[0]).norm()
    reach = (RBFVariance().box[1][0] - A[0]) / u[0]  # to the right edge
    slopes = (jacobian(std, ends[0] + reach * r[:, None] * u)[:, 0] @ u).abs()
    assert seen["Steepest |dσ/dr| on the ray"] == pytest.approx([float(slopes.max())], rel=0.02)


def test_a_low_wall_lets_the_geodesic_across(show):
    """With ζ = 10, σ is 0.32 at most, and little is gained by going round; with ζ = 0.01 much."""
    page = show("variance")
    high = settled(page)
    low = slide(page, "Floor ζ", 1)
    assert low["σ far away, ζ^(−1/2)"][-1] == 0.32
    assert 1.03 < low[STRAIGHT][0] / low[GEODESIC][0] < 1.1
    assert high[STRAIGHT][0] / high[GEODESIC][0] > 15
    assert page.get_by_role("slider", name="Floor ζ").get_attribute("aria-valuetext") == "10"


def test_each_slider_moves_by_key_and_changes_picture_and_numbers(show):
    page = show("variance")
    seen = settled(page)
    for name, said in (("Centres K", "96"), ("Curvature a", "1.50"), ("Floor ζ", "0.013")):
        heat = page.locator(".explore-plane image").first.get_attribute("href")
        page.get_by_role("slider", name=name).press("ArrowRight")
        now = settled(page)
        assert page.get_by_role("slider", name=name).get_attribute("aria-valuetext") == said
        assert now != seen
        assert page.locator(".explore-plane image").first.get_attribute("href") != heat
        seen = now


def test_there_is_a_circle_for_each_centre(show):
    page = show("variance")
    for i, K in enumerate(CENTRES):
        slide(page, "Centres K", i)
        assert page.locator("path.centres").get_attribute("d").count("M") == K


@pytest.mark.parametrize("name", "AB")
def test_the_geodesic_follows_hand_and_keys(show, name):
    page = show("variance")
    settled(page)
    end = page.get_by_role("slider", name=f"End {name}")
    before, curve = end.bounding_box(), page.locator("path.geodesic").nth(0).get_attribute("d")
    drag(page, end, 20, -30)
    moved = end.bounding_box()
    assert [moved[axis] - before[axis] for axis in "xy"] == pytest.approx([20, -30], abs=0.6)
    seen = settled(page)
    assert page.locator("path.geodesic").nth(0).get_attribute("d") != curve
    assert 0 < seen[GEODESIC][0] <= seen[STRAIGHT][0]
    at = end.bounding_box()["y"]
    page.keyboard.press("ArrowUp")
    assert 3 < at - end.bounding_box()["y"] < 9


def test_two_ends_in_one_place_are_no_way_apart(show):
    page = show("variance")
    for name in "AB":
        drag(page, page.get_by_role("slider", name=f"End {name}"), 900, 900)
    seen = settled(page)
    assert seen[GEODESIC] == seen[STRAIGHT] == [0]


def test_a_finger_drags_an_end(show, page):
    page.set_viewport_size({"width": 390, "height": 500})
    show("variance")
    before = settled(page)
    end = page.get_by_role("slider", name="End B")
    end.scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    touch(page, end, [(0, -10 * i) for i in range(1, 7)])
    assert soon(page, lambda: settled(page)[STRAIGHT] != before[STRAIGHT])
    assert page.evaluate("scrollY") == scrolled


# --- every reader and every page ------------------------------------------------------------------


def test_what_python_sets_is_redrawn(still):
    moved = {"a": [0.5, -0.25], "b": [1.5, 0.25], "centres": 32, "curvature": 0.5, "floor": 2.5}
    assert_redrawn(still("variance"), moved)


def test_what_the_reader_does_reaches_python(still):
    traits = {"a", "b", "centres", "curvature", "floor"}
    assert_sent(still("variance"), RBFVariance(), traits)


def test_a_removed_view_stops_listening(still):
    before, after = still("variance").evaluate(LISTENERS)
    assert before == 5
    assert after == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figure_is_accessible_light_and_dark(show, served, page, screenshots, scheme):
    page.emulate_media(color_scheme=scheme)
    settled(show("variance", served))
    assert_accessible(page, RBFVariance().label, screenshots / f"figure-variance-{scheme}.png")


@pytest.mark.parametrize("width", [390, 320])
def test_figure_fits_a_phone_and_lets_it_scroll(show, page, screenshots, width):
    page.set_viewport_size({"width": width, "height": 844})
    settled(show("variance"))
    assert_fits(page, width, screenshots / f"figure-variance-{width}.png")


def test_print_keeps_pictures_and_numbers(show):
    page = show("variance")
    settled(page)
    assert_prints(page)
