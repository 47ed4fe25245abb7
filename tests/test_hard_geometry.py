"""Bad input and hard geometry: a clear error, or an answer that is right or flagged. Never NaN, and
never a wrong number in silence."""

import math
import warnings

import numpy as np
import pytest
import torch
from examples import as_users_call, points, smooth_decoder
from machine import FULL
from torch import nn
from torch.testing import assert_close

from geokit import (
    LatentGraph,
    PullbackMetric,
    StraightLine,
    UnresolvedGeodesic,
    distance,
    geodesic,
)
from geokit.curves import LobattoCurve
from geokit.solvers.starts import FINEST
from geokit.surfaces import FlatTorus, HalfPlane, Sphere

π = math.pi


def double(*numbers):
    return torch.tensor(numbers).double()


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def solved(G, a, b, **options):
    """A geodesic all of whose numbers are finite, with fixed ends, and which warns exactly if
    something is unresolved."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = geodesic(G, a, b, **options)
    flagged = [w.category for w in caught if w.category is not DeprecationWarning]
    assert flagged == [UnresolvedGeodesic] * bool((~path.resolved).any())
    for x in (path.points, path.length, path.energy):
        assert x.isfinite().all()
    assert not path.defect.isnan().any()
    assert (path.length >= 0).all()
    ends = torch.stack(torch.broadcast_tensors(a.detach(), b.detach()))
    assert torch.equal(path.points[..., [0, -1], :].movedim(-2, 0), ends)
    assert path(torch.linspace(0, 1, 7)).isfinite().all()
    return path


def right_or_flagged(path, exact, rtol=1e-4):
    off = (path.length / exact - 1).abs()
    assert (off[path.resolved] <= rtol).all()


def chords(f, curve, n=20_000):
    """The length of the decoded polyline through n + 1 points of a curve: an independent route."""
    pieces = torch.linspace(0, 1, n + 1).double().unfold(0, 501, 500)  # a cacheful at a time
    return sum(f(curve(t)).diff(dim=-2).norm(dim=-1).sum(-1) for t in pieces)


def as_it_lies(path):
    return LobattoCurve(path.points, FINEST)


# ---------------------------------------------------------------- points that are very near


KINDS = {
    "a map": PullbackMetric(Sphere()),
    "a metric alone": HalfPlane().metric,
    "a decoder": PullbackMetric(smooth_decoder()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_point_is_at_distance_zero_from_itself_whatever_its_neighbours(kind):
    a = points(((0.5, 2.5), (0.5, 2.5)), 3, 1)
    b = a.clone()
    b[1] += 0.3
    path = solved(KINDS[kind], a, b)
    assert path.resolved.all()
    assert path.length[[0, 2]].tolist() == [0, 0]
    assert path.energy[[0, 2]].tolist() == [0, 0]
    assert torch.equal(path.points[0], a[0].expand_as(path.points[0]))
    assert path.length[1] > 0


@pytest.mark.slow
@pytest.mark.parametrize("gap", [1e-6, 1e-9, 1e-12, 1e-13])
@pytest.mark.parametrize("kind", KINDS)
def test_near_points_are_as_far_apart_as_the_metric_says(kind, gap):
    """√(vᵀGv) to six digits where floats hold them. Below, decoded points differ in their last bits
    only: the answer is flagged, and off by no more than rounding adds up to."""
    G = KINDS[kind]
    a = points(((0.5, 2.5), (0.5, 2.5)), 6, 1)
    b = a + gap * normal(6, 2)
    v = b - a
    exact = torch.einsum("ni,nij,nj->n", v, G((a + b) / 2), v).sqrt()
    path = solved(G, a, b)
    if gap >= 1e-9:
        assert_close(path.length, exact, rtol=1e-6, atol=2e-15)  # a few last bits of a point
    right_or_flagged(path, exact)
    assert_close(path.length, exact, rtol=1e-3, atol=5e-12)


# ---------------------------------------------------------------- cut loci and poles


@pytest.mark.parametrize("radius", [1.0, 250.0])
def test_antipodes_are_half_a_turn_apart_or_flagged(radius):
    """All great circles lead there, none is the strict minimum."""
    G = PullbackMetric(Sphere(radius))
    a = points(((0.8, 1.3), (0.0, 1.0)), 5, 1)
    b = torch.stack([π - a[:, 0], a[:, 1] + π], dim=-1)
    path = solved(G, a, b)
    right_or_flagged(path, torch.full_like(path.length, π * radius), 1e-6)
    assert (path.length >= π * radius * (1 - 1e-6)).all()


@pytest.mark.parametrize("turn", [π + 0.2, 5.5])
def test_the_long_way_round_a_sphere_is_not_certified(turn):
    """Beyond the antipode a great circle is a saddle of the energy: some shorter curve is near."""
    a = points(((0.9, 1.4), (0.0, 1.0)), 2, 1)
    b = a + double(0.1, turn)
    path = solved(PullbackMetric(Sphere()), a, b)
    exact = Sphere().distance(a, b)
    assert (path.length >= exact * (1 - 1e-9)).all()
    right_or_flagged(path, exact)


def test_on_a_flat_torus_the_longer_way_is_a_minimum_of_its_own():
    """`resolved` speaks of the curve found, not of others that wind differently."""
    G, a, b = PullbackMetric(FlatTorus()), double(0.0, 0.0), double(4.0, 0.3)
    long, short = (solved(G, a, x, tolerance=1e-6) for x in (b, b - double(2 * π, 0)))
    assert long.resolved
    assert_close(long.length.item(), math.hypot(4, 0.3), rtol=1e-6, atol=0)
    assert_close(short.length, FlatTorus().distance(a, b), rtol=1e-6, atol=0)


@pytest.mark.parametrize("start", [(0.0, 0.3), (-0.7, 0.3)], ids=["from it", "across it"])
def test_a_pole_of_the_chart_is_a_point_like_any_other(start):
    """There the chart's metric has rank one, and the sphere is as round as elsewhere."""
    a, b = double(*start), double(0.5, 0.3)
    path = solved(PullbackMetric(Sphere()), a, b, tolerance=1e-6)
    assert_close(path.length, b[0] - a[0], rtol=1e-6, atol=0)


def test_a_pole_left_in_another_direction_than_its_longitude_says_is_right_or_flagged():
    """The shortest curve jumps in the chart: every longitude belongs to the pole."""
    path = solved(PullbackMetric(Sphere()), double(0.0, 0.4), double(1.2, 1.4))
    right_or_flagged(path, double(1.2)[0])
    assert_close(path.length.item(), 1.2, rtol=5e-3, atol=0)


# ---------------------------------------------------------------- maps that lose dimensions


def wire(t):
    """A smooth curve in space."""
    return torch.stack([t, t**2 / 2, t.sin()], dim=-1)


def wire_length(t0, t1):
    """∫|wire′| by Gauss-Legendre quadrature: |wire′|² = 1 + t² + cos² t."""
    x, w = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(60))
    t = t0[:, None] + (t1 - t0)[:, None] * (x + 1) / 2
    return (t1 - t0).abs() / 2 * ((1 + t**2 + t.cos() ** 2).sqrt() @ w)


def slanted(z):
    return z[..., 0] + 2 * z[..., 1]


def squared(z):
    return z.square().sum(dim=-1)


def folded(z):
    """From three latent dimensions to two."""
    return torch.stack([z[..., 0] + z[..., 2], z[..., 1] - z[..., 2]], dim=-1)


def on_a_wire(t):
    return lambda z: wire(t(z)), lambda a, b: wire_length(t(a), t(b)), 2


LOSSY = {
    "lines, rank 1": on_a_wire(slanted),
    "circles, rank 1": on_a_wire(squared),
    "a sphere, rank 2 of 3": (
        lambda z: Sphere()(folded(z)),
        lambda a, b: Sphere().distance(folded(a), folded(b)),
        3,
    ),
}


@pytest.mark.parametrize("name", LOSSY)
def test_a_map_of_lower_rank_has_distances_all_the_same(name):
    """The image tells how far apart two points are, or the answer is flagged: where the start folds
    back on itself. The curve does not run off along the directions that cost nothing."""
    f, exact, d = LOSSY[name]
    u, v = torch.rand(2, 8, d, generator=torch.Generator().manual_seed(1)).double()
    a, b = 0.2 + 0.7 * u, 0.2 + 0.7 * v
    path = solved(PullbackMetric(f), a, b, tolerance=1e-6)
    assert path.resolved.sum() >= 6
    right = path.resolved
    assert_close(path.length[right], exact(a, b)[right], rtol=1e-6, atol=0)
    stray = path.points - StraightLine(a, b)(FINEST.times(a))
    assert (stray.norm(dim=-1).amax(-1) <= 2 * (b - a).norm(dim=-1)).all()


@pytest.mark.parametrize("name", LOSSY)
def test_points_that_decode_alike_are_at_distance_zero(name):
    """Two points of one fibre: the straight line may leave it, the answer is zero or flagged."""
    f, _, d = LOSSY[name]
    a = double(0.5, 0.3, 0.1)[:d]
    b = {
        "lines": double(0.9, 0.1),
        "circles": double(0.3, 0.5),
        "a sphere": a + double(1, -1, -1)[:d],
    }
    path = solved(PullbackMetric(f), a, b[name.split(",")[0]])
    assert path.length <= 1e-7 or not path.resolved


# ---------------------------------------------------------------- decoders far from their data


def saturating(gain, seed=0, d=2):
    """Tanh and sigmoid with large weights: flat plains with steep steps between."""
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Linear(d, 32), nn.Tanh(), nn.Linear(32, 40), nn.Sigmoid())
    layers = layers.double().requires_grad_(False)
    for layer in layers[::2]:
        layer.weight *= gain
    return layers


@pytest.mark.slow
@pytest.mark.parametrize("gain", [2.0, 4.0])
@pytest.mark.parametrize("far", [10.0, 100.0])
def test_far_from_the_data_an_answer_is_right_or_flagged(far, gain):
    """Where units saturate the metric is zero to rounding in places and steep in others."""
    f = saturating(gain)
    a, b = far * normal(2, 6, 2, seed=3)[:, : 6 if FULL else 2]
    path = solved(PullbackMetric(f), a, b)
    found = chords(f, as_it_lies(path))
    right_or_flagged(path, found)
    assert (found <= chords(f, StraightLine(a, b)) * (1 + 1e-6)).all()
    assert_close(path.length, found, rtol=0.2, atol=0)  # a flagged length is measured, too


def test_a_decoder_of_rectified_units_is_measured_truly():
    """Kinks: no high order to be had, but certified lengths are true, and none is above that of the
    straight line."""
    torch.manual_seed(0)
    f = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 40)).double().requires_grad_(False)
    a, b = normal(2, 10, 2, seed=3)
    path = solved(PullbackMetric(f), a, b, tolerance=1e-3)
    found = chords(f, as_it_lies(path))
    right_or_flagged(path, found, 1.5e-3)
    assert path.resolved.any()
    assert (found <= chords(f, StraightLine(a, b)) * (1 + 1e-6)).all()
    assert (found >= (f(a) - f(b)).norm(dim=-1)).all()


# ---------------------------------------------------------------- holes


def holed(inside, value):
    """The unit sphere, with NaN or infinity where `inside` says."""
    return PullbackMetric(lambda z: torch.where(inside(z)[..., None], value, Sphere()(z)))


WEST, EAST = double(1.0, 0.0), double(1.0, 1.5)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_hole_off_the_path_does_no_harm(value):
    path = solved(holed(lambda z: z[..., 0] > 1.3, value), WEST, EAST, tolerance=1e-6)
    assert path.resolved
    assert_close(path.length, Sphere().distance(WEST, EAST), rtol=1e-6, atol=0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_hole_where_the_geodesic_wants_to_go_is_kept_out_of(value):
    """The straight line passes, the great circle does not: no certificate, no NaN, and no curve
    through the hole."""
    path = solved(holed(lambda z: z[..., 0] < 0.95, value), WEST, EAST)
    assert not path.resolved
    assert (path.points[..., 0] >= 0.95).all()
    assert Sphere().distance(WEST, EAST) < path.length <= 1.5 * math.sin(1.0) * (1 + 1e-9)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_hole_on_the_path_is_named(value):
    G = holed(lambda z: (z[..., 1] - 0.7).abs() < 0.05, value)
    good, bad = double(1.0, 0.5), EAST
    with pytest.raises(ValueError, match=r"along every start of 1 problem\(s\), first \[1\]"):
        geodesic(G, WEST, torch.stack([good, bad]))


# ---------------------------------------------------------------- callables that are no metrics


def constant_metric(rows):
    return lambda z: torch.tensor(rows).double().expand(*z.shape, z.shape[-1])


@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_a_metric_that_is_not_symmetric_is_refused(direction):
    """Its energy is that of its symmetric part, which is not what the caller wrote down."""
    with pytest.raises(ValueError, match="symmetric"):
        geodesic(constant_metric([[1.0, 0.5], [0.0, 1.0]]), double(0, 0), double(*direction))


@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.0, 1.0), (1.0, 0.3)])
def test_a_metric_with_a_negative_direction_is_refused(direction):
    """Also where no step of the straight line shows it."""
    with pytest.raises(ValueError, match="positive definite"):
        geodesic(constant_metric([[1.0, 0.0], [0.0, -1.0]]), double(0, 0), double(*direction))


@pytest.mark.parametrize(
    "G",
    [
        lambda z: torch.ones_like(z),
        lambda z: z.square().sum(-1),
        lambda z: torch.eye(3).to(z).expand(*z.shape[:-1], 3, 3),
        lambda z: torch.eye(2).to(z).expand(*z.shape, 2).flatten(-2),
        lambda z: torch.eye(2).expand(*z.shape, 2),
        lambda z: np.eye(2),
    ],
    ids=["diagonal", "a number", "3 by 3", "flattened", "float32", "an array"],
)
def test_a_metric_of_the_wrong_kind_is_refused_in_one_sentence(G):
    """What comes back must be (*batch, d, d), in the dtype of the points."""
    with as_users_call(), pytest.raises(ValueError, match="metric"):
        geodesic(G, double(0, 0), double(1, 1))


@pytest.mark.parametrize(
    "f",
    [
        lambda z: z.sum(dim=-1),
        lambda z: Sphere()(z).flatten(),
        lambda z: Sphere()(z.reshape(-1, 2)),
    ],
    ids=["no data axis", "flattened", "flattened batch"],
)
def test_a_map_that_does_not_keep_the_leading_axes_is_refused_in_one_sentence(f):
    a, b = points(((0.5, 2.5), (0.0, 2.5)), 6, 1).reshape(2, 3, 2)
    with as_users_call(), pytest.raises(ValueError, match="leading axes"):
        geodesic(PullbackMetric(f), a, b)


@pytest.mark.parametrize(
    "f", [nn.Linear(3, 4).double(), nn.Linear(2, 4)], ids=["3 latent units", "float32"]
)
def test_a_decoder_made_for_other_points_is_refused(f):
    with as_users_call(), pytest.raises((ValueError, RuntimeError), match=r"shape|dtype"):
        geodesic(PullbackMetric(f), double(0, 0), double(1, 1))


@pytest.mark.parametrize(
    ("given", "message"),
    [([0.0, 1.0], "is a list"), (np.zeros(2), "is a ndarray"), (double(0)[0], "single number")],
)
def test_end_points_that_are_no_tensors_of_points_are_refused(given, message):
    with as_users_call(), pytest.raises(ValueError, match=message):
        geodesic(KINDS["a map"], given, double(1, 1))


def test_a_decoder_that_throws_dice_is_refused():
    """Dropout in train mode: no two evaluations agree, so there is no curve to find."""
    layers = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 20)).double()
    a, b = normal(2, 3, 2)
    with pytest.raises(ValueError, match="it is random"):
        geodesic(PullbackMetric(layers.train()), a, b)
    assert solved(PullbackMetric(layers.eval()), a, b).resolved.all()


def test_a_start_outside_the_graph_is_refused():
    G = KINDS["a decoder"]
    graph = LatentGraph.on_grid(G, double(-1, -1), double(1, 1), resolution=8)
    with pytest.raises(ValueError, match="lie outside the grid"):
        geodesic(G, double(0, 0), double(0, 2), graph=graph)


# ---------------------------------------------------------------- what must be left alone


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("learns", [True, False])
def test_the_decoder_is_left_as_it_was(learns, training):
    f = smooth_decoder().requires_grad_(learns).train(training)
    before = {name: p.clone() for name, p in f.state_dict().items()}
    a, b = normal(2, 3, 2).requires_grad_().unbind()
    path = solved(PullbackMetric(f), a, b)
    assert f.training == training
    assert all(p.requires_grad == learns and p.grad is None for p in f.parameters())
    assert all(torch.equal(p, before[name]) for name, p in f.state_dict().items())
    assert not any(x.requires_grad for x in (path.points, path.length, path.energy))
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [(0,), (3, 0), (0, 2)])
def test_an_empty_batch_of_any_layout_gives_an_empty_answer(kind, batch):
    path = solved(KINDS[kind], torch.ones(*batch, 2).double(), torch.ones(*batch, 2).double())
    assert path.length.shape == batch
    assert path.resolved.shape == batch


# ---------------------------------------------------------------- other dimensions


def test_on_a_line_the_distance_is_the_length_between():
    """d = 1: there is only one way, and the chord sum of the decoded line is its length."""
    f = saturating(2.0, d=1)
    a = torch.linspace(-1.5, 1.0, 7).double()[:, None]
    b = a + torch.linspace(0.2, 2.5, 7).double()[:, None]
    path = solved(PullbackMetric(f), a, b, tolerance=1e-6)
    assert path.resolved.all()
    assert_close(path.length, chords(f, StraightLine(a, b)), rtol=1e-6, atol=0)
    assert (path.points.diff(dim=-2) > 0).all()
    assert_close(distance(PullbackMetric(f), a, b)[3], distance(PullbackMetric(f), b, a)[3])


def three_sphere(z):
    """Stereographic: (2z, 1 − |z|²) / (1 + |z|²)."""
    r = z.square().sum(dim=-1, keepdim=True)
    return torch.cat([2 * z, 1 - r], dim=-1) / (1 + r)


@pytest.mark.parametrize("known_by", ["its map", "its metric alone"])
@pytest.mark.parametrize("d", [3, 5])
def test_on_a_sphere_of_more_dimensions(d, known_by):
    u, v = 0.5 * normal(2, 6, d)
    metric = lambda z: torch.eye(d).to(z) * 4 / (1 + z.square().sum(-1)[..., None, None]) ** 2  # noqa: E731
    G = PullbackMetric(three_sphere) if known_by == "its map" else metric
    path = solved(G, u, v, tolerance=1e-6)
    chord = (three_sphere(u) - three_sphere(v)).norm(dim=-1)
    assert path.resolved.all()
    assert_close(path.length, 2 * (chord / 2).asin(), rtol=1e-7, atol=0)
