"""Paths through a graph of latent points: true lengths, and a start that finds the way round."""

import itertools
import math

import numpy as np
import pytest
import torch
from examples import SURFACES, Shear, as_users_call, points, smooth_decoder
from torch.testing import assert_close

from geokit import PullbackMetric, distance, geodesic, length
from geokit.curves import LobattoCurve
from geokit.elements import Elements
from geokit.solvers.graph import LatentGraph
from geokit.surfaces import Plane, SwissRoll


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def path_length(G, path):
    """The length of a polyline, by a quadrature that keeps to its corners."""
    n = path.shape[-2] - 1
    return length(G, LobattoCurve(path, Elements(n, 1)), elements=n * (1 + 64 // n))


def flat(z):
    return torch.eye(z.shape[-1]).to(z).expand(*z.shape, z.shape[-1])


def codes(n, d=2, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gap(z):
    """A wall along x = 0, of height 1, with a door at y = 1.5."""
    x, y = z.unbind(dim=-1)
    return torch.exp(-20 * x**2) * (1 - torch.exp(-6 * (y - 1.5) ** 2))


def conformal(z):
    return (1 + 200 * gap(z))[..., None, None] * flat(z)


def ridge(z):
    return torch.cat([z, 3 * gap(z)[..., None]], dim=-1)


WALLS = {"conformal": conformal, "decoded": PullbackMetric(ridge)}
WEST, EAST = double(-1, 0), double(1, 0)
LOW, HIGH = double(-2, -2), double(2, 2.5)


@pytest.mark.parametrize("name", ["sphere", "plane"])
@pytest.mark.parametrize("known_by", ["its map", "its metric alone"])
def test_a_path_on_the_grid_is_a_little_longer_than_the_distance_and_never_shorter(name, known_by):
    surface, box = SURFACES[name]
    G = PullbackMetric(surface) if known_by == "its map" else surface.metric
    graph = LatentGraph.on_grid(G, *double(*box).T)
    a, b = points(box, 60, 1), points(box, 60, 2)
    ratio = path_length(G, graph.shortest_path(a, b)) / surface.distance(a, b)
    assert ratio.min() >= 1 - 1e-9
    assert ratio.median() < 1.02
    assert ratio.max() < 1.08


def test_a_king_and_a_knight_lose_at_most_2_8_percent_on_a_flat_board():
    """Moves at angles 0 and atan(1/2) leave a gap of 26.6°; in its middle a path is 1/cos(13.3°)
    too long."""
    graph = LatentGraph.on_grid(flat, double(0, 0), double(1, 1), resolution=15)
    assert len(graph.edges) == 2 * 15 * 14 + 2 * 14 * 14 + 4 * 14 * 13
    a = graph.nodes[:1].expand_as(graph.nodes[1:])
    b = graph.nodes[1:]
    ratio = path_length(flat, graph.shortest_path(a, b)) / (a - b).norm(dim=-1)
    assert ratio.max() < 1 / math.cos(math.atan(0.5) / 2) + 1e-6
    assert ratio.max() > 1.01


def test_weights_are_the_lengths_of_the_edges():
    surface, box = SURFACES["sphere"]
    for G in PullbackMetric(surface), surface.metric:
        graph = LatentGraph.on_grid(G, *double(*box).T, resolution=8)
        exact = path_length(G, graph.nodes[graph.edges])
        assert_close(graph.weights, exact, rtol=5e-3, atol=0)


def test_weights_and_paths_are_the_same_both_ways():
    nodes, G = codes(80), PullbackMetric(smooth_decoder())
    graph = LatentGraph(G, nodes, neighbours=6)
    there = LatentGraph(G, nodes, edges=graph.edges)
    back = LatentGraph(G, nodes, edges=graph.edges.flip(-1))
    both = LatentGraph(G, nodes, edges=torch.cat([graph.edges, graph.edges.flip(-1)]))
    assert torch.equal(there.weights, back.weights)
    assert torch.equal(there.weights, both.weights)
    a, b = codes(20, seed=1), codes(20, seed=2)
    assert_close(graph.shortest_path(b, a).flip(-2), graph.shortest_path(a, b), rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", WALLS)
@pytest.mark.filterwarnings("ignore::geokit.UnresolvedGeodesic")  # certified or not, it is too long
def test_the_straight_start_ends_in_a_way_through_the_wall(name):
    path = geodesic(WALLS[name], WEST, EAST, tolerance=1e-2)
    assert path.length > 7
    assert path.points[..., 1].max() < 1


@pytest.mark.slow
@pytest.mark.parametrize("name", WALLS)
@pytest.mark.parametrize("nodes", ["grid", "codes"])
def test_a_graph_start_finds_the_door_in_the_wall(name, nodes):
    G = WALLS[name]
    if nodes == "grid":
        graph = LatentGraph.on_grid(G, LOW, HIGH)
    else:
        graph = LatentGraph.from_codes(G, points(((-2.0, 2.0), (-2.0, 2.5)), 1200))
    found = geodesic(G, WEST, EAST, graph=graph, tolerance=1e-2)
    assert found.resolved
    through_the_door = torch.stack([WEST, double(-0.6, 1.5), double(0.6, 1.5), EAST])
    assert found.length < path_length(G, through_the_door) < 5
    path = path_length(G, graph.shortest_path(WEST, EAST))
    assert found.length < path < 1.2 * found.length


def test_decoded_neighbours_are_those_of_every_equivalent_model():
    """In a chart stretched a hundredfold latent neighbours mislead; decoded ones do not."""
    roll, box = SwissRoll(), ((1.0, 8.0), (0.0, 5.0))
    scale = double(1, 100)
    G = PullbackMetric(lambda w: roll(w / scale))
    nodes = points(box, 600) * scale
    a, b = points(box, 30, 1), points(box, 30, 2)
    far = roll.distance(a, b) > 3

    def median_ratio(graph):
        L = path_length(G, graph.shortest_path(a * scale, b * scale))
        return (L / roll.distance(a, b))[far].median()

    latent, merged = LatentGraph(G, nodes), LatentGraph.from_codes(G, nodes)
    assert len(merged.edges) > len(latent.edges)
    assert median_ratio(merged) < 1.05 < 1.15 < median_ratio(latent)


def test_a_metric_without_a_map_has_latent_neighbours_only():
    nodes = codes(50)
    assert torch.equal(
        LatentGraph.from_codes(conformal, nodes).edges, LatentGraph(conformal, nodes).edges
    )


def test_in_more_dimensions():
    G, nodes = PullbackMetric(smooth_decoder(5)), codes(300, 5)
    graph = LatentGraph.from_codes(G, nodes)
    a, b = codes(8, 5, 1), codes(8, 5, 2)
    assert (path_length(G, graph.shortest_path(a, b)) > distance(G, a, b)).all()


@pytest.mark.parametrize("batch", [(), (3,), (2, 2), (0,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_path_has_the_batch_the_dtype_and_the_ends_of_its_pair(batch, dtype):
    G = PullbackMetric(smooth_decoder().to(dtype))
    graph = LatentGraph.on_grid(G, LOW.to(dtype), HIGH.to(dtype), resolution=12)
    a, b = (codes(4, seed=s).clamp(-1.9, 1.9)[: math.prod(batch)] for s in (1, 2))
    a, b = a.reshape(*batch, 2).to(dtype), b.reshape(*batch, 2).to(dtype)
    path = graph.shortest_path(a, b)
    assert path.shape == (*batch, 257, 2)
    assert path.dtype == dtype
    assert torch.equal(path[..., 0, :], a)
    assert torch.equal(path[..., -1, :], b)
    assert geodesic(G, a, b, graph=graph, tolerance=1e-2).length.shape == batch


def test_end_points_keep_their_digits_where_the_nodes_have_fewer():
    graph = LatentGraph.on_grid(flat, LOW.float(), HIGH.float(), resolution=12)
    a, b = double(0.1, 0.2), double(-0.3, 1.7)
    path = graph.shortest_path(a, b)
    assert path.dtype == torch.float64
    assert torch.equal(path[[0, -1]], torch.stack([a, b]))


def test_one_end_point_serves_many_and_a_path_does_not_depend_on_its_batch():
    """Not even where another pair's end point would be a short cut."""
    G = PullbackMetric(smooth_decoder())
    graph = LatentGraph(G, codes(40), neighbours=4)
    a, b = codes(1, seed=1)[0], codes(30, seed=2)
    together = graph.shortest_path(a, b)
    for k in range(0, 30, 7):
        assert_close(together[k], graph.shortest_path(a, b[k]), rtol=0, atol=1e-12)


def test_a_way_runs_from_node_to_node_along_edges_and_its_length_adds_up():
    graph = LatentGraph(conformal, codes(60), neighbours=5)
    a, b = codes(6, seed=1).reshape(2, 3, 2), codes(3, seed=2)
    edges = {frozenset(e): w for e, w in zip(graph.edges.tolist(), graph.weights, strict=True)}
    number = {tuple(z): i for i, z in enumerate(graph.nodes.tolist())}
    ways, paths = graph.ways(a, b), graph.shortest_path(a, b).flatten(0, 1)
    ends = zip(a.flatten(0, 1).tolist(), b.repeat(2, 1).tolist(), strict=True)
    for (way, along), path, (start, end) in zip(ways, paths, ends, strict=True):
        assert [way[0].tolist(), way[-1].tolist()] == [start, end]
        visited = [number[tuple(z)] for z in way[1:-1].tolist()]
        between = [edges[frozenset(pair)] for pair in itertools.pairwise(visited)]
        assert_close(np.diff(along[1:-1]), np.array(between))
        assert torch.cdist(double(*way.tolist()), path).amin(dim=1).max() < 0.02
    assert max(len(way) for way, _ in ways) > 4


def test_points_are_evenly_spaced_along_the_path():
    graph = LatentGraph.on_grid(flat, double(0, 0), double(1, 2), resolution=8)
    steps = graph.shortest_path(double(0.1, 0.1), double(0.8, 1.7)).diff(dim=-2).norm(dim=-1)
    assert steps.amax() < 1.001 * steps.median()


def test_the_same_point_twice_and_near_points_need_no_detour():
    graph = LatentGraph.on_grid(flat, double(0, 0), double(1, 1), resolution=5)
    a = double(0.4, 0.4)
    assert (graph.shortest_path(a, a) == a).all()
    b = a + double(0.01, 0.02)
    assert_close(path_length(flat, graph.shortest_path(a, b)), (a - b).norm())


def test_a_constant_decoder_has_edges_of_length_zero_and_still_paths():
    G = PullbackMetric(lambda z: 0 * z + 1)
    graph = LatentGraph(G, codes(30), neighbours=5)
    assert (graph.weights == 0).all()
    path = graph.shortest_path(codes(3, seed=1), codes(3, seed=2))
    assert path.diff(dim=-2).norm(dim=-1).amax() < 0.1


@pytest.mark.parametrize("value", [torch.nan, 1e308])  # the second overflows
def test_edges_without_a_finite_length_are_dropped_and_never_used(value):
    def half(z):
        return flat(z) * torch.where(z[..., :1] > 0, double(value), 1.0)[..., None]

    graph = LatentGraph.on_grid(half, double(-10, -10), double(10, 10), resolution=9)
    assert graph.dropped > 0
    assert graph.weights.isfinite().all()
    assert (graph.nodes[graph.edges][..., 0] <= 0).all()
    path = graph.shortest_path(double(-9, -9), double(-1, 8))
    assert (path[..., 0] <= 0).all()
    with pytest.raises(ValueError, match=r"no path joins 1 of 2 pairs, first \[\[1\]\]"):
        graph.shortest_path(double(-9, -9), torch.stack([double(-5, 0), double(5, 0)]))


def test_two_islands_are_counted_and_the_pairs_between_them_named():
    nodes = torch.cat([codes(30), codes(30, seed=1) + 100])
    graph = LatentGraph(flat, nodes, neighbours=5)
    assert graph.components == 2
    assert graph.shortest_path(nodes[0], nodes[1]).isfinite().all()
    with pytest.raises(ValueError, match=r"no path joins 1 of 2 pairs, first \[\[0\]\].* 2 comp"):
        graph.shortest_path(nodes[[0, 2]], nodes[[40, 3]])
    assert LatentGraph(flat, nodes, neighbours=31).components == 1


def test_a_graph_leaves_the_callers_gradients_alone():
    f = smooth_decoder().requires_grad_(True)
    nodes = codes(30).requires_grad_()
    graph = LatentGraph.from_codes(PullbackMetric(f), nodes, neighbours=5)
    path = graph.shortest_path(nodes[0], codes(1, seed=1)[0])
    assert not path.requires_grad
    assert not graph.weights.requires_grad


NAN = torch.cat([codes(20), double(torch.nan, 0)[None]])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LatentGraph(flat, NAN), "distinct finite points.*finite: False"),
        (lambda: LatentGraph(flat, codes(20).repeat(2, 1)), "20 repeat another"),
        (lambda: LatentGraph(flat, codes(20)[0]), r"points \(N, d\).*shape \(2,\)"),
        (lambda: LatentGraph(flat, torch.zeros(20, 2).long()), "needs floats"),
        (lambda: LatentGraph(flat, codes(8)), "8 nodes cannot have 10 neighbours"),
        (lambda: LatentGraph(flat, codes(0)), "0 nodes cannot have 10 neighbours"),
        (lambda: LatentGraph.from_codes(flat, codes(8), neighbours=0), "have 0 neighbours"),
        (lambda: LatentGraph(lambda z: torch.nan * flat(z), codes(20)), "none of .* finite length"),
        (lambda: LatentGraph(flat, codes(4), edges=torch.tensor([[0, 4]])), "numbers, 0 to 3"),
        (lambda: LatentGraph.on_grid(flat, HIGH, LOW), "low < high"),
        (lambda: LatentGraph.on_grid(flat, LOW, HIGH, resolution=1), "resolution of 2 or more"),
        (lambda: LatentGraph.on_grid(flat, double(0, 0, 0), double(1, 1, 1)), "two coordinates"),
    ],
)
def test_a_graph_that_cannot_be_is_refused_in_one_sentence(make, said):
    with as_users_call(), pytest.raises(ValueError, match=said):
        make()


def test_end_points_that_do_not_fit_are_refused():
    graph = LatentGraph.on_grid(flat, LOW, HIGH, resolution=5)
    with pytest.raises(ValueError, match=r"1 end points lie outside the grid from \[-2.0, -2.0\]"):
        geodesic(flat, WEST, torch.stack([EAST, double(0, 2.6)]), graph=graph)
    with as_users_call(), pytest.raises(ValueError, match="must have 2 coordinates"):
        graph.shortest_path(double(0, 0, 0), double(1, 0, 0))
    with pytest.raises(ValueError, match="NaN"):
        graph.shortest_path(WEST, double(torch.nan, 0))
    assert graph.shortest_path(LOW.float(), HIGH.float()).isfinite().all()  # the corners belong


@pytest.mark.slow
def test_the_wall_looks_the_same_in_another_chart():
    """The graph's own grid changes with the chart; the geodesic it leads to does not."""
    A = Shear()
    G = PullbackMetric(lambda w: ridge(A.inverse(w)))
    box = A(torch.cartesian_prod(double(-2, 2), double(-2, 2.5)))
    low, high = box.amin(dim=0) - 1, box.amax(dim=0) + 1
    there = distance(G, A(WEST), A(EAST), graph=LatentGraph.on_grid(G, low, high))
    H = WALLS["decoded"]
    here = distance(H, WEST, EAST, graph=LatentGraph.on_grid(H, LOW, HIGH))
    assert_close(there, here, rtol=2e-4, atol=0)


def test_on_a_plane_a_graph_start_changes_nothing():
    plane, (a, b) = Plane(), (codes(10, seed=1).clamp(-2, 2), codes(10, seed=2).clamp(-2, 2))
    G = PullbackMetric(plane)
    graph = LatentGraph.on_grid(G, double(-2, -2), double(2, 2), resolution=10)
    assert_close(distance(G, a, b, graph=graph), plane.distance(a, b), rtol=1e-9, atol=0)
