"""A convolutional decoder for many latent dimensions: smooth, so that its metric is."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from ..types import Float


class ConvDecoder(nn.Module):
    """`(*batch, d)` → `(*batch, D)`: a picture of 3 channels, flattened, each value in (0, 1).

    A linear layer makes a small picture of 4×4 pixels and many channels; each further layer is a
    transposed convolution that doubles both sides. Every layer ends in a tanh, the last one in a
    sigmoid. With `channels=(32, 16, 8)` the pictures are 32×4×4, 16×8×8, 8×16×16 and 3×32×32, so
    D = 3072.

    Args:
        latent: d, the number of latent coordinates.
        channels: how many each picture before the last has.

    Raises:
        ValueError: no channels, or a size below 1.
    """

    def __init__(self, latent: int = 32, channels: Sequence[int] = (32, 16, 8)):
        super().__init__()
        if not channels or min(latent, *channels) < 1:
            raise ValueError(
                f"latent is {latent} and channels are {tuple(channels)}; "
                "give at least one number of channels, and sizes of at least 1."
            )
        self.first = nn.Linear(latent, channels[0] * 16)
        self.convolutions = nn.ModuleList(
            nn.ConvTranspose2d(a, b, kernel_size=4, stride=2, padding=1)
            for a, b in zip(channels, [*channels[1:], 3], strict=True)
        )

    @property
    def mean(self) -> "ConvDecoder":
        """The decoder itself, under the name that a VAE gives its map `z ↦ x`."""
        return self

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the picture that `forward` flattens."""
        side = 4 * 2 ** len(self.convolutions)
        return 3, side, side

    def forward(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D"]:
        """The picture of each code, flattened."""
        # one leading axis, as convolutions want it; the batch's own come back at the end
        x = self.first(z).tanh().reshape(-1, self.convolutions[0].in_channels, 4, 4)
        for convolution in self.convolutions[:-1]:
            x = convolution(x).tanh()
        return self.convolutions[-1](x).sigmoid().reshape(*z.shape[:-1], prod(self.shape))

    @torch.no_grad()
    def randomise(self, seed: int, *, gain: float) -> "ConvDecoder":
        """New weights from a seed, in place: normal, so that a signal of variance one arrives with
        standard deviation `gain` at each activation; biases normal with deviation 0.3.

        The larger the gain, the more the map bends.
        """
        draws = torch.Generator().manual_seed(seed)

        def normal(like: Tensor) -> Tensor:
            return torch.randn(like.shape, generator=draws, dtype=torch.float64).to(like)

        for layer in (self.first, *self.convolutions):
            # a pixel of the output sees a quarter of a 4×4 kernel, and all channels
            inputs = layer.in_features if layer is self.first else 4 * layer.in_channels
            layer.weight.copy_(gain * inputs**-0.5 * normal(layer.weight))
            layer.bias.copy_(0.3 * normal(layer.bias))
        return self
