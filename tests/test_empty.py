"""A batch without problems has an answer of the right shape, from everything public that takes
points."""

import pytest
import torch
from examples import smooth_decoder

import geokit
from geokit import CubicSpline, LatentGraph, PullbackMetric, RBFPrecision, StraightLine
from geokit.surfaces import HalfPlane, Sphere

f, half_plane = Sphere(), HalfPlane().metric
decoders = [smooth_decoder(seed=seed) for seed in (0, 1)]
NODES = torch.randn(20, 2, generator=torch.Generator().manual_seed(0)).double()
METRICS = {
    "a map": PullbackMetric(f),
    "a metric alone": half_plane,
    "an ambient metric": PullbackMetric(lambda z: z.exp(), ambient=half_plane),
    "an ensemble": geokit.mean_pullback_metric(decoders),
}
STEPS = {"steps": 3, "scale": 0.1, "generator": torch.Generator()}
precision = RBFPrecision(NODES, torch.ones(20).double(), torch.ones(5, 20).double(), 0.1)

OF_A_METRIC = {  # G and points z `(*batch, 2)` to something of shape `(*batch, *shape)`
    "angle": (lambda G, z: geokit.angle(G, z, z, z), ()),
    "brownian_motion": (lambda G, z: geokit.brownian_motion(G, z, **STEPS).movedim(0, -1), (2, 4)),
    "christoffel": (geokit.christoffel, (2, 2, 2)),
    "distance": (lambda G, z: geokit.distance(G, z, z), ()),
    "energy": (lambda G, z: geokit.energy(G, StraightLine(z, z)), ()),
    "exponential_map": (lambda G, z: geokit.exponential_map(G, z, z), (2,)),
    "gaussian_curvature": (geokit.gaussian_curvature, ()),
    "geodesic": (lambda G, z: geokit.geodesic(G, z, z)(torch.rand(5)), (5, 2)),
    "inner": (lambda G, z: geokit.inner(G, z, z, z), ()),
    "isometry_error": (lambda G, z: geokit.isometry_error(torch.exp, G, G, z), ()),
    "length": (
        lambda G, z: geokit.length(G, CubicSpline(z[..., None, :].expand(*z.shape[:-1], 5, 2))),
        (),
    ),
    "logarithm_map": (lambda G, z: geokit.logarithm_map(G, z, z), (2,)),
    "norm": (lambda G, z: geokit.norm(G, z, z), ()),
    "parallel_transport": (lambda G, z: geokit.parallel_transport(G, StraightLine(z, z), z), (2,)),
    "riemann_tensor": (geokit.riemann_tensor, (2, 2, 2, 2)),
    "riemannian_walk": (lambda G, z: geokit.riemannian_walk(G, z, **STEPS).movedim(0, -1), (2, 4)),
    "unit_ball": (geokit.unit_ball, (64, 2)),
    "volume_element": (geokit.volume_element, ()),
    "LatentGraph": (lambda G, z: LatentGraph(G, NODES).shortest_path(z, z), (257, 2)),
}
OF_A_MAP = {
    "CubicSpline": (lambda z: CubicSpline(torch.stack([z, z], -2))(torch.rand(5)), (5, 2)),
    "PullbackMetric": (PullbackMetric(f), (2, 2)),
    "RBFPrecision": (lambda z: precision.std(z) + precision.precision(z), (5,)),
    "StraightLine": (lambda z: StraightLine(z, z)(torch.rand(5)), (5, 2)),
    "disagreement": (lambda z: geokit.disagreement(decoders, z), ()),
    "ensemble_energy": (lambda z: geokit.ensemble_energy(decoders, torch.stack([z, z], -2)), ()),
    "euclidean_walk": (lambda z: geokit.euclidean_walk(z, **STEPS).movedim(0, -1), (2, 4)),
    "expected_pullback_metric": (geokit.expected_pullback_metric(f, precision.std), (2, 2)),
    "indeterminacy": (geokit.indeterminacy(f, lambda x: x[..., :2]), (2,)),
    "jacobian": (lambda z: geokit.jacobian(f, z), (3, 2)),
    "mean_pullback_metric": (geokit.mean_pullback_metric(decoders), (2, 2)),
    "smallest_singular_value": (lambda z: geokit.smallest_singular_value(f, z), ()),
}
WITHOUT_A_BATCH = {
    "Geodesic",  # a result
    "UnresolvedGeodesic",
    "coefficient_of_variation",  # of numbers
    "compare",
    "injectivity_defect",  # of at least two codes with each other
}


def test_nothing_public_is_forgotten():
    assert {*OF_A_METRIC, *OF_A_MAP, *WITHOUT_A_BATCH} == set(geokit.__all__)


@pytest.mark.parametrize("batch", [(0,), (3, 0)])
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", OF_A_METRIC)
def test_of_a_metric_an_empty_batch_gives_an_empty_answer(name, metric, batch):
    call, shape = OF_A_METRIC[name]
    assert call(METRICS[metric], torch.ones(*batch, 2).double()).shape == (*batch, *shape)


@pytest.mark.parametrize("batch", [(0,), (3, 0)])
@pytest.mark.parametrize("name", OF_A_MAP)
def test_of_a_map_an_empty_batch_gives_an_empty_answer(name, batch):
    call, shape = OF_A_MAP[name]
    assert call(torch.ones(*batch, 2).double()).shape == (*batch, *shape)


@pytest.mark.parametrize("batch", [(0,), (3, 0)])
def test_further_starts_and_every_solver_take_an_empty_batch(batch):
    """A curve to start from, a graph, and each solver in the place of Newton's."""
    G, z = METRICS["a map"], torch.ones(*batch, 2).double()
    options = [{"solver": getattr(geokit.solvers, s)} for s in ("lbfgs", "georce", "spline_adam")]
    for more in ({"initial": StraightLine(z, z)}, {"graph": LatentGraph(G, NODES)}, *options):
        path = geokit.geodesic(G, z, z, **more)
        assert path.length.shape == path.disagree.shape == batch
        assert path.points.shape == (*batch, 257, 2)
