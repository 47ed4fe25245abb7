"""Answers to the exercises of chapter 11."""

import torch


def step(G, z, ε, scale):
    λ, U = torch.linalg.eigh(G(z))
    return z + scale * (U @ (λ.rsqrt() * ε)[..., None])[..., 0]


def root_upside_down(G, z, ε, scale):
    λ, U = torch.linalg.eigh(G(z))
    return z + scale * (U @ (λ.sqrt() * ε)[..., None])[..., 0]


def eigenvectors_transposed(G, z, ε, scale):
    λ, U = torch.linalg.eigh(G(z))
    return z + scale * (U.mT @ (λ.rsqrt() * ε)[..., None])[..., 0]


def cholesky_without_transpose(G, z, ε, scale):
    L = torch.linalg.cholesky(G(z))
    return z + scale * torch.linalg.solve_triangular(L, ε[..., None], upper=False)[..., 0]


def of_unit_length(G, z, ε, scale):
    """Each step exactly as long as the scale: not normal."""
    dz = step(G, z, ε, 1.0) - z
    return z + scale * dz / torch.einsum("ni,nij,nj->n", dz, G(z), dz).sqrt()[:, None]


def along_one_axis(G, z, ε, scale):
    """The right length, draw by draw, in a wrong direction."""
    e = torch.zeros_like(z)
    e[:, 0] = scale * ε.norm(dim=-1) / G(z)[:, 0, 0].sqrt()
    return z + e


def neighbours(D, k):
    away = D + torch.diag(torch.full((len(D),), torch.inf))
    return away.topk(k, largest=False).indices


def agreement(one, other, k):
    a, b = neighbours(one, k), neighbours(other, k)
    return (a[:, :, None] == b[:, None, :]).any(dim=-1).double().mean()


def with_itself(one, other, k):
    a, b = (D.topk(k, largest=False).indices for D in (one, other))
    return (a[:, :, None] == b[:, None, :]).any(dim=-1).double().mean()


def in_the_same_order(one, other, k):
    return (neighbours(one, k) == neighbours(other, k)).double().mean()


def farthest(one, other, k):
    a, b = (D.topk(k).indices for D in (one, other))
    return (a[:, :, None] == b[:, None, :]).any(dim=-1).double().mean()


SOLUTIONS = {"11.1": step, "11.2": "adf", "11.3": agreement, "11.4": 0.8 / 1.32}

STUBS = {
    "11.1": lambda G, z, ε, scale: ...,
    "11.2": ...,
    "11.3": lambda one, other, k: None,
    "11.4": None,
}

WRONG = {
    "11.1": [
        root_upside_down,
        eigenvectors_transposed,
        cholesky_without_transpose,
        of_unit_length,
        along_one_axis,
        lambda G, z, ε, scale: step(G, z, ε, scale) - z,  # the step, not the walkers
        lambda G, z, ε, scale: z + scale * ε,
    ],
    "11.2": ["abc", "ac", "acdf", "adef", "af"],  # abc: the talk's own words
    "11.3": [
        with_itself,
        in_the_same_order,
        farthest,
        lambda one, other, k: k * agreement(one, other, k),
    ],
    "11.4": [0.4, 0.8, 0.53, 0.0, 0.61],  # 0.4: Brownian motion
}
