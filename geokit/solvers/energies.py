"""The discrete curve energy, for a metric that a map pulls back and for any other metric.

Both use the same points c₀ … c_n at the Gauss-Lobatto nodes of `Elements`, the derivative matrix D
and the weights w. In formulas energies carry no ½; `system` returns the derivatives of E/2, where
the factors of two are gone.
"""

from dataclasses import dataclass
from types import EllipsisType
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..curves import Elements
from ..metric import inner, norm
from ..pullback import PullbackMetric, jacobian
from ..types import Immersion, Metric


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

    def speeds(self, c: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch r"]:
        """|γ̇| at the quadrature points, in data units."""
        return (self.elements.derivative(c) @ _from_first(self.f(c))).norm(dim=-1)

    def energy(self, c: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
        return self.speeds(c) ** 2 @ self.elements.weights(c)

    def system(self, c: Float[Tensor, "*batch n d"]) -> System:
        """With X = f(c): gⱼ = Jⱼᵀ(SX)ⱼ and Hⱼₖ = Sⱼₖ JⱼᵀJ_k + δⱼₖ Σₐ (SX)ⱼₐ ∇²fₐ(cⱼ)."""
        S = self.elements.stiffness(c)
        J = jacobian(self.f, c)[..., 1:-1, :, :]
        pull = S @ _from_first(self.f(c))  # (SX)ⱼ: where data space pulls each point
        curvature = _contracted_hessian(self.f, c, pull)[..., 1:-1, :, :]
        gradient = torch.einsum("...jai,...ja->...ji", J, pull[..., 1:-1, :])

        *batch, m, D, d = J.shape
        flat = J.mT.reshape(*batch, m * d, D)
        gram = (flat @ flat.mT).unflatten(-1, (m, d)).unflatten(-3, (m, d))
        positive = gram * S[1:-1, None, 1:-1, None]
        hessian = positive + _block_diagonal(curvature)
        square = (*batch, m * d, m * d)
        return System(gradient.flatten(-2), hessian.reshape(square), positive.reshape(square))


@dataclass(frozen=True)
class MetricEnergy:
    """E(c) = Σᵣ wᵣ ċᵣᵀ G(cᵣ) ċᵣ with ċ = Dc: for a metric that is only known as a callable."""

    G: Metric
    elements: Elements

    def speeds(self, c: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch r"]:
        """‖γ̇‖ at the quadrature points, in data units."""
        velocity = self.elements.derivative(c) @ _from_first(c)
        return norm(self.G, c[..., self.elements.owner, :], velocity)

    def energy(self, c: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
        velocity = self.elements.derivative(c) @ _from_first(c)
        return inner(
            self.G, c[..., self.elements.owner, :], velocity, velocity
        ) @ self.elements.weights(c)

    def system(self, c: Float[Tensor, "*batch n d"]) -> System:
        """Autodiff, element by element: forward over reverse in the (p + 1)·d coordinates of one
        element, all at once."""
        E, p = self.elements.count, self.elements.degree
        one = Elements(1, p)
        index = torch.arange(E)[:, None] * p + torch.arange(p + 1)
        local = c[..., index, :]  # (*batch, E, p + 1, d)
        *batch, n, d = c.shape
        k = (p + 1) * d

        def half(
            x: Tensor,
        ) -> Tensor:  # of [0, 1] stretched to an element of width 1/E: energy times E
            return 0.5 * E * MetricEnergy(self.G, one).energy(x).sum()

        slope = torch.func.grad(half)
        basis = torch.eye(k, dtype=c.dtype, device=c.device).reshape(k, p + 1, d)
        columns = torch.func.vmap(
            lambda v: torch.func.jvp(slope, (local,), (v.expand_as(local),))[1], out_dims=-1
        )(basis)
        H = columns.reshape(*batch, E, p + 1, d, p + 1, d)

        # the same with the metric held still: positive semidefinite
        frozen = self.G(local).expand(*local.shape, d)
        D, w = one.derivative(c), one.weights(c)
        A = E * torch.einsum("r,rj,rk,...rab->...jakb", w, D, D, frozen)

        gradient = c.new_zeros(*batch, n, d)
        hessian, positive = c.new_zeros(2, *batch, n, d, n, d)
        g = slope(local)
        for e in range(E):  # neighbours share a node: contributions add up there
            at = slice(e * p, e * p + p + 1)
            gradient[..., at, :] += g[..., e, :, :]
            hessian[..., at, :, at, :] += H[..., e, :, :, :, :]
            positive[..., at, :, at, :] += A[..., e, :, :, :, :]
        square = (*batch, (n - 2) * d, (n - 2) * d)
        return System(
            gradient[..., 1:-1, :].flatten(-2),
            hessian[..., 1:-1, :, 1:-1, :].reshape(square),
            positive[..., 1:-1, :, 1:-1, :].reshape(square),
        )


def discretise(G: Metric, elements: Elements) -> Energy:
    """The discrete energy of a metric: on decoded points where the metric says what it pulls
    back."""
    if isinstance(G, PullbackMetric) and G.ambient is None:
        return DecodedEnergy(G.f, elements)
    return MetricEnergy(G, elements)


def active(unsolved: Bool[Tensor, "*batch"]) -> Tensor | EllipsisType:
    """An index of the problems still to be worked on. With several leading axes it takes all of
    them: an immersion may use the first to tell its models apart."""
    return unsolved.nonzero()[:, 0] if unsolved.dim() == 1 else ...


def _from_first(x: Float[Tensor, "*batch n D"]) -> Float[Tensor, "*batch n D"]:
    """Relative to the first point: the derivative is the same, and near points lose no digits to
    their position."""
    return x - x[..., :1, :]


def _contracted_hessian(f: Immersion, c: Tensor, weights: Tensor) -> Tensor:
    """Σₐ weightsₐ ∂²fₐ/∂zᵢ∂zⱼ at each point: d Hessian-vector products, forward over reverse."""
    if hasattr(f, "contracted_hessian"):
        return f.contracted_hessian(c, weights)
    # the zero keeps the slope a function of z where f is linear (torch.func wants one)
    slope = torch.func.grad(lambda z: (f(z) * weights).sum() + 0 * z.square().sum())
    basis = torch.eye(c.shape[-1], dtype=c.dtype, device=c.device)
    return torch.func.vmap(
        lambda v: torch.func.jvp(slope, (c,), (v.expand_as(c),))[1], out_dims=-1
    )(basis)


def _block_diagonal(blocks: Float[Tensor, "*batch m d d"]) -> Float[Tensor, "*batch m d m d"]:
    return torch.einsum("jk,...jab->...jakb", torch.eye(blocks.shape[-3]).to(blocks), blocks)
