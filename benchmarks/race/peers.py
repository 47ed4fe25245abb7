"""Other packages at the same task. Each is imported when its race is run: none is a dependency."""

import os
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

from geokit.types import Curve, Immersion


def stochman(
    f: Immersion, a: Tensor, b: Tensor, *, nodes: int = 0, samples: int = 65, steps: int = 1500
) -> Curve:
    """stochman's `connecting_geodesic` with its defaults, or its minimiser on a given number of
    nodes."""
    from stochman.curves import CubicSpline
    from stochman.geodesic import geodesic_minimizing_energy
    from stochman.manifold import EmbeddedManifold

    class Decoded(EmbeddedManifold):
        def embed(self, points, jacobian=False):
            return f(points)

    if nodes == 0:
        curve, _ = Decoded().connecting_geodesic(a, b)
    else:
        curve = CubicSpline(a, b, num_nodes=nodes)
        geodesic_minimizing_energy(curve, Decoded(), max_iter=steps, eval_grid=samples)
    return lambda t: curve(t).reshape(*a.shape[:-1], len(t), a.shape[-1])  # it squeezes one pair


class AsModule(nn.Module):
    """A plain map as a module without parameters."""

    def __init__(self, f: Immersion):
        super().__init__()
        self.f = f

    def forward(self, z: Tensor) -> Tensor:
        return self.f(z)


def latent_geometry(f: Immersion, outputs: int) -> Callable[[Tensor, Tensor], Curve | None]:
    """`LatentManifold.shortest_path` with its defaults: a boundary value problem, one pair at a
    time; None where it gives up. It decodes in float32."""
    from latent_geometry.manifold import LatentManifold
    from latent_geometry.mapping import TorchModelMapping
    from latent_geometry.metric import EuclideanMetric
    from latent_geometry.solver import SolverFailedException

    model = AsModule(deepcopy(f)).float()
    mapping = TorchModelMapping(model, in_shape=(2,), out_shape=(outputs,))
    manifold = LatentManifold(mapping, EuclideanMetric())

    def solve(a: Tensor, b: Tensor) -> Curve | None:
        try:
            path = manifold.shortest_path(a.numpy(), b.numpy())
        except SolverFailedException:
            return None
        return lambda t: torch.stack([torch.as_tensor(path(x)) for x in t.tolist()])

    return solve


def geomstats(f: Immersion, outputs: int) -> Callable[[Tensor, Tensor], Tensor]:
    """The distance of an `ImmersedSet` with its default metric: shooting, one pair at a time."""
    os.environ.setdefault("GEOMSTATS_BACKEND", "pytorch")  # read when it is first imported
    from geomstats.geometry.base import ImmersedSet
    from geomstats.geometry.euclidean import Euclidean

    class Decoded(ImmersedSet):
        def _define_embedding_space(self):
            return Euclidean(dim=outputs)

        def immersion(self, point):
            return f(point)

    return Decoded(dim=2).metric.dist
