"""The way of the report on Latent Space Oddity: a shortest path in a graph, smoothed to a spline.

Each vertex of the path, but its ends, gives way to the mean of itself and its two neighbours, once;
a natural cubic spline goes through them, the same time from each to the next. It finds the way
round a wall, and is some percent longer than the shortest curve: no step lowers the energy.

What differs from the report's code:

* there an edge that is found from one of its nodes only counts half; here it has its full length;
* there the end points take the places of two nodes, over edges that were never measured; here they
  are vertices of the graph;
* the curve is run through at constant speed: the same curve, the least energy it can have.

Source: Danielou, Weinreich and Bakouch, Latent Space Oddity (a report on the paper of that name).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..curves import CubicSpline
from ..elements import Elements
from ..types import Float, Metric
from .energies import Energy, Solution, discretise
from .graph import LatentGraph, resampled
from .lbfgs import lbfgs
from .starts import pin

CLOCK = Elements(256, 1)  # the lengths of its chords tell how far a curve has come


@dataclass(frozen=True, eq=False)
class GraphSpline:
    """A solver: `geodesic(G, start, end, solver=GraphSpline(graph))`, the graph made with G."""

    graph: LatentGraph

    @classmethod
    def from_codes(
        cls, G: Metric, codes: Float[Tensor, "N d"], *, centres: int = 64, neighbours: int = 5
    ) -> "GraphSpline":
        """With the report's graph: KMeans centres of the codes, each joined to the nearest others.

        ValueError for fewer codes than centres, or not finite; and as `LatentGraph` raises it.
        """
        if codes.dim() != 2 or len(codes) < centres or not codes.isfinite().all():
            raise ValueError(
                f"{centres} centres need as many codes (N, d) or more, all finite; these have "
                f"shape {tuple(codes.shape)}, finite: {bool(codes.isfinite().all())}."
            )
        from sklearn.cluster import KMeans  # late: it takes longer to load than all else

        means = KMeans(centres, n_init=10, random_state=0).fit(codes.detach().cpu().numpy())
        nodes = torch.from_numpy(means.cluster_centers_).to(codes)
        return cls(LatentGraph(G, nodes, neighbours=neighbours))

    @torch.no_grad()
    def __call__(
        self, energy: Energy, points: Float[Tensor, "*batch n d"], stop: float
    ) -> Solution:
        """The spline between the ends of `points`, never a curve of more energy than `points`.

        It has converged where `lbfgs`, started on it, would stop at once: where the metric is flat
        or `points` are a geodesic already, and hardly ever elsewhere. ValueError for pairs that no
        path in the graph joins.
        """
        a, b, nodes = points[..., 0, :], points[..., -1, :], energy.elements.times(points)
        ways = [torch.from_numpy(way).to(points) for way, _ in self.graph.ways(a, b)]
        curves = [_evenly(self.graph.G, CubicSpline(smoothed(way)), nodes) for way in ways]
        found = pin(torch.stack(curves).reshape(points.shape), a, b)
        better = energy.energy(found) < energy.energy(points)
        found = torch.where(better[..., None, None], found, points)
        converged = lbfgs(energy, found, stop, max_steps=1).converged
        return Solution(found, torch.ones_like(better, dtype=torch.long), converged)


def smoothed(way: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
    """Each inner point gives way to the mean of three: itself and its neighbours."""
    return torch.cat([way[:1], (way[:-2] + way[1:-1] + way[2:]) / 3, way[-1:]])


def _evenly(G: Metric, curve: CubicSpline, share: Float[Tensor, " n"]) -> Float[Tensor, "n d"]:
    """The points that have the given shares of the curve's length behind them."""
    t = CLOCK.times(share)
    ds = discretise(G, CLOCK).speeds(curve(t)) * CLOCK.weights(share)
    length = np.append(0, ds.unflatten(-1, (CLOCK.count, 2)).sum(-1).cumsum(-1).cpu())
    at = resampled(t[:, None].cpu().numpy(), length, share.cpu().numpy())
    return curve(torch.from_numpy(at[:, 0]).to(share))
