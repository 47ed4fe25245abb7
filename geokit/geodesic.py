"""The front door: energy and length of a curve, and the shortest curve between two points."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from .curves import LobattoCurve, StraightLine, constant_speed
from .elements import Elements
from .metric import norm, require_metric
from .pullback import embedding_of
from .solvers import lbfgs, newton
from .solvers.certified import solve
from .solvers.energies import quadrature, speeds
from .solvers.starts import DEGREE, FINEST, all_starts, choose
from .types import Bool, Curve, Float, Int, Metric, require_same_space

CLOCK = Elements(2 * FINEST.count, DEGREE)
"""On these the speed of a finished curve is measured."""


class UnresolvedGeodesic(UserWarning):
    """Some curve did not pass its certificate; its length may be off by more than the tolerance."""


@dataclass(frozen=True)
class Geodesic:
    """Curves of least energy, one for each leading index, and how far each can be trusted.

    Calling it gives points at constant speed: `path(t)`, `(*times)` → `(*batch, *times, d)`, where
    t is the share of the length that lies behind; ValueError for a t outside [0, 1].
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
    """Steps of the solver, all levels together."""
    disagree: Bool[Tensor, "*batch"]
    """Two starts were resolved as different curves, both of them shortest in their neighbourhood:
    this is the shorter, and `candidates` of the answer has both."""
    candidates: tuple["Geodesic", ...] = field(repr=False)
    """What each start led to: the straight line, `initial`, the graph's path. Empty for one."""
    _metric: Metric = field(repr=False)

    def __call__(self, t: Float[Tensor, "*times"]) -> Float[Tensor, "*batch_times d"]:
        share = t.to(self.points).reshape(-1)
        # a sum of steps in float32 may end a little beyond 1
        if not ((share - share.clamp(0, 1)).abs() <= 1e-6).all():
            raise ValueError(
                f"path(t) is asked for t from {t.min():g} to {t.max():g}; "
                "t is a share of the length, and must lie in [0, 1]."
            )
        share = share.clamp(0, 1).expand(*self.length.shape, t.numel())
        z = constant_speed(LobattoCurve(self.points, FINEST), self._speeds, CLOCK, share)
        return z.reshape(*self.points.shape[:-2], *t.shape, self.points.shape[-1])

    @cached_property
    def _speeds(self) -> Float[Tensor, "*batch r"]:
        """How fast the curve runs through its nodes' own times: what turns time into constant
        speed."""
        with torch.no_grad():
            z = LobattoCurve(self.points, FINEST)(CLOCK.times(self.points))
            return speeds(self._metric, z, CLOCK)


def energy(G: Metric, curve: Curve, *, elements: int = 64) -> Float[Tensor, "*batch"]:
    """E(γ) = ∫₀¹ γ̇ᵀ G(γ) γ̇ dt, in data units² (no ½, so that L² ≤ E).

    Gauss-Lobatto quadrature, five points on each of `elements` equal pieces; γ̇ by forward-mode
    differentiation.
    """
    return _measured(G, curve, elements)[1]


def length(G: Metric, curve: Curve, *, elements: int = 64) -> Float[Tensor, "*batch"]:
    """L(γ) = ∫₀¹ ‖γ̇‖ dt, in data units; the quadrature is that of `energy`, so L² ≤ E holds to the
    last digit."""
    return _measured(G, curve, elements)[0]


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

    A minimiser of the energy has constant speed, so its length is √E. It is the shortest curve in
    its neighbourhood, which need not be the shortest of all. The curve starts from the
    straight latent line, and also from `initial` and from the path of `graph` where those are
    given; the shorter result is kept, and never a curve longer than the straight line. Starts that
    end in different curves are flagged in `disagree`.

    An immersion that tells its models apart by its first axis needs pairs on a further one: end
    points of shape `(model, pairs, d)`.

    Each pair is solved on 8 elements of degree 4, and again on 16, 32 and 64 where its certificate
    fails.

    Args:
        G: the metric. For a `PullbackMetric` onto Euclidean space the energy is that of the decoded
            points, which does not depend on the latent chart; any other callable is integrated as
            it is.
        start, end: end points in latent units, one dtype; leading axes broadcast. Gradients do not
            flow through them.
        tolerance: relative error of the length asked for; work follows it (1e-2 is quick).
        initial: a further curve to start from: a `Curve`, or points `(*batch, n, d)` joined by
            straight pieces.
        graph: a `LatentGraph`, whose shortest path is a further start.
        solver: a callable from `geokit.solvers`; if None, `newton` for d ≤ 8 and `lbfgs` above.

    Returns:
        A `Geodesic`: points, length, energy, defect, resolved, iterations, disagree, candidates.

    Raises:
        ValueError: end points that differ in dimension, dtype or device, are not floats or not
            finite; a tolerance outside (0, 1); a metric that is not symmetric, not positive or of
            the wrong shape, or NaN or infinite along every start; a map that is random; an
            `initial` that does not join the end points.

    Warns:
        UnresolvedGeodesic: some pairs failed their certificate at the finest level.

    Source: Syrota et al. (2025) for the energy on decoded points; `geokit.solvers.newton` for the
        algorithm.
    """
    require_same_space(start, end)
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance is {tolerance}; give a relative error between 0 and 1.")
    start, end = torch.broadcast_tensors(start.detach(), end.detach())
    if start.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"the end points are {start.dtype}; geodesics need float32 or float64.")
    solver = solver or (newton if start.shape[-1] <= 8 else lbfgs)
    with torch.no_grad():
        # as many points as there are coordinates could make a wrong shape look right
        few = torch.linspace(0, 1, 3 if start.shape[-1] == 2 else 2)
        require_metric(G, StraightLine(start, end)(few))
        starts = all_starts(G, start, end, initial, graph)
        paths = [solve(G, path, tolerance, solver) for path in starts]
        best = paths[0]
        for other in paths[1:]:
            best = choose(other.length < best.length, other, best)
        one = torch.zeros_like(best.resolved)
        path, *each = (Geodesic(*x[:6], one, (), G) for x in (best, *paths))
        if len(each) > 1:
            path = _compared(path, each, tolerance)
    if not path.resolved.all():
        bad = ~path.resolved
        message = (
            f"{int(bad.sum())} of {bad.numel()} geodesics are unresolved at tolerance "
            f"{tolerance:g} (largest defect {path.defect[bad].max():.1e}): "
            "see `.resolved`; try another `initial`, or a smoother decoder."
        )
        warnings.warn(message, UnresolvedGeodesic, stacklevel=2)
    return path


def distance(
    G: Metric, start: Float[Tensor, "*#batch d"], end: Float[Tensor, "*#batch d"], **options
) -> Float[Tensor, "*batch"]:
    """The length of the `geodesic` from `start` to `end`, in data units; takes the same options,
    raises and warns alike."""
    return geodesic(G, start, end, **options).length


def _measured(G: Metric, curve: Curve, count: int) -> tuple[Tensor, Tensor]:
    """Length and energy by `count` elements, each with end points and a γ̇ of its own there."""
    if count < 1:
        raise ValueError(f"elements is {count}; a quadrature needs at least one.")
    elements = Elements(count, DEGREE)
    like = curve(torch.zeros(1))  # a curve's points say in which dtype it works, and where
    inward = torch.linspace(1, -1, DEGREE + 1).to(like) * 8 * torch.finfo(like.dtype).eps
    t = elements.times(like)[elements.owner] + inward.repeat(count)
    t = t.clamp(0, 1)  # at a kink, each side is measured on its own side
    z, velocity = torch.func.jvp(curve, (t,), (torch.ones_like(t),))
    return quadrature(norm(G, z, velocity), elements)


def _compared(path: Geodesic, each: list[Geodesic], tolerance: float) -> Geodesic:
    """The answer with its candidates; each knows whether another start was resolved as a different
    curve, and this is the shorter."""
    near = torch.stack([_apart(path, x) for x in each]) <= tolerance**0.5 * path.length
    sure = torch.stack([x.resolved for x in each])
    disagree = (path.resolved & sure & ~near).any(dim=0)
    own = zip(each, disagree & sure & near, strict=True)
    candidates = tuple(replace(x, disagree=shorter) for x, shorter in own)
    return replace(path, disagree=disagree, candidates=candidates)


def _apart(one: Geodesic, other: Geodesic) -> Tensor:
    """How far two curves are apart at equal shares of their length, at most, in data units; to
    first order where the metric does not say what it pulls back."""
    t = torch.linspace(0, 1, 17)[1:-1]
    G, z, w = one._metric, one(t), other(t)
    if (f := embedding_of(G)) is not None:
        return (f(z) - f(w)).norm(dim=-1).amax(dim=-1)
    return norm(G, z, w - z).amax(dim=-1)
