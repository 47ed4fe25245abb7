"""Chapter 6: the order of a proof, the residual of an isometry, three counter-examples."""

import torch
from torch import Tensor

from ..pullback import PullbackMetric
from .rules import choice, code, refuse


class Hidden:
    """A random coupling of two or three coordinates, and its inverse."""

    def __init__(self, d: int):
        self.scale, self.shift = 0.4 * torch.randn(2, d - 1)
        self.stretch = 0.3 * torch.randn(())

    def __call__(self, z: Tensor) -> Tensor:
        u, rest = z[..., :1], z[..., 1:]
        rest = rest * (self.scale * u.sin()).exp() + self.shift * u**2
        return torch.cat([u * (self.stretch * rest[..., :1].cos()).exp(), rest], dim=-1)

    def inverse(self, w: Tensor) -> Tensor:
        u, rest = w[..., :1], w[..., 1:]
        u = u * (-self.stretch * rest[..., :1].cos()).exp()
        return torch.cat([u, (rest - self.shift * u**2) * (-self.scale * u.sin()).exp()], dim=-1)


def judge_residual(residual) -> str | None:
    for d in (2, 3):
        A, weights, z = Hidden(d), torch.randn(d, 12), torch.randn(7, d)

        def f_a(z: Tensor, weights: Tensor = weights) -> Tensor:
            return (z @ weights).tanh()

        def f_b(w: Tensor, A: Hidden = A, f_a=f_a) -> Tensor:
            return f_a(A.inverse(w))

        G_a, G_b = PullbackMetric(f_a), PullbackMetric(f_b)
        pulled = PullbackMetric(A, ambient=G_b)
        for name, H_a, H_b in (
            ("an isometry", G_a, G_b),
            ("a map that is no isometry", lambda z, G=G_a: 3 * G(z), G_b),
        ):
            right = torch.linalg.matrix_norm(pulled(z) - H_a(z))
            given = residual(A, H_a, H_b, z)
            if not isinstance(given, Tensor) or given.shape != right.shape:
                refuse(f"for z of shape {tuple(z.shape)} give a tensor of shape {(len(z),)}")
            if not torch.allclose(given, right, rtol=1e-6, atol=1e-8):
                return f"for {name} of codes with {d} coordinates the residual is another"
    return None


RULES = {
    "6.1": choice(
        "d3a529a3dbecb6f8a864077c4fb365b4e61aef1968e7b7e19ca67420a0d3838d",
        options="abcd",
        hints=(
            "A map must exist before one can ask whether it has a derivative.",
            "The chain rule comes after differentiability and before any product of Jacobians.",
        ),
    ),
    "6.2": code(
        judge_residual,
        hints=(
            "The metric of b is needed where b has its code: at A(z), not at z.",
            "J has A's outputs as rows: the transposed one stands on the left of G_b. The norm is "
            "over the two axes of each matrix, and is not divided by anything.",
        ),
    ),
    "6.3": choice(
        "bcee1ce21cb9a8c466cbac84d034d8e5c66ff0a4e0a9c2a26f50497dd1bba1cc",
        options="abcde",
        hints=(
            "The theorem compares two decoders by f_a = f_b ∘ A, and nothing else.",
            "Two sentences are true. Ask of each of the others which assumption it forgets.",
        ),
    ),
}
