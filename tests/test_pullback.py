"""The Jacobian and the metrics made of it."""

import pytest
import torch
from examples import SURFACES, Shear, as_users_call, points, smooth_decoder
from torch.testing import assert_close

from geokit import PullbackMetric, expected_pullback_metric, jacobian
from geokit.surfaces import Sphere


def by_differences(f, z, h=1e-6):
    steps = h * torch.eye(z.shape[-1], dtype=z.dtype)
    return torch.stack([(f(z + e) - f(z - e)) / (2 * h) for e in steps], dim=-1)


def test_jacobian_agrees_with_central_differences():
    f, z = smooth_decoder(), torch.randn(7, 2, dtype=torch.float64)
    assert_close(jacobian(f, z), by_differences(f, z), rtol=0, atol=1e-8)


def test_jacobian_agrees_with_reverse_mode():
    f, z = smooth_decoder(d=3), torch.randn(5, 3, dtype=torch.float64)
    reverse = torch.func.vmap(torch.func.jacrev(f))(z)
    assert_close(jacobian(f, z), reverse, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("batch", [(), (1,), (4,), (2, 3), (0,)])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_leading_axes_stay_where_they_are(batch, d):
    f, z = smooth_decoder(d), torch.randn(*batch, d, dtype=torch.float64)
    J = jacobian(f, z)
    assert J.shape == (*batch, 20, d)
    if batch == (2, 3):
        assert_close(J[1, 2], jacobian(f, z[1, 2]), rtol=1e-12, atol=1e-14)


def test_a_stacked_immersion_keeps_its_model_axis():
    """Weights with a leading model axis, (model, n, d) → (model, n, D): each its own Jacobian."""
    W = torch.randn(3, 2, 5, dtype=torch.float64)

    def f(z):
        return (z @ W).tanh()

    z = torch.randn(3, 4, 2, dtype=torch.float64)
    alone = jacobian(lambda z: (z @ W[1]).tanh(), z[1])
    assert_close(jacobian(f, z)[1], alone, rtol=1e-12, atol=1e-14)


def test_derivatives_flow_through_the_jacobian():
    z = torch.randn(2, dtype=torch.float64, requires_grad=True)
    G = PullbackMetric(smooth_decoder())
    assert torch.autograd.gradcheck(G, (z,))


def test_memory_of_a_point_is_of_order_d_times_D():
    """Not D²: in forward mode no square of the outputs is ever formed."""
    D, largest = 400, 0
    f = smooth_decoder(D=D)

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            out = func(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor):
                largest = max(largest, out.numel())
            return out

    with Watch():
        jacobian(f, torch.randn(10, 2, dtype=torch.float64))
    assert 10 * D * 2 <= largest < 10 * D * D / 10


def test_metric_of_the_sphere_is_diag_1_sin2():
    G = PullbackMetric(Sphere())(torch.tensor([1.0, 0.5], dtype=torch.float64))
    assert_close(G, torch.diag(torch.tensor([1.0, torch.tensor(1.0).sin() ** 2]).double()))


@pytest.mark.parametrize("name", SURFACES)
def test_pullback_metric_equals_the_closed_form(name):
    surface, box = SURFACES[name]
    z = points(box, 50)
    assert_close(PullbackMetric(surface)(z), surface.metric(z), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", SURFACES)
def test_a_change_of_chart_is_an_isometry(name):
    """A*g_b = g_a for f_b = f_a∘A⁻¹: the isometry theorem, in the words of the library."""
    surface, box = SURFACES[name]
    A, z = Shear(), points(box, 50)
    G_b = PullbackMetric(lambda w: surface(A.inverse(w)))
    assert_close(
        PullbackMetric(A, ambient=G_b)(z), PullbackMetric(surface)(z), rtol=1e-10, atol=1e-10
    )


def test_expected_metric_is_the_mean_over_random_decoders():
    """E[JᵀJ] of x = μ + σε, against 20,000 draws of ε: within five standard errors everywhere."""
    mean, std = smooth_decoder(seed=1), smooth_decoder(seed=2)
    z = torch.randn(2, dtype=torch.float64)
    ε = torch.randn(20_000, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    J = jacobian(mean, z) + ε[..., None] * jacobian(std, z)
    G = J.mT @ J
    error = G.std(0) / len(ε) ** 0.5
    assert ((expected_pullback_metric(mean, std)(z) - G.mean(0)).abs() < 5 * error).all()


def test_expected_metric_takes_the_standard_deviation_and_not_the_variance():
    mean, std = smooth_decoder(seed=1), smooth_decoder(seed=2)
    z = torch.randn(3, 2, dtype=torch.float64)
    wrong = expected_pullback_metric(mean, lambda z: std(z) ** 2)(z)
    right = PullbackMetric(mean)(z) + PullbackMetric(std)(z)
    assert_close(expected_pullback_metric(mean, std)(z), right)
    assert (wrong - right).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (torch.tensor([1, 2]), "needs floats"),
        (torch.tensor(1.0), "single number"),
        ([1.0, 2.0], "torch tensor"),
    ],
)
def test_points_that_cannot_be_points_are_refused(z, message):
    with as_users_call(), pytest.raises(ValueError, match=message):
        jacobian(Sphere(), z)


def test_a_map_that_moves_the_leading_axes_is_refused():
    with pytest.raises(ValueError, match="keep the leading axes"):
        jacobian(lambda z: z.sum(dim=0), torch.randn(4, 2))


def test_a_constant_map_has_a_jacobian_of_zeros():
    z = torch.randn(4, 2)
    J = jacobian(lambda z: torch.ones(*z.shape[:-1], 3), z)
    assert_close(J, torch.zeros(4, 3, 2))
