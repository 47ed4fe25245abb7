"""The VAE with a Bernoulli likelihood, and the one of MNIST that comes with the package."""

import pytest
import torch
from examples import smooth_decoder
from torch import nn
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence
from torch.testing import assert_close

from geokit import data, jacobian, pretrained
from geokit.models import MLP, BernoulliVAE
from geokit.training import fit


def small(seed=0, **options):
    torch.manual_seed(seed)
    return BernoulliVAE(12, 2, hidden=(16, 8), **options).double()


def pictures(n=200, seed=0):
    z = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return smooth_decoder(D=12)(3 * z)


def test_elbo_equals_log_likelihood_minus_kl_by_torch_distributions():
    """Of black and white pixels, where the cross-entropy is a likelihood."""
    vae, x = small(), pictures(20).round()
    h = vae.encoder(x)
    q = Independent(Normal(vae.encoder_mean(h), vae.encoder_log_std(h).exp()), 1)
    ε = torch.randn(20, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    z = q.base_dist.loc + q.base_dist.scale * ε
    prior = Independent(Normal(torch.zeros_like(z), torch.ones_like(z)), 1)
    expected = Independent(Bernoulli(vae.mean(z)), 1).log_prob(x) - kl_divergence(q, prior)
    assert_close(vae.elbo(x, torch.Generator().manual_seed(5)), expected, rtol=1e-10, atol=1e-10)


def test_the_mean_knows_its_derivatives():
    vae, z = small(), torch.randn(5, 2, dtype=torch.float64)
    assert isinstance(vae.mean, MLP)
    assert_close(vae.mean.derivatives(z).jacobian, jacobian(lambda z: vae.mean(z), z))


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_shapes(batch):
    vae, z = small(), torch.randn(*batch, 2, dtype=torch.float64)
    assert vae.mean(z).shape == (*batch, 12)
    assert vae.encode(vae.mean(z)).shape == z.shape
    assert vae.elbo(vae.mean(z)).shape == batch


def test_training_raises_the_elbo():
    vae = small()
    history = fit(vae, pictures(), epochs=30, batch_size=32, learning_rate=1e-2, progress=False)
    assert history[-1] > history[0] + 0.2


def test_a_decoder_needs_a_hidden_layer():
    with pytest.raises(ValueError, match="hidden is empty"):
        BernoulliVAE(12, hidden=())


def test_the_activation_is_the_callers():
    assert any(isinstance(layer, nn.ReLU) for layer in small(activation=nn.ReLU).mean)


@pytest.mark.data
def test_the_codes_of_mnist_are_what_the_encoder_says_of_its_test_images():
    one, test = pretrained.load("mnist"), data.load("mnist", split="test")
    model, x = one.model.double(), test.pixels.flatten(1).double()
    assert_close(model.encode(x), one.codes.double(), rtol=0, atol=1e-4)
    assert torch.equal(one.labels, test.labels)
    error = (model.mean(one.codes.double()) - x).square().mean().item()
    assert error == pytest.approx(one.about["figures"]["error_test"], abs=2e-5)
    elbo = model.elbo(x, torch.Generator().manual_seed(0)).mean().item()
    assert elbo == pytest.approx(one.about["figures"]["elbo_test"], abs=0.02)


def test_the_weights_of_mnist_are_stored_with_half_the_digits():
    """What is rounded twice to half precision is rounded once."""
    for value in pretrained.load("mnist").model.state_dict().values():
        assert torch.equal(value, value.half().float())
