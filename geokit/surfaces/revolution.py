"""Surfaces of revolution: the radius of the parallel decides everything, by Clairaut's relation."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..types import Float
from .clairaut import Clairaut
from .tools import Profile, derivatives, diagonal, require_positive, wrapped


@dataclass(frozen=True)
class SurfaceOfRevolution:
    """(u, φ) ↦ (r(u) cos φ, r(u) sin φ, h(u)): a plane curve (r, h) turned about the vertical axis.

    Args:
        radius, height: u ↦ r(u) > 0 and u ↦ h(u), smooth, element by element.
        low, high: where the chart ends in u: on the axis (r = 0, met at a right angle), or at
            infinity. A surface with a rim is measured as if no path touched the rim.
        necks: every u at which r has a local minimum, inside the chart.

    Source: do Carmo, Curves and Surfaces, 3-3 example 4 (curvature), 4-4 example 5 (Clairaut).
    """

    radius: Profile
    height: Profile
    low: float = -math.inf
    high: float = math.inf
    necks: tuple[float, ...] = ()

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        u, φ = z.unbind(dim=-1)
        r = self.radius(u)
        return torch.stack([r * φ.cos(), r * φ.sin(), self.height(u)], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """diag(r′² + h′², r²)."""
        u = z[..., 0]
        return diagonal(self._speed(u) ** 2, self.radius(u) ** 2)

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """The shortest of the geodesics that `Clairaut` finds, Δφ taken the shorter way round: by
        reflection in the opposite meridian, a longer way is never shortest. No gradient flows
        through it."""
        geodesics = Clairaut(self._speed, self.radius, self.low, self.high, self.necks)
        return geodesics.distance(a[..., 0], b[..., 0], wrapped(a[..., 1] - b[..., 1]).abs())

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """h′(r′h″ − r″h′) / (r (r′² + h′²)²), away from the axis."""
        r, r1, r2 = derivatives(self.radius, z[..., 0])
        _, h1, h2 = derivatives(self.height, z[..., 0])
        return h1 * (r1 * h2 - r2 * h1) / (r * (r1**2 + h1**2) ** 2)

    def _speed(self, u: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        one = torch.ones_like(u)
        slopes = (torch.func.jvp(f, (u,), (one,))[1] for f in (self.radius, self.height))
        return torch.hypot(*slopes)


@dataclass(frozen=True)
class Paraboloid:
    """(r, φ) ↦ (r cos φ, r sin φ, a r²), r > 0."""

    steepness: float = 0.5

    def __post_init__(self):
        require_positive(steepness=self.steepness)

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        r, φ = z.unbind(dim=-1)
        return torch.stack([r * φ.cos(), r * φ.sin(), self.steepness * r**2], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """diag(1 + 4a²r², r²)."""
        r = z[..., 0]
        return diagonal(1 + (2 * self.steepness * r) ** 2, r**2)

    def arc_length(self, r: Tensor) -> Tensor:
        """Length of the meridian from the vertex to r: (t√(1 + t²) + asinh t) / 4a, t = 2ar."""
        t = 2 * self.steepness * r
        return (t * (1 + t**2).sqrt() + t.asinh()) / (4 * self.steepness)

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """By `Clairaut`, for all pairs. The cut locus of a point lies on the opposite meridian,
        beyond the first conjugate point there. No gradient flows through it."""
        geodesics = Clairaut(
            lambda r: (1 + (2 * self.steepness * r) ** 2).sqrt(), lambda r: r, low=0.0
        )
        return geodesics.distance(a[..., 0], b[..., 0], wrapped(a[..., 1] - b[..., 1]).abs())

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """4a²/(1 + 4a²r²)²."""
        k = 4 * self.steepness**2
        return k / (1 + k * z[..., 0] ** 2) ** 2


@dataclass(frozen=True)
class Torus:
    """(u, v) ↦ ((R + r cos v) cos u, (R + r cos v) sin u, r sin v): u runs round the axis, v round
    the tube; v = 0 is the outer equator, v = π the inner one."""

    radius: float = 2.0
    """R, from the axis to the middle of the tube."""
    tube: float = 1.0
    """r, the radius of the tube; less than R."""

    def __post_init__(self):
        require_positive(radius=self.radius, tube=self.tube)
        if self.tube >= self.radius:
            raise ValueError(f"tube is {self.tube}; give less than the radius, {self.radius}.")

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        u, v = z.unbind(dim=-1)
        ρ = self.parallel(v)
        return torch.stack([ρ * u.cos(), ρ * u.sin(), self.tube * v.sin()], dim=-1)

    def parallel(self, v: Tensor) -> Tensor:
        """R + r cos v: the radius of the parallel at v."""
        return self.radius + self.tube * v.cos()

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """diag((R + r cos v)², r²)."""
        ρ = self.parallel(z[..., 1])
        return diagonal(ρ**2, torch.full_like(ρ, self.tube**2))

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """By `Clairaut`, the better of the two ways round the tube; for all pairs.

        Along the outer equator it is (R + r)Δu, but only up to the first conjugate point at the
        length π√(r(R + r)); beyond it two shorter geodesics leave the equator to either side. No
        gradient flows through it.
        """
        return torch.minimum(self._upward(a, b), self._upward(b, a))

    def _upward(self, a: Tensor, b: Tensor) -> Tensor:
        """The shortest way from a to b on the side to which v grows."""
        π = math.pi
        geodesics = Clairaut(
            lambda v: torch.full_like(v, self.tube), self.parallel, necks=(-π, π, 3 * π)
        )
        start, rise = wrapped(a[..., 1]), (b[..., 1] - a[..., 1]).remainder(2 * π)
        return geodesics.distance(start, start + rise, wrapped(a[..., 0] - b[..., 0]).abs())

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """cos v / (r(R + r cos v)): positive outside, negative inside."""
        v = z[..., 1]
        return v.cos() / (self.tube * self.parallel(v))
