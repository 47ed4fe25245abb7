"""Surfaces with exact answers: each is a map `z ↦ x` that also knows its metric, distance and
curvature in closed form.

They are the judges: tests, chapters and exercises compare computed numbers with these.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor


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
class Sphere:
    """(θ, φ) ↦ R(sin θ cos φ, sin θ sin φ, cos θ): colatitude θ in (0, π), longitude φ, both in
    radians."""

    radius: float = 1.0

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        θ, φ = z.unbind(dim=-1)
        return self.radius * torch.stack([θ.sin() * φ.cos(), θ.sin() * φ.sin(), θ.cos()], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """R² diag(1, sin²θ)."""
        θ = z[..., 0]
        return self.radius**2 * torch.diag_embed(
            torch.stack([torch.ones_like(θ), θ.sin() ** 2], dim=-1)
        )

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """The great circle: R·atan2(|x × y|, x·y), accurate for near and for opposite points."""
        x, y = torch.broadcast_tensors(self(a) / self.radius, self(b) / self.radius)
        return self.radius * torch.atan2(torch.linalg.cross(x, y).norm(dim=-1), (x * y).sum(dim=-1))

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """1/R²."""
        return torch.full_like(z[..., 0], self.radius**-2)


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
        return torch.diag_embed(torch.stack([1 + t**2, torch.ones_like(t)], dim=-1))

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
