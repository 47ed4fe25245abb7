"""Curves t ↦ z on [0, 1]: straight lines, natural cubic splines, and composite Gauss-Lobatto
polynomials.

A curve takes times of any shape `(*times)` and gives points `(*batch, *times, d)`.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .elements import Elements, gauss_lobatto, lagrange_basis
from .types import Float, require_points, require_same_space


@dataclass(frozen=True, eq=False)
class StraightLine:
    """γ(t) = (1 − t)·start + t·end; `start` and `end` are `(*batch, d)`."""

    start: Float[Tensor, "*batch d"]
    end: Float[Tensor, "*batch d"]

    def __post_init__(self):
        require_same_space(self.start, self.end)

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*batch_times d"]:
        t = t.to(self.start)
        start, end = torch.broadcast_tensors(self.start, self.end)
        for _ in range(t.dim()):
            start, end = start.unsqueeze(-2), end.unsqueeze(-2)
        return start + t[..., None] * (end - start)


@dataclass(frozen=True, eq=False)
class CubicSpline:
    """The natural cubic spline through `points`, twice continuously differentiable, with γ″ = 0 at
    both ends.

    Args:
        points: `(*batch, n, d)`, n ≥ 2; two points give the straight line.
        times: `(n,)`, increasing from 0 to 1; the default spreads them evenly.

    Raises:
        ValueError: fewer than two points, or times that do not increase or do not fit the points.

    Source: de Boor, A Practical Guide to Splines, ch. IV: the second derivatives at the knots solve
        a tridiagonal system.
    """

    points: Float[Tensor, "*batch n d"]
    times: Float[Tensor, " n"] | None = None

    def __post_init__(self):
        n = require_points(self.points, "points").shape[-2] if self.points.dim() > 1 else 0
        if n < 2:
            raise ValueError(
                f"points has shape {tuple(self.points.shape)}; "
                "a spline needs (*batch, n, d) with n ≥ 2."
            )
        if self.times is None:
            like = {"dtype": self.points.dtype, "device": self.points.device}
            object.__setattr__(self, "times", torch.linspace(0, 1, n, **like))
        else:
            object.__setattr__(self, "times", torch.as_tensor(self.times).to(self.points))
        ends = self.times[[0, -1]].tolist() if self.times.dim() == 1 and n > 1 else None
        if self.times.shape != (n,) or ends != [0, 1] or not (self.times.diff() > 0).all():
            raise ValueError(
                f"times must be {n} increasing numbers from 0 to 1, one for each point."
            )

    @cached_property
    def _moments(self) -> Float[Tensor, "*batch n d"]:
        """The second derivatives at the knots."""
        h, y = self.times.diff(), self.points
        n = len(self.times)
        A = torch.zeros(n, n, dtype=y.dtype, device=y.device)
        A[0, 0] = A[-1, -1] = 1  # natural: the first and last moment are zero
        i = torch.arange(1, n - 1, device=y.device)
        A[i, i - 1], A[i, i], A[i, i + 1] = h[:-1], 2 * (h[:-1] + h[1:]), h[1:]
        slope = y.diff(dim=-2) / h[:, None]
        right = torch.zeros_like(y)
        right[..., 1:-1, :] = 6 * slope.diff(dim=-2)
        return torch.linalg.solve(A, right)

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*batch_times d"]:
        knots, y, M = self.times, self.points, self._moments
        flat = t.to(y).reshape(-1)
        i = torch.searchsorted(knots, flat.detach(), right=True).clamp(1, len(knots) - 1) - 1
        h = (knots[i + 1] - knots[i])[:, None]
        b = (flat - knots[i])[:, None] / h
        a = 1 - b
        z = (
            a * y[..., i, :]
            + b * y[..., i + 1, :]
            + h**2 / 6 * ((a**3 - a) * M[..., i, :] + (b**3 - b) * M[..., i + 1, :])
        )
        return z.reshape(*y.shape[:-2], *t.shape, y.shape[-1])


@dataclass(frozen=True, eq=False)
class LobattoCurve:
    """The continuous piecewise polynomial through `points`, `(*batch, n, d)`, at the nodes of
    `elements`."""

    points: Float[Tensor, "*batch n d"]
    elements: Elements

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*batch_times d"]:
        z = self.at(t.to(self.points).reshape(-1))
        return z.reshape(*self.points.shape[:-2], *t.shape, self.points.shape[-1])

    def at(self, t: Float[Tensor, "*batch_or_1 m"]) -> Float[Tensor, "*batch m d"]:
        """The points at m times that may differ from problem to problem: `t` is `(m,)` or `(*batch,
        m)`."""
        E, p = self.elements.count, self.elements.degree
        nodes = torch.as_tensor(gauss_lobatto(p)[0]).to(t)
        e = (t.detach() * E).floor().clamp(0, E - 1).long()
        basis = lagrange_basis(nodes, t * E - e)
        index = (e * p)[..., None] + torch.arange(p + 1, device=t.device)
        *batch, _, d = self.points.shape
        m, k = index.shape[-2:]
        index = index.expand(*batch, m, k).reshape(*batch, m * k, 1).expand(*batch, m * k, d)
        near = self.points.gather(-2, index).reshape(*batch, m, k, d)
        return torch.einsum("...mk,...mkd->...md", basis, near)


def constant_speed(
    curve: LobattoCurve,
    speeds: Float[Tensor, "*batch r"],
    elements: Elements,
    share: Float[Tensor, "*batch_or_1 m"],
) -> Float[Tensor, "*batch m d"]:
    """The curve's points where given shares of its length are covered, by its speeds at the
    quadrature points of `elements`; shares and times agree where it stands still throughout."""
    ticks = elements.times(speeds)
    local = speeds.unflatten(-1, (elements.count, -1)) @ elements.integrals(speeds).mT
    ends = local[..., -1].cumsum(dim=-1)
    before = torch.cat([torch.zeros_like(ends[..., :1]), ends[..., :-1]], dim=-1)
    clock = torch.cat([(local[..., :-1] + before[..., None]).flatten(-2), ends[..., -1:]], dim=-1)
    whole = clock[..., -1:]
    clock = torch.where(whole > 0, clock.cummax(dim=-1).values / whole, ticks)

    share = share.expand(*clock.shape[:-1], share.shape[-1]).contiguous()
    i = torch.searchsorted(clock, share, right=True).clamp(1, len(ticks) - 1) - 1
    s0, s1 = clock.gather(-1, i), clock.gather(-1, i + 1)
    part = (share - s0) / (s1 - s0).clamp(min=torch.finfo(clock.dtype).tiny)
    t = ticks[i] + part * (ticks[i + 1] - ticks[i])
    return curve.at(torch.where(share >= 1, 1, t))  # also where it stands still at its end
