"""A variational autoencoder whose decoder has no variance: each pixel is a chance of white."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..types import Float
from .mlp import MLP, layers
from .variational import Variational


class BernoulliVAE(Variational):
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
        if not hidden:
            raise ValueError("hidden is empty; give the width of at least one hidden layer.")
        encoder = nn.Sequential(*layers([pixels, *hidden], activation))
        super().__init__(encoder, hidden[-1], latent)
        self.decoder = nn.Sequential(
            *layers([latent, *reversed(hidden)], activation), nn.Linear(hidden[0], pixels)
        )

    @property
    def mean(self) -> MLP:
        """The decoded image, each pixel in (0, 1): a map `(*batch, d)` → `(*batch, D)`."""
        return MLP(*self.decoder, nn.Sigmoid())

    def log_likelihood(
        self, x: Float[Tensor, "*batch D"], z: Float[Tensor, "*batch d"]
    ) -> Float[Tensor, "*batch"]:
        """Σ x log μ + (1 − x) log(1 − μ) in nats, with μ = sigmoid(log odds)."""
        log_odds = self.decoder(z)
        return (x * log_odds - nn.functional.softplus(log_odds)).sum(dim=-1)
