"""Small tools that the surfaces share."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ..types import Float

Profile = Callable[[Tensor], Tensor]
"""A smooth function of one variable, applied element by element."""


def diagonal(
    g1: Float[Tensor, "*batch"], g2: Float[Tensor, "*batch"]
) -> Float[Tensor, "*batch 2 2"]:
    """diag(g1, g2)."""
    return torch.diag_embed(torch.stack([g1, g2], dim=-1))


def wrapped(angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """The angle up to whole turns, in [−π, π]; small angles keep all their digits."""
    return angle - 2 * math.pi * (angle / (2 * math.pi)).round()


def chord(
    p: Float[Tensor, "*#batch"], q: Float[Tensor, "*#batch"], angle: Float[Tensor, "*#batch"]
) -> Float[Tensor, "*batch"]:
    """The third side of a triangle: √((p − q)² + 4pq sin²(angle/2)), the law of cosines without
    its cancellation."""
    return torch.hypot(p - q, 2 * (p * q).sqrt() * (angle / 2).sin())


def derivatives(f: Profile, u: Float[Tensor, "*batch"]) -> tuple[Tensor, Tensor, Tensor]:
    """f, f′ and f″ at each u, by forward mode."""
    one = torch.ones_like(u)

    def slope(v: Tensor) -> Tensor:
        return torch.func.jvp(f, (v,), (one,))[1]

    return f(u), *torch.func.jvp(slope, (u,), (one,))


@cache
def quadrature() -> tuple[Tensor, Tensor]:
    """Nodes and weights on [0, 1] for integrands that are smooth inside, but may have a square
    root at an end, or just beyond it.

    The substitution x²(3 − 2x) turns a root at an end into a smooth function. Gauss-Legendre
    panels, 10 points each, that halve towards both ends take care of what lies just beyond.
    """
    edges = np.concatenate([[0.0], 0.5 ** np.arange(17, 0, -1)])
    edges = np.concatenate([edges, 1 - edges[-2::-1]])
    points, weights = np.polynomial.legendre.leggauss(10)
    width = np.diff(edges)[:, None]
    x = (edges[:-1, None] + width * (points + 1) / 2).ravel()
    w = (width * weights / 2).ravel()
    return torch.from_numpy(x**2 * (3 - 2 * x)), torch.from_numpy(w * 6 * x * (1 - x))


def require_positive(**values: float) -> None:
    """ValueError naming the first value that is not positive and finite."""
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value}; give a positive number.")
