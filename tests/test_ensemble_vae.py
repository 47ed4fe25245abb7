"""The VAE with several decoders."""

import pytest
import torch
from examples import as_users_call, smooth_decoder
from torch.distributions import Independent, Normal, kl_divergence
from torch.testing import assert_close

from geokit import PullbackMetric
from geokit.ensemble import disagreement, mean_pullback_metric
from geokit.models import EnsembleVAE
from geokit.training import fit


def small(seed=0, **options):
    torch.manual_seed(seed)
    return EnsembleVAE(12, 2, hidden=(16, 8), **{"decoders": 3, **options})


def pictures(n=300, seed=0):
    """Images with two hidden factors: what a two-dimensional code can hold."""
    z = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return smooth_decoder(D=12)(3 * z).float()


@pytest.mark.parametrize("n", [12, 13])
def test_elbo_is_log_likelihood_minus_kl_with_an_equal_share_for_each_decoder(n):
    vae, x = small(std=0.3).double(), pictures(n).double()
    h = vae.encoder(x)
    q = Independent(Normal(vae.encoder_mean(h), vae.encoder_log_std(h).exp()), 1)
    ε = torch.randn(n, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    z = q.base_dist.loc + q.base_dist.scale * ε
    prior = Independent(Normal(torch.zeros_like(z), torch.ones_like(z)), 1)
    owner = torch.tensor([0] * (n - 8) + [1] * 4 + [2] * 4)
    mean = torch.stack([f(z) for f in vae.decoders])[owner, torch.arange(n)]
    likelihood = Independent(Normal(mean, torch.full_like(mean, 0.3)), 1)
    expected = likelihood.log_prob(x) - kl_divergence(q, prior)
    assert_close(vae.elbo(x, torch.Generator().manual_seed(5)), expected, rtol=1e-10, atol=1e-10)


def test_the_mean_image_is_the_mean_of_the_decoders_images():
    vae, z = small(), torch.randn(2, 5, 2)
    each = torch.stack([f(z) for f in vae.decoders])
    assert_close(vae.mean(z), each.mean(dim=0))
    spread = (each - vae.mean(z)).square().sum(dim=-1).mean(dim=0)
    assert_close(disagreement(vae.decoders, z), spread)


def test_a_batch_smaller_than_the_ensemble_trains_some_decoders_only():
    vae, x = small(), pictures(2)
    vae.elbo(x).sum().backward()
    got = [f[0].weight.grad.abs().sum() > 0 for f in vae.decoders]
    assert got == [True, True, False]


def test_training_makes_decoders_that_agree_on_the_data_more_than_elsewhere():
    vae, x = small(), pictures()
    history = fit(vae, x, epochs=60, batch_size=48, learning_rate=1e-2, progress=False)
    assert history[-1] > history[0] + 2
    assert not vae.training
    z = vae.encode(x).detach()
    spread = (x - x.mean(dim=0)).square().mean()
    for f in vae.decoders:
        assert (f(z) - x).square().mean() < 0.5 * spread
    V = disagreement(vae.decoders, z).median()
    assert 0 < 2 * V < disagreement(vae.decoders, 4 * z).median()


def test_its_decoders_are_an_ensemble_for_the_geometry():
    vae, z = small().double(), torch.randn(5, 2, dtype=torch.float64)
    mean = torch.stack([PullbackMetric(f)(z) for f in vae.decoders]).mean(dim=0)
    assert_close(mean_pullback_metric(vae.decoders)(z), mean)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    def weights(seed):
        vae = small()
        fit(vae, pictures(64), epochs=2, seed=seed, progress=False)
        return torch.cat([p.flatten() for p in vae.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("options", [{"hidden": ()}, {"decoders": 0}])
def test_what_has_no_layer_or_no_decoder_is_refused(options):
    with as_users_call(), pytest.raises(ValueError, match="at least one width and one decoder"):
        EnsembleVAE(12, **options)
