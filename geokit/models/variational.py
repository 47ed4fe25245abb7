"""What the variational autoencoders here share: the encoder, the bound, Gaussian pixels, ensembles
of decoders."""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ..types import Float


class Variational(nn.Module, ABC):
    """q(z|x) = N(encode(x), ·) with a diagonal covariance, z ~ N(0, I), and a p(x|z) that each
    model says by its `log_likelihood`.

    Args:
        encoder: from images to features, which two linear heads turn into mean and log std of z.
        features: how many.
        latent: d, the number of latent coordinates.
    """

    def __init__(self, encoder: nn.Module, features: int, latent: int):
        super().__init__()
        self.latent = latent
        self.encoder = encoder
        self.encoder_mean = nn.Linear(features, latent)
        self.encoder_log_std = nn.Linear(features, latent)

    def encode(self, x: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch d"]:
        """The code of an image: the mean of q(z|x)."""
        return self.encoder_mean(self.encoder(x))

    @abstractmethod
    def log_likelihood(
        self, x: Float[Tensor, "*batch D"], z: Float[Tensor, "*batch d"]
    ) -> Float[Tensor, "*batch"]:
        """log p(x|z) in nats."""

    def elbo(
        self,
        x: Float[Tensor, "*batch D"],
        generator: torch.Generator | None = None,
        *,
        noise: Float[Tensor, "*batch d"] | None = None,
        kl_weight: float = 1.0,
    ) -> Float[Tensor, "*batch"]:
        """E_q[log p(x|z)] − KL(q(z|x) ‖ p(z)) in nats, one sample of z an image; a lower bound of
        log p(x).

        The noise comes from `generator`, a CPU one, so that a seed gives the same run on every
        device; or it is `noise`, standard normal, drawn before. A `kl_weight` other than 1
        multiplies the KL, and then it is no bound.
        """
        h = self.encoder(x)
        m, log_s = self.encoder_mean(h), self.encoder_log_std(h)
        if noise is None:
            noise = torch.randn(m.shape, generator=generator, dtype=m.dtype).to(m.device)
        kl = 0.5 * (m**2 + (2 * log_s).exp() - 1) - log_s
        log_likelihood = self.log_likelihood(x, m + log_s.exp() * noise)
        return log_likelihood - kl_weight * kl.sum(dim=-1)


class Ensemble(Variational):
    """One encoder and several decoders over one latent space; each pixel is Gaussian with one σ.

    Args:
        encoder, features, latent: as for `Variational`.
        decoders: the maps z ↦ x, `(*batch, d)` → `(*batch, D)`.
        std: σ, the same for every pixel, in pixel units.
    """

    def __init__(self, encoder: nn.Module, features: int, latent: int, std: float):
        super().__init__(encoder, features, latent)
        self.std = std
        self.decoders = nn.ModuleList()

    def mean(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D"]:
        """m(z), the mean of the decoders' images."""
        return torch.stack([f(z) for f in self.decoders]).mean(dim=0)

    def log_likelihood(
        self, x: Float[Tensor, "n D"], z: Float[Tensor, "n d"]
    ) -> Float[Tensor, " n"]:
        """log p(x|z, s) in nats: the images are dealt out in equal shares, the first to the first
        decoder. If S does not divide n, the first shares have one image more.

        In random order that is an even draw of s without replacement.
        """
        shares = z.tensor_split(len(self.decoders))
        mean = torch.cat([f(z) for f, z in zip(self.decoders, shares, strict=True)])
        return gaussian_log_likelihood(x, mean, self.std)


def gaussian_log_likelihood(
    x: Float[Tensor, "*batch D"], mean: Float[Tensor, "*batch D"], std: Tensor | float
) -> Float[Tensor, "*batch"]:
    """log N(x; mean, std²) in nats, summed over the pixels; `std` is one for all, or one each."""
    log_std = std.log() if isinstance(std, Tensor) else math.log(std)
    square = -0.5 * ((x - mean) / std) ** 2
    return (square - log_std - 0.5 * math.log(2 * math.pi)).sum(dim=-1)
