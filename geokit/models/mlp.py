"""Fully connected layers that know their own derivatives, by the chain rule written out.

A layer y = s(Wx + b) turns a tangent t into s′(Wx + b) ⊙ Wt. So a point and its d tangents go
through the same matrix products, 1 + d rows instead of one, and the Jacobian costs little more than
the image. Its second derivative, weighted by some w in data space, is a sum over the layers of Tᵀ
diag(λ ⊙ s″) T: the tangents T at the layer's input to s, and the adjoint λ, w pulled back to its
output.

Geometry asks any map for `jacobian` and `contracted_hessian` and differentiates by itself where a
map has none.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Floored(nn.Module):
    """floor + softplus(x): positive, and never below the floor."""

    def __init__(self, floor: float):
        super().__init__()
        self.floor = floor

    def forward(self, x: Tensor) -> Tensor:
        return self.floor + nn.functional.softplus(x)


class Slopes(NamedTuple):
    """First and second derivative of an activation, from its input x and output y."""

    first: Callable[[Tensor, Tensor], Tensor]
    second: Callable[[Tensor, Tensor], Tensor]


def _softplus_second(x: Tensor, y: Tensor) -> Tensor:
    return x.sigmoid() * (-x).sigmoid()


SLOPES = {
    nn.Tanh: Slopes(lambda x, y: 1 - y**2, lambda x, y: -2 * y * (1 - y**2)),
    nn.Sigmoid: Slopes(lambda x, y: y * (1 - y), lambda x, y: y * (1 - y) * (1 - 2 * y)),
    nn.Softplus: Slopes(lambda x, y: x.sigmoid(), _softplus_second),
    Floored: Slopes(lambda x, y: x.sigmoid(), _softplus_second),
    nn.ReLU: Slopes(lambda x, y: (x > 0).to(x), lambda x, y: torch.zeros_like(x)),
    nn.ELU: Slopes(
        lambda x, y: torch.where(x > 0, 1, x.exp()), lambda x, y: torch.where(x > 0, 0, x.exp())
    ),
}


class MLP(nn.Sequential):
    """Linear layers and activations in any order, `(*batch, d)` → `(*batch, D)`.

    Raises:
        ValueError: a layer is neither `nn.Linear` nor an activation whose derivatives are known.
    """

    def __init__(self, *layers: nn.Module):
        super().__init__(*layers)
        for layer in layers:
            plain = (
                type(layer) in SLOPES
                and getattr(layer, "beta", 1) == getattr(layer, "alpha", 1) == 1
            )
            if not (plain or isinstance(layer, nn.Linear)):
                names = ", ".join(kind.__name__ for kind in SLOPES)
                raise ValueError(
                    f"{layer} is no layer of an MLP; take nn.Linear, {names} with their defaults."
                )

    def jacobian(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D d"]:
        """∂x/∂z, equal to `geokit.jacobian` of the same layers to rounding."""
        return self._push(z)[1].mT

    def contracted_hessian(
        self, z: Float[Tensor, "*batch d"], weights: Float[Tensor, "*batch D"]
    ) -> Float[Tensor, "*batch d d"]:
        """Σₐ weightsₐ ∂²xₐ/∂zᵢ∂zⱼ at each point, for weights that are held fixed."""
        *_, tape = self._push(z)
        H = z.new_zeros(*z.shape, z.shape[-1])
        adjoint = weights
        for layer, x, y, T in reversed(tape):
            if isinstance(layer, nn.Linear):
                adjoint = adjoint @ layer.weight
            else:
                slopes = SLOPES[type(layer)]
                H = H + (T * (adjoint * slopes.second(x, y))[..., None, :]) @ T.mT
                adjoint = adjoint * slopes.first(x, y)
        return H

    def _push(self, z: Tensor) -> tuple[Tensor, Tensor, list]:
        """The image, its d tangents as rows, and what each layer saw: input, output, tangents at
        its input."""
        x, T = z, torch.eye(z.shape[-1]).to(z).expand(*z.shape, z.shape[-1])
        tape = []
        for layer in self:
            if isinstance(layer, nn.Linear):
                rows = torch.cat([x[..., None, :], T], dim=-2) @ layer.weight.mT
                y = rows[..., 0, :] if layer.bias is None else rows[..., 0, :] + layer.bias
                T_next = rows[..., 1:, :]
            else:
                y = layer(x)
                T_next = T * SLOPES[type(layer)].first(x, y)[..., None, :]
            tape.append((layer, x, y, T))
            x, T = y, T_next
        return x, T, tape


def layers(widths: list[int], activation: type[nn.Module]) -> list[nn.Module]:
    """A linear layer and an activation for each step of the widths."""
    return [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), activation())]
