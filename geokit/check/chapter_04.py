"""Checks of chapter 4: volume, angle, density."""

import math

import torch
from torch import Tensor

from ..surfaces import Sphere
from .rules import choice, code, number, refuse


def judge_area(theirs) -> None:
    """my_area(f, low, high): the area of the image of the rectangle from low to high."""
    draws = torch.Generator().manual_seed(3)
    low, high = torch.tensor([-0.5, 1.0]), torch.tensor([1.5, 2.0])
    A = torch.randn(4, 2, generator=draws, dtype=torch.float64)
    exact = 2 * torch.linalg.det(A.mT @ A).sqrt()
    compare(theirs(lambda z: z @ A.mT, low, high), exact, "a parallelogram in four dimensions")

    R, θ, φ = (1 + torch.rand(3, generator=draws, dtype=torch.float64)).unbind()
    exact = R**2 * φ * (1 - θ.cos())
    low, high = torch.zeros(2), torch.stack([θ, φ])
    compare(theirs(Sphere(float(R)), low, high), exact, "a piece of a globe about the pole")


def compare(area, exact: Tensor, what: str) -> None:
    try:
        area = float(area)
    except (TypeError, ValueError, RuntimeError):
        refuse("return one number, the area")
    if not math.isfinite(area) or abs(area / float(exact) - 1) > 1e-3:
        refuse(f"the area of {what} is {float(exact):.4f}, yours is {area:.4f}")


RULES = {
    "4.1": code(
        judge_area,
        hints=(
            "The area is the integral of √det G over the rectangle.",
            "Cut the rectangle into 200 × 200 cells, and add up the volume element at the "
            "middles of the cells times the area of a cell.",
        ),
    ),
    "4.2": choice(
        "104554fbabae4607067bbbecf9edde304baf788cb0cf3d32e546447ba33c14e4",
        options="abcde",
        hints=(
            "Look at the sign of the rank correlation, and at which side of the diagonal the "
            "pairs are.",
            "Shortest paths shun places where √det G is large. Where are the codes?",
        ),
    ),
    "4.3": number(
        "14348e0fcfc40a2b86e1db6d331d951567093eb02d5815d457119b7806f84dd0",
        decimals=5,
        hints=(
            "The same decoder in the coordinates w is f_b(w) = f(w/2). What is its Jacobian?",
            "G becomes G/4. What does that do to a 5 × 5 determinant, and to its root?",
        ),
    ),
}
