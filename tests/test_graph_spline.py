"""The report's way: a shortest path in a graph, smoothed to a spline; a solver to compare with."""

import math
import warnings

import numpy as np
import pytest
import torch
from examples import SURFACES, as_users_call, points, smooth_decoder
from scipy.interpolate import CubicSpline as ScipySpline
from test_graph import EAST, HIGH, LOW, WALLS, WEST, codes, double, flat, path_length
from torch.testing import assert_close

from geokit import LatentGraph, PullbackMetric, StraightLine, UnresolvedGeodesic, geodesic
from geokit.elements import Elements
from geokit.solvers import GraphSpline, newton
from geokit.solvers.energies import discretise, measure
from geokit.solvers.starts import pin

ELEMENTS = Elements(32, 4)
sphere, BOX = SURFACES["sphere"]
METRICS = {
    "plane": (flat, ((-2.0, 2.0), (-2.0, 2.0))),
    "sphere": (PullbackMetric(sphere), BOX),
    "sphere's metric": (sphere.metric, BOX),
    "decoder": (PullbackMetric(smooth_decoder()), ((-1.5, 1.5), (-1.5, 1.5))),
}


def problem(name, n):
    """A solver on a grid, an energy, n straight starts and as many that wind about, and the
    pairs."""
    G, box = METRICS[name]
    solver = GraphSpline(LatentGraph.on_grid(G, *double(*box).T, resolution=20))
    a, b = points(box, n, 1), points(box, n, 2)
    t = ELEMENTS.times(a)[:, None]
    straight = pin(StraightLine(a, b)(t[:, 0]), a, b)
    winding = pin(straight + 0.3 * torch.sin(8 * math.pi * t), a, b)
    return solver, discretise(G, ELEMENTS), straight, winding, a, b


def test_on_a_flat_map_the_spline_is_at_most_2_percent_too_long():
    """The path itself is up to 2.8 % too long."""
    solver, energy, _, winding, a, b = problem("plane", 60)
    found = solver(energy, winding, 1e-6).points
    ratio = measure(flat, found, ELEMENTS)[0] / (a - b).norm(dim=-1)
    raw = path_length(flat, solver.graph.shortest_path(a, b)) / (a - b).norm(dim=-1)
    assert ratio.min() >= 1 - 1e-9
    assert ratio.max() < 1.02 < raw.max()


@pytest.mark.parametrize("name", ["sphere", "sphere's metric"])
def test_smoothing_shortens_the_path_for_nearly_every_pair(name):
    """At constant speed the raw path has the energy L²; the spline has less."""
    solver, energy, _, winding, a, b = problem(name, 60)
    E = energy.energy(solver(energy, winding, 1e-6).points)
    raw = path_length(METRICS[name][0], solver.graph.shortest_path(a, b))
    assert (raw**2 > E).double().mean() > 0.9
    assert (sphere.distance(a, b) ** 2 * (1 - 1e-9) <= E).all()
    excess = E.sqrt() / sphere.distance(a, b) - 1
    assert excess.median() < 0.7 * (raw / sphere.distance(a, b) - 1).median()


def test_the_curve_is_the_natural_spline_through_means_of_three():
    solver, energy, _, winding, a, b = problem("sphere", 8)
    found = solver(energy, winding, 1e-6).points
    for (way, _), curve in zip(solver.graph.ways(a, b), found, strict=True):
        knots = way.copy()
        for i in range(1, len(way) - 1):
            knots[i] = way[i - 1 : i + 2].mean(axis=0)
        spline = ScipySpline(np.linspace(0, 1, len(way)), knots, bc_type="natural")
        dense = torch.from_numpy(spline(np.linspace(0, 1, 20_001)))
        assert torch.cdist(curve, dense).amin(dim=1).max() < 2e-4


@pytest.mark.parametrize("name", METRICS)
def test_the_curve_has_constant_speed(name):
    """As L² = E says; with equal times between the vertices E is some percent more."""
    solver, energy, _, winding, _, _ = problem(name, 30)
    found = solver(energy, winding, 1e-6).points
    L, E = measure(METRICS[name][0], found, ELEMENTS)
    assert (E.sqrt() / L - 1).max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", WALLS)
def test_the_spline_goes_round_the_wall_where_a_straight_start_stays(name):
    G = WALLS[name]
    solver = GraphSpline(LatentGraph.on_grid(G, LOW, HIGH))
    with pytest.warns(UnresolvedGeodesic):
        found = geodesic(G, WEST, EAST, solver=solver, tolerance=1e-2)
    through_the_door = torch.stack([WEST, double(-0.6, 1.5), double(0.6, 1.5), EAST])
    assert found.length < path_length(G, through_the_door) < 5
    assert found.points[:, 1].max() > 1
    best = geodesic(G, WEST, EAST, graph=solver.graph, tolerance=1e-2).length
    assert best < found.length < 1.1 * best


@pytest.mark.parametrize("name", METRICS)
def test_ends_stay_and_the_energy_never_rises(name):
    """From the straight line, from a winding one, and from a curve that no spline can better."""
    solver, energy, straight, winding, a, b = problem(name, 12)
    best = newton(energy, straight, 1e-12).points
    gains = []
    for start in straight, winding, best:
        solution = solver(energy, start, 1e-6)
        assert torch.equal(solution.points[:, 0], a)
        assert torch.equal(solution.points[:, -1], b)
        assert (solution.iterations == 1).all()
        gains.append(energy.energy(start) - energy.energy(solution.points))
        assert (gains[-1] >= 0).all()
    assert (gains[1] > 0).all()
    assert torch.equal(solution.points, best)


@pytest.mark.parametrize("name", ["sphere", "sphere's metric", "decoder"])
def test_only_a_curve_that_cannot_be_bettered_counts_as_converged(name):
    solver, energy, straight, winding, _, _ = problem(name, 12)
    spline = solver(energy, winding, 1e-6)
    assert not spline.converged.any()
    assert not solver(energy, spline.points, 1e-6).converged.any()  # its own curve, once more
    assert solver(energy, newton(energy, straight, 1e-12).points, 1e-6).converged.all()
    assert solver(energy, winding, 0.9).converged.all()  # `stop` is asked for, and heard


def test_the_front_door_resolves_the_plane_and_flags_the_sphere():
    solver, _, _, _, a, b = problem("plane", 12)
    path = geodesic(flat, a, b, solver=solver)
    assert path.resolved.all()
    assert_close(path.length, (a - b).norm(dim=-1))

    solver, _, _, _, a, b = problem("sphere", 20)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = geodesic(METRICS["sphere"][0], a, b, solver=solver)
    assert [w.category for w in caught] == [UnresolvedGeodesic]
    excess = path.length / sphere.distance(a, b) - 1
    assert (~path.resolved).sum() > 15
    assert (excess[path.resolved] < 1e-4).all()
    assert (excess > 1e-4).sum() > 15
    assert excess.max() < 0.03


@pytest.mark.parametrize("name", ["sphere's metric", "decoder"])
def test_a_problem_does_not_depend_on_its_batch(name):
    """Neither on its neighbours nor on how the leading axes are laid out; a start is not written
    to."""
    solver, energy, _, start, _, _ = problem(name, 6)
    before = start.clone()
    together = solver(energy, start, 0.05)
    assert torch.equal(start, before)
    folded = solver(energy, start.reshape(2, 3, *start.shape[1:]), 0.05)
    assert_close(folded.points.flatten(0, 1), together.points, rtol=0, atol=1e-9)
    assert torch.equal(folded.converged.flatten(), together.converged)
    for k in range(6):
        alone = solver(energy, start[k], 0.05)
        assert_close(alone.points, together.points[k], rtol=0, atol=1e-9)
        assert alone.converged == together.converged[k]


def test_float32_more_dimensions_and_gradients_of_the_caller():
    """The answer has the dtype of the start; no graph reaches back into the decoder."""
    G = PullbackMetric(smooth_decoder(5).float().requires_grad_(True))
    solver = GraphSpline.from_codes(G, codes(300, 5).float(), centres=40)
    a, b = codes(4, 5, 1).float(), codes(4, 5, 2).float()
    start = StraightLine(a, b)(ELEMENTS.times(a)).requires_grad_()
    solution = solver(discretise(G, ELEMENTS), start, 1e-4)
    assert solution.points.dtype == torch.float32
    assert not solution.points.requires_grad
    assert torch.equal(solution.points[:, -1], start[:, -1])


def test_end_points_keep_their_digits_where_the_nodes_have_fewer():
    solver = GraphSpline(LatentGraph.on_grid(flat, LOW.float(), HIGH.float(), resolution=12))
    ends = double([-1.3, 0.1], [1.1, 1.7])
    start = torch.stack([ends[0], double(0, -2), double(1, -2), ends[1]])
    found = solver(discretise(flat, Elements(3, 1)), start, 1e-6).points
    assert not torch.equal(found, start)
    assert torch.equal(found[[0, -1]], ends)


def test_the_reports_graph_has_64_centres_that_know_their_5_nearest():
    z = points(BOX, 500)
    graph = GraphSpline.from_codes(METRICS["sphere"][0], z).graph
    assert graph.nodes.shape == (64, 2)
    degree = graph.edges.flatten().bincount(minlength=64)
    assert degree.min() == 5
    nearest = torch.cdist(z, graph.nodes).argmin(dim=1)
    means = torch.stack([z[nearest == k].mean(dim=0) for k in range(64)])
    assert_close(graph.nodes, means, rtol=0, atol=0.01)
    again = GraphSpline.from_codes(METRICS["sphere"][0], z).graph
    assert torch.equal(graph.nodes, again.nodes)


def test_a_path_of_one_edge_is_the_straight_line():
    solver = GraphSpline(LatentGraph(flat, codes(30), neighbours=5))
    a = codes(1, seed=1)[0]
    b = a + 1e-3
    straight = StraightLine(a, b)(ELEMENTS.times(a))
    bent = straight.clone()
    bent[1:-1] += 1e-3
    found = solver(discretise(flat, ELEMENTS), bent, 1e-6).points
    assert_close(found, straight, rtol=0, atol=1e-12)


def test_where_no_spline_can_be_judged_the_start_comes_back():
    """Through a hole in the metric, and on a map onto one point, where all curves are as long."""

    def torn(z):
        return flat(z) * torch.where(z[..., :1].abs() < 0.3, torch.nan, 1.0)[..., None]

    graph = LatentGraph.on_grid(flat, LOW, HIGH)  # one that does not know of the hole
    for G in torn, PullbackMetric(lambda z: 0 * z + 1):
        start = StraightLine(WEST, EAST)(ELEMENTS.times(WEST))
        solution = GraphSpline(graph)(discretise(G, ELEMENTS), start, 1e-6)
        assert torch.equal(solution.points, start)
    blind = GraphSpline(LatentGraph(G, codes(30), neighbours=5))
    assert torch.equal(blind(discretise(G, ELEMENTS), start, 1e-6).points, start)


def test_pairs_that_no_path_joins_are_named():
    nodes = torch.cat([codes(30), codes(30, seed=1) + 100])
    solver = GraphSpline(LatentGraph(flat, nodes, neighbours=5))
    with pytest.raises(ValueError, match=r"no path joins 1 of 2 pairs, first \[\[0\]\]"):
        geodesic(flat, nodes[[0, 2]], nodes[[40, 3]], solver=solver)


@pytest.mark.parametrize(
    ("z", "said"),
    [
        (codes(10), r"64 centres need as many codes .* shape \(10, 2\), finite: True"),
        (codes(100)[:, 0], r"shape \(100,\)"),
        (codes(100) / 0, "finite: False"),
    ],
)
def test_codes_that_make_no_centres_are_refused(z, said):
    with as_users_call(), pytest.raises(ValueError, match=said):
        GraphSpline.from_codes(flat, z)
