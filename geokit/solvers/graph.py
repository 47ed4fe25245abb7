"""Shortest paths in a graph of latent points: starts for `geodesic` that a wall cannot stop.

A straight latent line may cross a wall that the shortest curve goes round, and a descent from it
stays there. The edges of a graph are short straight lines, each as long as the metric says, and
Dijkstra's algorithm finds the best of all ways along them.

Source: Tenenbaum, de Silva and Langford (2000), A Global Geometric Framework for Nonlinear
    Dimensionality Reduction; Chen et al. (2019), Fast Approximate Geodesics for Deep Generative
    Models (the same on latent codes).
"""

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from torch import Tensor

from ..curves import StraightLine
from ..elements import Elements
from ..pullback import map_of
from ..types import Float, Int, Metric, require_points, require_same_space
from .energies import measure
from .starts import pin

POINTS = 257  # of every path, so that a pair's path does not depend on its batch
LINKS = 16  # an end point is joined to so many nodes
EDGE = Elements(4, 1)  # an edge is measured as a polyline through three points between its ends


class LatentGraph:
    """Latent points, each joined to its nearest neighbours by edges as long as G says.

    An edge is the straight latent line between two nodes; its weight is its length, measured once
    for both directions. The graph is that of one model, without a model axis.

    Args:
        G: the metric; the pullback of a map into Euclidean space is measured on decoded points.
        nodes: `(N, d)`, latent units, in the dtype and on the device G works in.
        neighbours: how many nearest nodes, in latent distance, each node is joined to.
        edges: `(m, 2)` pairs of node numbers, in place of nearest neighbours.

    It has `edges` and their `weights` in data units, each edge once; `dropped`, how many were left
    out because their length is NaN or infinite; and `components`, how many parts there are.

    Raises:
        ValueError: nodes that are not distinct finite points, or too few; no edge of finite length.
    """

    def __init__(
        self,
        G: Metric,
        nodes: Float[Tensor, "N d"],
        *,
        neighbours: int = 10,
        edges: Int[Tensor, "m 2"] | None = None,
    ):
        self.G, self.nodes, self._bounded = G, _distinct(nodes), False
        edges = _nearest(self.nodes, neighbours) if edges is None else edges.to(nodes.device)
        edges = torch.unique(edges.sort(dim=-1).values, dim=0)
        if not ((edges >= 0) & (edges < len(nodes))).all():
            raise ValueError(f"edges must join nodes by their numbers, 0 to {len(nodes) - 1}.")
        weights = _lengths(G, *self.nodes[edges].unbind(dim=-2))
        finite = weights.isfinite()
        if not finite.any():
            raise ValueError(f"none of {len(edges)} edges has a finite length; check the metric.")
        self.edges, self.weights = edges[finite], weights[finite]
        self.dropped = int((~finite).sum())
        graph = _matrix(len(nodes), *_array(self.edges.T), _array(self.weights))
        self.components = int(connected_components(graph, directed=False)[0])

    @classmethod
    def on_grid(
        cls, G: Metric, low: Float[Tensor, "2"], high: Float[Tensor, "2"], *, resolution: int = 36
    ) -> "LatentGraph":
        """A grid of resolution² nodes over the box from `low` to `high`, each joined to 16 others:
        a chess king's moves and a knight's. In a flat square grid a path from node to node is at
        most 2.8 % too long. End points must lie in the box.

        ValueError for corners that are not finite with low < high, or a resolution below 2.
        """
        require_same_space(low, high)
        if low.shape != (2,) or not (low < high).all() or resolution < 2:
            raise ValueError(
                "a grid needs corners low < high of two coordinates and a resolution of 2 or more; "
                f"given are {low.tolist()}, {high.tolist()} and {resolution}."
            )
        t = torch.linspace(0, 1, resolution).to(low)
        number = torch.arange(resolution**2).reshape(resolution, resolution)
        edges = []
        for i, j in (0, 1), (1, 0), (1, 1), (1, 2), (2, 1):
            for board in number, number.flip(-1):  # to the right, and to the left
                here, there = board[: resolution - i, : resolution - j], board[i:, j:]
                edges.append(torch.stack([here, there], dim=-1).reshape(-1, 2))
        nodes = low + (high - low) * torch.cartesian_prod(t, t)
        graph = cls(G, nodes, edges=torch.cat(edges))
        graph._bounded = True
        return graph

    @classmethod
    def from_codes(
        cls, G: Metric, codes: Float[Tensor, "N d"], *, neighbours: int = 10
    ) -> "LatentGraph":
        """Codes of data as nodes, for any d; each is joined to the codes nearest in latent space
        and, where G is a `PullbackMetric`, to those that decode nearest: these are the same in
        every equivalent model. Raises as the class does."""
        edges = [_nearest(_distinct(codes), neighbours)]
        if (f := map_of(G)) is not None:
            with torch.no_grad():
                x = f(codes)
            (fine,) = x.isfinite().all(dim=-1).nonzero(as_tuple=True)
            if len(fine) > neighbours:
                edges.append(fine[_nearest(x[fine], neighbours)])
        return cls(G, codes, edges=torch.cat(edges))

    def shortest_path(
        self, start: Float[Tensor, "*#batch d"], end: Float[Tensor, "*#batch d"]
    ) -> Float[Tensor, "*batch n d"]:
        """The shortest path for each pair: n = 257 points, evenly spaced along its length.

        End points are joined to the nodes nearest to them, and to each other where that is as near.
        They are the first and last point to the last digit; the path has their dtype.

        Raises:
            ValueError: end points that do not fit each other or the nodes, are not finite or lie
                outside the grid; pairs that no path joins.
        """
        even = np.linspace(0, 1, POINTS)
        paths = [resampled(*way, even) for way in self.ways(start, end)]
        start, end = torch.broadcast_tensors(start.detach(), end.detach())
        points = torch.from_numpy(np.array(paths)).to(start)
        return pin(points.reshape(*start.shape[:-1], POINTS, start.shape[-1]), start, end)

    def ways(
        self, start: Float[Tensor, "*#batch d"], end: Float[Tensor, "*#batch d"]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """The same paths as Dijkstra's algorithm finds them: for each pair, the last axis fastest,
        the vertices `(m, d)` from end point to end point, m ≥ 2, and the length up to each `(m,)`.

        Raises as `shortest_path` does.
        """
        require_same_space(start, end)
        start, end = torch.broadcast_tensors(start.detach(), end.detach())
        *batch, d = start.shape
        ends = torch.stack([start, end]).reshape(2, -1, d).to(self.nodes)
        self._require_near(ends)
        if start.numel() == 0:
            return []
        vertices, sources, targets, graph = self._with_end_points(ends)
        first, row = np.unique(sources, return_inverse=True)
        length, before = dijkstra(graph, indices=first, return_predecessors=True)
        lost = np.argwhere(np.isinf(length[row, targets].reshape(batch))).tolist()
        if lost:
            raise ValueError(
                f"no path joins {len(lost)} of {len(row)} pairs, first {lost[:5]}: the graph has "
                f"{self.components} component(s), and {self.dropped} of its edges were NaN or "
                "infinite; give more nodes or neighbours, or end points nearer to them."
            )
        ways = []
        for i, source, target in zip(row, sources, targets, strict=True):
            way = [target]
            while way[-1] != source:
                way.append(before[i, way[-1]])
            ways.append((vertices[way[::-1]], length[i, way[::-1]]))
        return ways

    def _with_end_points(self, ends: Float[Tensor, "2 pairs d"]) -> tuple:
        """The directed graph with two more vertices for each distinct end point, one that edges
        only leave and one where they only arrive: no path runs through another pair's end point."""
        points, which = torch.unique(ends.flatten(0, 1), dim=0, return_inverse=True)
        s, t = _array(which).reshape(2, -1)
        N, M, k = len(self.nodes), len(points), min(LINKS, len(self.nodes))
        reach, near = _neighbours(self.nodes, k, _array(points))
        own, near, reach = np.arange(M).repeat(k), near.ravel(), reach[:, -1]
        close = _array((ends[0] - ends[1]).norm(dim=-1)) <= np.minimum(reach[s], reach[t])
        u, v = np.unique([s[close], t[close]], axis=1)
        origin, goal = points[np.append(own, u)], torch.cat([self.nodes[near], points[v]])
        links, direct = np.split(_array(_lengths(self.G, origin, goal)), [len(own)])

        (i, j), w, x = _array(self.edges.T), _array(self.weights), _array(points)
        tails = np.concatenate([i, j, N + own, near, N + u])
        heads = np.concatenate([j, i, near, N + M + own, N + M + v])
        graph = _matrix(N + 2 * M, tails, heads, np.concatenate([w, w, links, links, direct]))
        return np.concatenate([_array(self.nodes), x, x]), N + s, N + M + t, graph

    def _require_near(self, ends: Float[Tensor, "2 pairs d"]) -> None:
        low, high = self.nodes[0], self.nodes[-1]  # the corners, if it is a grid
        if ends.shape[-1] != len(low):
            raise ValueError(f"the end points must have {len(low)} coordinates, as the nodes have.")
        slack = 1e-6 * (high - low)  # a corner may come in another dtype
        outside = ((ends < low - slack) | (ends > high + slack)).any(dim=-1)
        if self._bounded and outside.any():
            raise ValueError(
                f"{int(outside.sum())} end points lie outside the grid from {low.tolist()} to "
                f"{high.tolist()}; make a grid that covers them."
            )


def _distinct(nodes: Tensor) -> Tensor:
    require_points(nodes, "nodes")
    repeats = len(nodes) - len({tuple(z) for z in nodes.tolist()}) if nodes.dim() == 2 else 0
    if nodes.dim() != 2 or repeats or not nodes.isfinite().all():
        raise ValueError(
            "nodes must be distinct finite points (N, d), as torch.unique(nodes, dim=0) gives; "
            f"these have shape {tuple(nodes.shape)}, {repeats} repeat another, "
            f"finite: {bool(nodes.isfinite().all())}."
        )
    return nodes.detach()


def _nearest(x: Tensor, neighbours: int) -> Int[Tensor, "m 2"]:
    """The pairs (i, j) where x_j is one of the nearest to x_i."""
    if not 1 <= neighbours < len(x):
        raise ValueError(
            f"{len(x)} nodes cannot have {neighbours} neighbours each; "
            "give at least 1, and more nodes than neighbours."
        )
    near = _neighbours(x, neighbours)[1]
    own = np.arange(len(x)).repeat(neighbours)
    return torch.as_tensor(np.stack([own, near.ravel()], axis=-1)).to(x.device)


def _neighbours(nodes: Tensor, k: int, points: np.ndarray | None = None) -> tuple:
    """Distances and numbers of the k nodes next to each point, or to each node but itself."""
    from sklearn.neighbors import NearestNeighbors  # late: it takes longer to load than all else

    return NearestNeighbors(n_neighbors=k).fit(_array(nodes)).kneighbors(points)


def _lengths(G: Metric, a: Float[Tensor, "m d"], b: Float[Tensor, "m d"]) -> Float[Tensor, " m"]:
    """The lengths of the straight latent lines from a to b."""
    with torch.no_grad():
        return measure(G, StraightLine(a, b)(EDGE.times(a)), EDGE)[0]


def _matrix(n: int, tails: np.ndarray, heads: np.ndarray, w: np.ndarray) -> csr_array:
    """The directed edges of finite length; one of length zero is an edge, too."""
    ok = np.isfinite(w)
    return csr_array((w[ok], (tails[ok], heads[ok])), shape=(n, n))


def resampled(
    z: Float[np.ndarray, "m d"], length: Float[np.ndarray, " m"], share: Float[np.ndarray, " n"]
) -> np.ndarray:
    """The points of a polyline at given shares of its length, which is known up to each vertex."""
    clock = length + 1e-9 * (length[-1] or 1) * np.arange(len(z))  # no step takes no time
    return np.stack([np.interp(share * clock[-1], clock, x) for x in z.T], axis=-1)


def _array(x: Tensor) -> np.ndarray:
    return x.cpu().numpy()
