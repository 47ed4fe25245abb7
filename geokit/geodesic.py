"""The front door: energy and length of a curve, and the shortest curve between two points."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .curves import Elements, LobattoCurve, StraightLine, require_same_space
from .metric import norm
from .solvers import newton
from .solvers.energies import active, discretise
from .types import Curve, Metric

DEGREE = 4
COUNTS = (8, 16, 32, 64)
"""Elements of the curve; a problem moves on to the next count only when it fails its
certificate."""
FINEST = Elements(COUNTS[-1], DEGREE)
CHECK = 4
"""The certificate looks at the curve with this many times as many elements."""


class UnresolvedGeodesic(UserWarning):
    """Some curve did not pass its certificate; its length may be off by more than the tolerance."""


@dataclass(frozen=True)
class Geodesic:
    """Curves of least energy, one for each leading index, and how far each can be trusted.

    Calling it gives points at constant speed: `path(t)`, `(*times)` → `(*batch, *times, d)`.
    """

    points: Float[Tensor, "*batch n d"]
    """The curve at its nodes, in latent units; the first and last are the end points."""
    length: Float[Tensor, "*batch"]
    """∫ ‖γ̇‖ dt, in data units."""
    energy: Float[Tensor, "*batch"]
    """∫ ‖γ̇‖² dt, in data units²; length² ≤ energy, with equality at constant speed."""
    defect: Float[Tensor, "*batch"]
    """|L_fine/√E − 1|: how far the length, measured on a finer grid, is from what the solver
    believes."""
    resolved: Bool[Tensor, "*batch"]
    """The solver converged and the defect is within the tolerance: the discretisation can be
    trusted. It does *not* say that no shorter curve exists elsewhere."""
    iterations: Int[Tensor, "*batch"]
    """Newton steps, all levels together."""
    _metric: Metric = field(repr=False)

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*batch_times d"]:
        curve = LobattoCurve(self.points, FINEST)
        share = t.to(self.points).reshape(-1).expand(*self.length.shape, t.numel())
        z = curve.at(_invert_clock(self._clock, share))
        return z.reshape(*self.points.shape[:-2], *t.shape, self.points.shape[-1])

    @cached_property
    def _clock(self) -> Float[Tensor, "*batch k"]:
        """Share of the length covered at k evenly spaced times: what turns time into constant
        speed."""
        pieces = Elements(2 * FINEST.count, DEGREE)
        with torch.no_grad():
            z = LobattoCurve(self.points, FINEST)(pieces.times(self.points))
            ds = discretise(self._metric, pieces).speeds(z) * pieces.weights(z)
        s = ds.unflatten(-1, (pieces.count, DEGREE + 1)).sum(-1).cumsum(-1)
        s = torch.cat([torch.zeros_like(s[..., :1]), s], dim=-1)
        even = torch.linspace(0, 1, s.shape[-1]).to(s).expand_as(s)
        return torch.where(s[..., -1:] > 0, s / s[..., -1:], even)


def energy(G: Metric, curve: Curve, *, elements: int = 64) -> Float[Tensor, "*batch"]:
    """E(γ) = ∫₀¹ γ̇ᵀ G(γ) γ̇ dt, in data units² (no ½, so that L² ≤ E).

    Gauss-Lobatto quadrature, five points on each of `elements` equal pieces; γ̇ by forward-mode
    differentiation.
    """
    speed, weights = _speeds(G, curve, elements)
    return speed**2 @ weights


def length(G: Metric, curve: Curve, *, elements: int = 64) -> Float[Tensor, "*batch"]:
    """L(γ) = ∫₀¹ ‖γ̇‖ dt, in data units; the quadrature is that of `energy`, so L² ≤ E holds to the
    last digit."""
    speed, weights = _speeds(G, curve, elements)
    return speed @ weights


def geodesic(
    G: Metric,
    start: Float[Tensor, "*#batch d"],
    end: Float[Tensor, "*#batch d"],
    *,
    tolerance: float = 1e-4,
    initial: Curve | Tensor | None = None,
    graph=None,
    solver: Callable | None = None,
) -> Geodesic:
    """The curve of least energy from `start` to `end`, for each pair.

    A minimiser of the energy has constant speed, so its length is √E; of all curves found it is the
    shortest in its neighbourhood, which need not be the shortest of all. The curve starts from the
    straight latent line, and also from `initial` and from the path of `graph` where those are
    given; the shorter result is kept, and never a curve longer than the straight line.

    Each pair is solved on 8 elements of degree 4, and again on 16, 32 and 64 where its certificate
    fails.

    Args:
        G: the metric. For a `PullbackMetric` onto Euclidean space the energy is that of the decoded
            points, which does not depend on the latent chart; any other callable is integrated as
            it is.
        start, end: end points in latent units, one dtype; leading axes broadcast. Gradients do not
            flow through them.
        tolerance: relative error of the length asked for; work follows it (1e-2 is quick).
        initial: a further curve to start from: a `Curve`, or points `(*batch, n, d)` joined by a
            spline.
        graph: an object with `shortest_path(start, end)`, whose points are a further start.
        solver: a callable from `geokit.solvers`; Newton if None.

    Returns:
        A `Geodesic`: points, length, energy, defect, resolved, iterations.

    Raises:
        ValueError: end points that differ in dimension, dtype or device, are not floats or not
            finite; a tolerance outside (0, 1); a metric that is NaN or infinite along a start.

    Warns:
        UnresolvedGeodesic: some pairs failed their certificate at the finest level.

    Source: Syrota et al. (2025) for the energy on decoded points; `geokit.solvers.newton` for the
        algorithm.
    """
    require_same_space(start, end)
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance is {tolerance}; give a relative error between 0 and 1.")
    start, end = torch.broadcast_tensors(start.detach(), end.detach())
    starts = [StraightLine(start, end)]
    for other in (initial, None if graph is None else graph.shortest_path(start, end)):
        if other is not None:
            starts.append(_through(other, start, end))

    with torch.no_grad():
        paths = [_solve(G, curve, start, end, tolerance, solver or newton) for curve in starts]
        best = paths[0]
        for other in paths[1:]:
            best = _choose(other.length < best.length, other, best)
    path = Geodesic(*best[:-1], _metric=G)
    if not path.resolved.all():
        warnings.warn(_unresolved(path, tolerance), UnresolvedGeodesic, stacklevel=2)
    return path


def distance(
    G: Metric, start: Float[Tensor, "*#batch d"], end: Float[Tensor, "*#batch d"], **options
) -> Float[Tensor, "*batch"]:
    """The length of the `geodesic` from `start` to `end`, in data units; takes the same options,
    raises and warns alike."""
    return geodesic(G, start, end, **options).length


class _Path(NamedTuple):
    """A `Geodesic` in the making."""

    points: Tensor
    length: Tensor
    energy: Tensor
    defect: Tensor
    resolved: Tensor
    iterations: Tensor
    measured: Tensor
    """Length of the curve as it lies in latent space, on the finer grid."""


def _solve(
    G: Metric, curve: Curve, start: Tensor, end: Tensor, tolerance: float, solver: Callable
) -> _Path:
    """Minimise from one start, level by level; what comes out is never longer than the start."""
    points = _pin(curve(FINEST.times(start)), start, end)
    L, E = _measure(G, points, FINEST)
    if not L.isfinite().all():
        raise ValueError(
            "the metric is NaN or infinite along a starting curve; "
            "check the decoder there, or give another `initial`."
        )
    same = (start == end).all(dim=-1)  # no way to go, nothing to solve
    L, E, defect = (torch.where(same, 0, x) for x in (L, E, torch.ones_like(L)))
    path = _Path(points, L, E, defect, same, torch.zeros_like(L).long(), L.clone())
    for count in COUNTS:
        if path.resolved.all():
            break
        at = active(~path.resolved)
        old = _Path(*(x[at] for x in path))
        new = _level(G, old, Elements(count, DEGREE), tolerance, solver)
        # a coarse energy can take a short cut through data space; such a curve is long, and dropped
        good = ~old.resolved & (new.measured <= old.measured * (1 + tolerance))
        kept = _choose(good, new, old)._replace(iterations=new.iterations)
        for x, part in zip(path, kept, strict=True):
            x[at] = part
    return path


def _level(G: Metric, path: _Path, elements: Elements, tolerance: float, solver: Callable) -> _Path:
    """Solve on `elements` from where the path is, and certify."""
    start, end = path.points[..., 0, :], path.points[..., -1, :]
    c = LobattoCurve(path.points, FINEST)(elements.times(start))
    solution = solver(discretise(G, elements), _pin(c, start, end), 1e-3 * tolerance)
    points = _pin(LobattoCurve(solution.points, elements)(FINEST.times(c)), start, end)
    L, E = _measure(G, solution.points, elements)
    measured, E_measured = _measure(G, points, Elements(CHECK * elements.count, DEGREE), FINEST)
    defect = torch.where(E > 0, (measured / E.sqrt() - 1).abs(), 0)
    passed = solution.converged & (defect <= tolerance)
    return _Path(
        points,
        torch.where(passed, L, measured),  # what failed is reported as measured, not as believed
        torch.where(passed, E, E_measured),
        defect,
        passed,
        path.iterations + torch.where(path.resolved, 0, solution.iterations),
        measured,
    )


def _measure(
    G: Metric, points: Tensor, elements: Elements, given: Elements | None = None
) -> tuple[Tensor, Tensor]:
    """Length and energy by the quadrature of `elements`, of the curve whose nodes are those of
    `given`."""
    if given is not None:
        points = LobattoCurve(points, given)(elements.times(points))
    speed, weights = discretise(G, elements).speeds(points), elements.weights(points)
    return speed @ weights, speed**2 @ weights


def _speeds(G: Metric, curve: Curve, count: int) -> tuple[Tensor, Tensor]:
    """‖γ̇‖ and the weights at the quadrature points of `count` elements; each element keeps its own
    end points."""
    elements = Elements(count, DEGREE)
    like = curve(
        torch.zeros(1)
    )  # a curve says through its points in which dtype it works, and where
    t = elements.times(like)[elements.owner]
    inward = (
        torch.linspace(1, -1, DEGREE + 1).to(like).repeat(count) * 8 * torch.finfo(like.dtype).eps
    )
    t = (t + inward).clamp(0, 1)  # at a kink, each side is measured on its own side
    z, velocity = torch.func.jvp(curve, (t,), (torch.ones_like(t),))
    return norm(G, z, velocity), elements.weights(like)


def _through(curve: Curve | Tensor, start: Tensor, end: Tensor) -> Curve:
    """A given start as a curve; it must join the two end points."""
    if isinstance(curve, Tensor):
        curve = LobattoCurve(curve.detach(), Elements(curve.shape[-2] - 1, 1))
    ends = curve(torch.tensor([0.0, 1.0]).to(start))
    close = 1e-4 * (1 + (end - start).norm(dim=-1))
    off = torch.maximum(
        (ends[..., 0, :] - start).norm(dim=-1), (ends[..., 1, :] - end).norm(dim=-1)
    )
    if not (off <= close).all():
        raise ValueError(
            "the initial curve does not join start and end; it must begin and finish there."
        )
    return curve


def _pin(points: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The same curve with its end points exact to the last digit."""
    return torch.cat([start[..., None, :], points[..., 1:-1, :], end[..., None, :]], dim=-2)


def _choose(condition: Tensor, a: _Path, b: _Path) -> _Path:
    """Problem by problem, a where the condition holds and b elsewhere."""

    def pick(x: Tensor, y: Tensor) -> Tensor:
        mask = condition.reshape((*condition.shape, *[1] * (x.dim() - condition.dim())))
        return torch.where(mask, x, y)

    return _Path(*map(pick, a, b))


def _invert_clock(clock: Float[Tensor, "*batch k"], share: Float[Tensor, "*batch m"]) -> Tensor:
    """The times at which given shares of the length are covered (linear between the clock's
    ticks)."""
    k = clock.shape[-1]
    i = torch.searchsorted(clock, share.detach().contiguous(), right=True).clamp(1, k - 1) - 1
    s0, s1 = clock.gather(-1, i), clock.gather(-1, i + 1)
    return (i + (share - s0) / (s1 - s0).clamp(min=torch.finfo(clock.dtype).tiny)) / (k - 1)


def _unresolved(path: Geodesic, tolerance: float) -> str:
    bad = ~path.resolved
    return (
        f"{int(bad.sum())} of {bad.numel()} geodesics are unresolved at tolerance {tolerance:g} "
        f"(largest defect {path.defect[bad].max():.1e}): "
        "see `.resolved`; try another `initial`, or a smoother decoder."
    )
