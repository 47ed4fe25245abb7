"""A variational autoencoder of fully connected layers: small enough to read, and to train in
seconds on digits."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..types import Float
from .mlp import MLP, Floored, layers
from .variational import Variational, gaussian_log_likelihood


class VAE(Variational):
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
        if not hidden:
            raise ValueError("hidden is empty; give the width of at least one hidden layer.")
        encoder = nn.Sequential(*layers([pixels, *hidden], activation))
        super().__init__(encoder, hidden[-1], latent)
        self.floor = floor
        self.trunk = nn.Sequential(*layers([latent, *reversed(hidden)], activation))
        self.mean_head = nn.Linear(hidden[0], pixels)
        self.std_head = nn.Linear(hidden[0], pixels)

    @property
    def mean(self) -> MLP:
        """The decoded image μ(z), each pixel in (0, 1): a map `(*batch, d)` → `(*batch, D)`."""
        return MLP(*self.trunk, self.mean_head, nn.Sigmoid())

    @property
    def std(self) -> MLP:
        """The standard deviation σ(z) of each pixel: a map `(*batch, d)` → `(*batch, D)`."""
        return MLP(*self.trunk, self.std_head, Floored(self.floor))

    def log_likelihood(
        self, x: Float[Tensor, "*batch D"], z: Float[Tensor, "*batch d"]
    ) -> Float[Tensor, "*batch"]:
        """log N(x; mean(z), std(z)²) in nats."""
        return gaussian_log_likelihood(x, self.mean(z), self.std(z))
