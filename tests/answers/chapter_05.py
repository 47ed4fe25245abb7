"""Answers to the exercises of chapter 5: right ones, untouched stubs, typical wrong ones."""

import torch

from geokit import CubicSpline, StraightLine


def spline_solver(f, a, b, knots=9, samples=100, bend=True, half=1.0, loose=False):
    """A natural spline whose inner knots are moved to make the chord energy least."""
    t = torch.linspace(0, 1, samples + 1, dtype=a.dtype)
    line = StraightLine(a, b)(torch.linspace(0, 1, knots, dtype=a.dtype))
    inner = line[1:-1].clone().requires_grad_(True)

    def curve_of(inner):
        return CubicSpline(torch.cat([a[None], inner, b[None]]))

    def energy_of(inner):
        return samples * f(curve_of(inner)(t)).diff(dim=0).square().sum()

    relax = torch.optim.LBFGS([inner], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        relax.zero_grad()
        E = energy_of(inner)
        E.backward()
        return E

    if bend:
        relax.step(closure)
    curve = curve_of(inner.detach())
    fine = torch.linspace(0, 1, 1001, dtype=a.dtype)
    steps = f(curve(fine)).diff(dim=0)
    found = (lambda t: curve(t) + 1e-3) if loose else curve
    return found, steps.norm(dim=-1).sum(), half * 1000 * steps.square().sum()


def straight(f, a, b):
    """No relaxation at all."""
    return spline_solver(f, a, b, bend=False)


def halved(f, a, b):
    """The physicist's ½, with which L² ≤ E is wrong."""
    return spline_solver(f, a, b, half=0.5)


def loose_ends(f, a, b):
    """End points that moved along."""
    return spline_solver(f, a, b, loose=True)


def latent_length(f, a, b):
    """The length measured on the chart."""
    curve, _, E = spline_solver(f, a, b)
    z = curve(torch.linspace(0, 1, 1001, dtype=a.dtype))
    return curve, z.diff(dim=0).norm(dim=-1).sum(), E


def untouched(f, a, b):
    raise NotImplementedError


SOLUTIONS = {"5.1": 1.318116, "5.2": spline_solver, "5.3": "ab", "5.4": 13}
STUBS = {"5.1": ..., "5.2": untouched, "5.3": ..., "5.4": None}
WRONG = {
    "5.1": [1.360, 1.571, 0.250, 75.523],  # the parallel; Δφ; the cosine; degrees
    "5.2": [straight, halved, loose_ends, latent_length],
    "5.3": ["a", "b", "c", "abe", "de"],
    "5.4": [12, 14, 26, 167],  # just too few; points; ½ forgotten; the root forgotten
}
