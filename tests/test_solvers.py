"""The solvers to compare with: the paper's spline by Adam, and GEORCE, judged by closed forms."""

import warnings
from functools import partial

import numpy as np
import pytest
import torch
from examples import SURFACES, points, smooth_decoder
from scipy.interpolate import CubicSpline as ScipySpline
from torch.testing import assert_close

from geokit import PullbackMetric, StraightLine, UnresolvedGeodesic, geodesic
from geokit.curves import LobattoCurve
from geokit.elements import Elements
from geokit.solvers.energies import discretise, measure
from geokit.solvers.georce import georce, left_point_energy, sweep
from geokit.solvers.newton import newton
from geokit.solvers.spline_adam import PIECES, basis, chord_energy, spline_adam
from geokit.solvers.starts import FINEST, pin

ELEMENTS = Elements(16, 4)
BOXES = {
    "sphere": SURFACES["sphere"][1],
    "half-plane": ((-2.0, 2.0), (0.4, 3.0)),
    "decoder": ((-1.5, 1.5), (-1.5, 1.5)),
}
SOLVERS = {"spline_adam": partial(spline_adam, steps=100), "georce": georce}
sphere = SURFACES["sphere"][0]


def half_plane(z):
    return torch.eye(2).to(z) / z[..., 1, None, None] ** 2


METRICS = {
    "sphere": PullbackMetric(sphere),
    "half-plane": half_plane,
    "decoder": PullbackMetric(smooth_decoder()),
}


def exact(name, a, b):
    if name == "sphere":
        return sphere.distance(a, b)
    return torch.acosh(1 + (a - b).square().sum(-1) / (2 * a[..., 1] * b[..., 1]))


def problem(name, n=12, elements=ELEMENTS):
    """A discrete energy, straight starts for n pairs, and the pairs."""
    a, b = points(BOXES[name], n, 1), points(BOXES[name], n, 2)
    start = pin(StraightLine(a, b)(elements.times(a)), a, b)
    return discretise(METRICS[name], elements), start, a, b


def true_length(name, solution, elements=ELEMENTS):
    z = LobattoCurve(solution.points, elements)(FINEST.times(solution.points))
    return measure(METRICS[name], z, FINEST)[0]


@pytest.mark.parametrize(
    ("name", "typical", "worst"), [("sphere", 5e-5, 3e-4), ("half-plane", 5e-4, 0.1)]
)
def test_500_steps_of_adam_come_near_the_closed_form(name, typical, worst):
    """Adam is most of the way there on short arcs, and far from it on the longest."""
    energy, start, a, b = problem(name)
    excess = true_length(name, spline_adam(energy, start, 1e-7)) / exact(name, a, b) - 1
    straight = measure(METRICS[name], start, ELEMENTS)[0] / exact(name, a, b) - 1
    assert excess.min() >= -1e-9
    assert excess.median() <= typical <= straight.median() / 20
    assert excess.max() <= worst


@pytest.mark.parametrize(("name", "worst"), [("sphere", 2e-5), ("half-plane", 1e-6)])
def test_georce_with_64_steps_reaches_the_closed_form(name, worst):
    """The length of its curve, measured afresh, is free of the first-order bias."""
    energy, start, a, b = problem(name)
    solution = georce(energy, start, 1e-9, segments=64)
    assert solution.converged.all()
    excess = true_length(name, solution) / exact(name, a, b) - 1
    assert excess.abs().max() <= worst


def test_georce_bias_halves_when_the_steps_double():
    """The least cost is L²(1 + ln(y_b/y_a)/N + …) on the half-plane: first order, with the constant
    that theory gives."""
    a, b = points(BOXES["half-plane"], 12, 1), points(BOXES["half-plane"], 12, 2)
    climb = (b[:, 1] / a[:, 1]).log()
    errors = []
    for N in (64, 128, 256):
        energy, start, _, _ = problem("half-plane", elements=Elements(N, 1))
        solution = georce(energy, start, 1e-12)  # nodes and steps coincide: the points are the xₜ
        assert solution.converged.all()
        cost = left_point_energy(half_plane, solution.points)
        errors.append(cost / exact("half-plane", a, b) ** 2 - 1)
    assert_close(256 * errors[-1], climb, rtol=0, atol=0.01)
    order = -torch.stack(errors)[:, climb.abs() > 0.2].abs().log2().diff(dim=0)
    assert order.shape[1] >= 8
    assert ((order >= 0.8) & (order <= 1.2)).all()


@pytest.mark.parametrize("name", METRICS)
def test_georce_stops_where_its_own_cost_is_stationary(name):
    energy, start, _, _ = problem(name, elements=Elements(40, 1))

    def slope(x):
        return torch.func.grad(lambda x: left_point_energy(METRICS[name], x).sum())(x)[..., 1:-1, :]

    found = georce(energy, start, 1e-13).points
    assert slope(found).abs().max() <= 1e-4 * slope(start).abs().max()


@pytest.mark.parametrize("name", METRICS)
def test_along_a_sweep_the_cost_falls_at_twice_the_gain(name):
    """The identity that makes every sweep a descent: dE = −2 N Σ δᵀGδ."""
    _, start, _, _ = problem(name, elements=Elements(20, 1))
    direction, gain = sweep(METRICS[name], start)
    full = torch.zeros_like(start)
    full[..., 1:-1, :] = direction
    _, slope = torch.func.jvp(partial(left_point_energy, METRICS[name]), (start,), (full,))
    assert_close(slope, -2 * gain, rtol=1e-9, atol=1e-12)


def test_a_sweep_too_long_is_shortened_until_the_cost_falls():
    """From a rough start some full sweeps raise the cost; each is cut back, and all find the
    curve that a straight start leads to."""
    energy, start, _, _ = problem("sphere", 8, Elements(32, 1))
    noise = torch.randn(start.shape, generator=torch.Generator().manual_seed(0)).double()
    noise[:, [0, -1]] = 0
    rough, cost = start + 0.3 * noise, partial(left_point_energy, METRICS["sphere"])
    full = rough.clone()
    full[:, 1:-1] += sweep(METRICS["sphere"], rough)[0]
    assert (cost(full) > cost(rough)).any()
    assert (cost(georce(energy, rough, 1e-8, max_steps=1).points) < cost(rough)).all()
    smooth, found = (georce(energy, x, 1e-8) for x in (start, rough))
    assert found.converged.all()
    assert_close(cost(found.points), cost(smooth.points), rtol=1e-6, atol=0)


def test_one_sweep_solves_a_constant_metric():
    """Where G is constant the closed form is exact: the straight line, from any start."""
    G = torch.tensor([[2.0, 0.5], [0.5, 1.0]]).double()
    x = torch.randn(3, 9, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    direction, _ = sweep(lambda z: G.expand(*z.shape, 2), x)
    line = StraightLine(x[:, 0], x[:, -1])(torch.linspace(0, 1, 9).double())
    assert_close(x[:, 1:-1] + direction, line[:, 1:-1])


def test_the_spline_has_11_degrees_of_freedom_and_vanishes_at_both_ends():
    B = basis(torch.linspace(0, 1, 400).double())
    assert B.shape == (400, 11)
    assert torch.linalg.matrix_rank(B) == 11
    assert B[[0, -1]].abs().max() < 1e-12


def test_the_spline_is_c2_at_its_knots_and_no_smoother():
    """Value, slope and second derivative agree on both sides of a knot; the third jumps."""

    def taylor(knot, side):
        """Coefficients about the knot of the cubics on that side of it, four for each column."""
        s = np.linspace(0.1, 0.9, 4) + side
        values = basis(torch.from_numpy((knot + s) / PIECES)).numpy()
        return np.polynomial.polynomial.polyfit(s, values, 3)

    for knot in range(1, PIECES):
        jump = np.abs(taylor(knot, -1) - taylor(knot, 0)).max(axis=1)
        assert jump[:3].max() < 1e-12
        assert jump[3] > 1e-5


def test_the_spline_space_holds_every_c2_cubic_that_vanishes_at_both_ends():
    """Among them those with curved ends: the spline is not the natural one."""
    rng = np.random.default_rng(0)
    knots, t = np.linspace(0, 1, PIECES + 1), np.linspace(0, 1, 200)
    values = np.concatenate([[0], rng.standard_normal(PIECES - 1), [0]])
    B = basis(torch.from_numpy(t))
    for ends in ("natural", "not-a-knot", ((1, 2.0), (2, -30.0))):
        wanted = torch.from_numpy(ScipySpline(knots, values, bc_type=ends)(t))
        w = torch.linalg.pinv(B) @ wanted
        assert_close(B @ w, wanted, rtol=0, atol=1e-10)


def test_more_steps_of_adam_never_give_a_higher_energy():
    """Steps far too long throw the curve about; the best one met is kept, problem by problem."""
    energy, start, _, _ = problem("sphere")
    reached = torch.stack(
        [
            energy.energy(spline_adam(energy, start, 0.0, steps=k, rate=1.0).points)
            for k in (40, 42, 44, 46, 48, 50)
        ]
    )
    assert (reached.diff(dim=0) <= 1e-4 * reached[0]).all()  # 256 chords are not the nodes' energy
    assert (reached[-1] < reached[0]).any()


def test_adam_counts_as_converged_when_100_steps_gain_less_than_asked():
    energy, start, _, _ = problem("sphere")
    loose = spline_adam(energy, start, 0.5, steps=300)
    assert loose.converged.all()
    assert (loose.iterations == 100).all()
    early = spline_adam(energy, start, 0.5, steps=99)
    assert not early.converged.any()
    assert (early.iterations == 99).all()


def test_adam_leaves_a_converged_problem_alone_while_others_go_on():
    """The paper's stop looks at the sum over a batch, so its answer for one pair depends on the
    others."""
    energy, start, _, _ = problem("sphere")
    together = spline_adam(energy, start, 1e-3, steps=300)
    first = together.iterations.argmin()
    assert together.iterations[first] < together.iterations.max()
    alone = spline_adam(energy, start[first], 1e-3, steps=300)
    assert alone.iterations == together.iterations[first]
    assert_close(alone.points, together.points[first], rtol=0, atol=1e-9)


def test_the_energy_that_adam_lowers_is_that_of_256_chords():
    """By hand for the decoder; for a callable metric the two agree to second order."""
    energy, _, a, b = problem("sphere")
    c = StraightLine(a, b)(torch.linspace(0, 1, 256).double())
    by_hand = 255 * (sphere(c)[:, 1:] - sphere(c)[:, :-1]).square().sum(dim=(1, 2))
    assert_close(chord_energy(energy, c), by_hand)
    by_metric = chord_energy(discretise(sphere.metric, ELEMENTS), c)
    assert_close(by_metric, by_hand, rtol=1e-4, atol=0)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("name", METRICS)
def test_ends_stay_and_the_energy_never_rises(solver, name):
    """From the straight line, from a detour, and from a curve that neither can better."""
    energy, straight, a, b = problem(name, 6)
    t = ELEMENTS.times(a)[:, None]
    starts = [straight, straight + 0.4 * t * (1 - t), newton(energy, straight, 1e-12).points]
    gains = []
    for start in starts:
        found = solver(energy, start.clone(), 1e-6).points
        assert torch.equal(found[:, 0], a)
        assert torch.equal(found[:, -1], b)
        gains.append(energy.energy(start) - energy.energy(found))
        assert (gains[-1] >= 0).all()
    assert (gains[0] > 0).any()


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("name", METRICS)
def test_a_problem_does_not_depend_on_its_batch(solver, name):
    """Neither on its neighbours nor on how the leading axes are laid out; a start is not written
    to."""
    energy, start, _, _ = problem(name, 6)
    before = start.clone()
    together = solver(energy, start, 1e-6)
    assert torch.equal(start, before)
    folded = solver(energy, start.reshape(2, 3, *start.shape[1:]), 1e-6)
    alone = solver(energy, start[4], 1e-6)
    assert_close(alone.points, together.points[4], rtol=0, atol=1e-9)
    assert alone.iterations == together.iterations[4]
    assert_close(folded.points.flatten(0, 1), together.points, rtol=0, atol=1e-9)
    assert torch.equal(folded.converged.flatten(), together.converged)


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("name", METRICS)
def test_the_front_door_certifies_what_is_right_and_flags_the_rest(solver, name):
    """`geodesic(..., solver=)`: a resolved length is within the tolerance, the rest is warned
    of."""
    _, _, a, b = problem(name, 5)
    reference = geodesic(METRICS[name], a, b, tolerance=1e-6)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = geodesic(METRICS[name], a, b, solver=solver, tolerance=1e-3)
    assert path.resolved.all() != any(w.category is UnresolvedGeodesic for w in caught)
    assert path.resolved.any()
    assert_close(path.length[path.resolved], reference.length[path.resolved], rtol=1e-3, atol=0)
    assert (path.length >= reference.length * (1 - 1e-3)).all()


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_too_few_steps_are_flagged(solver):
    hurried = partial(georce, max_steps=1) if solver is georce else partial(spline_adam, steps=5)
    _, _, a, b = problem("half-plane", 3)
    with pytest.warns(UnresolvedGeodesic, match="3 of 3 geodesics are unresolved"):
        path = geodesic(half_plane, a, b, solver=hurried, tolerance=1e-6)
    assert path.length.isfinite().all()


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_float32_and_gradients_of_the_caller_are_left_as_they_are(solver):
    """The answer has the dtype of the start; no graph reaches back into the decoder."""
    decoder = smooth_decoder().float().requires_grad_(True)
    a, b = points(BOXES["decoder"], 4, 1).float(), points(BOXES["decoder"], 4, 2).float()
    start = StraightLine(a, b)(ELEMENTS.times(a)).requires_grad_()
    solution = solver(discretise(PullbackMetric(decoder), ELEMENTS), start, 1e-4)
    assert solution.points.dtype == torch.float32
    assert not solution.points.requires_grad
    assert start.grad is None
    assert all(p.grad is None for p in decoder.parameters())


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_a_problem_that_breaks_leaves_the_others_alone(solver):
    """Where the map is NaN, or has rank one, the start comes back, unconverged; its neighbour is
    solved as if alone."""

    def torn(z):
        return torch.where(z[..., :1] > 10, torch.nan, sphere(z))

    energy, start, _, _ = problem("sphere", 3)
    far = start + torch.tensor([20.0, 0.0]).double()
    broken = discretise(PullbackMetric(torn), ELEMENTS)
    both = solver(broken, torch.cat([far[:1], start[1:]]), 1e-5)
    assert not both.converged[0]
    assert torch.equal(both.points[0], far[0])
    assert_close(both.points[1:], solver(energy, start[1:], 1e-5).points, rtol=0, atol=1e-9)


def test_georce_flags_a_singular_metric():
    """It needs G⁻¹: a map of rank one gets its start back, and no exception."""
    energy = discretise(PullbackMetric(lambda z: sphere(z[..., :1] * torch.ones(2))), ELEMENTS)
    _, start, _, _ = problem("sphere", 2)
    solution = georce(energy, start, 1e-6)
    assert not solution.converged.any()
    assert torch.equal(solution.points, start)


def test_georce_refuses_a_curve_without_steps():
    energy, start, _, _ = problem("sphere", 1)
    with pytest.raises(ValueError, match=r"segments is 0; a curve needs at least one\."):
        georce(energy, start, 1e-6, segments=0)
