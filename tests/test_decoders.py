"""Geodesics on trained decoders and on a metric with walls: how accurate, how often certified, and
what several starts say of each other."""

import math
import warnings

import pytest
import torch
from examples import Shear
from machine import FULL
from sklearn.cluster import KMeans
from torch import nn
from torch.testing import assert_close

from geokit import (
    LatentGraph,
    PullbackMetric,
    StraightLine,
    UnresolvedGeodesic,
    expected_pullback_metric,
    geodesic,
    pretrained,
)
from geokit.curves import LobattoCurve
from geokit.elements import Elements
from geokit.models import MLP
from geokit.pullback import derivatives
from geokit.solvers import newton
from geokit.solvers.energies import DecodedEnergy
from geokit.solvers.starts import FINEST, pin
from geokit.types import Derivatives

π = math.pi


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def load(name):
    """A decoder and its distinct codes, float64."""
    one = pretrained.load(name)
    return one.model.double(), one.codes.double().unique(dim=0)


def some_pairs(codes, n, seed=0):
    """n pairs of codes, all of them different."""
    g = torch.Generator().manual_seed(seed)
    return codes[torch.randperm(len(codes), generator=g)[: 2 * n].reshape(2, n)].unbind()


def solved(G, a, b, **options):
    """A geodesic, and one warning exactly if something is unresolved."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = geodesic(G, a, b, **options)
    flagged = [w.category for w in caught if w.category is not DeprecationWarning]  # of torch
    assert flagged == [UnresolvedGeodesic] * bool((~path.resolved).any())
    return path


def as_it_lies(path):
    return LobattoCurve(path.points, FINEST)


def pieces(f, curve, n):
    """f at n + 1 points of each curve, 257 at a time, which a cache can hold: decoding only, no
    derivative."""
    for z in curve(torch.linspace(0, 1, n + 1).double()).flatten(0, -3):
        yield [f(piece) for piece in z.unfold(0, 257, 256).mT]


def chord_sum(x):
    return x.diff(dim=-2).norm(dim=-1).sum(dim=-1)


def chords(f, curve, n=20_480):
    """The lengths of decoded polylines."""
    return torch.stack([sum(map(chord_sum, parts)) for parts in pieces(f, curve, n)])


def fine_length(f, curve, n=1024):
    """Richardson's rule on n/2 and n chords. Pieces of `FINEST` begin and end at vertices of
    both."""
    thirds = [sum(4 * chord_sum(x) - chord_sum(x[::2]) for x in xs) for xs in pieces(f, curve, n)]
    return torch.stack(thirds) / 3


# ---------------------------------------------------------------- decoders that come trained


@pytest.mark.slow
def test_on_a_trained_decoder_distances_are_accurate_and_never_longer_than_the_start():
    """Against 24 elements of degree 6: median error ≤ 1e-5, 95 % ≤ 1e-3, 97 of 100 resolved."""
    model, codes = load("digits")
    f, (a, b), fine = model.mean, some_pairs(codes, 100), Elements(24, 6)
    path = solved(PullbackMetric(f), a, b)
    assert path.resolved.sum() >= 97

    E = DecodedEnergy(f, fine)
    reference = newton(E, pin(as_it_lies(path)(fine.times(a)), a, b), 1e-12)
    assert reference.converged.all()
    error = (path.length / E.energy(reference.points).sqrt() - 1).abs()[path.resolved]
    assert error.median() <= 1e-5
    assert error.quantile(0.95) <= 1e-3
    assert error.max() <= 1.5e-4  # the tolerance, and room for the minimum of another grid

    found, straight = fine_length(f, as_it_lies(path)), fine_length(f, StraightLine(a, b))
    assert (found <= straight * (1 + 1e-9)).all()
    assert (found / straight).median() < 0.99
    assert ((path.length / found - 1).abs() <= 1e-4)[path.resolved].all()


@pytest.mark.slow
def test_on_a_jagged_decoder_what_is_not_certified_is_flagged_and_what_is_holds():
    """Seen: about half of the pairs unresolved. Certified lengths against 20,481 points."""
    model, codes = load("digits-jagged")
    f, (a, b) = model.mean, some_pairs(codes, 20)
    path = solved(PullbackMetric(f), a, b)
    assert 3 <= (~path.resolved).sum() <= 17
    assert (path.defect[~path.resolved] > 1e-4).any()

    certified = LobattoCurve(path.points[path.resolved], FINEST)
    off = (path.length[path.resolved] / chords(f, certified) - 1).abs()
    assert (off <= 1.5e-4).all()
    found, straight = (fine_length(f, c, 4096) for c in (as_it_lies(path), StraightLine(a, b)))
    assert (found <= straight * (1 + 1e-6)).all()
    assert ((path.length / found - 1).abs() <= 2e-2).all()  # flagged lengths are measured, too


@pytest.mark.slow
def test_in_32_latent_dimensions_a_convolutional_decoder_bends_its_shortest_curves():
    model, codes = load("random-cnn")
    f, (a, b) = model.mean, some_pairs(codes, 3)
    path = solved(PullbackMetric(f), a, b)
    assert path.resolved.all()
    found, straight = (fine_length(f, c, 256) for c in (as_it_lies(path), StraightLine(a, b)))
    assert_close(path.length, found, rtol=1e-4, atol=0)
    assert (found < 0.98 * straight).all()
    assert (found > (f(a) - f(b)).norm(dim=-1)).all()


# ---------------------------------------------------------------- equivalent models


class Affine:
    M, c = double([2.0, 0.7], [-0.3, 0.6]), double(0.4, -1.0)

    def __call__(self, z):
        return z @ self.M.T + self.c

    def inverse(self, w):
        return (w - self.c) @ torch.linalg.inv(self.M).T


class Coupling:
    """(u, v) ↦ (u, v eˢ⁽ᵘ⁾ + t(u)): one layer of a RealNVP, with s and t written down."""

    def __call__(self, z):
        u, v = z.unbind(dim=-1)
        return torch.stack([u, v * (0.8 * u.sin()).exp() + 0.5 * (2 * u).cos()], dim=-1)

    def inverse(self, w):
        u, v = w.unbind(dim=-1)
        return torch.stack([u, (v - 0.5 * (2 * u).cos()) * (-0.8 * u.sin()).exp()], dim=-1)


CHARTS = {type(A).__name__: A for A in (Affine(), Shear(), Coupling())}


@pytest.fixture(scope="module")
def solved_here():
    """The digits' decoder, 20 pairs and the geodesics of its own chart."""
    model, codes = load("digits")
    a, b = some_pairs(codes, 20, seed=1)
    return model.mean, a, b, geodesic(PullbackMetric(model.mean), a, b)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHARTS)
def test_equivalent_trained_models_have_one_distance(name, solved_here):
    """f_b = f_a ∘ A⁻¹, from the same curve. Under a linear change of chart eight digits of every
    distance agree; under others those of most: what lies between the nodes, and so when a
    certificate is given and a solver stops, depends on the chart. Then two answers, each within
    the tolerance."""
    A, (f, a, b, here) = CHARTS[name], solved_here
    line = StraightLine(a, b)
    G = PullbackMetric(lambda w: f(A.inverse(w)))
    there = geodesic(G, A(a), A(b), initial=lambda t: A(line(t))).candidates[1]
    both = here.resolved & there.resolved
    assert both.sum() >= 19
    off = (there.length / here.length - 1).abs()[both]
    assert (off <= 1e-8).sum() >= (both.sum() if name == "Affine" else 15)
    assert off.median() <= 1e-10
    assert off.max() <= 1e-4
    euclid = (A(a) - A(b)).norm(dim=-1) / (a - b).norm(dim=-1)
    assert euclid.std() / euclid.mean() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Shear", "Coupling"])
def test_on_one_grid_equivalent_trained_models_have_one_distance_to_8_digits(name, solved_here):
    """The discrete energy sees only decoded points: in every chart the same minimum."""
    A, (f, a, b, path), grid = CHARTS[name], solved_here, Elements(24, 4)
    start = pin(as_it_lies(path)(grid.times(a)), a, b)
    E_a, E_b = DecodedEnergy(f, grid), DecodedEnergy(lambda w: f(A.inverse(w)), grid)
    here, there = newton(E_a, start, 1e-10), newton(E_b, A(start), 1e-10)
    assert (here.converged & there.converged).all()
    L_a, L_b = E_a.energy(here.points).sqrt(), E_b.energy(there.points).sqrt()
    assert_close(L_b, L_a, rtol=1e-8, atol=0)
    assert (L_a < E_a.energy(start).sqrt() * (1 - 1e-8)).any()  # there was a way to go


# ---------------------------------------------------------------- walls


class Precision:
    """σ(z) = (W v(z) + ζ)^(−1/2), with Gaussian bumps v at the centres of clusters of codes:
    small where the codes are, 1/√ζ far from them."""

    ζ, outputs = 1e-3, 16

    def __init__(self, codes, clusters=64):
        fit = KMeans(clusters, n_init=1, random_state=0).fit(codes.numpy())
        self.centres = torch.from_numpy(fit.cluster_centers_)
        away = (codes - self.centres[fit.labels_]).norm(dim=-1)
        mean = torch.stack(
            [away[torch.from_numpy(fit.labels_ == k)].mean() for k in range(clusters)]
        )
        self.rate = 0.5 / (1.25 * mean) ** 2
        g = torch.Generator().manual_seed(0)
        self.W = 5 + 10 * torch.rand(self.outputs, clusters, generator=g, dtype=torch.float64)

    def bumps(self, z):
        away = z[..., None, :] - self.centres
        return away, (-self.rate * away.square().sum(dim=-1)).exp()

    def __call__(self, z):
        return (self.bumps(z)[1] @ self.W.T + self.ζ) ** -0.5

    def derivatives(self, z):
        """With β = Wv + ζ: ∇v = −2λv(z − c), ∇²v = 4λ²v(z − c)(z − c)ᵀ − 2λvI."""
        away, v = self.bumps(z)
        β, slope = v @ self.W.T + self.ζ, -2 * self.rate * v
        dβ = self.W @ (slope[..., None] * away)

        def curvature(w):
            pull = (-0.5 * w * β**-1.5) @ self.W
            bent = (4 * self.rate**2 * v * pull)[..., None] * away
            flat = (slope * pull).sum(dim=-1)[..., None, None] * torch.eye(2).to(z)
            return bent.mT @ away + flat + ((0.75 * w * β**-2.5)[..., None] * dβ).mT @ dβ

        return Derivatives(β**-0.5, (-0.5 * β**-1.5)[..., None] * dβ, curvature)


@pytest.fixture(scope="module")
def uncertain():
    """The digits' decoder at 16 of its pixels, and a σ of each that is large between the codes."""
    model, codes = load("digits")
    σ = Precision(codes)
    pixels = torch.randperm(784, generator=torch.Generator().manual_seed(0))[: σ.outputs]
    head = nn.Linear(64, σ.outputs).double().requires_grad_(False)
    head.weight.copy_(model.mean_head.weight[pixels])
    head.bias.copy_(model.mean_head.bias[pixels])
    return MLP(*model.trunk, head, nn.Sigmoid()), σ, codes


def test_the_precision_knows_its_derivatives(uncertain):
    """Against automatic differentiation: the tests below rest on them."""
    _, σ, codes = uncertain
    z, w = codes[::400], torch.linspace(-1, 1, σ.outputs).double().expand(len(codes[::400]), -1)
    by_hand, auto = σ.derivatives(z), derivatives(lambda z: σ(z), z)
    assert_close(by_hand.jacobian, auto.jacobian, rtol=1e-9, atol=1e-12)
    assert_close(by_hand.curvature(w), auto.curvature(w), rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def from_three_starts(uncertain):
    """Pairs of codes: from the straight line, the graph of the codes and the grid."""
    mean, σ, codes = uncertain
    G, (a, b) = expected_pullback_metric(mean, σ), some_pairs(codes, 100 if FULL else 30, seed=1)
    ways = LatentGraph.from_codes(G, codes).shortest_path(a, b)
    low, high = codes.amin(dim=0) - 0.1, codes.amax(dim=0) + 0.1
    return solved(G, a, b, tolerance=1e-3, initial=ways, graph=LatentGraph.on_grid(G, low, high))


@pytest.mark.slow
def test_among_walls_the_grids_start_is_the_one_to_have(from_three_starts):
    """Within 1e-3 of the best of three starts; seen: straight 66, codes 86, grid 91 of 100."""
    path = from_three_starts
    L = torch.stack([one.length for one in path.candidates])
    straight, _, grid = (L / L.amin(dim=0) <= 1 + 1e-3).double().mean(dim=1)
    assert grid >= 0.85
    assert straight <= grid - 0.1
    assert torch.equal(path.length, L.amin(dim=0))
    assert path.resolved.double().mean() >= 0.9


@pytest.mark.slow
def test_among_walls_curves_of_different_length_are_reported_to_disagree(from_three_starts):
    """Where two certified lengths differ by far more than the tolerance, there are two curves."""
    path = from_three_starts
    L = torch.stack([one.length for one in path.candidates])
    sure = torch.stack([one.resolved for one in path.candidates]) & path.resolved
    differ = (sure & (L / path.length > 1.02)).any(dim=0)
    assert differ.double().mean() >= 0.1
    assert path.disagree[differ].all()
    assert (~path.disagree).double().mean() >= 0.3


# ---------------------------------------------------------------- starts that disagree


def hill(z):
    """A bump in a plain."""
    return torch.cat([z, 3 * torch.exp(-4 * z.square().sum(dim=-1, keepdim=True))], dim=-1)


def round_the_hill(height, side, **options):
    """From west to east past the hill, with a further start on one side of it."""
    west, east = double(-1.5, height), double(1.5, height)
    way = torch.stack([west, double(0, side), east])
    return solved(PullbackMetric(hill), west, east, initial=way, **options)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_two_ways_round_a_hill_disagree_and_the_shorter_is_returned(side):
    """The straight line passes on its own side of the top, the given start on the other."""
    path = round_the_hill(0.1 * side, -1.5 * side)
    short, long = path.candidates
    assert path.disagree
    assert short.resolved & long.resolved
    assert (short.points[..., 1] * side).amax() > 0.5
    assert (long.points[..., 1] * side).amin() < -0.5
    assert path.length == short.length < long.length * (1 - 1e-3)
    assert torch.equal(path.points, short.points)


def test_two_ways_of_equal_length_disagree():
    """From the line over the top both ways are as good; a start on the side not taken shows it."""
    paths = [round_the_hill(0.0, side) for side in (1.5, -1.5)]
    assert sorted(bool(path.disagree) for path in paths) == [False, True]
    (two,) = (path for path in paths if path.disagree)
    one, other = (path.length for path in two.candidates)
    assert_close(one, other, rtol=1e-4, atol=0)
    assert_close(two.length, torch.minimum(one, other), rtol=0, atol=0)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_starts_that_relax_into_one_curve_agree(side):
    path = round_the_hill(0.1 * side, 1.5 * side)
    one, other = path.candidates
    assert not path.disagree
    assert one.resolved & other.resolved
    assert_close(one.length, other.length, rtol=2e-4, atol=0)
    assert_close(one.points, other.points, rtol=0, atol=0.05)


def test_one_start_has_no_one_to_disagree_with():
    path = solved(PullbackMetric(hill), double(-1.5, 0.1), double(1.5, 0.1))
    assert path.candidates == ()
    assert not path.disagree


def cylinder(z):
    """The punctured plane wound on a cylinder: height log r, angle θ + sin(θ)/2."""
    u, v = z.unbind(dim=-1)
    r, θ = torch.hypot(u, v), torch.atan2(v, u)
    angle = θ + v / (2 * r)
    return torch.stack([angle.cos(), angle.sin(), r.log()], dim=-1)


@pytest.mark.parametrize("θ", [1.2, 1.0, 0.6])
def test_round_a_cylinder_both_ways_are_shortest_among_their_neighbours(θ):
    """From −θ to θ: 2θ + sin θ on the side of the straight line, and 2π less that on the other."""
    b = double(math.cos(θ), math.sin(θ))
    a, front = b * double(1, -1), 2 * θ + math.sin(θ)
    back = torch.stack([a, double(0, -1.2), double(-1.2, 0), double(0, 1.2), b])
    path = solved(PullbackMetric(cylinder), a, b, initial=back, tolerance=1e-6)
    lengths = torch.stack([one.length for one in path.candidates])
    assert_close(lengths, double(front, 2 * π - front), rtol=1e-6, atol=0)
    assert path.disagree
    assert_close(path.length.item(), min(front, 2 * π - front), rtol=1e-6, atol=0)


def test_disagreement_does_not_depend_on_the_batch():
    G, sides = PullbackMetric(hill), double(1.5, 1.5, -1.5, -1.5, 1.5, -1.5)
    height = double(0.1, -0.1, 0.1, -0.1, 0.7, -0.7)
    a, b = (torch.stack([x.expand(6), height], dim=-1) for x in double(-1.5, 1.5))
    ways = torch.stack([a, torch.stack([0 * sides, sides], dim=-1), b], dim=-2)
    together = solved(G, a, b, initial=ways)
    alone = [bool(solved(G, *x, initial=w).disagree) for *x, w in zip(a, b, ways, strict=True)]
    assert together.disagree.tolist() == alone == [False, True, True, False, False, False]
    shape = (2, 3)
    board = solved(
        G, a.unflatten(0, shape), b.unflatten(0, shape), initial=ways.unflatten(0, shape)
    )
    assert torch.equal(board.disagree.flatten(), together.disagree)
    assert_close(board.length.flatten(), together.length, rtol=1e-12, atol=0)
