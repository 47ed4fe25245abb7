"""Answers to the exercises of "Flatness: when Euclid is allowed"."""

import torch
from torch.func import jacfwd, vmap


def symbols(G, z):
    """Γˡᵢⱼ at one point."""
    dG = jacfwd(G)(z)  # [i, j, k] = ∂ₖ gᵢⱼ
    lowered = dG.permute(0, 2, 1) + dG - dG.permute(2, 0, 1)
    return torch.einsum("lk,kij->lij", torch.linalg.inv(G(z)), lowered) / 2


def my_curvature(G, z):
    def at(z):
        Γ, dΓ = symbols(G, z), jacfwd(lambda z: symbols(G, z))(z)
        # Rˡ of R(∂₁, ∂₂)∂₂
        R = dΓ[:, 1, 1, 0] - dΓ[:, 0, 1, 1] + Γ[:, 0] @ Γ[:, 1, 1] - Γ[:, 1] @ Γ[:, 0, 1]
        return G(z)[0] @ R / torch.linalg.det(G(z))

    return vmap(at)(z)


def of_the_other_sign(G, z):
    return -my_curvature(G, z)


def not_divided(G, z):
    return my_curvature(G, z) * torch.linalg.det(G(z))


def of_orthogonal_charts(G, z):
    """Forgets g₁₂."""
    return my_curvature(lambda z: torch.diag_embed(G(z).diagonal(dim1=-2, dim2=-1)), z)


def of_the_neighbour(G, z):
    """Right at the first point only."""
    K = my_curvature(G, z)
    return torch.cat([K[:1], K[1:] + 1])


def of_one_point(G, z):
    return my_curvature(G, z)[0]


def distances(a, b):
    return (a - b).norm(dim=-1)


def my_spread(a, b):
    d = distances(a, b)
    d = d / d.mean(dim=1, keepdim=True)
    return d.std(dim=0) / d.mean(dim=0)


def with_units(a, b):
    d = distances(a, b)
    return d.std(dim=0) / d.mean(dim=0)


def upside_down(a, b):
    return 1 / my_spread(a, b)


def over_the_pairs(a, b):
    d = distances(a, b)
    return d.std(dim=1) / d.mean(dim=1)


def of_each_pair(a, b):
    """Divides by the mean of the pair, not of the model."""
    d = distances(a, b)
    return (d / d.mean(dim=0)).std(dim=0)


SOLUTIONS = {"7.1": my_curvature, "7.2": "ad", "7.3": my_spread}


def stub(*arguments):
    raise NotImplementedError("your code here")


STUBS = {"7.1": stub, "7.2": None, "7.3": stub}

WRONG = {
    "7.1": [of_the_other_sign, not_divided, of_orthogonal_charts, of_one_point, of_the_neighbour],
    "7.2": ["e", "a", "ac", "abd", "ae"],  # e: the post's step from "only if" to "if"
    "7.3": [with_units, upside_down, over_the_pairs, of_each_pair],
}
