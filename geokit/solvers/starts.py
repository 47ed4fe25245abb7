"""Where a solver starts: the straight latent line, a curve that is given, the path of a graph.

Every curve is kept at the nodes of `FINEST`, with exact end points, whatever it is solved on.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..curves import LobattoCurve, StraightLine, constant_speed
from ..elements import Elements
from ..types import Bool, Curve, Float, Int, Metric
from .energies import quadrature, speeds

DEGREE = 4
COUNTS = (8, 16, 32, 64)
"""Elements of the curve; a problem moves on to the next count only when it fails its
certificate."""
FINEST = Elements(COUNTS[-1], DEGREE)
FIRST = Elements(4 * COUNTS[0], DEGREE)
"""On these a start is measured: the finer grid of the first level's certificate."""


class Path(NamedTuple):
    """Curves in the making: the first fields of a `Geodesic`, and what the next level needs."""

    points: Float[Tensor, "*batch n d"]
    length: Float[Tensor, "*batch"]
    energy: Float[Tensor, "*batch"]
    defect: Float[Tensor, "*batch"]
    resolved: Bool[Tensor, "*batch"]
    iterations: Int[Tensor, "*batch"]
    seen: Float[Tensor, "*batch"]
    """The length on the finest grid that has looked at the curve."""
    even: Float[Tensor, "*batch n d"]
    """The nodes of the same curve at constant speed."""


def all_starts(
    G: Metric, start: Tensor, end: Tensor, initial: Curve | Tensor | None, graph
) -> list[Path]:
    """The straight line, `initial` and the graph's path, measured; where the metric is NaN or
    infinite along one of them, another takes its place.

    Raises:
        ValueError: an `initial` that does not join the end points, or no start of finite length.
    """
    others = (initial, None if graph is None else graph.shortest_path(start, end))
    curves = [StraightLine(start, end), *(_through(c, start, end) for c in others if c is not None)]
    paths = [_begin(G, curve, start, end) for curve in curves]
    hopeless = ~torch.stack([path.length.isfinite() for path in paths]).any(dim=0)
    if hopeless.any():
        where = hopeless.nonzero().squeeze(-1).tolist()[:5]
        raise ValueError(
            f"the metric is NaN or infinite along every start of {int(hopeless.sum())} problem(s), "
            f"first {where}; check the decoder there, or give an `initial` that goes round."
        )
    mended = paths
    for other in paths:
        mended = [choose(path.length.isfinite(), path, other) for path in mended]
    return mended


def _through(curve: Curve | Tensor, start: Tensor, end: Tensor) -> Curve:
    """A given start as a curve; it must join the two end points."""
    d = start.shape[-1]
    if isinstance(curve, Tensor):
        *_, n, k = 0, 0, *curve.shape
        if not curve.is_floating_point() or n < 2 or k != d:
            raise ValueError(
                f"initial has shape {tuple(curve.shape)} and dtype {curve.dtype}; "
                f"give floating-point points (*batch, n, {d}) with n ≥ 2, or a curve."
            )
        curve = LobattoCurve(curve.detach(), Elements(n - 1, 1))
    ends = curve(torch.tensor([0.0, 1.0]).to(start))
    if ends.shape[-1] != d or not ends.isfinite().all():
        raise ValueError(
            f"initial must give finite points with {d} coordinates; "
            f"it gives {ends.shape[-1]} coordinates, finite: {bool(ends.isfinite().all())}."
        )
    close = 1e-4 * (1 + (end - start).norm(dim=-1))
    off = torch.stack([ends[..., 0, :] - start, ends[..., 1, :] - end]).norm(dim=-1).amax(dim=0)
    if not (off <= close).all():
        raise ValueError(
            "the initial curve does not join start and end; it must begin and finish there."
        )
    return curve


def _begin(G: Metric, curve: Curve, start: Tensor, end: Tensor) -> Path:
    """A start as `FIRST` sees it, one for each problem; where there is no way to go, there is
    nothing to solve."""
    points = curve(FINEST.times(start)).to(start)
    points = pin(points.expand(*start.shape[:-1], *points.shape[-2:]), start, end)
    same = (start == end).all(dim=-1)
    L, E, even = paced(G, points, FIRST)
    L, E = torch.where(same, 0, L), torch.where(same, 0, E)
    defect = torch.where(same, 0.0, torch.inf).to(L)
    return Path(points, L, E, defect, same, torch.zeros_like(L).long(), L, even)


def paced(G: Metric, points: Tensor, elements: Elements) -> tuple[Tensor, Tensor, Tensor]:
    """Length and energy of a curve as `elements` see it, and its nodes at constant speed: the same
    curve with as little energy as it can have, and in every equivalent model the same nodes."""
    curve = LobattoCurve(points, FINEST)
    speed = speeds(G, curve(elements.times(points)), elements)
    even = constant_speed(curve, speed, elements, FINEST.times(points))
    even = pin(even, points[..., 0, :], points[..., -1, :])
    L, E = quadrature(speed, elements)
    return L, E, torch.where(L.isfinite()[..., None, None], even, points)


def pin(points: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The same curve with its end points exact to the last digit."""
    return torch.cat([start[..., None, :], points[..., 1:-1, :], end[..., None, :]], dim=-2)


def choose(condition: Tensor, a: Path, b: Path) -> Path:
    """Problem by problem, a where the condition holds and b elsewhere."""

    wide = condition[..., None, None]  # of points, as of numbers
    wides = (wide if x.dim() > condition.dim() else condition for x in a)
    return Path(*map(torch.where, wides, a, b))
