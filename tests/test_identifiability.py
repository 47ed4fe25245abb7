"""Equivalent models are isometric, and the probes see where the theorem's assumptions fail."""

import math

import pytest
import torch
from examples import Shear, as_users_call, points, smooth_decoder
from torch import Tensor

from geokit import PullbackMetric
from geokit.identifiability import (
    indeterminacy,
    injectivity_defect,
    isometry_error,
    smallest_singular_value,
)
from geokit.surfaces import Sphere

LINE = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]


def stereographic(w: Tensor) -> Tensor:
    """The unit sphere without its north pole, seen from there: another chart of it."""
    s = w.square().sum(dim=-1, keepdim=True)
    return torch.cat([2 * w, s - 1], dim=-1) / (s + 1)


def seen_from_the_pole(x: Tensor) -> Tensor:
    return x[..., :2] / (1 - x[..., 2:])


def eight(t: Tensor) -> Tensor:
    """A figure eight: the origin at t = 0 and at t = π."""
    return torch.cat([t.sin(), t.sin() * t.cos()], dim=-1)


def cusp(t: Tensor) -> Tensor:
    """Injective, yet with derivative zero at t = 0."""
    return torch.cat([t**2, t**3], dim=-1)


class Coupling:
    """A random affine coupling of two coordinates, with its inverse."""

    def __init__(self, seed: int):
        generator = torch.Generator().manual_seed(seed)
        self.a, self.b, self.c = torch.randn(3, generator=generator, dtype=torch.float64) * 0.8

    def __call__(self, z: Tensor) -> Tensor:
        u, v = z.unbind(-1)
        v = v * (self.a * u.sin()).exp() + self.b * u**2
        return torch.stack([u * (self.c * v.cos()).exp(), v], dim=-1)

    def inverse(self, w: Tensor) -> Tensor:
        u, v = w.unbind(-1)
        u = u * (-self.c * v.cos()).exp()
        return torch.stack([u, (v - self.b * u**2) * (-self.a * u.sin()).exp()], dim=-1)


def test_two_charts_of_the_sphere_are_isometric():
    """The closed form of A: colatitude and longitude to the stereographic plane, r = cot(θ/2)."""
    z = points(((0.4, 2.7), (0.0, 2.5)), 20)
    A = indeterminacy(Sphere(), seen_from_the_pole)
    θ, φ = z.unbind(-1)
    r = 1 / (θ / 2).tan()
    torch.testing.assert_close(A(z), torch.stack([r * φ.cos(), r * φ.sin()], dim=-1))
    error = isometry_error(A, PullbackMetric(Sphere()), PullbackMetric(stereographic), z)
    assert error.shape == (20,)
    assert error.max() < 1e-12


def test_the_indeterminacy_of_equal_decoders_in_an_affine_chart_is_that_affine_map():
    f = smooth_decoder()
    M = torch.tensor([[2.0, 0.5], [0.3, -1.0]], dtype=torch.float64)
    b = torch.tensor([1.0, -2.0], dtype=torch.float64)
    z = points(((-1, 1), (-1, 1)), 10)
    G_b = PullbackMetric(lambda w: f((w - b) @ torch.linalg.inv(M).T))
    assert isometry_error(lambda z: z @ M.T + b, PullbackMetric(f), G_b, z).max() < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_a_random_coupling_of_a_random_decoder_is_an_isometry(seed):
    A, f = Coupling(seed), smooth_decoder(seed=seed)
    z = points(((-1.5, 1.5), (-1.5, 1.5)), 30, seed).reshape(5, 6, 2)
    torch.testing.assert_close(A.inverse(A(z)), z)
    error = isometry_error(A, PullbackMetric(f), PullbackMetric(lambda w: f(A.inverse(w))), z)
    assert error.shape == (5, 6)
    assert error.max() < 1e-10


def test_the_error_of_a_map_that_is_no_isometry_has_its_closed_form():
    """G_a = diag(1, 4) and A = 3z into the Euclidean plane: ‖diag(8, 5)‖ / ‖diag(1, 4)‖."""
    z = torch.zeros(1, 2, dtype=torch.float64)
    G_a = PullbackMetric(lambda z: z * torch.tensor([1.0, 2.0]).to(z))
    error = isometry_error(lambda z: 3 * z, G_a, PullbackMetric(lambda z: z), z)
    assert error.item() == pytest.approx(math.sqrt((64 + 25) / (1 + 16)))


def test_a_sheet_with_another_image_is_not_isometric():
    """A plane and the paraboloid above it: G_b − G_a = z zᵀ, so the error is |z|²/√2."""
    z = points(((-1, 1), (-1, 1)), 10)

    def paraboloid(z):
        return torch.cat([z, z.square().sum(dim=-1, keepdim=True) / 2], dim=-1)

    error = isometry_error(lambda z: z, PullbackMetric(lambda z: z), PullbackMetric(paraboloid), z)
    torch.testing.assert_close(error, z.square().sum(dim=-1) / math.sqrt(2))


def test_the_smallest_singular_value_of_the_globe_is_the_radius_of_the_parallel():
    z = points(((0.1, 3.0), (0.0, 2.5)), 12).reshape(3, 4, 2)
    torch.testing.assert_close(smallest_singular_value(Sphere(), z), z[..., 0].sin())


def test_the_smallest_singular_value_vanishes_at_a_cusp_only():
    """|f′| = |t|·√(4 + 9t²)."""
    t = LINE[:, 0]
    torch.testing.assert_close(smallest_singular_value(cusp, LINE), t.abs() * (4 + 9 * t**2).sqrt())


def test_a_code_of_more_dimensions_than_its_image_is_of_rank_too_low():
    z = points(((-1, 1), (-1, 1)), 4)
    assert (smallest_singular_value(lambda z: z[..., :1], z) == 0).all()


def test_a_linear_map_has_no_injectivity_defect():
    M = torch.tensor([[2.0, 1.0], [0.0, 0.1], [1.0, 0.0]], dtype=torch.float64)
    assert injectivity_defect(lambda z: z @ M.T, points(((-1, 1), (-1, 1)), 12)).max() < 1e-12


def test_the_two_codes_of_the_crossing_have_defect_one_and_no_others():
    t = torch.tensor([0.0, 0.5, 1.3, math.pi, 4.0, 5.5], dtype=torch.float64)[:, None]
    defect = injectivity_defect(eight, t)
    crossing = torch.tensor([True, False, False, True, False, False])
    assert (defect[crossing] > 1 - 1e-12).all()
    assert (defect[~crossing] < 0.95).all()


def test_the_defect_of_an_arc_is_that_of_its_farthest_code():
    """The chord of a circle over its arc, sin(δ/2)/(δ/2), falls with the angle δ."""
    t = torch.tensor([0.0, 0.7, 2.0], dtype=torch.float64)[:, None]
    farthest = torch.tensor([2.0, 1.3, 2.0], dtype=torch.float64) / 2
    defect = injectivity_defect(lambda t: torch.cat([t.cos(), t.sin()], dim=-1), t)
    torch.testing.assert_close(defect, 1 - farthest.sin() / farthest)


def test_with_geodesic_distances_the_defect_is_the_same_in_every_chart():
    """Antipodes: chord 2, great circle π. In a shear of the chart the straight lines are others."""
    A, z = Shear(), torch.tensor([[0.5, 0.0], [math.pi - 0.5, math.pi], [1.2, 0.4]]).double()
    x = Sphere()(z)
    apart = (x @ x.T).clamp(-1, 1).acos()
    defect = injectivity_defect(Sphere(), z, apart=apart)
    assert defect[:2].tolist() == pytest.approx([1 - 2 / math.pi] * 2)

    def other(w):
        return Sphere()(A.inverse(w))

    torch.testing.assert_close(injectivity_defect(other, A(z), apart=apart), defect)
    assert (injectivity_defect(other, A(z)) - injectivity_defect(Sphere(), z)).abs().max() > 1e-3


def test_equal_codes_count_as_one_and_a_collapsed_direction_as_a_shared_image():
    z = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    assert injectivity_defect(lambda z: 2 * z, z).max() < 1e-12
    assert injectivity_defect(lambda z: z[..., :1], z).tolist() == pytest.approx([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda z: isometry_error(lambda z: z, PullbackMetric(cusp), abs, z[:1] * 0), "is zero"),
        (
            lambda z: isometry_error(
                lambda z: z.sign() * z.abs().sqrt(),
                PullbackMetric(lambda z: z),
                PullbackMetric(lambda z: z),
                z * 0,
            ),
            "A must be differentiable",
        ),
        (lambda z: injectivity_defect(cusp, z[:1]), "at least two of them different"),
        (lambda z: injectivity_defect(cusp, z[[0, 0]]), "at least two of them different"),
        (lambda z: injectivity_defect(cusp, z, apart=torch.ones(3, 3)), "apart has shape"),
        (lambda z: injectivity_defect(cusp, z, apart=torch.full((9, 9), torch.nan)), "NaN"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_sentence(call, sentence):
    with as_users_call(), pytest.raises(ValueError, match=sentence):
        call(LINE)
