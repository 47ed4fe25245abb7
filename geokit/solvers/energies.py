"""The discrete curve energy, for a metric that a map pulls back and for any other metric.

Both use the same points c₀ … c_n at the Gauss-Lobatto nodes of `Elements`, the derivative matrix D
and the weights w, and are put together element by element, since an element sees its own nodes
only. In formulas energies carry no ½; `system` returns the derivatives of E/2, where the factors of
two are gone.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..elements import Elements
from ..metric import inner, norm
from ..pullback import PullbackMetric, derivatives, embedding_of
from ..types import Bool, Float, Immersion, Int, Metric

IN_CACHE = {"cpu": 2**8}
"""Latent points decoded at a time where a processor's cache shall hold what they decode to."""
IN_MEMORY = {"cpu": 2**11, "cuda": 2**16}
"""Latent points worked on at a time, so that a batch of any size fits."""


class System(NamedTuple):
    """Derivatives of E/2 in the m = n − 2 inner points, coordinates flattened: `(*batch, m·d)` and
    `(*batch, m·d, m·d)`."""

    gradient: Tensor
    hessian: Tensor
    positive: Tensor
    """A positive semidefinite stand-in for the Hessian, for where that is indefinite."""


class Solution(NamedTuple):
    """What a solver returns."""

    points: Float[Tensor, "*batch n d"]
    iterations: Int[Tensor, "*batch"]
    converged: Bool[Tensor, "*batch"]


@runtime_checkable
class Energy(Protocol):
    """What a solver needs to know of the problem."""

    G: Metric
    elements: Elements

    def speeds(self, c: Tensor) -> Tensor: ...
    def energy(self, c: Tensor) -> Tensor: ...
    def system(self, c: Tensor) -> System: ...


@dataclass(frozen=True)
class DecodedEnergy:
    """E(c) = Σⱼₖ Sⱼₖ f(cⱼ)·f(c_k): the exact energy of the piecewise polynomial through the
    *decoded* points.

    It sees the latent points only through f, so its minimum is the same in every equivalent model,
    at every n.
    """

    f: Immersion
    elements: Elements

    @property
    def G(self) -> Metric:
        return PullbackMetric(self.f)

    def speeds(self, c: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch r"]:
        """|γ̇| at the quadrature points, in data units."""
        return self.elements.velocity(self.f(c)).norm(dim=-1)

    def energy(self, c: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
        return self.speeds(c) ** 2 @ self.elements.weights(c)

    def system(self, c: Float[Tensor, "*batch n d"]) -> System:
        """With X = f(c): gⱼ = Jⱼᵀ(SX)ⱼ and Hⱼₖ = Sⱼₖ JⱼᵀJ_k + δⱼₖ Σₐ (SX)ⱼₐ ∇²fₐ(cⱼ)."""
        one, x = self.elements, derivatives(self.f, c)
        D, w = one.slopes(c), one.weights(c)
        S = D.mT @ (w[: one.degree + 1, None] * D)  # the same for every element
        pull = one.join(S[:, 1:] @ one.from_first(x.value))  # (SX)ⱼ: where data space pulls cⱼ
        rows = x.jacobian.mT  # (*batch, n, d, D)
        gradient = (rows * pull[..., None, :]).sum(dim=-1)

        n, d = c.shape[-2:]
        own = rows.flatten(-3, -2).unfold(-2, (one.degree + 1) * d, one.degree * d)
        gram = (own.mT @ own).unflatten(-1, (-1, d)).unflatten(-3, (-1, d))
        positive = _assemble(gram * S[:, None, :, None])
        hessian = positive.clone()
        index = torch.arange(n, device=c.device)
        hessian[..., index, :, index, :] += x.curvature(pull).movedim(-3, 0)
        return _inner(gradient, hessian, positive)


@dataclass(frozen=True)
class MetricEnergy:
    """E(c) = Σᵣ wᵣ ċᵣᵀ G(cᵣ) ċᵣ with ċ = Dc: for a metric that is only known as a callable."""

    G: Metric
    elements: Elements

    def speeds(self, c: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch r"]:
        """‖γ̇‖ at the quadrature points, in data units."""
        return norm(self.G, c[..., self.elements.owner, :], self.elements.velocity(c))

    def energy(self, c: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
        z, velocity = c[..., self.elements.owner, :], self.elements.velocity(c)
        return inner(self.G, z, velocity, velocity) @ self.elements.weights(c)

    def system(self, c: Float[Tensor, "*batch n d"]) -> System:
        """Autodiff, element by element: forward over reverse in the (p + 1)·d coordinates of one
        element, all at once."""
        E, p = self.elements.count, self.elements.degree
        one, local = Elements(1, p), self.elements.split(c)  # (*batch, E, p + 1, d)
        k, d = p + 1, c.shape[-1]

        def half(x: Tensor) -> Tensor:  # of [0, 1] stretched to an element of width 1/E: E times
            return 0.5 * E * MetricEnergy(self.G, one).energy(x).sum()

        slope = torch.func.grad(half)
        basis = torch.eye(k * d).to(c).reshape(k * d, k, d)
        columns = torch.func.vmap(
            lambda v: torch.func.jvp(slope, (local,), (v.expand_as(local),))[1], out_dims=-1
        )(basis)

        # the same with the metric held still: positive semidefinite
        frozen = self.G(local).expand(*local.shape, d)
        D, w = one.slopes(c), one.weights(c)
        still = E * torch.einsum("r,rj,rk,...rab->...jakb", w, D, D, frozen)

        gradient = self.elements.join(slope(local))
        return _inner(gradient, _assemble(columns.unflatten(-1, (k, d))), _assemble(still))


def discretise(G: Metric, elements: Elements) -> Energy:
    """The discrete energy of a metric: on decoded points where the metric says what it embeds."""
    f = embedding_of(G)
    return MetricEnergy(G, elements) if f is None else DecodedEnergy(f, elements)


def measure(G: Metric, points: Tensor, elements: Elements) -> tuple[Tensor, Tensor]:
    """Length and energy of the curve through `points` at the nodes of `elements`."""
    return quadrature(speeds(G, points, elements), elements)


def speeds(G: Metric, points: Float[Tensor, "*batch n d"], elements: Elements) -> Tensor:
    """The speeds at the quadrature points, decoded a cacheful at a time."""
    every = torch.ones(points.shape[:-2], dtype=torch.bool, device=points.device)
    speed = points.new_empty(*every.shape, len(elements.owner))
    for at in portions(every, points.shape[-2], IN_CACHE):
        speed[at] = discretise(G, elements).speeds(points[at])
    return speed


def quadrature(speed: Float[Tensor, "*batch r"], elements: Elements) -> tuple[Tensor, Tensor]:
    """∫ ‖γ̇‖ dt and ∫ ‖γ̇‖² dt from the speeds at the quadrature points."""
    weights = elements.weights(speed)
    return speed @ weights, speed**2 @ weights


def portions(
    unsolved: Bool[Tensor, "*batch"], points: int = 1, room: dict[str, int] = IN_MEMORY
) -> Iterator[tuple]:
    """Indices of the problems still to be worked on, as many at a time as there is room for so many
    points each.

    They are chosen along the last axis, with all of the axes before it: an immersion may tell its
    models apart by the first. No other line of the solvers knows of it.
    """
    if not unsolved.any():
        return
    if unsolved.dim() == 0:
        yield ()
        return
    *models, pairs = unsolved.shape
    left = unsolved.reshape(-1, pairs).any(dim=0).nonzero()[:, 0]
    size = room.get(unsolved.device.type, IN_MEMORY["cuda"]) // (points * math.prod(models))
    for some in left.split(max(1, size)):
        yield (*[slice(None)] * len(models), some)


def _assemble(parts: Float[Tensor, "*batch E k d k d"]) -> Float[Tensor, "*batch n d n d"]:
    """One matrix from those of the elements: where neighbours share a node, both contribute."""
    *batch, E, k, d, _, _ = parts.shape
    p = k - 1
    matrix = parts.new_zeros(*batch, E * p + 1, d, E * p + 1, d)
    row, i, column, j = matrix.stride()[-4:]
    blocks = matrix.as_strided(
        parts.shape, (*matrix.stride()[:-4], p * (row + column), row, i, column, j)
    )
    for start in (0, 1):  # every other element: these share no node
        blocks[..., start::2, :, :, :, :] += parts[..., start::2, :, :, :, :]
    return matrix


def _inner(gradient: Tensor, hessian: Tensor, positive: Tensor) -> System:
    """The rows and columns of the inner points, coordinates flattened."""
    flat = (M[..., 1:-1, :, 1:-1, :].flatten(-2).flatten(-3, -2) for M in (hessian, positive))
    return System(gradient[..., 1:-1, :].flatten(-2), *flat)
