"""Composite Gauss-Lobatto elements: nodes, quadrature and derivatives of piecewise polynomials on
[0, 1]."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from .types import Float


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
