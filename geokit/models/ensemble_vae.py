"""A variational autoencoder with one encoder and several decoders: an ensemble over one latent
space."""

from collections.abc import Sequence

from torch import nn

from .mlp import MLP, layers
from .variational import Ensemble


class EnsembleVAE(Ensemble):
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
        if not hidden or decoders < 1:
            raise ValueError(
                f"hidden is {tuple(hidden)} and decoders is {decoders}; "
                "give at least one width and one decoder."
            )
        encoder = nn.Sequential(*layers([pixels, *hidden], activation))
        super().__init__(encoder, hidden[-1], latent, std)
        self.decoders.extend(
            MLP(
                *layers([latent, *reversed(hidden)], activation),
                nn.Linear(hidden[0], pixels),
                nn.Sigmoid(),
            )
            for _ in range(decoders)
        )
