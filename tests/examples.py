"""What several test modules share: surfaces with their charts, and points inside them."""

from contextlib import contextmanager

import torch
from jaxtyping import config
from torch import Tensor, nn

from geokit.surfaces import Plane, Sphere, SwissRoll

SURFACES = {
    "sphere": (Sphere(1.7), ((0.4, 2.7), (0.0, 2.5))),
    "plane": (Plane(), ((-2.0, 2.0), (-2.0, 2.0))),
    "swiss roll": (SwissRoll(), ((1.0, 8.0), (0.0, 5.0))),
}


def points(box, n: int, seed: int = 0) -> Tensor:
    """n random points of a chart's box, float64."""
    low, high = torch.tensor(box, dtype=torch.float64).T
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(n, 2, generator=generator, dtype=torch.float64)


def smooth_decoder(d: int = 2, D: int = 20, seed: int = 0) -> nn.Module:
    """A random smooth decoder, float64."""
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Linear(d, 16), nn.Tanh(), nn.Linear(16, D), nn.Sigmoid())
    return layers.double().requires_grad_(False)


class Shear:
    """A nonlinear change of chart with an exact inverse: (u, v) ↦ (a u, b v + s sin(u))."""

    a, b, s = 1.5, 0.5, 0.8

    def __call__(self, z: Tensor) -> Tensor:
        u, v = z.unbind(-1)
        return torch.stack([self.a * u, self.b * v + self.s * u.sin()], dim=-1)

    def inverse(self, w: Tensor) -> Tensor:
        u = w[..., 0] / self.a
        return torch.stack([u, (w[..., 1] - self.s * u.sin()) / self.b], dim=-1)


@contextmanager
def as_users_call():
    """Without the shape checks that tests switch on: what a user's own call meets."""
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", False)
