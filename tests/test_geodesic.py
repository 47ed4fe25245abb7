"""Energy, length and shortest curves, judged by closed forms and by what theorems demand."""

import warnings

import pytest
import torch
from examples import SURFACES, Shear, as_users_call, points, smooth_decoder
from hypothesis import given, settings
from hypothesis import strategies as st
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
from geokit.surfaces import Sphere

DECODER = PullbackMetric(smooth_decoder())


def pairs(n, seed=0, scale=1.0):
    g = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(2, n, 2, generator=g, dtype=torch.float64)).unbind()


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


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_symmetry_and_independence_of_the_batch(seed):
    a, b = pairs(6, seed)
    together = distance(DECODER, a, b)
    assert_close(distance(DECODER, b, a), together, rtol=1e-6, atol=0)
    alone = torch.stack([distance(DECODER, x, y) for x, y in zip(a, b, strict=True)])
    assert_close(alone, together, rtol=1e-12, atol=0)
    order = torch.randperm(6)
    assert_close(distance(DECODER, a[order], b[order]), together[order], rtol=1e-12, atol=0)
    grid = geodesic(DECODER, a.reshape(2, 3, 2), b.reshape(2, 3, 2))
    assert_close(grid.length.reshape(-1), together, rtol=1e-12, atol=0)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 100))
def test_scaling_and_rotating_data_space(seed, scale):
    a, b = pairs(5, seed)
    Q = torch.linalg.qr(torch.randn(20, 20, dtype=torch.float64))[0]
    f = DECODER.f
    turned = distance(PullbackMetric(lambda z: scale * f(z) @ Q), a, b)
    assert_close(turned, scale * distance(DECODER, a, b), rtol=1e-9, atol=0)


def test_identical_and_very_near_points():
    a, _ = pairs(5)
    step = 1e-9 * torch.randn(5, 2).double()
    path = geodesic(DECODER, a, a)
    assert (path.length == 0).all()
    assert path.resolved.all()
    exact = torch.einsum("ni,nij,nj->n", step, DECODER(a), step).sqrt()
    assert_close(distance(DECODER, a, a + step), exact, rtol=1e-5, atol=0)


def test_a_given_start_is_used_and_the_shorter_result_kept():
    """On the sphere a curve that goes the long way round stays there; the straight one wins."""
    G = PullbackMetric(Sphere())
    a, b = torch.tensor([1.0, 0.0]).double(), torch.tensor([1.0, 1.0]).double()
    detour = torch.stack([a, torch.tensor([2.5, 0.5]).double(), b])
    assert_close(distance(G, a, b, initial=detour), distance(G, a, b))
    with pytest.raises(ValueError, match="does not join"):
        geodesic(G, a, b, initial=detour.flip(0) + 1)


def test_never_longer_than_the_straight_line_and_failures_are_flagged():
    """A jagged map: what fails its certificate is flagged, and has the length of a real curve."""
    torch.manual_seed(0)
    W, V = 6 * torch.randn(2, 40).double(), torch.randn(40, 30).double()

    def jagged(z):
        return (z @ W).sin() @ V

    a, b = pairs(20, scale=2)
    G = PullbackMetric(jagged)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = geodesic(G, a, b)
    assert len(caught) == bool((~path.resolved).any())
    assert all(w.category is UnresolvedGeodesic for w in caught)
    assert path.length.isfinite().all()
    straight = length(G, StraightLine(a, b), elements=512)
    assert (path.length <= straight * (1 + 1e-3)).all()
    measured = length(G, path, elements=512)
    assert_close(path.length, measured, rtol=5e-3, atol=0)


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
        (POINT, POINT + 1, {"tolerance": 0.0}, "between 0 and 1"),
        (POINT, POINT + 1, {"tolerance": float("nan")}, "between 0 and 1"),
    ],
)
def test_bad_end_points_are_refused(start, end, options, message):
    with as_users_call(), pytest.raises(ValueError, match=message):
        geodesic(DECODER, start, end, **options)


def test_a_decoder_that_gives_nan_is_refused():
    with pytest.raises(ValueError, match="NaN or infinite along"):
        geodesic(PullbackMetric(lambda z: (z - 0.5).sqrt()), POINT, POINT + 1)
