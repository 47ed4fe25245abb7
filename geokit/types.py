"""The vocabulary: three kinds of plain callables. Anything with the right shapes will do; nothing
has to be subclassed."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

try:
    from jaxtyping import Bool, Float, Float32, Int, Int64
except ImportError:  # a box without jaxtyping computes the same: shapes are for readers and tests

    class _Shaped:
        def __class_getitem__(cls, item: tuple) -> type:
            return item[0]

    Bool = Float = Float32 = Int = Int64 = _Shaped

__all__ = [
    "Bool",
    "Curve",
    "Derivatives",
    "Float",
    "Float32",
    "Immersion",
    "Int",
    "Int64",
    "Metric",
    "require_points",
]

Immersion = Callable[[Tensor], Tensor]
"""`z ↦ x`, `(*batch, d)` → `(*batch, D)`: a decoder, or any smooth map. Leading axes stay where
they are."""

Metric = Callable[[Tensor], Tensor]
"""`z ↦ G(z)`, `(*batch, d)` → `(*batch, d, d)`: symmetric, positive definite, in (data/latent)²
units."""

Curve = Callable[[Tensor], Tensor]
"""`t ↦ γ(t)`, `(*times)` → `(*batch, *times, d)`, for t in [0, 1]."""


class Derivatives(NamedTuple):
    """A map at some points, to second order: what a map may bring in a method `derivatives(z)`."""

    value: Float[Tensor, "*batch D"]
    jacobian: Float[Tensor, "*batch D d"]
    curvature: Callable[[Tensor], Tensor]
    """w ↦ Σₐ wₐ ∂²fₐ/∂zᵢ∂zⱼ: weights `(*batch, D)`, held fixed, to `(*batch, d, d)`."""


def require_points(z: Tensor, name: str = "z") -> Tensor:
    """`z` itself, if it can hold latent points: a floating-point tensor with at least one axis."""
    if not isinstance(z, Tensor):
        raise ValueError(
            f"{name} is a {type(z).__name__}; give a torch tensor of shape (*batch, d)."
        )
    if not z.is_floating_point():
        raise ValueError(
            f"{name} has dtype {z.dtype}; geometry needs floats: {name}.double() or .float()."
        )
    if z.dim() == 0:
        raise ValueError(f"{name} is a single number; give a tensor of shape (*batch, d).")
    return z
