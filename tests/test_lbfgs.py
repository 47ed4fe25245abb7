"""The preconditioned quasi-Newton solver, against Newton's method and closed forms."""

import warnings

import pytest
import torch
from examples import SURFACES, points, smooth_decoder
from torch.testing import assert_close

from geokit import PullbackMetric, UnresolvedGeodesic, distance, geodesic
from geokit.curves import StraightLine
from geokit.elements import Elements
from geokit.solvers import lbfgs, newton
from geokit.solvers.energies import DecodedEnergy


def pairs(n, d, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(2, n, d, generator=g, dtype=torch.float64).unbind()


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("known_by", ["its map", "its metric alone"])
def test_distance_equals_the_closed_form(name, known_by):
    surface, box = SURFACES[name]
    G = PullbackMetric(surface) if known_by == "its map" else surface.metric
    a, b = points(box, 10, 1), points(box, 10, 2)
    assert_close(
        distance(G, a, b, solver=lbfgs, tolerance=1e-5), surface.distance(a, b), rtol=1e-5, atol=0
    )


@pytest.mark.parametrize("d", [3, 8])
def test_it_finds_what_newton_finds(d):
    G, (a, b) = PullbackMetric(smooth_decoder(d, D=40)), pairs(6, d)
    assert_close(
        distance(G, a, b, solver=lbfgs), distance(G, a, b, solver=newton), rtol=1e-4, atol=0
    )


def test_many_dimensions_take_it_by_themselves_and_are_resolved():
    """d = 32 without a Jacobian of the curve: a few dozen iterations."""
    G, (a, b) = PullbackMetric(smooth_decoder(32, D=60)), pairs(6, 32)
    path = geodesic(G, a, b)
    assert path.resolved.all()
    assert path.iterations.max() <= 60
    assert_close(path.length, distance(G, a, b, solver=lbfgs))


def test_the_iteration_count_does_not_grow_with_the_number_of_points():
    f, (a, b) = smooth_decoder(4, D=40), pairs(6, 4)
    counts = []
    for elements in (Elements(8, 4), Elements(64, 4)):
        line = StraightLine(a, b)(elements.times(a))
        with torch.no_grad():
            counts.append(lbfgs(DecodedEnergy(f, elements), line, 1e-8).iterations.float().mean())
    assert counts[1] < 1.5 * counts[0]


def test_a_problem_does_not_depend_on_its_batch():
    G, (a, b) = PullbackMetric(smooth_decoder(5, D=40)), pairs(5, 5)
    together = distance(G, a, b, solver=lbfgs)
    alone = torch.stack([distance(G, x, y, solver=lbfgs) for x, y in zip(a, b, strict=True)])
    assert_close(alone, together, rtol=1e-10, atol=0)


def test_a_constant_decoder_gives_no_nan():
    a, b = pairs(3, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnresolvedGeodesic)
        path = geodesic(PullbackMetric(lambda z: 0 * z), a, b)
    assert path.length.isfinite().all()
    assert path.points.isfinite().all()
