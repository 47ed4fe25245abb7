"""Checks of chapter 12: injective decoders."""

import math

import torch
from torch import Tensor

from ..identifiability import smallest_singular_value
from ..models.manifold_flow import PaddedFlow
from .rules import choice, code, refuse


def decoders() -> list:
    """Four with their codes: a flow, convolutions, one of rank below d, one with fewer pixels."""
    flow = PaddedFlow(9, 3, 4, (8,)).double().requires_grad_(False)
    first = torch.nn.Linear(2, 4 * 6).double().requires_grad_(False)
    convolution = torch.nn.Conv1d(4, 3, 3, padding=1).double().requires_grad_(False)

    def cnn(z: Tensor) -> Tensor:
        h = first(z).tanh().reshape(-1, 4, 6)
        return convolution(h).tanh().reshape(*z.shape[:-1], 18)

    mix, flat = torch.randn(2, 3), torch.randn(2, 7)
    return [
        ("a flow", flow, torch.randn(11, 3)),
        ("a decoder with convolutions", cnn, torch.randn(6, 2)),
        ("a decoder that ignores a direction", lambda z: (z @ mix.mT @ flat).sin(), codes(5, 3)),
        ("a decoder of 3 coordinates to 2 pixels", lambda z: (z @ mix.mT).tanh(), codes(4, 3)),
    ]


def codes(*shape: int) -> Tensor:
    return torch.randn(*shape)


def judge_least(theirs) -> None:
    """my_least(f, z): one number, the smallest singular value over all codes."""
    torch.manual_seed(12)
    for name, f, z in decoders():
        right = smallest_singular_value(f, z).min()
        found = torch.as_tensor(theirs(f, z))
        if found.numel() != 1:
            refuse(f"return one number for all codes; yours has the shape {tuple(found.shape)}")
        # the root of an eigenvalue of JᵀJ that should be zero is about 1e-8
        if not torch.allclose(found.double().reshape(()), right, rtol=1e-6, atol=1e-6):
            refuse(f"for {name} it is {right:.4f}, you say {float(found):.4f}")


def sheets() -> list:
    """Pairs of maps with codes of the first, starts of the second, and the gap in closed form."""
    z = torch.rand(9, 2) - 0.5
    side = torch.linspace(-1.5, 1.5, 13)
    square = torch.cartesian_prod(side, side)
    rows = torch.linalg.qr(torch.randn(5, 5)).Q[:3]

    def plane(z: Tensor, at: float = 0.0) -> Tensor:
        x = torch.stack([z[..., 0], z[..., 1], torch.full_like(z[..., 0], at)], dim=-1)
        return x @ rows

    def bent(w: Tensor) -> Tensor:
        """The same plane, by other coordinates."""
        u, v = w.unbind(dim=-1)
        return plane(torch.stack([u.sinh(), v + 0.4 * u**2], dim=-1))

    def ball(radius: float):
        def f(z: Tensor) -> Tensor:
            u, v = z.unbind(dim=-1)
            x = torch.stack([u.cos() * v.cos(), u.sin() * v.cos(), v.sin()], dim=-1)
            return radius * x @ rows

        return f

    def wave(w: Tensor) -> Tensor:
        """A sheet of waves above the plane, with a valley every π/2, by a shifted coordinate."""
        u = w[..., 0] + 0.4
        return torch.stack([u, w[..., 1], _wave(u)], dim=-1) @ rows

    ways = torch.cartesian_prod(torch.linspace(-math.pi, math.pi, 25)[1:], side)
    centre = torch.tensor([[0.0, 0.0]])
    return [
        ("two charts of one plane", plane, bent, z, square, torch.zeros(9)),
        ("parallel planes", lambda z: plane(z, 0.3), bent, z, square, torch.full((9,), 0.3)),
        ("two spheres", ball(1.0), ball(1.25), 2 * z, ways, torch.full((9,), 0.25)),
        ("two spheres, all codes", ball(1.5), ball(1.0), 6 * z[:, :1] * centre.new_tensor([1, 0.2]),
         ways, torch.full((9,), 0.5)),
        ("a sheet of waves", plane, wave, z, square, _to_wave(z[:, 0])),
    ]  # fmt: skip


def _wave(u: Tensor) -> Tensor:
    return 0.9 + 0.8 * (4 * u).cos()


def _to_wave(x: Tensor) -> Tensor:
    """From (x, ·, 0) to the sheet of waves, on a fine grid: its profile alone matters."""
    u = torch.linspace(-3, 3, 60_001)
    return ((u - x[:, None]) ** 2 + _wave(u) ** 2).amin(dim=1).sqrt()


def judge_gap(theirs) -> None:
    """my_gap(f_a, f_b, z, starts): the distance of each f_a(z) from the image of f_b."""
    torch.manual_seed(124)
    for name, f_a, f_b, z, starts, right in sheets():
        found = theirs(f_a, f_b, z, starts)
        if not isinstance(found, Tensor) or found.shape != right.shape:
            refuse(f"for {len(z)} codes return a tensor of the shape {tuple(right.shape)}")
        wrong = (found - right).abs() > 1e-3
        if wrong.any():
            i = int(wrong.nonzero()[0])
            refuse(f"for {name} a gap is {right[i]:.4f}, you say {float(found[i]):.4f}")


RULES = {
    "12.1": choice(
        "7860fd0d20ad68369398d46adadf96b58c1975fa44645c516142a3f21d7f77d4",
        options="abcde",
        hints=(
            "Try each argument on t ↦ t³, a differentiable bijection of the line.",
            "Two proofs are right: one multiplies by a left inverse, one looks at columns.",
        ),
    ),
    "12.2": code(
        judge_least,
        hints=(
            "The Jacobian of all codes at once is `jacobian(f, z)`, of the shape (n, D, d).",
            "Take the last of the d singular values at each code, then the least over the codes. "
            "Where D < d there are directions that no image shows.",
        ),
    ),
    "12.3": choice(
        "c9e1ba68395f683d127d60f42b1177791bcb09089ac3150a4365362e9105cfe3",
        options="abcde",
        hints=(
            "A curve of codes must stay among the codes; what does it meet at 0 and at 2π?",
            "The speed is 1 in every version, so what can the singular value see? Three "
            "statements are true.",
        ),
    ),
    "12.4": code(
        judge_gap,
        hints=(
            "Which of the images f_b(starts) is nearest to each x = f_a(z)?",
            "Begin there, for each x with its own code, and let `foot` do the rest; then the norm "
            "of what is left.",
        ),
    ),
}
