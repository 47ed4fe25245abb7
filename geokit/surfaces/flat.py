"""Surfaces that are flat (K = 0), though most of their metrics are not constant: each can be
unrolled onto the plane, and there Pythagoras gives the distance."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..types import Float
from .tools import chord, diagonal, quadrature, require_positive, wrapped


@dataclass(frozen=True, eq=False)
class Plane:
    """z ↦ A z: a flat plane in a skew chart. A is `(D, d)` with independent columns."""

    matrix: Float[Tensor, "D d"] = field(
        default_factory=lambda: torch.tensor(
            [[1.0, 0.5], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float64
        )
    )

    def __call__(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D"]:
        return z @ self.matrix.to(z).mT

    def metric(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d d"]:
        """AᵀA, the same everywhere."""
        A = self.matrix.to(z)
        return (A.mT @ A).expand(*z.shape, z.shape[-1])

    def distance(
        self, a: Float[Tensor, "*#batch d"], b: Float[Tensor, "*#batch d"]
    ) -> Float[Tensor, "*batch"]:
        """|A(a − b)|."""
        return self(a - b).norm(dim=-1)

    def gaussian_curvature(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        return torch.zeros_like(z[..., 0])


@dataclass(frozen=True)
class PolarPlane:
    """(r, φ) ↦ (r cos φ, r sin φ), r > 0: the plane once more. Its metric is not constant."""

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
        r, φ = z.unbind(dim=-1)
        return torch.stack([r * φ.cos(), r * φ.sin()], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """diag(1, r²)."""
        r = z[..., 0]
        return diagonal(torch.ones_like(r), r**2)

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """The law of cosines, for all pairs. The straight line is the only geodesic; it passes
        r = 0, which the chart leaves out, when Δφ is half a turn."""
        return chord(a[..., 0], b[..., 0], wrapped(a[..., 1] - b[..., 1]))

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        return torch.zeros_like(z[..., 0])


@dataclass(frozen=True)
class Cylinder:
    """(θ, h) ↦ (R cos θ, R sin θ, h)."""

    radius: float = 1.0

    def __post_init__(self):
        require_positive(radius=self.radius)

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        θ, h = z.unbind(dim=-1)
        return torch.stack([self.radius * θ.cos(), self.radius * θ.sin(), h], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """diag(R², 1)."""
        one = torch.ones_like(z[..., 0])
        return diagonal(self.radius**2 * one, one)

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """√(R²Δθ² + Δh²), Δθ taken the shorter way round. Every helix is a geodesic; the cut locus
        is the opposite line, Δθ = π."""
        θ, h = (a - b).unbind(dim=-1)
        return torch.hypot(self.radius * wrapped(θ), h)

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        return torch.zeros_like(z[..., 0])


def parabola(t: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch 2"]:
    """(t, t²/2)."""
    return torch.stack([t, t**2 / 2], dim=-1)


@dataclass(frozen=True)
class CylinderOver:
    """(t, h) ↦ (g(t), h): straight lines raised on a smooth plane curve g that does not close.

    Args:
        curve: t ↦ g(t), `(*batch)` → `(*batch, 2)`, with g′ never zero.
    """

    curve: Callable[[Tensor], Tensor] = parabola

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        return torch.cat([self.curve(z[..., 0]), z[..., 1:]], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """diag(|g′|², 1)."""
        return diagonal(self._speed(z[..., 0]) ** 2, torch.ones_like(z[..., 0]))

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """Pythagoras on the unrolled sheet, √(Δs² + Δh²), for all pairs; the arc length s = ∫|g′|
        by Gauss quadrature, to rounding where g is analytic and turns a few times at most."""
        a, b = torch.broadcast_tensors(a, b)
        x, w = (v.to(a) for v in quadrature())
        start, step = a[..., :1], b[..., :1] - a[..., :1]
        s = step[..., 0] * (self._speed(start + step * x) @ w)
        return torch.hypot(s, a[..., 1] - b[..., 1])

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        return torch.zeros_like(z[..., 0])

    def _speed(self, t: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        return torch.func.jvp(self.curve, (t,), (torch.ones_like(t),))[1].norm(dim=-1)


@dataclass(frozen=True)
class SwissRoll:
    """(t, h) ↦ (t cos t, h, t sin t), t > 0: a rolled-up strip of paper. Its metric is not
    constant, and yet it is flat."""

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        t, h = z.unbind(dim=-1)
        return torch.stack([t * t.cos(), h, t * t.sin()], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """diag(1 + t², 1)."""
        t = z[..., 0]
        return diagonal(1 + t**2, torch.ones_like(t))

    def arc_length(self, t: Tensor) -> Tensor:
        """Length of the spiral from 0 to t: (t√(1 + t²) + asinh t)/2."""
        return (t * (1 + t**2).sqrt() + t.asinh()) / 2

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """Pythagoras on the unrolled paper: √(Δs² + Δh²)."""
        s = self.arc_length(a[..., 0]) - self.arc_length(b[..., 0])
        return torch.hypot(s, a[..., 1] - b[..., 1])

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        return torch.zeros_like(z[..., 0])


@dataclass(frozen=True)
class Cone:
    """(l, φ) ↦ l (sin α cos φ, sin α sin φ, cos α), l > 0: slant height l, half-angle α in
    (0, π/2]."""

    half_angle: float = math.pi / 6

    def __post_init__(self):
        if not 0 < self.half_angle <= math.pi / 2:
            raise ValueError(f"half_angle is {self.half_angle}; give radians within (0, π/2].")

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        l, φ = z.unbind(dim=-1)  # noqa: E741
        r = l * math.sin(self.half_angle)
        return torch.stack([r * φ.cos(), r * φ.sin(), l * math.cos(self.half_angle)], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """diag(1, l² sin²α)."""
        l = z[..., 0]  # noqa: E741
        return diagonal(torch.ones_like(l), (l * math.sin(self.half_angle)) ** 2)

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """The law of cosines on the unrolled sector, whose angle is β = Δφ sin α.

        Δφ is taken the shorter way round, so β ≤ π sin α: on the whole cone the shortest path
        goes round the apex, never through it, unless the cone is a plane (α = π/2). The cut locus
        of a point is the opposite generator, Δφ = π. Counted without wrapping, Δφ sin α ≥ π
        would lead through the apex and cost l₁ + l₂, never less than the distance.
        """
        β = wrapped(a[..., 1] - b[..., 1]) * math.sin(self.half_angle)
        return chord(a[..., 0], b[..., 0], β)

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """0 away from the apex, which carries 2π(1 − sin α) in one point."""
        return torch.zeros_like(z[..., 0])


@dataclass(frozen=True)
class FlatTorus:
    """(u, v) ↦ (cos u, sin u, cos v, sin v): Clifford's torus, flat and closed, in R⁴."""

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 4"]:
        u, v = z.unbind(dim=-1)
        return torch.stack([u.cos(), u.sin(), v.cos(), v.sin()], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """The identity."""
        one = torch.ones_like(z[..., 0])
        return diagonal(one, one)

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """√(Δu² + Δv²), each taken the shorter way round; at most π√2. The cut locus is
        Δu = π or Δv = π."""
        return wrapped(a - b).norm(dim=-1)

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        return torch.zeros_like(z[..., 0])
