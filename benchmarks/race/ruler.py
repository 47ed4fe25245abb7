"""One ruler for every curve, whoever drew it: the polyline of its decoded points."""

from typing import NamedTuple

import torch
from torch import Tensor

from geokit import PullbackMetric, geodesic
from geokit.curves import LobattoCurve
from geokit.elements import Elements
from geokit.solvers import lbfgs, newton
from geokit.solvers.energies import DecodedEnergy
from geokit.solvers.starts import FINEST, pin
from geokit.types import Curve, Immersion

SAMPLES = 1025
"""Points of the polyline; its length is about a millionth too short."""


class Measure(NamedTuple):
    length: Tensor
    energy: Tensor
    """N Σ|Δ|² in the curve's own time: a curve of uneven speed has more than length²."""


@torch.no_grad()
def measure(f: Immersion, curve: Curve, like: Tensor) -> Measure:
    """Length and energy of each curve, `t ↦ (pairs, times, d)`, in the precision of `like`."""
    z = curve(torch.linspace(0, 1, SAMPLES).to(like))
    steps = torch.cat([f(some).diff(dim=-2).norm(dim=-1) for some in z.split(8)])  # by memory
    return Measure(steps.sum(dim=-1), (SAMPLES - 1) * steps.square().sum(dim=-1))


def reference(f: Immersion, a: Tensor, b: Tensor) -> Tensor:
    """The shortest length known for each pair."""
    some = zip(a.split(10), b.split(10), strict=True)  # by memory
    return torch.cat([_shortest(f, *pairs) for pairs in some])


def _shortest(f: Immersion, a: Tensor, b: Tensor) -> Tensor:
    """Of our default answer, and of what it becomes on 24 elements of degree 6."""
    path = geodesic(PullbackMetric(f), a, b)
    elements = Elements(24, 6)
    start = pin(LobattoCurve(path.points, FINEST)(elements.times(a)), a, b)
    solver = newton if a.shape[-1] <= 8 else lbfgs
    best = solver(DecodedEnergy(f, elements), start, 1e-8)
    curves = (path, LobattoCurve(best.points, elements))
    return torch.stack([measure(f, curve, a).length for curve in curves]).amin(dim=0)


def spread(gaps: Tensor) -> str:
    """Median, 95th percentile and maximum."""
    return " ".join(f"{x:.0e}" for x in (*gaps.quantile(gaps.new_tensor([0.5, 0.95])), gaps.max()))
