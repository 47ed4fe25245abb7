"""Solve, refine, certify: the loop around any solver that makes its answers worth trusting.

A problem is solved on few elements first, and again on more only if it fails its certificate: the
solver converged, and the length of its curve, measured on two finer grids as the curve lies in
latent space, agrees with what the solver believes. A curve that comes out longer than its start is
dropped.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ..curves import Elements, LobattoCurve
from ..types import Metric
from .energies import active, discretise

DEGREE = 4
COUNTS = (8, 16, 32, 64)
"""Elements of the curve; a problem moves on to the next count only when it fails its
certificate."""
FINEST = Elements(COUNTS[-1], DEGREE)
CHECK = 4
"""The certificate looks at the curve with this many times as many elements, and with twice as many
again."""
LOOSEST = 1e-2
"""However large the tolerance, a certificate asks for this much."""


class Path(NamedTuple):
    """Curves in the making: the fields of a `Geodesic`."""

    points: Tensor
    length: Tensor
    energy: Tensor
    defect: Tensor
    resolved: Tensor
    iterations: Tensor


def solve(G: Metric, start: Tensor, tolerance: float, solver: Callable) -> Path:
    """Minimise from one start, level by level; what comes out is never longer than the start."""
    L, E = measure(G, start, FINEST)
    same = (start[..., 0, :] == start[..., -1, :]).all(dim=-1)  # no way to go, nothing to solve
    L, E = torch.where(same, 0, L), torch.where(same, 0, E)
    defect = torch.where(same, 0.0, torch.inf).to(L)
    path = Path(start.clone(), L, E, defect, same, torch.zeros_like(L).long())
    for count in COUNTS:
        if path.resolved.all():
            break
        at = active(~path.resolved)
        old = Path(*(x[at] for x in path))
        new = _level(G, old, start[at], Elements(count, DEGREE), tolerance, solver)
        for x, part in zip(path, new, strict=True):
            x[at] = part
    return path


def _level(
    G: Metric, old: Path, start: Tensor, elements: Elements, tolerance: float, solver: Callable
) -> Path:
    """Solve on `elements` from where the path is, and certify what comes out."""
    a, b = start[..., 0, :], start[..., -1, :]
    c = LobattoCurve(old.points, FINEST)(elements.times(a))
    solution = solver(discretise(G, elements), pin(c, a, b), 1e-3 * tolerance)
    points = pin(LobattoCurve(solution.points, elements)(FINEST.times(c)), a, b)
    L, E = measure(G, solution.points, elements)

    # the curve as it lies in latent space, on two finer grids: all numbers must agree
    grid, finer = (Elements(k * CHECK * elements.count, DEGREE) for k in (1, 2))
    L_grid, _ = measure(G, points, grid, FINEST)
    L_fine, E_fine = measure(G, points, finer, FINEST)
    beliefs = torch.stack([E.sqrt(), L, L_grid])
    defect = (L_fine / beliefs - 1).abs().amax(dim=0)
    defect = torch.where(E > 0, defect, 0)
    passed = solution.converged & (defect <= min(tolerance, LOOSEST))

    # a coarse energy can take a short cut through data space; such a curve is long, and dropped
    L_old, E_old = measure(G, old.points, finer, FINEST)
    L_start, _ = measure(G, start, finer, FINEST)
    rounding = 1e3 * torch.finfo(L.dtype).eps
    good = L_fine <= torch.minimum(L_old, L_start) * (1 + rounding)
    new = Path(
        points,
        torch.where(passed, L, L_fine),  # what failed is reported as measured, not as believed
        torch.where(passed, E, E_fine),
        defect,
        passed,
        old.iterations,
    )
    kept = choose(good, new, old._replace(length=L_old, energy=E_old))
    kept = choose(old.resolved, old, kept)
    spent = torch.where(old.resolved, 0, solution.iterations)
    return kept._replace(iterations=old.iterations + spent)


def finite_starts(G: Metric, starts: list[Tensor]) -> list[Tensor]:
    """The starts, each replaced by another for the problems where the metric is NaN or infinite
    along it."""
    finite = [measure(G, points, FINEST)[0].isfinite() for points in starts]
    hopeless = ~torch.stack(finite).any(dim=0)
    if hopeless.any():
        where = hopeless.nonzero().squeeze(-1).tolist()[:5]
        raise ValueError(
            f"the metric is NaN or infinite along every start of {int(hopeless.sum())} problem(s), "
            f"first {where}; check the decoder there, or give an `initial` that goes round."
        )
    mended = []
    for points, ok in zip(starts, finite, strict=True):
        for other, fine in zip(starts, finite, strict=True):
            points = torch.where((~ok & fine)[..., None, None], other, points)
            ok = ok | fine
        mended.append(points)
    return mended


def measure(
    G: Metric, points: Tensor, elements: Elements, given: Elements | None = None
) -> tuple[Tensor, Tensor]:
    """Length and energy by the quadrature of `elements`, of the curve whose nodes are those of
    `given`."""
    if given is not None:
        points = LobattoCurve(points, given)(elements.times(points))
    speed, weights = discretise(G, elements).speeds(points), elements.weights(points)
    return speed @ weights, speed**2 @ weights


def pin(points: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The same curve with its end points exact to the last digit."""
    return torch.cat([start[..., None, :], points[..., 1:-1, :], end[..., None, :]], dim=-2)


def choose(condition: Tensor, a: Path, b: Path) -> Path:
    """Problem by problem, a where the condition holds and b elsewhere."""

    def pick(x: Tensor, y: Tensor) -> Tensor:
        mask = condition.reshape((*condition.shape, *[1] * (x.dim() - condition.dim())))
        return torch.where(mask, x, y)

    return Path(*map(pick, a, b))
