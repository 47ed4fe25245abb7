"""The vocabulary: three kinds of plain callables. Anything with the right shapes will do; nothing
has to be subclassed."""

from collections.abc import Callable
from typing import NamedTuple

import torch
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
    "require_same_space",
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


def require_same_space(
    start: Tensor, end: Tensor, names: tuple[str, str] = ("start", "end")
) -> None:
    """Both hold finite floats of one dimension, dtype and device; their leading axes broadcast."""
    a, b = names
    require_points(start, a), require_points(end, b)
    if start.shape[-1] != end.shape[-1]:
        raise ValueError(
            f"{a} has {start.shape[-1]} coordinates, {b} has {end.shape[-1]}; they must agree."
        )
    try:
        torch.broadcast_shapes(start.shape[:-1], end.shape[:-1])
    except RuntimeError:
        raise ValueError(
            f"{a} has shape {tuple(start.shape)}, {b} has {tuple(end.shape)}; "
            "their leading axes do not broadcast."
        ) from None
    if start.dtype != end.dtype or start.device != end.device:
        raise ValueError(
            f"{a} is {start.dtype} on {start.device}, {b} is {end.dtype} on {end.device}; "
            "they must agree."
        )
    if not (start.isfinite().all() and end.isfinite().all()):
        raise ValueError(f"{a} or {b} has a coordinate that is NaN or infinite; remove it first.")
