"""Fully connected layers that know their own derivatives, by the chain rule written out.

A layer y = s(Wx + b) turns a tangent t into s′(Wx + b) ⊙ Wt. So the d tangents of a point go
through the same matrix products as the point itself, and the Jacobian costs little more than the
image. The second derivative, weighted by some w in data space, is a sum over the layers of Tᵀ
diag(λ ⊙ s″) T: the tangents T at the layer's input to s, and the adjoint λ, w pulled back to its
output.

Geometry asks any map for `derivatives` and differentiates by itself where a map has none.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..types import Derivatives, Float


class Floored(nn.Module):
    """floor + softplus(x): positive, and never below the floor."""

    def __init__(self, floor: float):
        super().__init__()
        self.floor = floor

    def forward(self, x: Tensor) -> Tensor:
        return self.floor + nn.functional.softplus(x)


class Slopes(NamedTuple):
    """First and second derivative of an activation, from its input x, its output y and, for the
    second, the first."""

    first: Callable[[Tensor, Tensor], Tensor]
    second: Callable[[Tensor, Tensor, Tensor], Tensor] | None
    """None where it is zero."""


SLOPES = {
    nn.Tanh: Slopes(lambda x, y: 1 - y * y, lambda x, y, first: -2 * y * first),
    nn.Sigmoid: Slopes(
        lambda x, y: torch.addcmul(y, y, y, value=-1),  # y − y², in one pass over the pixels
        lambda x, y, first: torch.addcmul(first, first, y, value=-2),
    ),
    nn.Softplus: Slopes(lambda x, y: x.sigmoid(), lambda x, y, first: first * (-x).sigmoid()),
    Floored: Slopes(lambda x, y: x.sigmoid(), lambda x, y, first: first * (-x).sigmoid()),
    nn.ReLU: Slopes(lambda x, y: (x > 0).to(x), None),
    nn.ELU: Slopes(
        lambda x, y: torch.where(x > 0, 1, x.exp()),
        lambda x, y, first: torch.where(x > 0, 0, first),
    ),
}


class MLP(nn.Sequential):
    """Linear layers and activations in any order, `(*batch, d)` → `(*batch, D)`.

    Raises:
        ValueError: a layer is neither `nn.Linear` nor an activation whose derivatives are known.
    """

    def __init__(self, *layers: nn.Module):
        super().__init__(*layers)
        for layer in self:
            plain = (
                type(layer) in SLOPES
                and getattr(layer, "beta", 1) == getattr(layer, "alpha", 1) == 1
            )
            if not (plain or isinstance(layer, nn.Linear)):
                names = ", ".join(kind.__name__ for kind in SLOPES)
                raise ValueError(
                    f"{layer} is no layer of an MLP; take nn.Linear, {names} with their defaults."
                )

    def derivatives(self, z: Float[Tensor, "*batch d"]) -> Derivatives:
        """Image, Jacobian and curvature in one pass, equal to automatic differentiation to
        rounding."""
        x, T = z, torch.eye(z.shape[-1]).to(z).expand(*z.shape, z.shape[-1])
        tape = []  # what each layer saw: its input and output, its slope, the tangents at its input
        for layer in self:
            y = layer(x)
            if isinstance(layer, nn.Linear):
                tape.append((layer, x, y, None, T))
                T = nn.functional.linear(T.contiguous(), layer.weight)
            else:
                first = SLOPES[type(layer)].first(x, y)
                tape.append((layer, x, y, first, T))
                T = T * first[..., None, :]
            x = y

        def curvature(weights: Tensor) -> Tensor:
            H = z.new_zeros(*z.shape, z.shape[-1])
            adjoint = weights
            for layer, x, y, first, T in reversed(tape):
                if isinstance(layer, nn.Linear):
                    adjoint = adjoint @ layer.weight
                    continue
                second = SLOPES[type(layer)].second
                if second is not None:
                    H = H + (T * (adjoint * second(x, y, first))[..., None, :]) @ T.mT
                adjoint = adjoint * first
            return H

        return Derivatives(x, T.mT, curvature)


def layers(widths: list[int], activation: type[nn.Module]) -> list[nn.Module]:
    """A linear layer and an activation for each step of the widths."""
    return [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), activation())]
