"""A variational autoencoder whose decoder has no variance: each pixel is a chance of white."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..types import Float
from .mlp import MLP, layers
from .vae import sample


class BernoulliVAE(nn.Module):
    """x ~ Bernoulli(mean(z)), pixel by pixel, with z ~ N(0, I); q(z|x) = N(encode(x), ·) with a
    diagonal covariance.

    The usual model of the handwritten digits of MNIST, whose pixels are nearly black or white. For
    a grey pixel the likelihood is a cross-entropy and no density; the decoded `mean` is what the
    geometry takes.

    Args:
        pixels: D, the number of pixels of one image, each in [0, 1].
        latent: d, the number of latent coordinates.
        hidden: widths of the encoder's hidden layers; the decoder has them in reverse.
        activation: smooth, so that the metric is: tanh, softplus, ELU. With ReLU it jumps.

    Source: Kingma and Welling (2014), appendix C.1.
    """

    def __init__(
        self,
        pixels: int,
        latent: int = 2,
        hidden: Sequence[int] = (512,),
        *,
        activation: type[nn.Module] = nn.Tanh,
    ):
        super().__init__()
        if not hidden:
            raise ValueError("hidden is empty; give the width of at least one hidden layer.")
        self.latent = latent
        self.encoder = nn.Sequential(*layers([pixels, *hidden], activation))
        self.encoder_mean = nn.Linear(hidden[-1], latent)
        self.encoder_log_std = nn.Linear(hidden[-1], latent)
        self.decoder = nn.Sequential(
            *layers([latent, *reversed(hidden)], activation), nn.Linear(hidden[0], pixels)
        )

    def encode(self, x: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch d"]:
        """The code of an image: the mean of q(z|x)."""
        return self.encoder_mean(self.encoder(x))

    @property
    def mean(self) -> MLP:
        """The decoded image, each pixel in (0, 1): a map `(*batch, d)` → `(*batch, D)`."""
        return MLP(*self.decoder, nn.Sigmoid())

    def elbo(
        self,
        x: Float[Tensor, "*batch D"],
        generator: torch.Generator | None = None,
        *,
        noise: Float[Tensor, "*batch d"] | None = None,
        kl_weight: float = 1.0,
    ) -> Float[Tensor, "*batch"]:
        """E_q[log p(x|z)] − KL(q(z|x) ‖ p(z)) in nats, one sample of z an image.

        `generator`, `noise` and `kl_weight` as for `VAE`.
        """
        h = self.encoder(x)
        m, log_s = self.encoder_mean(h), self.encoder_log_std(h)
        log_odds = self.decoder(sample(m, log_s, generator, noise))
        # log p = x log μ + (1 − x) log(1 − μ), with μ = sigmoid(log odds)
        log_likelihood = x * log_odds - nn.functional.softplus(log_odds)
        kl = 0.5 * (m**2 + (2 * log_s).exp() - 1) - log_s
        return log_likelihood.sum(dim=-1) - kl_weight * kl.sum(dim=-1)
