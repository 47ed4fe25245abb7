"""Solve, refine, certify: the loop around any solver that makes its answers worth trusting.

A problem is solved on few elements first, and again on more only if it fails its certificate: the
solver converged, and the length of its curve, measured on two finer grids as the curve lies in
latent space, agrees with what the solver believes. A curve that comes out longer than its start is
dropped. Each level starts from the last curve at constant speed, where its energy is least: that
saves a quarter to a half of the steps.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..curves import LobattoCurve
from ..elements import Elements
from ..types import Metric
from .energies import Solution, discretise, measure, portions
from .starts import COUNTS, DEGREE, FINEST, FIRST, Path, choose, paced

STOP = 1e-2
"""A solver stops at a relative gain in energy of this much of the tolerance."""
LOOSEST = 1e-2
"""However large the tolerance, a certificate asks for this much."""


def solve(G: Metric, start: Path, tolerance: float, solver: Callable) -> Path:
    """Minimise from one start, level by level; what comes out is never longer than the start."""
    path, enough = Path(*(x.clone() for x in start)), min(tolerance, LOOSEST)
    for count in COUNTS:
        elements = Elements(count, DEGREE)
        for at in portions(~path.resolved, count * DEGREE + 1):
            last = Path(*(x[at] for x in path))
            old, bound = start_again(G, last, start.points[at], elements)
            c = LobattoCurve(old.even, FINEST)(elements.times(old.even))
            found = solver(discretise(G, elements), c, STOP * tolerance)
            new = decide(old, certify(G, found, elements, enough), bound, enough)
            for x, part in zip(path, choose(last.resolved, last, new), strict=True):
                x[at] = part
    return path


def start_again(G: Metric, old: Path, start: Tensor, elements: Elements) -> tuple[Path, Tensor]:
    """The last curve, measured and at constant speed; and the length that no new curve may exceed:
    the last curve's and the start's, on the finer grid of this level's certificate."""
    fine = Elements(4 * elements.count, DEGREE)
    if fine == FIRST:  # there the start has been measured already
        return old, old.seen
    L, E, even = paced(G, old.points, fine)
    finite = L.isfinite()  # a finer grid may meet a hole that coarser ones stepped over
    L, E = torch.where(finite, L, old.length), torch.where(finite, E, old.energy)
    begun, _ = measure(G, LobattoCurve(start, FINEST)(fine.times(start)), fine)
    return old._replace(length=L, energy=E, seen=L, even=even), L.fmin(begun)


def certify(G: Metric, found: Solution, elements: Elements, enough: float) -> Path:
    """A solver's curve, passed if it converged and all agree on the length: the solver's elements
    and, along the curve as it lies in latent space, two finer grids."""
    points = LobattoCurve(found.points, elements)(FINEST.times(found.points))
    curve = LobattoCurve(points, FINEST)
    grid, fine = (Elements(k * elements.count, DEGREE) for k in (2, 4))
    L, E = measure(G, found.points, elements)
    L_grid, _ = measure(G, curve(grid.times(points)), grid)
    L_fine, E_fine = measure(G, curve(fine.times(points)), fine)

    beliefs = torch.stack([E.sqrt(), L, L_grid])
    defect = torch.where(E > 0, (L_fine / beliefs - 1).abs().amax(dim=0), 0)
    passed = found.converged & (defect <= enough)
    # what failed is reported as measured, not as believed
    return Path(
        points=points,
        length=torch.where(passed, L, L_fine),
        energy=torch.where(passed, E, E_fine),
        defect=defect,
        resolved=passed,
        iterations=found.iterations,
        seen=L_fine,
        even=points,
    )


def decide(old: Path, new: Path, bound: Tensor, enough: float) -> Path:
    """The new curve if it is no longer than the `bound`, else the old one: a coarse energy can take
    a short cut through data space, and such a curve is long. Where the old curve is as short as the
    solver believes any to be, it is the answer, and passes with the new one."""
    rounding = 1e3 * torch.finfo(bound.dtype).eps
    good = new.seen <= bound * (1 + rounding)
    off = (old.length / new.energy.sqrt() - 1).abs()
    tie = ~good & new.resolved & (off <= enough)
    shortest = old._replace(points=old.even, energy=old.length**2, defect=off, resolved=tie)
    best = choose(tie, shortest, choose(good, new, old))
    return best._replace(iterations=old.iterations + new.iterations)
