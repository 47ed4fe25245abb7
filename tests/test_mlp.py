"""Layers that know their own derivatives, against automatic differentiation."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from geokit import PullbackMetric, distance, jacobian
from geokit.models import MLP, VAE
from geokit.models.mlp import SLOPES, Floored


def network(kind, d=2, last=nn.Sigmoid):
    torch.manual_seed(0)
    one = kind(0.1) if kind is Floored else kind()
    return MLP(
        nn.Linear(d, 7), one, nn.Linear(7, 9, bias=False), one, nn.Linear(9, 11), last()
    ).double()


def plain(f):
    """The same map without its own derivatives."""
    return lambda z: f(z)


@pytest.mark.parametrize("kind", SLOPES)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_jacobian_equals_forward_mode(kind, d):
    f, z = network(kind, d), torch.randn(4, 5, d, dtype=torch.float64)
    assert_close(f.derivatives(z).jacobian, jacobian(plain(f), z), rtol=1e-12, atol=1e-14)
    assert_close(jacobian(f, z), f.derivatives(z).jacobian)
    assert f.derivatives(z[0, 0]).jacobian.shape == (11, d)


@pytest.mark.parametrize("kind", SLOPES)
@pytest.mark.parametrize("d", [1, 3])
def test_curvature_equals_autodiff(kind, d):
    f, z = network(kind, d), torch.randn(6, d, dtype=torch.float64)
    w = torch.randn(6, 11, dtype=torch.float64)
    hessian = torch.func.vmap(torch.func.hessian(f))(z)
    exact = torch.einsum("na,naij->nij", w, hessian)
    assert_close(f.derivatives(z).curvature(w), exact, rtol=1e-12, atol=1e-14)


def test_a_vaes_decoder_brings_its_derivatives():
    torch.manual_seed(0)
    vae = VAE(12, 2, hidden=(8, 6)).double()
    z = torch.randn(5, 2, dtype=torch.float64)
    for f in (vae.mean, vae.std):
        assert_close(f.derivatives(z).jacobian, jacobian(plain(f), z), rtol=1e-12, atol=1e-14)


def test_geodesics_are_the_same_either_way():
    f = network(nn.Tanh)
    a, b = torch.randn(2, 8, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert_close(
        distance(PullbackMetric(f), a, b),
        distance(PullbackMetric(plain(f)), a, b),
        rtol=1e-12,
        atol=0,
    )


def test_gradients_flow_through_to_the_weights():
    f = network(nn.Tanh)
    f.derivatives(torch.randn(3, 2).double()).jacobian.sum().backward()
    assert all(p.grad is not None for p in f[0].parameters())


@pytest.mark.parametrize("layer", [nn.Dropout(), nn.ELU(alpha=2.0), nn.Softplus(beta=3)])
def test_layers_without_known_derivatives_are_refused(layer):
    with pytest.raises(ValueError, match="no layer of an MLP"):
        MLP(nn.Linear(2, 3), layer)
