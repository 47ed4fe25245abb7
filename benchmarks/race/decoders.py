"""The decoders of the races, and pairs of points to join."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from geokit import pretrained
from geokit.models import MLP


def trained(name: str, dtype: torch.dtype = torch.float64) -> tuple[Callable, Tensor]:
    """A decoder that comes with geokit, and its codes."""
    given = pretrained.load(name)
    model = given.model.to(dtype).requires_grad_(False)
    return model.mean, given.codes.to(dtype)


def small_mlp(gain: float) -> MLP:
    """2-64-64-50, tanh, torch's first weights times `gain`: small enough for solvers that
    differentiate twice. The larger the gain, the more it bends."""
    torch.manual_seed(0)
    f = MLP(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 50))
    for parameter in f.requires_grad_(False).parameters():
        parameter.mul_(gain)
    return f.double()


def random_pairs(codes: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Two random codes for each pair."""
    draws = torch.Generator().manual_seed(0)
    start, end = torch.randint(len(codes), (2, count), generator=draws)
    return codes[start], codes[end]


def arcs(*lengths: float) -> tuple[Tensor, Tensor]:
    """Pairs on the unit sphere, (θ, φ), at given distances, on a great circle that leaves the
    equator by half a radian at most."""
    s = torch.tensor(lengths, dtype=torch.float64) / 2
    tilt = torch.tensor(0.5, dtype=torch.float64)

    def at(s: Tensor) -> Tensor:
        x, y, z = s.cos() * tilt.cos(), s.sin(), s.cos() * tilt.sin()  # highest in the middle
        return torch.stack([z.arccos(), torch.atan2(y, x)], dim=-1)

    return at(-s), at(s)
