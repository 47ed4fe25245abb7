"""Curves t ↦ z on [0, 1]: straight lines, natural cubic splines, and composite Gauss-Lobatto
polynomials.

A curve takes times of any shape `(*times)` and gives points `(*batch, *times, d)`.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import torch
from torch import Tensor

from .types import Float, require_points


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


@dataclass(frozen=True)
class Elements:
    """[0, 1] cut into `count` equal elements, on each a polynomial of degree `degree` through its
    Gauss-Lobatto nodes.

    Neighbours share their end node, so there are n = count·degree + 1 nodes. The quadrature has
    degree + 1 points an element and is exact for polynomials of degree 2·degree − 1: exact for
    |γ̇|² of such a curve. With degree 1 the curve is a polyline and ∫|γ̇|² is the usual chord
    energy count·Σ|Δ|².

    Source: Canuto, Hussaini, Quarteroni and Zang, Spectral Methods, section 2.3 (Gauss-Lobatto
        nodes and weights).
    """

    count: int
    degree: int

    @property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        return _element_arrays(self.count, self.degree)

    def times(self, like: Tensor) -> Float[Tensor, " n"]:
        """The nodes in [0, 1], with the dtype and device of `like`."""
        return torch.as_tensor(self._arrays[0]).to(like)

    def weights(self, like: Tensor) -> Float[Tensor, " r"]:
        """The quadrature weights, count·(degree + 1) of them; they add up to one."""
        return torch.as_tensor(self._arrays[1]).to(like)

    def slopes(self, like: Tensor) -> Float[Tensor, "k k"]:
        """The matrix from values at the degree + 1 nodes of one element to derivatives there."""
        return torch.as_tensor(self._arrays[2]).to(like)

    def integrals(self, like: Tensor) -> Float[Tensor, "k k"]:
        """The matrix from values at the nodes of one element to integrals from its first node."""
        return torch.as_tensor(self._arrays[3]).to(like)

    @property
    def owner(self) -> Tensor:
        """For each quadrature point, the node it sits on: `(r,)`."""
        return self._index.reshape(-1)

    @property
    def _index(self) -> Tensor:
        p = self.degree
        return torch.arange(self.count)[:, None] * p + torch.arange(p + 1)

    def split(self, x: Float[Tensor, "*batch n k"]) -> Float[Tensor, "*batch count p k"]:
        """The nodes of each element; a node that two elements share comes twice."""
        return x[..., self._index.to(x.device), :]

    def join(self, parts: Float[Tensor, "*batch count p k"]) -> Float[Tensor, "*batch n k"]:
        """The transpose of `split`: what the elements give to each node, added up."""
        *batch, E, k, last = parts.shape
        x = parts.new_zeros(*batch, E * (k - 1) + 1, last)
        x[..., :-1, :] = parts[..., :-1, :].reshape(*batch, E * (k - 1), last)
        x[..., k - 1 :: k - 1, :] += parts[..., -1, :]
        return x

    def from_first(self, x: Float[Tensor, "*batch n k"]) -> Float[Tensor, "*batch count p k"]:
        """The nodes of each element after its first, relative to that: near points lose no digits
        to their position, and a constant has derivative zero, to the last digit."""
        first = x[..., : -1 : self.degree, None, :]
        return x[..., 1:, :].unflatten(-2, (self.count, self.degree)) - first

    def velocity(self, x: Float[Tensor, "*batch n k"]) -> Float[Tensor, "*batch r k"]:
        """The derivative, at the quadrature points, of the curve through x at the nodes."""
        return (self.slopes(x)[:, 1:] @ self.from_first(x)).flatten(-3, -2)

    def stiffness(self, like: Tensor) -> Float[Tensor, "n n"]:
        """S = Dᵀ W D, so that ∫|γ̇|² = Σⱼₖ Sⱼₖ xⱼ·xₖ for the curve through points xⱼ."""
        D = self.velocity(torch.eye(self.count * self.degree + 1).to(like))
        return D.mT @ (self.weights(like)[:, None] * D)


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
        index = (e * p)[..., None] + torch.arange(
            p + 1, device=t.device
        )  # (*batch or none, m, p + 1)
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


@cache
def gauss_lobatto(degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1]: the ends and the extrema of the Legendre polynomial of that
    degree."""
    legendre = np.polynomial.legendre.Legendre.basis(degree)
    inside = np.sort(legendre.deriv().roots().real)
    x = np.concatenate([[-1.0], inside, [1.0]])
    w = 2 / (degree * (degree + 1) * legendre(x) ** 2)
    return (x + 1) / 2, w / 2


@cache
def _element_arrays(E: int, p: int) -> tuple[np.ndarray, ...]:
    """Nodes and weights of E elements of degree p; the derivative and integral matrices of one."""
    x, w = gauss_lobatto(p)
    times = np.append((x[None, :-1] + np.arange(E)[:, None]).ravel(), E) / E
    powers = np.arange(p + 1)
    monomials, primitives = x[:, None] ** powers, x[:, None] ** (powers + 1) / (powers + 1)
    integrals = np.linalg.solve(monomials.T, primitives.T).T
    return times, np.tile(w, E) / E, E * derivative_matrix(x), integrals / E


def derivative_matrix(x: np.ndarray) -> np.ndarray:
    """From values at the nodes x to the derivative of their interpolating polynomial there
    (barycentric form)."""
    difference = x[:, None] - x[None, :] + np.eye(len(x))
    c = difference.prod(axis=1)
    D = c[:, None] / c[None, :] / difference
    np.fill_diagonal(D, 0)
    np.fill_diagonal(D, -D.sum(axis=1))  # a constant has derivative zero, to the last digit
    return D


def lagrange_basis(nodes: Float[Tensor, " k"], x: Tensor) -> Tensor:
    """The k Lagrange polynomials of `nodes` at x: `(*x)` → `(*x, k)`; a product formula, so it can
    be differentiated in x."""
    k = len(nodes)
    others = ~torch.eye(k, dtype=torch.bool, device=nodes.device)
    top = (x[..., None] - nodes)[..., None, :].expand(*x.shape, k, k)
    bottom = nodes[:, None] - nodes[None, :]
    ratio = torch.where(others, top / torch.where(others, bottom, 1.0), 1.0)
    return ratio.prod(dim=-1)
