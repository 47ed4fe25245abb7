"""Exponential and logarithm maps, and parallel transport, on surfaces where the answer is known."""

import math
import warnings

import pytest
import torch
from examples import SURFACES, Shear, as_users_call, points, smooth_decoder
from torch.testing import assert_close

from geokit import (
    PullbackMetric,
    StraightLine,
    UnresolvedGeodesic,
    christoffel,
    distance,
    exponential_map,
    inner,
    logarithm_map,
    norm,
    parallel_transport,
)
from geokit.surfaces import Sphere

SPHERE = PullbackMetric(Sphere())


@pytest.mark.slow
def test_a_walk_on_the_sphere_follows_the_great_circle():
    """exp is x cos|v| + (v/|v|) sin|v| in space."""
    z = points(((0.8, 2.3), (0.0, 2.0)), 20)
    v = 0.5 * torch.randn(20, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = Sphere()(z)
    step = torch.func.jvp(Sphere(), (z,), (v,))[1]
    r = step.norm(dim=-1, keepdim=True)
    assert_close(
        Sphere()(exponential_map(SPHERE, z, v)), x * r.cos() + step / r * r.sin(), rtol=0, atol=1e-7
    )


@pytest.mark.parametrize("known_by", ["its map", "its metric alone"])
def test_both_ways_to_the_acceleration_agree(known_by):
    surface, box = SURFACES["swiss roll"]
    z, v = points(box, 10), torch.ones(10, 2).double()
    G = PullbackMetric(surface) if known_by == "its map" else surface.metric
    w = exponential_map(G, z, v)
    s = surface.arc_length
    speed = (1 + z[:, 0] ** 2).sqrt()  # straight on the unrolled paper
    assert_close(s(w[:, 0]), s(z[:, 0]) + speed, rtol=1e-7, atol=0)
    assert_close(w[:, 1], z[:, 1] + 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", SURFACES)
def test_exp_and_log_undo_each_other_and_log_is_as_long_as_the_distance(name):
    surface, box = SURFACES[name]
    G = PullbackMetric(surface)
    z, w = points(box, 10, 1), points(box, 10, 2)
    v = logarithm_map(G, z, w)
    assert_close(exponential_map(G, z, v), w, rtol=0, atol=1e-6)
    assert_close(norm(G, z, v), surface.distance(z, w), rtol=1e-6, atol=0)


@pytest.mark.slow
def test_on_a_decoder_too():
    G = PullbackMetric(smooth_decoder())
    z, w = torch.randn(2, 6, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    v = logarithm_map(G, z, w)
    assert_close(exponential_map(G, z, v), w, rtol=0, atol=1e-6)
    assert_close(norm(G, z, v), distance(G, z, w), rtol=1e-4, atol=0)


@pytest.mark.slow
def test_equivalent_models_agree_about_exp():
    """exp_A(z)(J_A v) = A(exp_z(v))."""
    f, A = smooth_decoder(), Shear()
    G, G_b = PullbackMetric(f), PullbackMetric(lambda w: f(A.inverse(w)))
    z, v = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    pushed = torch.func.jvp(A, (z,), (v,))[1]
    assert_close(exponential_map(G_b, A(z), pushed), A(exponential_map(G, z, v)), rtol=0, atol=1e-6)


def test_the_logarithm_of_the_point_itself_is_zero():
    z = torch.tensor([[1.0, 0.5], [1.2, 0.1]]).double()
    w = torch.stack([z[0], z[1] + 0.1])
    assert (logarithm_map(SPHERE, z, w)[0] == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("size", [1e-2, 0.3])
def test_the_logarithm_in_float32_has_the_digits_that_float32_has(size):
    """Steps and demands that know eps: near points and far ones, each as float64 has it."""
    g = torch.Generator().manual_seed(0)
    z, w = torch.tensor([1.2, 0.5]) + size * torch.randn(2, 6, 2, generator=g)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnresolvedGeodesic)  # digits enough for a direction
        v = logarithm_map(SPHERE, z, w)
    assert v.dtype == torch.float32
    exact = logarithm_map(SPHERE, z.double(), w.double())
    assert_close(v.double(), exact, rtol=1e-5, atol=5e-6)
    assert_close(exponential_map(SPHERE, z, v), w, rtol=0, atol=1e-5)


def test_a_tolerance_of_the_callers_is_all_that_the_logarithm_asks_for():
    z, w = torch.tensor([[1.2, 0.5], [1.6, 0.9]]).double()
    v = logarithm_map(SPHERE, z, w, tolerance=1e-4)
    assert_close(exponential_map(SPHERE, z, v), w, rtol=0, atol=1e-3)


@pytest.mark.slow
def test_transport_keeps_lengths_and_angles():
    f = PullbackMetric(smooth_decoder())
    a, b, u, v = torch.randn(
        4, 8, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64
    )
    line = StraightLine(a, b)
    moved_u, moved_v = parallel_transport(f, line, u), parallel_transport(f, line, v)
    for x, y, mx, my in ((u, u, moved_u, moved_u), (u, v, moved_u, moved_v)):
        assert_close(inner(f, b, mx, my), inner(f, a, x, y), rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_round_a_parallel_a_vector_turns_by_the_area_inside():
    """Gauss-Bonnet: round the cap of colatitude θ the angle is the cap's area, 2π(1 − cos θ)."""
    θ = 0.7

    def parallel(t):
        return torch.stack([θ + 0 * t, 2 * math.pi * t], dim=-1)

    south = torch.tensor([1.0, 0.0]).double()
    back = parallel_transport(SPHERE, parallel, south)
    turned = torch.atan2(back[1] * math.sin(θ), back[0])
    area = 2 * math.pi * (1 - math.cos(θ))
    assert_close(torch.cos(turned).item(), math.cos(area), rtol=0, atol=1e-7)


Z = torch.tensor([1.0, 0.0]).double()
LINE = StraightLine(Z, Z + 0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exponential_map(SPHERE, Z, torch.ones(3).double()), "z has 2 .* v has 3"),
        (lambda: exponential_map(SPHERE, Z * torch.nan, Z), "NaN or infinite"),
        (lambda: exponential_map(SPHERE, Z, Z.float()), "they must agree"),
        (lambda: exponential_map(PullbackMetric(lambda z: 0 * z), Z, Z), "metric is singular"),
        (lambda: exponential_map(lambda z: z / 0 * torch.eye(2), Z, Z), "singular, NaN"),
        (lambda: logarithm_map(SPHERE, Z, torch.ones(3).double()), "w has 3"),
        (lambda: parallel_transport(SPHERE, LINE, torch.ones(3).double()), "v has 3"),
        (lambda: christoffel(SPHERE, torch.zeros(2).double()), "metric is singular"),
    ],
)
def test_bad_input_is_refused(call, message):
    with as_users_call(), pytest.raises(ValueError, match=message):
        call()


def test_a_way_may_leap_over_a_pole_unnoticed():
    """What the docstring warns of: the answer lies outside the chart, as nobody was asked there."""
    z, v = torch.tensor([1.0, 0.0]).double(), torch.tensor([-2.0, 0.0]).double()
    end = exponential_map(PullbackMetric(Sphere()), z, v)
    assert_close(end, torch.tensor([-1.0, 0.0]).double())
