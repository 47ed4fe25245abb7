"""Checks of the exercises in "Geodesics"."""

import torch

from ..surfaces import Cylinder, Paraboloid, Sphere
from .rules import choice, code, number, refuse

BOXES = {
    "sphere": (Sphere(1.5), (0.8, 0.0), (2.2, 1.6)),
    "cylinder": (Cylinder(0.7), (0.0, -1.0), (2.0, 1.0)),
    "paraboloid": (Paraboloid(), (0.7, -0.6), (1.6, 0.6)),
}
"""In these the curve that a straight chart line relaxes to is the shortest."""
PAIRS, SAMPLES, ENOUGH = 2, 1001, 0.005


def judge_solver(solver) -> None:
    """5.2: a solver (f, a, b) ↦ (curve, length, energy), on fresh pairs whose distance is known."""
    fresh = torch.Generator()
    fresh.seed()
    t = torch.linspace(0, 1, SAMPLES, dtype=torch.float64)
    for name, (surface, low, high) in BOXES.items():
        low, high = torch.tensor([low, high], dtype=torch.float64)
        share = torch.rand(PAIRS, 2, 2, generator=fresh, dtype=torch.float64)
        # one end in the lower left third, the other in the upper right one: never too near
        for a, b in zip(
            low + (high - low) * share[:, 0] / 3, high - (high - low) * share[:, 1] / 3, strict=True
        ):
            answer = solver(surface, a.clone(), b.clone())
            if hint := _fault(surface, a, b, answer, t):
                refuse(f"on the {name}, {hint}")


def _fault(surface, a, b, answer, t) -> str | None:
    """What is wrong with one curve, its length and its energy; None if nothing is."""
    try:
        curve, L, E = answer
    except (TypeError, ValueError):
        return "the answer is not three things: a curve, its length, its energy."
    L, E = (float(torch.as_tensor(x).detach()) for x in (L, E))
    z = curve(t).detach()
    if z.shape != (SAMPLES, 2):
        return f"curve(t) has shape {tuple(z.shape)} for {SAMPLES} times; it should be (n, 2)."
    if max(float((z[0] - a).abs().max()), float((z[-1] - b).abs().max())) > 1e-12:
        return "the curve does not begin at a and end at b exactly; hold the end points fixed."
    exact = float(surface.distance(a, b))
    steps = surface(z).diff(dim=0)
    measured = float(steps.norm(dim=-1).sum())
    if not measured <= (1 + ENOUGH) * exact:
        return "the curve is more than 0.5 % longer than the shortest; relax it further."
    if not abs(L / measured - 1) <= ENOUGH:
        return "the length you give is not that of your curve; add up decoded chords."
    # chords of one grid have E ≥ L² exactly; a length from a finer grid may be a little longer
    if not E >= L**2 * (1 - 4 * ENOUGH):
        return "your energy is less than the length squared, which cannot be; look for n or ½."
    energy = float((SAMPLES - 1) * steps.square().sum())
    if not abs(E / energy - 1) <= 4 * ENOUGH:
        return "the energy you give is not that of your curve; it is n times the sum of |Δx|²."
    return None


RULES = {
    "5.1": number(
        "2c421e05bec42fc2b989639be1586caa2b73ff670936c53c380149115be63ea4",
        decimals=3,
        hints=(
            "A parallel is no geodesic, unless it is the equator.",
            "The angle between two unit vectors x and y has the cosine x·y.",
        ),
    ),
    "5.2": code(
        judge_solver,
        hints=(
            "Let the inner knots of a natural spline be the unknowns; the end knots stay.",
            "Minimise n·Σ|f(γ(tᵢ)) − f(γ(tᵢ₋₁))|² by torch.optim.LBFGS; measure on a finer grid.",
        ),
    ),
    "5.3": choice(
        "5d029631ff3eb649f6a4c55226190805ac7b01bc59bfca7bca37a190352a0df5",
        options="abcde",
        hints=(
            "Ask of each end point: which code, and of which model?",
            "Which quantity is made least in the formula, and which in the sentence?",
        ),
    ),
    "5.4": number(
        "264dcc3b9f29a1e2d4a51bdd36b3505df74aceda7f1e1b39b14b766eb2824bb1",
        decimals=0,
        hints=(
            "A chord of a unit circle over the angle α has the length 2 sin(α/2).",
            "sin x = x − x³/6 + …, with x = 1/n here; then round up.",
        ),
    ),
}
