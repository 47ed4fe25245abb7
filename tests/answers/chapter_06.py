"""Answers to the exercises of chapter 6, right and wrong."""

import torch


def residual(A, G_a, G_b, z):
    J = torch.func.vmap(torch.func.jacfwd(A))(z)
    return torch.linalg.matrix_norm(J.mT @ G_b(A(z)) @ J - G_a(z))


def untouched(A, G_a, G_b, z):
    raise NotImplementedError


def without_the_star(A, G_a, G_b, z):
    """The poster's formula, taken by its word."""
    return torch.linalg.matrix_norm(G_b(A(z)) - G_a(z))


def metric_of_b_at_the_code_of_a(A, G_a, G_b, z):
    J = torch.func.vmap(torch.func.jacfwd(A))(z)
    return torch.linalg.matrix_norm(J.mT @ G_b(z) @ J - G_a(z))


def transposed(A, G_a, G_b, z):
    J = torch.func.vmap(torch.func.jacfwd(A))(z)
    return torch.linalg.matrix_norm(J @ G_b(A(z)) @ J.mT - G_a(z))


def always_zero(A, G_a, G_b, z):
    return torch.zeros(len(z))


def one_number(A, G_a, G_b, z):
    return residual(A, G_a, G_b, z).max()


def relative(A, G_a, G_b, z):
    return residual(A, G_a, G_b, z) / torch.linalg.matrix_norm(G_a(z))


SOLUTIONS = {"6.1": "c", "6.2": residual, "6.3": "ab"}
STUBS = {"6.1": ..., "6.2": untouched, "6.3": None}
WRONG = {
    "6.1": ["a", "b", "d"],
    "6.2": [
        without_the_star,
        metric_of_b_at_the_code_of_a,
        transposed,
        always_zero,
        one_number,
        relative,
    ],
    "6.3": ["abc", "a", "b", "abd", "abe"],
}
