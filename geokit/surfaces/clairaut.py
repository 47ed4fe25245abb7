"""Distances for a metric that does not depend on its second coordinate: s(u)² du² + r(u)² dφ².

Surfaces of revolution are of this kind (r is the radius of the parallel), and so are layered media
(s = r = the refractive index). Along a geodesic Clairaut's relation holds, r² dφ/dt = h constant at
unit speed (in a layered medium: Snell's law), so u ranges where r(u) ≥ h and turns back where
r(u) = h. A geodesic of constant h covers the

    sweep   Φ(h) = ∫ h s / (r √(r² − h²)) du      and the length   ∫ r s / √(r² − h²) du.

Given Δφ, we look for the h with Φ(h) = Δφ. The length is then computed as

    F(h) = h Δφ + W(h),      action   W(h) = ∫ s √(r² − h²) / r du,

whose integrand is nowhere infinite. Since F′(h) = Δφ − Φ(h) vanishes at the solution, an error in h
counts only to second order: F is the complete integral of Hamilton and Jacobi, and the distance
is its stationary value. Against closed forms it is good to 1e-14 relative in general, and to 1e-10
where points are nearly conjugate, so that h is hardly determined, or where u itself holds few
digits of a small r (near an axis at u ≠ 0).

Which geodesics can be shortest? The field ∂φ moves geodesics to geodesics and is tangent to them
where they turn, so two turning points of one geodesic are conjugate: a shortest one turns at most
once. That leaves three families, and the distance is the least length found in them:
monotone in u; turning once, below both end points or above both; and straight through the axis.

Source: do Carmo, Differential Geometry of Curves and Surfaces, 4-4 (Clairaut); Arnold, Mathematical
Methods of Classical Mechanics, 47 (Hamilton-Jacobi).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..types import Bool, Float
from .tools import Profile, quadrature

GRID = 32  # intervals searched for turning points; two roots in one interval would be missed
BISECTIONS = 46


@dataclass(frozen=True)
class Clairaut:
    """The geodesics of s(u)² du² + r(u)² dφ².

    Args:
        speed, radius: s and r, smooth and positive, element by element.
        low, high: where u ends: on the axis (r = 0), or at infinity.
        necks: every u at which r has a local minimum.
    """

    speed: Profile
    radius: Profile
    low: float = -math.inf
    high: float = math.inf
    necks: tuple[float, ...] = ()

    def distance(
        self,
        u1: Float[Tensor, "*#batch"],
        u2: Float[Tensor, "*#batch"],
        Δφ: Float[Tensor, "*#batch"],
    ) -> Float[Tensor, "*batch"]:
        """The length of the shortest geodesic, computed in float64; Δφ ≥ 0. Infinite where none of
        the families joins the points."""
        u1, u2, Δφ = torch.broadcast_tensors(u1, u2, Δφ)
        for u in (u1, u2):
            if not ((self.low <= u) & (u <= self.high)).all():
                raise ValueError(
                    f"a point lies outside the chart: its profile coordinate must be within "
                    f"[{self.low:g}, {self.high:g}]."
                )
        with torch.no_grad():
            pairs = (x.double().reshape(-1).split(128) for x in (u1, u2, Δφ))
            lengths = [self._shortest(*part) for part in zip(*pairs, strict=True)]
        return torch.cat(lengths).reshape(u1.shape).to(u1)

    def _shortest(self, u1: Tensor, u2: Tensor, Δφ: Tensor) -> Float[Tensor, " n"]:
        low, high = torch.minimum(u1, u2), torch.maximum(u1, u2)
        families = [
            self._monotone(low, high, Δφ),
            self._turning(low, high, Δφ, low, self._limit(low, self.low)),
            self._turning(low, high, Δφ, high, self._limit(high, self.high)),
        ]
        for axis in (self.low, self.high):
            if self._on_axis(axis):
                end, zero = torch.full_like(low, axis), torch.zeros_like(low)
                families.append(sum(self._leg(end, u, zero)[1].abs() for u in (low, high)))
        return torch.stack(families).amin(dim=0)

    def _monotone(self, low: Tensor, high: Tensor, Δφ: Tensor) -> Float[Tensor, " n"]:
        """Geodesics along which u only grows: Φ rises with h from 0."""
        top = self.radius(self._edges(low, high)).amin(dim=-1)  # the largest h that can pass
        h = bisect(lambda h: self._passage(low, high, h)[0] < Δφ, torch.zeros_like(top), top)
        reached = self._passage(low, high, top)[0] >= Δφ
        for neck in self.necks:  # at a neck Φ grows without bound, if beyond what floats resolve
            r = self.radius(torch.full_like(top, neck))
            reached |= (low <= neck) & (neck <= high) & (r <= top)
        return torch.where(reached, h * Δφ + self._passage(low, high, h)[1], math.inf)

    def _turning(
        self, low: Tensor, high: Tensor, Δφ: Tensor, near: Tensor, limit: Tensor
    ) -> Float[Tensor, " n"]:
        """Geodesics that leave `near`, turn back on its side before `limit`, and pass to the other
        end.

        The unknown is the turning point, as p in [0, 1] from `near` to `limit`. Only where Φ rises
        with p can the geodesic be shortest; where it falls, a conjugate point has been passed.
        """
        top = self.radius(self._edges(low, high)).amin(dim=-1)

        def travel(p: Tensor, pair: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            """h, sweep and action for turning points p of the given pairs."""
            lo, hi, start, stop = (x[pair] for x in (low, high, near, limit))
            share = torch.where(stop.isfinite(), p**2, p**2 / (1 - p) * (1 + hi - lo + Δφ[pair]))
            turn = start + share * torch.where(stop.isfinite(), stop - start, stop.sign())
            h = self.radius(turn)
            sweep, action = self._passage(lo, hi, h)
            extra_sweep, extra_action = self._leg(turn, start, h)
            return h, sweep + 2 * extra_sweep.abs(), action + 2 * extra_action.abs()

        n = len(low)
        p = torch.linspace(0, 1, GRID + 1, dtype=low.dtype, device=low.device).expand(n, -1)
        rows = torch.arange(n, device=low.device)[:, None].expand_as(p)
        h, sweep, _ = travel(p, rows)
        excess = torch.where(h <= top[:, None], sweep - Δφ[:, None], math.nan)
        excess[:, -1] = torch.where(self._closed(limit), math.inf, excess[:, -1])
        pair, k = ((excess[:, :-1] < 0) & (excess[:, 1:] >= 0)).nonzero(as_tuple=True)

        root = bisect(lambda p: travel(p, pair)[1] < Δφ[pair], p[pair, k], p[pair, k + 1])
        h, _, action = travel(root, pair)
        found = torch.full_like(low, math.inf)
        return found.scatter_reduce(0, pair, h * Δφ[pair] + action, "amin")

    def _passage(self, low: Tensor, high: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Sweep and action from low to high, split at the necks so that what is nearly singular
        lies at ends."""
        edges = self._edges(low, high)
        sweep, action = self._leg(edges[..., :-1], edges[..., 1:], h[..., None])
        return sweep.sum(dim=-1), action.sum(dim=-1)

    def _leg(self, start: Tensor, end: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Sweep and action between two values of u, counted negative if the second is smaller."""
        x, w = (v.to(start) for v in quadrature())
        step, h = (end - start)[..., None], h[..., None]
        u = start[..., None] + step * x
        r, s = self.radius(u), self.speed(u)
        gap = (r - h) * (r + h)
        root = gap.maximum(torch.finfo(r.dtype).eps * r**2).sqrt()  # what rounding can tell from 0
        sweep, action = h * s / (r * root), s * root / r
        return (sweep * w * step).sum(dim=-1), (action * w * step).sum(dim=-1)

    def _edges(self, low: Tensor, high: Tensor) -> Tensor:
        """low, the necks between, high; where a pair has fewer necks than another, empty pieces."""
        inside = (neck for neck in sorted(self.necks) if ((low < neck) & (neck < high)).any())
        return torch.stack([low, *(low.clamp(min=n).minimum(high) for n in inside), high], dim=-1)

    def _limit(self, u: Tensor, end: float) -> Tensor:
        """The nearest neck from u towards the end of the chart, or that end."""
        limit = torch.full_like(u, end)
        for neck in self.necks:
            between = (
                (u >= neck) & (limit < neck) if end == self.low else (u <= neck) & (limit > neck)
            )
            limit = torch.where(between, neck, limit)
        return limit

    def _closed(self, limit: Tensor) -> Bool[Tensor, " n"]:
        """Whether the sweep of geodesics that turn ever nearer to the limit reaches any Δφ: to
        infinity at a neck, to half a turn or more at the axis."""
        closed = torch.zeros_like(limit, dtype=torch.bool)
        for end in (*self.necks, *filter(self._on_axis, (self.low, self.high))):
            closed |= limit == end
        return closed

    def _on_axis(self, end: float) -> bool:
        """The chart ends where r = 0."""
        u = torch.tensor(end, dtype=torch.float64)
        return math.isfinite(end) and bool(self.radius(u).abs() < 1e-12)


def bisect(below: Callable[[Tensor], Tensor], a: Tensor, b: Tensor) -> Tensor:
    """The point of [a, b] where `below` turns from true to false."""
    for _ in range(BISECTIONS):
        middle = (a + b) / 2
        left = below(middle)
        a, b = torch.where(left, middle, a), torch.where(left, b, middle)
    return (a + b) / 2
