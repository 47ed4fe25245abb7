"""A convolutional variational autoencoder with several decoders, in the three layouts of the
identifiability paper's experiments on pictures."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from ..types import Float
from .variational import Ensemble


class Step(NamedTuple):
    """One layer of a decoder: each pixel repeated `times` in both directions, then a convolution of
    stride 1 that keeps the size."""

    channels: int
    times: int = 2
    kernel: int = 3


class ConvVAE(Ensemble):
    """x ~ N(fₛ(z), std²) with z ~ N(0, I) and a decoder s drawn evenly from S, as `EnsembleVAE`,
    for pictures `(c, h, w)` that come and go flattened, D = c·h·w.

    The encoder halves the sides by 3×3 convolutions of stride 2 (a side of 7 becomes 4). Each
    decoder makes a small picture of `stem` channels from z, and its `steps` enlarge that one to at
    least h×w; the middle is the image. The sides of the small picture are h and w divided by the
    enlargement of all steps, rounded up. `fashion`, `cifar` and `celeba` are the paper's layouts.

    Shapes and numbers of parameters are those of the authors' code. Five things differ:

    * The output ends in a sigmoid. Theirs is linear, or for Fashion-MNIST an ELU. An ELU bends
      abruptly at 0, the value of every black pixel; and without a bound images leave [0, 1]
      between and beyond the data, where the geometry would count pixels that no image has.
    * For Fashion-MNIST they take every 32×32 picture to 28×28 by nearest neighbours: four rows and
      columns inside the picture are dropped, and rows that meet in the image were not neighbours.
      Here two pixels on each side are cut off.
    * They train with σ = 1, as wide as the whole range of a pixel. The KL then weighs more and may
      switch latent coordinates off; where it does, J loses rank and G is singular. The default is
      0.1, as for `EnsembleVAE`; `std=1` is theirs.
    * Their stride-2 layers pad an even side by one pixel at its end only, these at both ends: the
      same size, half a pixel aside.
    * The encoder's second head is log σ, not log σ².

    An ELU is C¹ only: its slope is continuous, its second derivative jumps at 0 from 1 to 0. So f
    is C¹ and G continuous, with kinks; geodesics exist, Christoffel symbols and curvature jump.
    With `activation=nn.Softplus` or `nn.Tanh` all is smooth.

    Args:
        shape: c, h, w.
        latent: d, the number of latent coordinates.
        channels: of the encoder's layers.
        stem: channels of the picture that a decoder begins with.
        steps: a decoder's layers, each a `Step` or a tuple `(channels, times, kernel)`, of which
            `times=2` and `kernel=3` may be left out; the last one makes the c channels.
        decoders: S, how many.
        activation: after every layer but the last; `output`: after the last.
        std: σ, the same for every pixel, in pixel units.

    Attributes:
        decoders: the maps z ↦ x, each `(*batch, d)` → `(*batch, D)`.

    Raises:
        ValueError: no layer, no decoder, a size below 1, a σ that is not positive, a last step
            that does not make c channels, or steps that enlarge by more than a side of the picture.

    Source: Syrota et al. (2025), Identifying metric structures of deep latent variable models, and
        its code for the layouts; Syrota, Moreno-Muñoz and Hauberg (2024) for the shared batch.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent: int,
        *,
        channels: Sequence[int],
        stem: int,
        steps: Sequence[Step | tuple[int, ...]],
        decoders: int = 8,
        activation: type[nn.Module] = nn.ELU,
        output: type[nn.Module] = nn.Sigmoid,
        std: float = 0.1,
    ):
        steps = [Step(*step) for step in steps]
        _require_layout(tuple(shape), latent, channels, stem, steps, decoders, std)
        c, h, w = shape = tuple(shape)
        halvings = 2 ** len(channels)
        encoder = nn.Sequential(
            nn.Unflatten(1, shape),
            *(
                layer
                for a, b in zip([c, *channels], channels, strict=False)
                for layer in (nn.Conv2d(a, b, kernel_size=3, stride=2, padding=1), activation())
            ),
            nn.Flatten(),
        )
        features = channels[-1] * -(-h // halvings) * -(-w // halvings)
        super().__init__(encoder, features, latent, std)
        self.shape = shape
        self.decoders.extend(
            Decoder(shape, latent, stem, steps, activation, output) for _ in range(decoders)
        )

    @classmethod
    def fashion(cls, latent: int = 16, *, thin: int = 1, **options) -> "ConvVAE":
        """For 1×28×28. `thin` divides the number of channels of every layer between image and
        code; `options` are the constructor's."""
        channels, steps = (16, 32, 64, 128, 256), ((128,), (64, 1), (32,), (16,), (1,))
        return cls((1, 28, 28), latent, **_thinned(channels, 256, steps, thin), **options)

    @classmethod
    def cifar(cls, latent: int = 64, *, thin: int = 1, **options) -> "ConvVAE":
        """For 3×32×32; arguments as for `fashion`."""
        channels, steps = (16, 32, 64, 128, 512), ((64, 1, 2), (32,), (16,), (8,), (3,))
        return cls((3, 32, 32), latent, **_thinned(channels, 256, steps, thin), **options)

    @classmethod
    def celeba(cls, latent: int = 64, *, thin: int = 1, **options) -> "ConvVAE":
        """For 3×64×64; arguments as for `fashion`."""
        channels = (32, 64, 128, 256, 512)
        steps = ((256, 1), (128,), (64,), (32,), (16,), (8,), (3, 1))
        return cls((3, 64, 64), latent, **_thinned(channels, 512, steps, thin), **options)

    def encode(self, x: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch d"]:
        """The code of an image: the mean of q(z|x)."""
        h = self.encoder(x.reshape(-1, x.shape[-1]))
        return self.encoder_mean(h).reshape(*x.shape[:-1], self.latent)


class Decoder(nn.Module):
    """`(*batch, d)` → `(*batch, D)`, any number of leading axes."""

    def __init__(self, shape, latent, stem, steps, activation, output):
        super().__init__()
        self.shape = shape
        times = math.prod(step.times for step in steps)
        small = (stem, *(-(-side // times) for side in shape[1:]))
        self.first = nn.Sequential(
            nn.Linear(latent, math.prod(small)), activation(), nn.Unflatten(1, small)
        )
        ends = [activation] * (len(steps) - 1) + [output]
        self.layers = nn.Sequential()
        for before, step, end in zip(
            [stem, *(s.channels for s in steps)], steps, ends, strict=False
        ):
            if step.times > 1:
                self.layers.append(nn.Upsample(scale_factor=step.times))
            if step.kernel % 2 == 0:  # an even kernel sees one pixel more after than before
                self.layers.append(nn.ZeroPad2d((0, 1, 0, 1)))
            self.layers.append(
                nn.Conv2d(before, step.channels, step.kernel, padding=(step.kernel - 1) // 2)
            )
            self.layers.append(end())

    def forward(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D"]:
        x = self.layers(self.first(z.reshape(-1, z.shape[-1])))
        _, h, w = self.shape
        top, left = (x.shape[-2] - h) // 2, (x.shape[-1] - w) // 2
        x = x[..., top : top + h, left : left + w]
        return x.reshape(*z.shape[:-1], math.prod(self.shape))


def _thinned(channels, stem, steps, thin) -> dict:
    """A layout with every inner number of channels divided."""
    if thin < 1 or any(n % thin for n in (*channels, stem, *(n for n, *_ in steps[:-1]))):
        raise ValueError(
            f"thin is {thin}; give a whole number from 1 that divides the channels "
            f"of every layer, encoder {channels}, stem {stem}, decoder {steps[:-1]}."
        )
    inner = [(n // thin, *rest) for n, *rest in steps[:-1]]
    return {
        "channels": [n // thin for n in channels],
        "stem": stem // thin,
        "steps": [*inner, steps[-1]],
    }


def _require_layout(shape, latent, channels, stem, steps, decoders, std) -> None:
    if not channels or not steps or decoders < 1:
        raise ValueError(
            f"channels are {tuple(channels)}, steps {tuple(map(tuple, steps))} and decoders is "
            f"{decoders}; give at least one layer of each kind and one decoder."
        )
    if len(shape) != 3 or min(*shape, latent, stem, *channels, *(n for s in steps for n in s)) < 1:
        raise ValueError(
            f"shape is {shape}, latent {latent}, channels {tuple(channels)}, stem {stem} and steps "
            f"{tuple(map(tuple, steps))}; give a shape (c, h, w), and sizes of at least 1."
        )
    if steps[-1].channels != shape[0]:
        raise ValueError(
            f"the last step makes {steps[-1].channels} channels and the shape {shape} has "
            f"{shape[0]}; they must agree."
        )
    times = math.prod(step.times for step in steps)
    if times > min(shape[1:]):
        raise ValueError(
            f"the steps enlarge by {times}, more than a side of the {shape[1]}×{shape[2]} picture; "
            "give fewer steps, or some with times=1."
        )
    if not std > 0:
        raise ValueError(f"std is {std}; give a positive number.")
