"""The VAE and the training loop."""

import math

import pytest
import torch
from examples import smooth_decoder
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence
from torch.testing import assert_close

from geokit.models import VAE
from geokit.training import fit


def small_vae(seed=0, **options):
    torch.manual_seed(seed)
    return VAE(12, 2, hidden=(16, 8), **options)


def pictures(n=300, seed=0):
    """Images with two hidden factors: what a two-dimensional code can hold."""
    z = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return smooth_decoder(D=12)(3 * z).float()


def test_elbo_equals_log_likelihood_minus_kl_by_torch_distributions():
    vae, x = small_vae().double(), pictures(20).double()
    h = vae.encoder(x)
    q = Independent(Normal(vae.encoder_mean(h), vae.encoder_log_std(h).exp()), 1)
    ε = torch.randn(20, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    z = q.base_dist.loc + q.base_dist.scale * ε
    p = Independent(Normal(vae.mean(z), vae.std(z)), 1)
    prior = Independent(Normal(torch.zeros_like(z), torch.ones_like(z)), 1)
    expected = p.log_prob(x) - kl_divergence(q, prior)
    assert_close(vae.elbo(x, torch.Generator().manual_seed(5)), expected, rtol=1e-10, atol=1e-10)


def test_a_weight_of_the_kl_scales_it_alone():
    vae, x = small_vae().double(), pictures(20).double()
    h = vae.encoder(x)
    q = Independent(Normal(vae.encoder_mean(h), vae.encoder_log_std(h).exp()), 1)
    zero = torch.zeros(20, 2, dtype=torch.float64)
    kl = kl_divergence(q, Independent(Normal(zero, zero + 1), 1))

    def elbo(**options):
        return vae.elbo(x, torch.Generator().manual_seed(5), **options)

    assert_close(elbo(kl_weight=0.3), elbo() + 0.7 * kl, rtol=1e-12, atol=1e-12)
    assert torch.equal(elbo(kl_weight=1.0), elbo())


def test_std_can_be_narrower_than_one_and_never_below_its_floor():
    """A softplus on log σ² would force σ ≥ 1: wider than a pixel's whole range."""
    vae = small_vae(floor=0.07)
    fit(vae, pictures(), epochs=40, batch_size=32, learning_rate=1e-2, progress=False)
    σ = vae.std(torch.randn(200, 2))
    assert σ.min() >= 0.07
    assert σ.median() < 0.3


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_shapes(batch):
    vae = small_vae()
    z = torch.randn(*batch, 2)
    assert vae.mean(z).shape == vae.std(z).shape == (*batch, 12)
    assert vae.encode(vae.mean(z)).shape == z.shape
    assert vae.elbo(vae.mean(z)).shape == batch


def test_training_raises_the_elbo_and_reconstructs():
    vae, x = small_vae(), pictures()
    before = (vae.mean(vae.encode(x)) - x).square().sum(-1).mean()
    history = fit(vae, x, epochs=60, batch_size=32, learning_rate=1e-2, progress=False)
    after = (vae.mean(vae.encode(x)) - x).square().sum(-1).mean()
    assert len(history) == 60
    assert history[-1] > history[0] + 5
    assert after < 0.6 * before
    assert not vae.training


@pytest.mark.parametrize(
    ("share", "weights"), [(0.5, [0, 1 / 3, 2 / 3, 1, 1, 1]), (1 / 3, [0, 1 / 2, 1, 1, 1, 1])]
)
def test_the_weight_of_the_kl_rises_to_one_in_its_share_of_the_epochs(share, weights):
    seen = []

    class Witness(VAE):
        def elbo(self, x, generator=None, *, kl_weight=1.0):
            seen.append(kl_weight)
            return super().elbo(x, generator, kl_weight=kl_weight)

    fit(Witness(12, 2, (8,)), pictures(64), epochs=6, kl_warm_up=share, progress=False)
    assert seen == pytest.approx(weights)


class Slope(nn.Module):
    """One parameter with a constant gradient: Adam moves it by the learning rate at each step."""

    def __init__(self):
        super().__init__()
        self.p = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def elbo(self, x, generator):  # without a warm-up, nothing more is asked of it
        return self.p.expand(len(x))


@pytest.mark.parametrize(
    ("decay", "shares"),
    [(False, 4.0), (True, sum((1 + math.cos(math.pi * k / 4)) / 2 for k in range(4)))],
)
def test_the_learning_rate_falls_along_half_a_cosine_or_stays(decay, shares):
    one = Slope()
    fit(one, torch.zeros(9, 1), epochs=4, learning_rate=0.1, decay=decay, progress=False)
    assert one.p.item() == pytest.approx(0.1 * shares, rel=1e-6)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    def weights(seed):
        vae = small_vae()
        fit(vae, pictures(64), epochs=2, seed=seed, progress=False)
        return torch.cat([p.flatten() for p in vae.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_training_does_not_touch_the_global_random_state():
    vae, x = small_vae(), pictures(64)
    state = torch.get_rng_state()
    fit(vae, x, epochs=1, progress=False)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_progress_bar_names_the_elbo(capsys):
    fit(small_vae(), pictures(64), epochs=2)
    assert "ELBO" in capsys.readouterr().err


def test_a_diverged_training_says_so():
    with pytest.raises(ValueError, match="training diverged in epoch 1"):
        fit(small_vae(), pictures(64) * torch.nan, epochs=3, progress=False)


@pytest.mark.parametrize("options", [{"epochs": 0}, {"batch_size": 0}])
def test_nothing_to_train_on_is_refused(options):
    with pytest.raises(ValueError, match="at least 1"):
        fit(small_vae(), pictures(8), progress=False, **options)
    with pytest.raises(ValueError, match="got 0 images"):
        fit(small_vae(), pictures(8)[:0], progress=False)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_warm_up_outside_the_training_is_refused(share):
    with pytest.raises(ValueError, match="from 0 to 1"):
        fit(small_vae(), pictures(8), kl_warm_up=share, progress=False)


@pytest.mark.gpu
def test_the_same_draws_on_a_gpu():
    here, there = small_vae(), small_vae()
    a = fit(here, pictures(64), epochs=3, progress=False)
    b = fit(there, pictures(64), epochs=3, device="cuda", progress=False)
    assert a == pytest.approx(b, rel=1e-4)


def test_a_smooth_activation_is_the_default():
    assert isinstance(small_vae().trunk[1], nn.Tanh)
