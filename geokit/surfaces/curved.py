"""The sphere and the saddle."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..types import Float
from .tools import require_positive


@dataclass(frozen=True)
class Sphere:
    """(θ, φ) ↦ R(sin θ cos φ, sin θ sin φ, cos θ): colatitude θ in (0, π), longitude φ, both in
    radians."""

    radius: float = 1.0

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        θ, φ = z.unbind(dim=-1)
        return self.radius * torch.stack([θ.sin() * φ.cos(), θ.sin() * φ.sin(), θ.cos()], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """R² diag(1, sin²θ)."""
        θ = z[..., 0]
        return self.radius**2 * torch.diag_embed(
            torch.stack([torch.ones_like(θ), θ.sin() ** 2], dim=-1)
        )

    def distance(
        self, a: Float[Tensor, "*#batch 2"], b: Float[Tensor, "*#batch 2"]
    ) -> Float[Tensor, "*batch"]:
        """The great circle: R·atan2(|x × y|, x·y), accurate for near and for opposite points."""
        x, y = torch.broadcast_tensors(self(a) / self.radius, self(b) / self.radius)
        return self.radius * torch.atan2(torch.linalg.cross(x, y).norm(dim=-1), (x * y).sum(dim=-1))

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """1/R²."""
        return torch.full_like(z[..., 0], self.radius**-2)


@dataclass(frozen=True)
class Saddle:
    """(x, y) ↦ (x, y, a(x² − y²)): curved to opposite sides. Its distance has no closed form, and
    no symmetry gives one by quadrature, so none is offered."""

    steepness: float = 0.5

    def __post_init__(self):
        require_positive(steepness=self.steepness)

    def __call__(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        x, y = z.unbind(dim=-1)
        return torch.stack([x, y, self.steepness * (x**2 - y**2)], dim=-1)

    def metric(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2 2"]:
        """I + w wᵀ with the slopes w = 2a(x, −y)."""
        w = 2 * self.steepness * z * torch.tensor([1, -1]).to(z)
        return torch.eye(2).to(z) + w[..., :, None] * w[..., None, :]

    def gaussian_curvature(self, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """−4a²/(1 + 4a²(x² + y²))² (do Carmo, Curves and Surfaces, 3-3: the graph of a
        function)."""
        k = 4 * self.steepness**2
        return -k / (1 + k * z.square().sum(dim=-1)) ** 2
