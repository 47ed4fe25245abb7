"""An injective decoder by construction: an invertible map of R^D, applied to the code and zeros.

The map is a chain of affine couplings. zuko's own couplings count their mask and write into their
output, which `torch.func.vmap` over stacked models cannot do; the ones here do neither. The small
flow that models the codes is zuko's, imported when a model is built.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..types import Derivatives, Float
from .mlp import MLP, layers


class Coupling(nn.Module):
    """b ↦ b·exp(s(a)) + t(a), with a given: invertible in b whatever s and t are, and |s| < 1.

    So a coupling stretches no coordinate by more than e. The bound is a tanh, smooth as the metric
    should be; zuko's soft clip of s has no second derivative at zero.

    Args:
        given, changed: how many coordinates a and b have.
        hidden: widths of the network for s and t.

    Source: Dinh, Sohl-Dickstein and Bengio (2017), Density estimation using Real NVP.
    """

    def __init__(self, given: int, changed: int, hidden: Sequence[int]):
        super().__init__()
        head = nn.Linear(hidden[-1], 2 * changed)
        self.conditioner = MLP(*layers([given, *hidden], nn.Tanh), head)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        r, t = self.conditioner(a).chunk(2, dim=-1)
        return b * r.tanh().exp() + t

    def inverse(self, a: Tensor, b: Tensor) -> Tensor:
        r, t = self.conditioner(a).chunk(2, dim=-1)
        return (b - t) * (-r.tanh()).exp()

    def push(
        self, a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]
    ) -> tuple[tuple[Tensor, Tensor], Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]]:
        """The coupling of points with their d tangents: a, b and the result are pairs, values
        `(*batch, n)` and tangents `(*batch, d, n)`.

        The second result is the way back: from the adjoint λ of the new b to the adjoints of a and
        of b, and the second derivative in λ's direction that this coupling adds, `(*batch, d, d)`.
        """
        (y, T), (b, Tb) = a, b
        tape = []  # of each tanh: the tangents at its input, its output and its slope
        for layer in self.conditioner:
            y = layer(y)
            if isinstance(layer, nn.Linear):
                T = T @ layer.weight.mT
            else:
                tape.append((T, y, 1 - y * y))
                T = T * tape[-1][-1][..., None, :]
        (r, t), (Tr, Tt) = y.chunk(2, dim=-1), T.chunk(2, dim=-1)
        s = r.tanh()
        scale, slope = s.exp(), 1 - s * s
        stretched = b * scale
        value = stretched + t
        Ts = Tr * slope[..., None, :]
        tangents = Tb * scale[..., None, :] + Ts * stretched[..., None, :] + Tt

        def pull(λ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            λb, λs = λ * scale, λ * stretched
            mixed = (Tb * λb[..., None, :]) @ Ts.mT
            H = mixed + mixed.mT + _gram(Ts, λs) + _gram(Tr, -2 * λs * s * slope)
            adjoint, states = torch.cat([λs * slope, λ], dim=-1), list(tape)
            for layer in reversed(self.conditioner):
                if isinstance(layer, nn.Linear):
                    adjoint = adjoint @ layer.weight
                else:
                    T, y, first = states.pop()
                    adjoint = adjoint * first
                    H = H + _gram(T, -2 * adjoint * y)
            return adjoint, λb, H

        return (value, tangents), pull


def _gram(T: Tensor, weights: Tensor) -> Tensor:
    """Σₐ wₐ Tᵢₐ Tⱼₐ."""
    return (T * weights[..., None, :]) @ T.mT


class PaddedFlow(nn.Module):
    """f(z) = flow([z, 0]): an injective immersion, `(*batch, d)` → `(*batch, D)`, for any weights.

    The couplings change the second half of the coordinates, then the first, and so on. At the end
    the halves are the pixels of even and of odd number, so that each has neighbours in the other.
    """

    def __init__(self, pixels: int, latent: int, transforms: int, hidden: Sequence[int]):
        super().__init__()
        self.pixels, self.latent = pixels, latent
        sizes = [(pixels + 1) // 2, pixels // 2]
        self.couplings = nn.ModuleList(
            Coupling(sizes[i % 2], sizes[1 - i % 2], hidden) for i in range(transforms)
        )

    def forward(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D"]:
        return self.flow(nn.functional.pad(z, (0, self.pixels - self.latent)))

    def flow(self, y: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch D"]:
        """The invertible map of R^D."""
        given, changed = y.tensor_split([(self.pixels + 1) // 2], dim=-1)  # D may be odd
        for coupling in self.couplings:
            given, changed = coupling(given, changed), given
        return self._pixels(given, changed)

    def inverse(self, x: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch D"]:
        """y with flow(y) = x."""
        given, changed = self._halves(x)
        for coupling in reversed(self.couplings):
            given, changed = changed, coupling.inverse(changed, given)
        return torch.cat([given, changed], dim=-1)

    def derivatives(self, z: Float[Tensor, "*batch d"]) -> Derivatives:
        """Image, Jacobian and curvature in one pass, equal to automatic differentiation to
        rounding: the d tangents go through the couplings with the point."""
        padding = (0, self.pixels - self.latent)
        T = torch.eye(self.latent).to(z).expand(*z.shape, self.latent)
        sizes = [(self.pixels + 1) // 2, self.pixels // 2]
        y, T = (nn.functional.pad(v, padding).split(sizes, dim=-1) for v in (z, T))
        given, changed = zip(y, T, strict=True)
        way_back = []
        for coupling in self.couplings:
            new, pull = coupling.push(given, changed)
            given, changed = new, given
            way_back.append(pull)
        value, J = (self._pixels(a, b) for a, b in zip(given, changed, strict=True))

        def curvature(weights: Tensor) -> Tensor:
            given, changed = self._halves(weights)  # now the adjoints of the halves
            total = z.new_zeros(*z.shape, self.latent)
            for pull in reversed(way_back):
                to_given, to_changed, H = pull(given)
                given, changed = changed + to_given, to_changed
                total = total + H
            return total

        return Derivatives(value, J.mT, curvature)

    def _pixels(self, given: Tensor, changed: Tensor) -> Tensor:
        """The halves after the last coupling, as pixels 0, 2, 4, … and 1, 3, 5, …"""
        even, odd = (changed, given) if len(self.couplings) % 2 else (given, changed)
        missing = even.shape[-1] - odd.shape[-1]  # 1 where D is odd
        x = torch.stack([even, nn.functional.pad(odd, (0, missing))], dim=-1).flatten(-2)
        return x[..., : x.shape[-1] - missing]

    def _halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of `_pixels`."""
        even, odd = x[..., ::2], x[..., 1::2]
        return (odd, even) if len(self.couplings) % 2 else (even, odd)


class ManifoldFlow(nn.Module):
    """x ~ N(mean(z), std²), where mean(z) = flow([z, 0]) for an invertible flow of R^D; a second,
    small flow of R^d models the density of the codes.

    Two codes never share an image (A2), and the Jacobian has full rank everywhere (A3), by
    construction; in rounded arithmetic a singular value can still be as good as zero.

    Args:
        pixels: D, the number of pixels of one image.
        latent: d, the number of latent coordinates.
        transforms: couplings of the flow of R^D. With one, half of the pixels are the code and
            zeros; each coupling costs about the same.
        hidden: widths of the network in each coupling.
        std: the standard deviation of a pixel, fixed, in pixel units.

    Raises:
        ValueError: a size below 1, a code as large as the image, no coupling, no hidden layer, a
            std that is not positive, or zuko is not installed.

    Source: Brehmer and Cranmer (2020), Flows for simultaneous manifold learning and density
        estimation (its M-flow).
    """

    def __init__(
        self,
        pixels: int,
        latent: int = 2,
        *,
        transforms: int = 4,
        hidden: Sequence[int] = (128,),
        std: float = 0.1,
    ):
        super().__init__()
        if not 1 <= latent < pixels:
            raise ValueError(
                f"latent is {latent} for {pixels} pixels; give at least 1 and fewer than pixels, "
                "so that the codes fill a surface in the space of images."
            )
        if transforms < 1:
            raise ValueError(f"transforms is {transforms}; give at least one coupling.")
        if not hidden:
            raise ValueError("hidden is empty; give the width of at least one hidden layer.")
        if not std > 0:
            raise ValueError(f"std is {std}; give a standard deviation above 0, in pixel units.")
        try:
            from zuko.flows import MAF
        except ImportError:
            raise ValueError(
                "ManifoldFlow needs zuko, which is not installed; pip install geokit[flows]."
            ) from None
        self.latent, self.std = latent, std
        self.mean = PaddedFlow(pixels, latent, transforms, hidden)
        self.inner = MAF(latent, transforms=3, hidden_features=(32, 32), activation=nn.Tanh)

    def encode(self, x: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch d"]:
        """The first d coordinates of flow⁻¹(x): the exact left inverse, encode(mean(z)) = z.

        For an image off the manifold, mean(encode(x)) is a projection onto it, learned and not
        orthogonal.
        """
        return self.mean.inverse(x)[..., : self.latent]

    def log_prob(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """The log-density of codes under the inner flow, in nats per latent volume."""
        return self.inner().log_prob(z)

    def log_density(self, x: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch"]:
        """The log-density on the manifold at mean(encode(x)), in nats per d-dimensional volume of
        the data space: log p(z) − ½ log det JᵀJ.

        What lies off the manifold has density zero; how far x is from it does not enter here.

        Source: Brehmer and Cranmer (2020); the change of variables of an immersion.
        """
        z = self.encode(x)
        J = self.mean.derivatives(z).jacobian
        return self.log_prob(z) - 0.5 * torch.logdet(J.mT @ J)

    def elbo(
        self,
        x: Float[Tensor, "*batch D"],
        generator: torch.Generator | None = None,
        *,
        kl_weight: float = 1.0,
    ) -> Float[Tensor, "*batch"]:
        """What training maximises, in nats: log N(x; mean(encode(x)), std²) + log p(encode(x)).

        It is no ELBO and no likelihood: the method has the name by which `training` asks for it.
        The first term alone trains the flow of R^D (the manifold step of Brehmer and Cranmer); the
        code is detached in the second, which alone trains the inner flow (their density step). So
        the two steps are taken together, and the density cannot pull the manifold to where it is
        cheap. Nothing is sampled: `generator` is there for the sake of the other models, which take
        `noise` as well.

        Args:
            x: images.
            generator: not used.
            kl_weight: multiplies the second term. It changes the sum, not the manifold.

        Source: Brehmer and Cranmer (2020).
        """
        z = self.encode(x)
        reconstruction = (
            -0.5 * ((x - self.mean(z)) / self.std) ** 2
            - math.log(self.std)
            - 0.5 * math.log(2 * math.pi)
        )
        return reconstruction.sum(dim=-1) + kl_weight * self.log_prob(z.detach())
