"""What one trained model says about the pairs: a row of distances each."""

import warnings
from collections.abc import Callable, Sequence

import pandas as pd
import torch
from torch import Tensor, nn

from ..curves import StraightLine
from ..ensemble import mean_pullback_metric
from ..geodesic import UnresolvedGeodesic, geodesic, length
from ..identifiability import smallest_singular_value
from ..pullback import PullbackMetric
from ..solvers.graph import LatentGraph
from .spec import Geometry

CODES = 1000  # so many codes are looked at for the smallest singular value
NEIGHBOURS = 10  # of each code in the graph, to begin with
AT_ONCE = 1000  # images encoded and decoded at a time


@torch.no_grad()
def describe(model: nn.Module, x: Tensor) -> tuple[dict[str, float], Tensor]:
    """How good a model is on test images `(n, D)`, and their codes `(n, d)`."""
    draws = torch.Generator().manual_seed(0)
    codes, elbo, square = [], [], []
    for part in x.split(AT_ONCE):
        codes.append(model.encode(part))
        elbo.append(model.elbo(part, draws))
        square.append((model.mean(codes[-1]) - part).square().mean(dim=-1))
    codes = torch.cat(codes)
    f = decoded_by(model).f
    least = [smallest_singular_value(f, part).min() for part in codes[:CODES].split(100)]
    return {
        "elbo_test": torch.cat(elbo).mean().item(),
        "rmse": torch.cat(square).mean().sqrt().item(),
        "smallest_singular_value": torch.stack(least).min().item(),
        # the root mean square distance of two codes
        "scale": (2 * codes.var(dim=0).sum()).sqrt().item(),
    }, codes


def decoded_by(model: nn.Module) -> PullbackMetric:
    """The metric of a model: that of its decoder, or the mean metric of its decoders."""
    decoders = getattr(model, "decoders", None)
    return PullbackMetric(model.mean) if decoders is None else mean_pullback_metric(decoders)


def distances(
    model: nn.Module,
    a: Tensor,
    b: Tensor,
    *,
    scale: float,
    nodes: Tensor | None,
    geometry: Geometry,
    say: Callable[[str], None] = print,
) -> pd.DataFrame:
    """One row for each pair of codes `(P, d)`: every distance, and the geodesic's certificate.

    For an ensemble the metric is the mean of its decoders' metrics, and `members` the mean of the
    decoders' own geodesic distances.
    """
    G = decoded_by(model)
    path = _geodesics(G, a, b, nodes, geometry, say)
    columns = {
        "euclidean": (a - b).norm(dim=-1),
        "euclidean_scaled": (a - b).norm(dim=-1) / scale,
        "chord": (G.f(a) - G.f(b)).norm(dim=-1),
        "straight": length(G, StraightLine(a, b)),
        "geodesic": path["length"],
    }
    if geometry.members and len(getattr(model, "decoders", ())) > 1:
        own = [
            _geodesics(PullbackMetric(f), a, b, nodes, geometry, say)["length"]
            for f in model.decoders
        ]
        columns["members"] = torch.stack(own).mean(dim=0)
    columns |= {key: path[key] for key in ("defect", "resolved", "iterations")}
    table = pd.DataFrame({key: value.cpu().numpy() for key, value in columns.items()})
    table.insert(0, "pair", range(len(table)))
    return table


def _geodesics(
    G: PullbackMetric,
    a: Tensor,
    b: Tensor,
    nodes: Tensor | None,
    geometry: Geometry,
    say: Callable[[str], None],
) -> dict[str, Tensor]:
    """Length and certificate of each pair's geodesic, from a straight start and the graph's."""
    graph = None if nodes is None else connected(G, nodes)

    def some(at: Sequence[int]) -> dict[str, Tensor]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnresolvedGeodesic)  # the table says which
            path = geodesic(G, a[at], b[at], tolerance=geometry.tolerance, graph=graph)
        names = ("length", "defect", "resolved", "iterations")
        return {name: getattr(path, name) for name in names}

    parts = in_smaller_parts(some, list(range(len(a))), "geodesics", say)
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}


def connected(G: PullbackMetric, nodes: Tensor) -> LatentGraph | None:
    """A graph of the codes in one piece: where they lie in clusters, of as many neighbours as that
    takes. None where no number of them does."""
    neighbours = NEIGHBOURS
    while neighbours < len(nodes):
        graph = LatentGraph.from_codes(G, nodes, neighbours=neighbours)
        if graph.components == 1:
            return graph
        neighbours *= 2
    return None


def in_smaller_parts(
    work: Callable[[Sequence], object],
    items: Sequence,
    what: str,
    say: Callable[[str], None] = print,
) -> list:
    """`work` on all items, or, where the device's memory does not hold them, on halves of them."""
    try:
        return [work(items)]
    except torch.OutOfMemoryError:
        if len(items) == 1:
            raise
    # outside the handler: inside it the failed attempt's tensors would still be held
    torch.cuda.empty_cache() if torch.cuda.is_available() else None
    half = len(items) // 2
    say(f"out of memory with {len(items)} {what} at a time; going on with {len(items) - half}.")
    return [
        result
        for part in (items[:half], items[half:])
        for result in in_smaller_parts(work, part, what, say)
    ]
