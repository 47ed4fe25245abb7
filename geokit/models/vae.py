"""A variational autoencoder of fully connected layers: small enough to read, and to train in
seconds on digits."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..types import Float
from .mlp import MLP, Floored, layers


class VAE(nn.Module):
    """x ~ N(mean(z), std(z)²) with z ~ N(0, I); q(z|x) = N(encode(x), ·) with a diagonal
    covariance.

    The decoder's two heads share a trunk. Pixels lie in [0, 1], so `mean` ends in a sigmoid. `std`
    is the standard deviation σ itself, a softplus above a floor: a softplus on log σ² would force
    σ ≥ 1, wider than the whole range of a pixel.

    Args:
        pixels: D, the number of pixels of one image.
        latent: d, the number of latent coordinates.
        hidden: widths of the encoder's hidden layers; the decoder has them in reverse.
        activation: smooth, so that the metric is: tanh, softplus, ELU. With ReLU it jumps.
        floor: the least σ, in pixel units. Without one, a pixel that is always black drives the
            likelihood to infinity.

    Source: Kingma and Welling (2014); the layout follows Arvanitidis et al. (2018).
    """

    def __init__(
        self,
        pixels: int,
        latent: int = 2,
        hidden: Sequence[int] = (128, 64),
        *,
        activation: type[nn.Module] = nn.Tanh,
        floor: float = 0.1,
    ):
        super().__init__()
        if not hidden:
            raise ValueError("hidden is empty; give the width of at least one hidden layer.")
        self.latent, self.floor = latent, floor
        self.encoder = nn.Sequential(*layers([pixels, *hidden], activation))
        self.encoder_mean = nn.Linear(hidden[-1], latent)
        self.encoder_log_std = nn.Linear(hidden[-1], latent)
        self.trunk = nn.Sequential(*layers([latent, *reversed(hidden)], activation))
        self.mean_head = nn.Linear(hidden[0], pixels)
        self.std_head = nn.Linear(hidden[0], pixels)

    def encode(self, x: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch d"]:
        """The code of an image: the mean of q(z|x)."""
        return self.encoder_mean(self.encoder(x))

    @property
    def mean(self) -> MLP:
        """The decoded image μ(z), each pixel in (0, 1): a map `(*batch, d)` → `(*batch, D)`."""
        return MLP(*self.trunk, self.mean_head, nn.Sigmoid())

    @property
    def std(self) -> MLP:
        """The standard deviation σ(z) of each pixel: a map `(*batch, d)` → `(*batch, D)`."""
        return MLP(*self.trunk, self.std_head, Floored(self.floor))

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
        z = sample(m, log_s, generator, noise)
        σ = self.std(z)
        log_likelihood = (
            -0.5 * ((x - self.mean(z)) / σ) ** 2 - σ.log() - 0.5 * math.log(2 * math.pi)
        )
        kl = 0.5 * (m**2 + (2 * log_s).exp() - 1) - log_s
        return log_likelihood.sum(dim=-1) - kl_weight * kl.sum(dim=-1)


def sample(
    mean: Tensor, log_std: Tensor, generator: torch.Generator | None, noise: Tensor | None
) -> Tensor:
    """z = mean + std ⊙ ε: a draw from q(z|x) through which gradients flow; ε is `noise`, or drawn
    from a CPU `generator`."""
    if noise is None:
        noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype).to(mean.device)
    return mean + log_std.exp() * noise
