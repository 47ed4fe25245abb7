"""A variational autoencoder with one encoder and several decoders: an ensemble over one latent
space."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..types import Float
from .mlp import MLP, layers
from .vae import sample


class EnsembleVAE(nn.Module):
    """x ~ N(fₛ(z), std²) with z ~ N(0, I) and a decoder s drawn evenly from S; q(z|x) as in `VAE`.

    In training a batch is dealt out among the decoders, an equal share to each, so a step costs
    about as much as with one decoder, and each sees other images at other times. What the decoders
    disagree about stands for what the data leave open: σ is a constant here.

    Args:
        pixels, latent, hidden, activation: as for `VAE`.
        decoders: S, how many.
        std: σ, the same for every pixel, in pixel units.

    Attributes:
        decoders: the maps z ↦ x, each an `MLP`, `(*batch, d)` → `(*batch, D)`.

    Raises:
        ValueError: no hidden layer or no decoder.

    Source: Syrota, Moreno-Muñoz and Hauberg (2024), Decoder ensembling for learned latent
        geometries.
    """

    def __init__(
        self,
        pixels: int,
        latent: int = 2,
        hidden: Sequence[int] = (128, 64),
        *,
        decoders: int = 8,
        activation: type[nn.Module] = nn.Tanh,
        std: float = 0.1,
    ):
        super().__init__()
        if not hidden or decoders < 1:
            raise ValueError(
                f"hidden is {tuple(hidden)} and decoders is {decoders}; "
                "give at least one width and one decoder."
            )
        self.latent, self.std = latent, std
        self.encoder = nn.Sequential(*layers([pixels, *hidden], activation))
        self.encoder_mean = nn.Linear(hidden[-1], latent)
        self.encoder_log_std = nn.Linear(hidden[-1], latent)
        self.decoders = nn.ModuleList(
            MLP(
                *layers([latent, *reversed(hidden)], activation),
                nn.Linear(hidden[0], pixels),
                nn.Sigmoid(),
            )
            for _ in range(decoders)
        )

    def encode(self, x: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch d"]:
        """The code of an image: the mean of q(z|x)."""
        return self.encoder_mean(self.encoder(x))

    def mean(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D"]:
        """m(z), the mean of the decoders' images."""
        return torch.stack([f(z) for f in self.decoders]).mean(dim=0)

    def elbo(
        self,
        x: Float[Tensor, "n D"],
        generator: torch.Generator | None = None,
        *,
        noise: Float[Tensor, "n d"] | None = None,
        kl_weight: float = 1.0,
    ) -> Float[Tensor, " n"]:
        """The evidence lower bound of each image in nats, image k decoded by decoder k·S // n: one
        sample of z, and of s in an even draw without replacement if the images come in random
        order.

        `generator`, `noise` and `kl_weight` as for `VAE`.
        """
        h = self.encoder(x)
        m, log_s = self.encoder_mean(h), self.encoder_log_std(h)
        shares = sample(m, log_s, generator, noise).tensor_split(len(self.decoders))
        mean = torch.cat([f(z) for f, z in zip(self.decoders, shares, strict=True)])
        log_likelihood = (
            -0.5 * ((x - mean) / self.std) ** 2 - math.log(self.std) - 0.5 * math.log(2 * math.pi)
        )
        kl = 0.5 * (m**2 + (2 * log_s).exp() - 1) - log_s
        return log_likelihood.sum(dim=-1) - kl_weight * kl.sum(dim=-1)
