"""Solve, refine, certify: the loop around any solver that makes its answers worth trusting.

A problem is solved on few elements first, and again on more only if it fails its certificate: the
solver converged, and the length of its curve, measured on two finer grids as the curve lies in
latent space, agrees with what the solver believes. A curve that comes out longer than its start is
dropped. Each level starts from the last curve at constant speed, where its energy is least: that
saves a quarter to a half of the steps.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ..curves import Elements, LobattoCurve, constant_speed
from ..types import Metric
from .energies import IN_CACHE, IN_MEMORY, discretise, portions

DEGREE = 4
COUNTS = (8, 16, 32, 64)
"""Elements of the curve; a problem moves on to the next count only when it fails its
certificate."""
FINEST = Elements(COUNTS[-1], DEGREE)
CHECK = 2
"""The certificate looks at the curve with this many times as many elements, and with twice as many
again."""
FIRST = Elements(2 * CHECK * COUNTS[0], DEGREE)
"""On these a start is measured: the finer grid of the first level's certificate."""
STOP = 1e-2
"""A solver stops at a relative gain in energy of this much of the tolerance."""
LOOSEST = 1e-2
"""However large the tolerance, a certificate asks for this much."""


class Path(NamedTuple):
    """Curves in the making: the first fields of a `Geodesic`, and what the next level needs."""

    points: Tensor
    length: Tensor
    energy: Tensor
    defect: Tensor
    resolved: Tensor
    iterations: Tensor
    even: Tensor
    """The nodes of the same curve at constant speed: where the next level starts."""


def solve(G: Metric, start: Path, tolerance: float, solver: Callable) -> Path:
    """Minimise from one start, level by level; what comes out is never longer than the start."""
    path = Path(*(x.clone() for x in start))
    for count in COUNTS:
        elements = Elements(count, DEGREE)
        for at in portions(~path.resolved, elements, IN_MEMORY):
            old = Path(*(x[at] for x in path))
            new = _level(G, old, start.points[at], elements, tolerance, solver)
            for x, part in zip(path, new, strict=True):
                x[at] = part
    return path


def _level(
    G: Metric, old: Path, start: Tensor, elements: Elements, tolerance: float, solver: Callable
) -> Path:
    """Solve on `elements` from where the path is, and certify what comes out."""
    a, b = start[..., 0, :], start[..., -1, :]
    grid, finer = (Elements(k * CHECK * elements.count, DEGREE) for k in (1, 2))
    even, L_start = old.even, old.length
    if finer != FIRST:  # on FIRST the start has been measured already
        L_old, E_old, even = _paced(G, old.points, finer)
        finite = L_old.isfinite()  # a finer grid may meet a hole that coarser ones stepped over
        L_old, E_old = old.length.where(~finite, L_old), old.energy.where(~finite, E_old)
        old = old._replace(length=L_old, energy=E_old)
        L_start, _ = measure(G, start, finer, FINEST)
    c = LobattoCurve(even, FINEST)(elements.times(a))
    solution = solver(discretise(G, elements), pin(c, a, b), STOP * tolerance)
    points = pin(LobattoCurve(solution.points, elements)(FINEST.times(c)), a, b)
    L, E = measure(G, solution.points, elements)

    # the curve as it lies in latent space, on two finer grids: all numbers must agree
    L_grid, _ = measure(G, points, grid, FINEST)
    L_fine, E_fine = measure(G, points, finer, FINEST)
    beliefs = torch.stack([E.sqrt(), L, L_grid])
    defect = (L_fine / beliefs - 1).abs().amax(dim=0)
    defect = torch.where(E > 0, defect, 0)
    enough = min(tolerance, LOOSEST)
    passed = solution.converged & (defect <= enough)

    # a coarse energy can take a short cut through data space; such a curve is long, and dropped
    rounding = 1e3 * torch.finfo(L.dtype).eps
    good = L_fine <= old.length.fmin(L_start) * (1 + rounding)
    new = Path(
        points,
        torch.where(passed, L, L_fine),  # what failed is reported as measured, not as believed
        torch.where(passed, E, E_fine),
        defect,
        passed,
        old.iterations,
        even,
    )
    kept = choose(old.resolved | ~good, old, new)

    # where the start is as short as the solver believes any curve to be, it is the answer
    off = (old.length / E.sqrt() - 1).abs()
    tie = ~old.resolved & passed & ~good & (off <= enough)
    shortest = old._replace(points=even, energy=old.length**2, defect=off, resolved=passed)
    spent = torch.where(old.resolved, 0, solution.iterations)
    return choose(tie, shortest, kept)._replace(iterations=old.iterations + spent)


def finite_starts(G: Metric, starts: list[Tensor]) -> list[Path]:
    """The starts, measured, each replaced by another for the problems where the metric is NaN or
    infinite along it."""
    paths = [_begin(G, points) for points in starts]
    hopeless = ~torch.stack([path.length.isfinite() for path in paths]).any(dim=0)
    if hopeless.any():
        where = hopeless.nonzero().squeeze(-1).tolist()[:5]
        raise ValueError(
            f"the metric is NaN or infinite along every start of {int(hopeless.sum())} problem(s), "
            f"first {where}; check the decoder there, or give an `initial` that goes round."
        )
    mended = []
    for path in paths:
        for other in paths:
            path = choose(path.length.isfinite(), path, other)
        mended.append(path)
    return mended


def _begin(G: Metric, points: Tensor) -> Path:
    """A start, measured; where there is no way to go, there is nothing to solve."""
    same = (points[..., 0, :] == points[..., -1, :]).all(dim=-1)
    L, E, even = _paced(G, points, FIRST)
    L, E = torch.where(same, 0, L), torch.where(same, 0, E)
    defect = torch.where(same, 0.0, torch.inf).to(L)
    even = torch.where(same[..., None, None], points, even)
    return Path(points, L, E, defect, same, torch.zeros_like(L).long(), even)


def _paced(G: Metric, points: Tensor, elements: Elements) -> tuple[Tensor, Tensor, Tensor]:
    """Length and energy of a curve as `elements` see it, and its nodes at constant speed: the same
    curve with as little energy as it can have, and in every equivalent model the same nodes."""
    curve, times = LobattoCurve(points, FINEST), FINEST.times(points)
    speed = _speeds(G, curve(elements.times(points)), elements)
    L, E = speed @ elements.weights(speed), speed**2 @ elements.weights(speed)
    even = pin(constant_speed(curve, speed, elements, times), points[..., 0, :], points[..., -1, :])
    return L, E, torch.where(L.isfinite()[..., None, None], even, points)


def measure(
    G: Metric, points: Tensor, elements: Elements, given: Elements | None = None
) -> tuple[Tensor, Tensor]:
    """Length and energy by the quadrature of `elements`, of the curve whose nodes are those of
    `given`."""
    if given is not None:
        points = LobattoCurve(points, given)(elements.times(points))
    speed, weights = _speeds(G, points, elements), elements.weights(points)
    return speed @ weights, speed**2 @ weights


def _speeds(G: Metric, points: Tensor, elements: Elements) -> Tensor:
    """The speeds at the quadrature points, decoded a cacheful at a time."""
    every = torch.ones(points.shape[:-2], dtype=torch.bool, device=points.device)
    speed = points.new_empty(*every.shape, elements.weights(points).numel())
    for at in portions(every, elements, IN_CACHE):
        speed[at] = discretise(G, elements).speeds(points[at])
    return speed


def pin(points: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The same curve with its end points exact to the last digit."""
    return torch.cat([start[..., None, :], points[..., 1:-1, :], end[..., None, :]], dim=-2)


def choose(condition: Tensor, a: Path, b: Path) -> Path:
    """Problem by problem, a where the condition holds and b elsewhere."""

    def pick(x: Tensor, y: Tensor) -> Tensor:
        mask = condition.reshape((*condition.shape, *[1] * (x.dim() - condition.dim())))
        return torch.where(mask, x, y)

    return Path(*map(pick, a, b))
