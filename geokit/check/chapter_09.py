"""Checks of chapter 9: the variance of a decoder."""

import torch

from ..pullback import jacobian
from .rules import choice, code, number, refuse


def judge_field(theirs) -> None:
    """my_field(codes, std): a function z ↦ σ(z) that matches std at the codes and grows away."""
    draws = torch.Generator().manual_seed(5)
    angle = 3.5 * torch.rand(400, generator=draws)
    codes = torch.stack([2 * angle.cos(), 1.2 * angle.sin()], dim=-1)
    codes += 0.1 * torch.randn(400, 2, generator=draws)
    x, y = codes.unbind(dim=-1)
    std = 0.04 * torch.stack([2 + x.sin(), 1.5 + y.cos(), torch.ones(400), 4 + x], dim=-1)
    σ = theirs(codes, std)
    if σ is not None and not callable(σ):
        refuse("my_field must return a function z ↦ σ(z), and yours returns values")

    if (shape := tuple(σ(codes[:6].reshape(3, 2, 2)).shape)) != (3, 2, 4):
        refuse(f"for points of shape (3, 2, 2) and 4 pixels σ has the shape {shape}, not (3, 2, 4)")
    low, high = codes.amin(dim=0) - 1, codes.amax(dim=0) + 1
    box = low + (high - low) * torch.rand(2000, 2, generator=draws)
    with torch.no_grad():
        here, there = σ(codes), σ(box)
    for values in (here, there):
        if not (values.isfinite() & (values > 0)).all():
            refuse("σ must be positive and finite at every point of the box")
    error = (here / std).log().square().mean().sqrt()
    if not error <= 0.2:
        refuse(f"at the codes the root mean square of log(σ/std) is {error:.2f}, and 0.2 is asked")
    empty = torch.cdist(box, codes).amin(dim=-1) > 0.7
    least = (there[empty] / std.amax(dim=0)).amin()
    if not least >= 5:
        refuse(f"far from every code σ falls to {least:.2f} times the largest std; 5 is asked")

    t = (torch.arange(400) + 0.5) / 400  # a way from the middle of the arc out of the box's top
    start = codes[(codes - torch.tensor([0.0, 1.2])).norm(dim=-1).argmin()]  # of a code
    end = torch.stack([start[0], high[1]])
    slope = jacobian(σ, start + (end - start) * t[:, None]).detach() @ (end - start)
    rise = (σ(end) - σ(start)).detach()
    if not ((slope.mean(dim=0) - rise).abs() <= 0.1 * rise.abs()).all():
        refuse(
            "along a way out the slopes of σ do not add up to its rise: let σ rise smoothly, and "
            "do not detach it"
        )


RULES = {
    "9.1": number(
        "5cb2b0cf4dc35226823dd3d3fb5e967c14af3edb0b0ec466cde6bdeaf9272620",
        decimals=0,
        hints=(
            "Is the mean of ε still zero? Is its variance still one?",
            "A uniform number between −3 and 3 has the variance 6²/12; it multiplies one term.",
        ),
    ),
    "9.2": code(
        judge_field,
        hints=(
            "Let the network give log σ, and add two losses: one at the codes, one elsewhere.",
            "Elsewhere is random points of the enlarged box that are not near a code; punish "
            "there only what is below a goal, such as log(12 · largest std).",
        ),
    ),
    "9.3": number(
        "642ea138f529a6d3aa91da796d6bd2e376c7a530cef59b0556f1df64cba6aa7f",
        decimals=1,
        hints=(
            "Along a ray σ only rises, and the mean does not move.",
            "The length is that of the curve σ(γ) in 784 dimensions: what is √784?",
        ),
    ),
    "9.4": choice(
        "31f20839a630c1d16eea4befba4fece2a06330012f56d4b820139133452a1dbd",
        options="abcdef",
        hints=(
            "What becomes of an edge that only one of its ends counts among its nearest five?",
            "β is a precision: what is σ in terms of it? And which of length and energy is a "
            "square?",
        ),
    ),
}
