"""Energy, length and shortest curves, judged by closed forms and by what theorems demand."""

import warnings
from dataclasses import replace

import pytest
import torch
from examples import SURFACES, Shear, as_users_call, points, smooth_decoder
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import FULL
from torch.testing import assert_close

from geokit import (
    CubicSpline,
    PullbackMetric,
    StraightLine,
    UnresolvedGeodesic,
    distance,
    energy,
    geodesic,
    length,
)
from geokit.curves import LobattoCurve
from geokit.elements import Elements
from geokit.surfaces import Sphere

DECODER = PullbackMetric(smooth_decoder())


def pairs(n, seed=0, scale=1.0):
    g = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(2, n, 2, generator=g, dtype=torch.float64)).unbind()


@pytest.mark.slow
@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("known_by", ["its map", "its metric alone"])
def test_distance_equals_the_closed_form(name, known_by):
    surface, box = SURFACES[name]
    a, b = points(box, 40, 1), points(box, 40, 2)
    path = geodesic(
        PullbackMetric(surface) if known_by == "its map" else surface.metric, a, b, tolerance=1e-6
    )
    assert path.resolved.all()
    assert_close(path.length, surface.distance(a, b), rtol=1e-6, atol=1e-9)
    assert path.iterations.max() <= 10


def test_distance_in_the_hyperbolic_half_plane():
    """A metric no surface of Euclidean space carries as a whole: G = I/y², arccosh distance."""
    a, b = points(((-2.0, 2.0), (0.4, 3.0)), 30, 1), points(((-2.0, 2.0), (0.4, 3.0)), 30, 2)
    exact = torch.acosh(1 + (a - b).square().sum(-1) / (2 * a[:, 1] * b[:, 1]))
    found = distance(
        lambda z: torch.eye(2).to(z) / z[..., 1, None, None] ** 2, a, b, tolerance=1e-6
    )
    assert_close(found, exact, rtol=1e-6, atol=0)


def test_float32_reaches_its_own_accuracy():
    surface, box = SURFACES["sphere"]
    a, b = points(box, 20, 1).float(), points(box, 20, 2).float()
    path = geodesic(PullbackMetric(surface), a, b)
    assert path.length.dtype == torch.float32
    assert path.resolved.all()
    assert_close(path.length, surface.distance(a, b), rtol=1e-5, atol=1e-6)


def test_the_parallel_is_longer_than_the_great_circle():
    start, end = torch.tensor([1.0, 0.0]).double(), torch.tensor([1.0, 1.5]).double()
    G, line = PullbackMetric(Sphere()), StraightLine(start, end)
    assert_close(length(G, line), 1.5 * torch.tensor(1.0).double().sin())
    assert distance(G, start, end) < length(G, line) - 0.01


def test_length_squared_is_at_most_the_energy():
    """Cauchy-Schwarz, under one quadrature: for any curve, with equality at constant speed."""
    curve = CubicSpline(torch.randn(50, 6, 2, dtype=torch.float64))
    assert (length(DECODER, curve) ** 2 <= energy(DECODER, curve)).all()
    path = geodesic(DECODER, *pairs(20))
    assert (path.length**2 <= path.energy * (1 + 1e-12)).all()
    assert_close(path.length**2, path.energy, rtol=1e-3, atol=0)


def test_energy_and_length_converge_and_do_not_depend_on_the_grid():
    line = StraightLine(*pairs(10))
    assert_close(
        energy(DECODER, line, elements=16), energy(DECODER, line, elements=64), rtol=1e-8, atol=0
    )
    chords = DECODER.f(line(torch.linspace(0, 1, 4001).double())).diff(dim=-2).norm(dim=-1).sum(-1)
    assert_close(length(DECODER, line), chords, rtol=1e-6, atol=0)


def test_a_geodesic_runs_at_constant_speed():
    path = geodesic(DECODER, *pairs(20))
    steps = DECODER.f(path(torch.linspace(0, 1, 101).double())).diff(dim=-2).norm(dim=-1)
    assert ((steps.amax(-1) / steps.amin(-1)) < 1.01).all()


def test_a_geodesic_is_shorter_than_its_neighbours():
    """Push the curve aside by small bumps: the energy rises, to second order."""
    a, b = pairs(10)
    path = geodesic(DECODER, a, b, tolerance=1e-6)
    t = torch.linspace(0, 1, path.points.shape[-2]).double()
    z = path(t)
    least = energy(DECODER, CubicSpline(z))
    for seed in range(5):
        bump = 0.05 * torch.randn(2, generator=torch.Generator().manual_seed(seed)).double()
        moved = z + (torch.pi * t).sin()[:, None] * bump
        assert (energy(DECODER, CubicSpline(moved)) > least).all()


@pytest.mark.parametrize("name", SURFACES)
def test_distance_is_the_same_in_an_equivalent_model(name):
    """Corollary 1 on computed distances: another chart of the same surface, the same number."""
    surface, box = SURFACES[name]
    A = Shear()
    G_b = PullbackMetric(lambda w: surface(A.inverse(w)))
    a, b = points(box, 20, 3), points(box, 20, 4)
    d_a = distance(PullbackMetric(surface), a, b, tolerance=1e-6)
    d_b = distance(G_b, A(a), A(b), tolerance=1e-6)
    assert_close(d_a, d_b, rtol=1e-6, atol=0)
    assert ((a - b).norm(dim=-1) / (A(a) - A(b)).norm(dim=-1)).std() > 0.05


def test_from_the_same_start_the_distance_agrees_to_the_last_digits():
    """The discrete energy sees only decoded points: one start curve, two charts, one number."""
    f, A = smooth_decoder(), Shear()
    a, b = pairs(20)
    line = StraightLine(a, b)
    d_a = distance(PullbackMetric(f), a, b, tolerance=1e-6)
    G_b = PullbackMetric(lambda w: f(A.inverse(w)))
    d_b = distance(G_b, A(a), A(b), initial=lambda t: A(line(t)), tolerance=1e-6)
    assert_close(d_a, d_b, rtol=1e-8, atol=0)


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_symmetry_and_independence_of_the_batch(seed):
    a, b = pairs(6, seed)
    together = distance(DECODER, a, b)
    assert_close(distance(DECODER, b, a), together, rtol=1e-6, atol=0)
    alone = torch.stack([distance(DECODER, x, y) for x, y in zip(a, b, strict=True)])
    assert_close(alone, together, rtol=1e-12, atol=0)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
    assert_close(distance(DECODER, a[order], b[order]), together[order], rtol=1e-12, atol=0)
    grid = geodesic(DECODER, a.reshape(2, 3, 2), b.reshape(2, 3, 2))
    assert_close(grid.length.reshape(-1), together, rtol=1e-12, atol=0)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 100))
def test_scaling_and_rotating_data_space(seed, scale):
    a, b = pairs(5, seed)
    draws = torch.Generator().manual_seed(seed)
    Q = torch.linalg.qr(torch.randn(20, 20, generator=draws, dtype=torch.float64))[0]
    f = DECODER.f
    turned = distance(PullbackMetric(lambda z: scale * f(z) @ Q), a, b)
    assert_close(turned, scale * distance(DECODER, a, b), rtol=1e-9, atol=0)


def test_identical_and_very_near_points():
    a, _ = pairs(5)
    step = 1e-9 * torch.randn(5, 2, generator=torch.Generator().manual_seed(0)).double()
    path = geodesic(DECODER, a, a)
    assert (path.length == 0).all()
    assert path.resolved.all()
    exact = torch.einsum("ni,nij,nj->n", step, DECODER(a), step).sqrt()
    assert_close(distance(DECODER, a, a + step), exact, rtol=1e-5, atol=0)


def hill(z):
    """A bump in a plain: the way over the top is long, the ways round it are short."""
    return torch.cat([z, 3 * torch.exp(-4 * z.square().sum(-1, keepdim=True))], dim=-1)


WEST, EAST = torch.tensor([-1.5, 0.0]).double(), torch.tensor([1.5, 0.0]).double()


def test_a_saddle_is_left_sideways():
    """The straight line over the hill is a critical point of the energy, and no shortest curve."""
    path = geodesic(PullbackMetric(hill), WEST, EAST)
    assert path.resolved
    assert path.length < 3.5
    assert length(PullbackMetric(hill), StraightLine(WEST, EAST)) > 7


@pytest.mark.slow
def test_more_than_half_of_the_equator_is_not_certified_as_shortest():
    """Beyond the antipode the equator is a saddle: 4 is its length, 2π − 4 the distance."""
    start, end = torch.tensor([[torch.pi / 2, 0.0], [torch.pi / 2, 4.0]]).double()
    with pytest.warns(UnresolvedGeodesic):
        path = geodesic(PullbackMetric(Sphere()), start, end)
    assert path.length <= 4 + 1e-9


def test_a_given_start_is_used_and_the_shorter_result_kept():
    """Two hills, one start round each side: the shorter way wins, whichever start it came from."""

    def lopsided(z):
        return torch.cat([hill(z), hill(z + torch.tensor([0.0, 0.8]).double())[..., 2:]], dim=-1)

    G = PullbackMetric(lopsided)
    over = torch.tensor([0.0, 2.0]).double()
    under = -over
    north, south = (
        distance(G, WEST, EAST, initial=torch.stack([WEST, way, EAST])) for way in (over, under)
    )
    alone = distance(G, WEST, EAST - torch.tensor([0.0, 1e-3]).double())
    assert min(north, south) <= alone + 2e-3
    tilted = EAST + torch.tensor([0.0, 0.3]).double()
    long_way = geodesic(G, WEST, tilted, initial=torch.stack([WEST, 3 * under, tilted]))
    assert long_way.length <= distance(G, WEST, tilted) * (1 + 1e-6)


def test_only_the_shorter_of_two_ways_says_that_it_is_the_shorter():
    """Each candidate has a `disagree` of its own, and none is written to after the event."""
    ends = torch.stack([EAST + torch.tensor([0.0, 0.3]).double(), EAST - EAST])
    ends[1] = WEST + 0.2  # too near for a second way
    south = torch.tensor([0.0, -2.0]).double().expand(2, 2)
    path = geodesic(
        PullbackMetric(hill), WEST, ends, initial=torch.stack([WEST.expand(2, 2), south, ends], 1)
    )
    assert path.disagree.tolist() == [True, False]
    short, long = sorted(path.candidates, key=lambda one: one.length[0])
    assert short.length[0] < 0.99 * long.length[0]
    assert short.disagree.tolist() == [True, False]
    assert long.disagree.tolist() == [False, False]


@pytest.mark.parametrize("t", [-0.1, 1.1, torch.nan, torch.inf])
def test_a_point_before_the_start_or_beyond_the_end_is_refused(t):
    """A geodesic is known from its start to its end, and nowhere else."""
    path = geodesic(lambda z: torch.eye(2).to(z), WEST, EAST)
    with as_users_call(), pytest.raises(ValueError, match=r"must lie in \[0, 1\]\."):
        path(torch.tensor([0.5, t]))
    assert_close(path(torch.tensor([0.0, 1 + 1e-7])), torch.stack([WEST, EAST]))


def test_a_start_that_goes_round_a_hole_is_enough():
    """NaN on the straight line: the given start still gets its answer."""

    def pierced(z):
        inside = z.square().sum(-1, keepdim=True) < 0.04
        return torch.where(inside, torch.nan, hill(z))

    ways = torch.tensor([0.0, 1.0]).double()
    round_it = torch.stack([WEST, ways, EAST])
    assert geodesic(PullbackMetric(pierced), WEST, EAST, initial=round_it).resolved
    with pytest.raises(ValueError, match="along every start of 1 problem"):
        geodesic(PullbackMetric(pierced), WEST, EAST)


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        (torch.stack([EAST, WEST]), "does not join"),
        (torch.stack([WEST, EAST * torch.nan, EAST])[:2], "finite points with 2"),
        (WEST, "n ≥ 2"),
        (torch.zeros(3, 3).double(), "n ≥ 2"),
        (torch.stack([WEST, EAST]).long(), "floating-point"),
    ],
)
def test_bad_starts_are_refused(initial, message):
    with as_users_call(), pytest.raises(ValueError, match=message):
        geodesic(PullbackMetric(hill), WEST, EAST, initial=initial)


def test_one_start_serves_a_whole_batch_in_the_batchs_dtype():
    ends = torch.stack([EAST, EAST])
    path = geodesic(
        PullbackMetric(hill), WEST.float(), ends.float(), initial=torch.stack([WEST, EAST])
    )
    assert path.length.shape == (2,)
    assert path.length.dtype == torch.float32


def jagged(seed):
    g = torch.Generator().manual_seed(seed)
    W = 6 * torch.randn(2, 40, generator=g, dtype=torch.float64)
    V = torch.randn(40, 30, generator=g, dtype=torch.float64)
    return lambda z: (z @ W).sin() @ V


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", [1e-4, 1e-2, 0.2])
@pytest.mark.parametrize("seed", [0, 2])
def test_what_is_certified_holds_and_nothing_is_longer_than_its_start(seed, tolerance):
    """On a jagged map: certified lengths against chord sums, and none above the straight line."""
    f = jagged(seed)
    a, b = pairs(12 if FULL else 6, scale=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = geodesic(PullbackMetric(f), a, b, tolerance=tolerance)
    assert len(caught) == bool((~path.resolved).any())
    assert all(w.category is UnresolvedGeodesic for w in caught)

    def chords(curve):  # 20,000 of them, so many at a time as a cache holds
        pieces = torch.linspace(0, 1, 20_001).double().unfold(0, 501, 500)
        return sum(f(curve(t)).diff(dim=-2).norm(dim=-1).sum(-1) for t in pieces)

    found = chords(LobattoCurve(path.points, Elements(64, 4)))
    off = (path.length / found - 1).abs()
    assert (off[path.resolved] <= 1.5 * tolerance).all()
    assert (off[~path.resolved] <= 2e-2).all()
    assert (found <= chords(StraightLine(a, b)) * (1 + 1e-3)).all()


def test_a_resolved_pair_keeps_its_length_while_others_of_its_grid_are_refined():
    a, b = pairs(4, scale=2)
    b[1] = a[1] + 0.1  # soon resolved, below a pair that is not
    flat = geodesic(PullbackMetric(jagged(0)), a, b, tolerance=1e-2)
    grid = geodesic(
        PullbackMetric(jagged(0)), a.reshape(2, 2, 2), b.reshape(2, 2, 2), tolerance=1e-2
    )
    assert flat.resolved.all()
    assert flat.iterations[1] < 5 < flat.iterations[3]
    assert_close(grid.length.flatten(), flat.length, rtol=1e-12, atol=0)


def test_constant_speed_also_where_the_nodes_are_uneven():
    """A straight path with nodes bunched at one end: the clock evens it out, to the very end."""
    flat = PullbackMetric(lambda z: torch.cat([z, 0 * z], -1))
    path = geodesic(flat, WEST, EAST)
    times = Elements(64, 4).times(WEST)[:, None]
    bunched = replace(path, points=WEST + times**2 * (EAST - WEST))
    steps = bunched(torch.linspace(0, 1, 41).double()).diff(dim=0).norm(dim=-1)
    assert steps.max() / steps.min() < 1.05
    assert_close(bunched(torch.ones(()).double()), EAST)


def test_a_metric_that_ignores_its_point_is_a_metric():
    assert_close(distance(lambda z: 4 * torch.eye(2).double(), WEST, EAST).item(), 6.0)


def test_a_constant_decoder_warns_and_gives_no_nan():
    a, b = pairs(3)
    with pytest.warns(UnresolvedGeodesic, match="3 of 3 geodesics are unresolved"):
        path = geodesic(PullbackMetric(lambda z: 0 * z), a, b)
    assert (path.length == 0).all()
    assert path(torch.linspace(0, 1, 5)).isfinite().all()


def test_the_callers_tensors_and_graph_are_left_alone():
    a, b = (x.requires_grad_() for x in pairs(3))
    before = a.detach().clone()
    path = geodesic(DECODER, a, b)
    assert not path.length.requires_grad
    assert torch.equal(a.detach(), before)
    assert a.requires_grad
    assert a.grad is None


def test_an_empty_batch_gives_an_empty_answer():
    assert distance(DECODER, torch.zeros(0, 2).double(), torch.zeros(0, 2).double()).shape == (0,)


POINT = torch.zeros(2).double()


@pytest.mark.parametrize(
    ("start", "end", "options", "message"),
    [
        (POINT, torch.zeros(3).double(), {}, "must agree"),
        (POINT, POINT.float(), {}, "must agree"),
        (POINT, POINT * torch.nan, {}, "NaN or infinite"),
        (POINT.long(), POINT.long(), {}, "needs floats"),
        (POINT.expand(3, 2), POINT.expand(4, 2), {}, "do not broadcast"),
        (POINT.half(), POINT.half(), {}, "float32 or float64"),
        (POINT, POINT + 1, {"tolerance": 0.0}, "between 0 and 1"),
        (POINT, POINT + 1, {"tolerance": float("nan")}, "between 0 and 1"),
    ],
)
def test_bad_end_points_are_refused(start, end, options, message):
    with as_users_call(), pytest.raises(ValueError, match=message):
        geodesic(DECODER, start, end, **options)


def test_a_decoder_that_gives_nan_is_refused():
    with pytest.raises(ValueError, match="NaN or infinite along every start"):
        geodesic(PullbackMetric(lambda z: (z - 0.5).sqrt()), POINT, POINT + 1)


def test_a_stack_of_models_gives_what_each_gives_alone():
    """Weights with a leading model axis, pairs on the next: (model, pairs, d)."""
    g = torch.Generator().manual_seed(0)
    W = torch.randn(3, 2, 12, generator=g, dtype=torch.float64)
    a, b = torch.randn(2, 3, 5, 2, generator=g, dtype=torch.float64)

    def stacked(z):  # (model, ..., 2) with any number of axes between
        return torch.einsum("m...i,mia->m...a", z, W).tanh()

    together = distance(PullbackMetric(stacked), a, b)
    for m in range(3):
        alone = distance(PullbackMetric(lambda z, m=m: (z @ W[m]).tanh()), a[m], b[m])
        assert_close(together[m], alone, rtol=1e-10, atol=0)
