"""Lengths, angles, volumes and unit balls at a point."""

import math

import pytest
import torch
from examples import SURFACES, Shear, as_users_call, points, smooth_decoder
from torch.testing import assert_close

from geokit import (
    PullbackMetric,
    angle,
    christoffel,
    gaussian_curvature,
    inner,
    norm,
    riemann_tensor,
    unit_ball,
    volume_element,
)
from geokit.surfaces import Plane, Sphere

DECODER = PullbackMetric(smooth_decoder())
EUCLID = PullbackMetric(Plane(torch.eye(2, dtype=torch.float64)))


def vectors(n, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(3, n, 2, generator=g, dtype=torch.float64).unbind()


def test_inner_is_symmetric_bilinear_and_positive():
    z, u, v = vectors(20)
    assert_close(inner(DECODER, z, u, v), inner(DECODER, z, v, u))
    assert_close(
        inner(DECODER, z, 3 * u + v, v), 3 * inner(DECODER, z, u, v) + inner(DECODER, z, v, v)
    )
    assert (inner(DECODER, z, u, u) > 0).all()


def test_norm_is_the_length_of_the_pushed_vector():
    z, u, _ = vectors(20)
    f = smooth_decoder()
    pushed = torch.func.jvp(f, (z,), (u,))[1]
    assert_close(norm(DECODER, z, u), pushed.norm(dim=-1))


def test_angle_in_the_plane_is_the_ordinary_one():
    z, u, v = vectors(20)
    cosine = (u * v).sum(-1) / u.norm(dim=-1) / v.norm(dim=-1)
    assert_close(angle(EUCLID, z, u, v), cosine.acos())


def test_angle_keeps_its_digits_where_arccos_loses_them():
    z, u = torch.zeros(2).double(), torch.tensor([1.0, 0.0]).double()
    tiny = torch.tensor([1.0, 1e-9]).double()
    assert_close(angle(EUCLID, z, u, tiny), torch.tensor(1e-9).double(), rtol=1e-6, atol=0)
    assert_close(angle(EUCLID, z, u, -u), torch.tensor(math.pi).double())


def test_angle_needs_vectors_of_positive_length():
    z = torch.zeros(2).double()
    with pytest.raises(ValueError, match="length zero"):
        angle(EUCLID, z, z, z + 1)


@pytest.mark.parametrize("name", SURFACES)
def test_volume_element_is_the_root_of_the_determinant(name):
    surface, box = SURFACES[name]
    z = points(box, 30)
    assert_close(volume_element(PullbackMetric(surface), z), surface.metric(z).det().sqrt())


def test_area_of_a_spherical_cap():
    """∫√det g over θ < θ₀ is 2π(1 − cos θ₀); midpoint rule in θ, exact in φ."""
    n, cap = 2000, 1.2
    θ = (torch.arange(n, dtype=torch.float64) + 0.5) * cap / n
    V = volume_element(PullbackMetric(Sphere()), torch.stack([θ, 0 * θ], dim=-1))
    assert_close(
        V.sum() * cap / n * 2 * math.pi, torch.tensor(2 * math.pi * (1 - math.cos(cap))).double()
    )


def test_volume_is_zero_where_the_metric_is_singular():
    flat = PullbackMetric(lambda z: z.sum(-1, keepdim=True).expand(*z.shape[:-1], 7))
    assert_close(
        volume_element(flat, torch.randn(5, 2).double()), torch.zeros(5).double(), atol=1e-7, rtol=0
    )


def test_an_indefinite_metric_is_refused():
    with pytest.raises(ValueError, match="negative eigenvalue"):
        volume_element(lambda z: torch.diag(torch.tensor([1.0, -1.0])), torch.zeros(2))


def test_every_step_of_the_unit_ball_has_length_one():
    z = points(SURFACES["sphere"][1], 10)
    ball = unit_ball(DECODER, z, points=50)
    assert ball.shape == (10, 50, 2)
    assert_close(norm(DECODER, z[:, None], ball), torch.ones(10, 50).double())


def test_unit_ball_of_the_sphere_has_half_axes_1_and_1_over_sine():
    z = torch.tensor([0.5, 0.0]).double()
    ball = unit_ball(PullbackMetric(Sphere()), z, points=721)
    half_axes = torch.tensor([1.0, 1 / math.sin(0.5)]).double()
    assert_close(ball.abs().amax(0), half_axes, rtol=1e-4, atol=0)


def test_unit_ball_needs_two_dimensions_and_a_metric_that_is_not_singular():
    with pytest.raises(ValueError, match="no unit ball"):
        unit_ball(lambda z: torch.zeros(2, 2).double(), torch.zeros(2).double())
    with as_users_call(), pytest.raises(ValueError, match="needs d = 2"):
        unit_ball(DECODER, torch.zeros(3).double())


def test_volumes_of_large_and_small_scale_do_not_overflow():
    for scale in (1e4, 1e-5):
        G = scale * torch.eye(10)
        assert_close(
            volume_element(lambda z, G=G: G, torch.zeros(3, 10)).log(),
            torch.full((3,), scale).log() * 5,
        )


def test_a_metric_that_is_nan_or_indefinite_is_refused():
    z, v = torch.zeros(2).double(), torch.tensor([0.0, 1.0]).double()
    with pytest.raises(ValueError, match="NaN or infinite"):
        volume_element(lambda z: torch.diag(torch.tensor([torch.nan, 1.0])).double(), z)
    with pytest.raises(ValueError, match="negative squared length"):
        norm(lambda z: torch.diag(torch.tensor([1.0, -1.0])).double(), z, v)


def test_the_angle_of_tiny_vectors():
    z = torch.zeros(2)
    u, v = 1e-30 * torch.tensor([1.0, 0.0]), 1e-25 * torch.tensor([1.0, 1.0])
    assert_close(angle(lambda z: torch.eye(2), z, u, v), torch.tensor(math.pi / 4))


def test_christoffel_symbols_of_the_sphere():
    z = points(SURFACES["sphere"][1], 20)
    Γ, θ = christoffel(PullbackMetric(Sphere(1.7)), z), z[:, 0]
    exact = torch.zeros_like(Γ)
    exact[:, 0, 1, 1] = -θ.sin() * θ.cos()
    exact[:, 1, 0, 1] = exact[:, 1, 1, 0] = θ.cos() / θ.sin()
    assert_close(Γ, exact, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", SURFACES)
def test_gaussian_curvature_equals_the_closed_form_in_every_chart(name):
    surface, box = SURFACES[name]
    z, A = points(box, 20), Shear()
    K = surface.gaussian_curvature(z)
    assert_close(gaussian_curvature(PullbackMetric(surface), z), K, rtol=1e-8, atol=1e-8)
    assert_close(gaussian_curvature(surface.metric, z), K, rtol=1e-8, atol=1e-8)
    G_b = PullbackMetric(lambda w: surface(A.inverse(w)))
    assert_close(gaussian_curvature(G_b, A(z)), K, rtol=1e-6, atol=1e-6)


def test_the_half_plane_has_curvature_minus_one():
    z = points(((-2.0, 2.0), (0.3, 3.0)), 20)
    K = gaussian_curvature(lambda z: torch.eye(2).to(z) / z[..., 1, None, None] ** 2, z)
    assert_close(K, -torch.ones(20).double())


def test_the_curvature_tensor_has_its_symmetries():
    """Antisymmetric in i, j; in l, k once lowered; and the first Bianchi identity (d = 3)."""
    f, z = PullbackMetric(smooth_decoder(3)), torch.randn(4, 3, dtype=torch.float64)
    R = riemann_tensor(f, z)
    assert_close(R, -R.mT)
    lowered = torch.einsum("...al,...lkij->...akij", f(z), R)
    assert_close(lowered, -lowered.transpose(-4, -3), rtol=1e-6, atol=1e-8)
    cyclic = R + torch.einsum("...lkij->...lijk", R) + torch.einsum("...lkij->...ljki", R)
    assert_close(cyclic, torch.zeros_like(R), rtol=0, atol=1e-8)
    assert R.abs().max() > 1e-3


def test_a_sphere_of_three_dimensions_has_constant_curvature():
    """R(∂ᵢ, ∂ⱼ)∂ₖ = Gⱼₖ∂ᵢ − Gᵢₖ∂ⱼ on the unit sphere of R⁴."""

    def sphere3(z):
        a, b, c = z.unbind(-1)
        s = a.sin() * b.sin()
        return torch.stack([a.cos(), a.sin() * b.cos(), s * c.cos(), s * c.sin()], -1)

    G, z = PullbackMetric(sphere3), torch.tensor([[0.8, 1.1, 0.3], [1.4, 0.6, 2.0]]).double()
    g, one = G(z), torch.eye(3).double()
    exact = torch.einsum("njk,li->nlkij", g, one) - torch.einsum("nik,lj->nlkij", g, one)
    assert_close(riemann_tensor(G, z), exact, rtol=1e-8, atol=1e-8)


def test_gaussian_curvature_is_for_surfaces():
    with as_users_call(), pytest.raises(ValueError, match="d = 2"):
        gaussian_curvature(DECODER, torch.zeros(3).double())
