"""Metrics without a map: c(z) I, which keep the angles of the chart and change its lengths."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..types import Float
from .clairaut import Clairaut
from .tools import Profile, derivatives, diagonal


@dataclass(frozen=True)
class HalfPlane:
    """The hyperbolic plane in Poincaré's half-plane chart (x, y), y > 0. No surface in R³ carries
    it as a whole (Hilbert), so there is a metric and no map."""

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """I/y²."""
        y = z[..., 1]
        return diagonal(y**-2, y**-2)

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """2 asinh(|a − b| / (2√(y₁y₂))), that is arccosh(1 + |a − b|²/(2y₁y₂)) without its
        cancellation, for all pairs: geodesics are half circles about the axis y = 0, and unique."""
        if (a[..., 1] <= 0).any() or (b[..., 1] <= 0).any():
            raise ValueError("a point has y ≤ 0; points of the half-plane need y > 0.")
        return 2 * ((a - b).norm(dim=-1) / (2 * (a[..., 1] * b[..., 1]).sqrt())).asinh()

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """−1."""
        return torch.full_like(z[..., 0], -1)


@dataclass(frozen=True)
class Conformal:
    """c(x) I in the chart (x, y): light in layers of refractive index √c.

    Args:
        profile: x ↦ c(x) > 0, smooth, element by element.
        low, high: where the chart ends in x.
        necks: every x at which c has a local minimum.
    """

    profile: Profile
    low: float = -math.inf
    high: float = math.inf
    necks: tuple[float, ...] = ()

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """c(x) I."""
        c = self.profile(z[..., 0])
        return diagonal(c, c)

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """The fastest ray by Snell's law: √c times the sine of its angle with the x axis is
        constant along it. This is Clairaut's relation with radius √c, and `Clairaut` says what is
        computed and when it is the minimum. No gradient flows through it."""
        index = lambda x: self.profile(x).sqrt()  # noqa: E731
        rays = Clairaut(index, index, self.low, self.high, self.necks)
        return rays.distance(a[..., 0], b[..., 0], (a[..., 1] - b[..., 1]).abs())

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """−(log c)″ / 2c."""
        c, c1, c2 = derivatives(self.profile, z[..., 0])
        return -(c2 / c - (c1 / c) ** 2) / (2 * c)
