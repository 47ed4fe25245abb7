"""Checks of chapter 10: ensembles of decoders."""

import math

import torch
from torch import Tensor

from ..ensemble import ensemble_energy
from .rules import choice, code, number, refuse


def members(draws: torch.Generator) -> list:
    """Three smooth decoders of two coordinates, far enough apart to be told from one another."""

    def member(weights: Tensor):
        return lambda z: (z @ weights).sin()

    return [member(torch.randn(2, 4, generator=draws, dtype=torch.float64)) for _ in range(3)]


def judge_energy(theirs) -> None:
    """my_energy(decoders, points, draws): one random draw, unbiased."""
    draws = torch.Generator().manual_seed(10)
    decoders = members(draws)
    ends = torch.randn(2, 2, generator=draws, dtype=torch.float64)
    points = ends[0] + torch.linspace(0, 1, 6, dtype=torch.float64)[:, None] * (ends[1] - ends[0])
    samples = torch.tensor([scalar(theirs(decoders, points, draws)) for _ in range(3000)])
    if (samples == samples[0]).all():
        refuse("each call gives the same number; draw the members from the generator")
    exact = float(ensemble_energy(decoders, points))
    error = float(samples.std()) / math.sqrt(len(samples))
    if not abs(float(samples.mean()) - exact) < 5 * error:
        refuse(
            f"the mean of 3000 draws is {samples.mean():.3f} ± {error:.3f}, "
            f"the expected energy {exact:.3f}"
        )
    # four members that paint a constant: a point decoded once never lies on both 0–1 and 10–30
    constant = [lambda z, c=c: torch.full_like(z[..., :1], c) for c in (0.0, 1.0, 10.0, 30.0)]
    three = [scalar(theirs(constant, points[:3], draws)) for _ in range(400)]
    if any(abs(one - 2 * (1 + 400)) < 1e-6 for one in three):
        refuse(
            "the mean is right, but a point between two steps was decoded by two members in one "
            "draw; let one member decode it for both"
        )


def scalar(energy) -> float:
    try:
        return float(energy)
    except (TypeError, ValueError, RuntimeError):
        refuse("return one number, the energy of the curve")


def judge_members(theirs) -> None:
    """my_members(lengths, tolerance): how many members each pair needs."""
    draws = torch.Generator().manual_seed(11)
    mean = 1 + 9 * torch.rand(7, generator=draws, dtype=torch.float64)
    lengths = mean * (1 + 0.05 * torch.randn(5, 7, generator=draws, dtype=torch.float64))
    lengths = torch.cat([lengths, lengths[:, :1].mean().expand(5, 1)], dim=1)  # no scatter: one
    for tolerance in (0.01, 0.03):
        cv = lengths.std(dim=0) / lengths.mean(dim=0)
        exact = (cv / tolerance).square().ceil().clamp(min=1)
        found = torch.as_tensor(theirs(lengths, tolerance))
        if found.shape != exact.shape:
            refuse(f"return one number a pair, {len(exact)} here; yours has {tuple(found.shape)}")
        if not torch.equal(found.double(), exact):
            wrong = int((found.double() != exact).nonzero()[0])
            refuse(
                f"with a coefficient of variation of {float(cv[wrong]):.4f} and a tolerance of "
                f"{tolerance} it takes {int(exact[wrong])} members, "
                f"you say {float(found[wrong]):g}"
            )


RULES = {
    "10.1": code(
        judge_energy,
        hints=(
            "How many segments lie between n points, and how long does each last?",
            "Draw one member for every point, not one for the curve; then (n − 1) times the sum "
            "of the squared steps.",
        ),
    ),
    "10.2": number(
        "701d4fa6338bd5eb13153654513d79ebdf143d3d7607c2a5675d07d6f1eb4fb9",
        decimals=1,
        hints=(
            "A hundred segments. Put ‖Δm‖, V and N into the formula of the theorem.",
            "The first term is the square of the image's length, as its speed is constant. "
            "V = ‖c‖² at every point.",
        ),
    ),
    "10.3": code(
        judge_members,
        hints=(
            "The standard error of the mean of n independent numbers is their standard deviation "
            "divided by √n.",
            "Solve CV/√n ≤ tolerance for n and round up; even without scatter it takes one "
            "member. The standard deviation is that with S − 1.",
        ),
    ),
    "10.4": choice(
        "fe6f8f01fa8262108ee8df69e51800b22dc09ef68d1037235482556d47c50e04",
        options="abcde",
        hints=(
            "What is the distance between the pictures of two members at one and the same point?",
            "Count the jumps: how many are there, and does one become smaller when the points "
            "move together?",
        ),
    ),
}
