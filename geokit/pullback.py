"""The metric that a map pulls back from its target: how long a latent step is, measured in data
space."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .types import Derivatives, Float, Immersion, Metric, require_points


def jacobian(f: Immersion, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D d"]:
    """The Jacobian of `f` at each point: column i is ∂f/∂zᵢ, in data units per latent unit.

    Forward mode: the d basis directions are pushed through `f` together with the points, so it
    costs about d decodes and O(d·D) memory a point. Leading axes of `z` stay where they are;
    derivatives with respect to `z` flow through.

    A map with a method `derivatives` of its own, such as `geokit.models.MLP`, is asked instead.

    Raises:
        ValueError: `z` is not a float tensor, or `f` does not keep its leading axes.
    """
    require_points(z)
    if hasattr(f, "derivatives"):
        return f.derivatives(z).jacobian
    return _push_basis(f, z)[1]


def derivatives(f: Immersion, z: Float[Tensor, "*batch d"]) -> Derivatives:
    """Value, Jacobian and weighted second derivatives in one pass, where the map can do so.

    A map that has a method `derivatives` is asked; any other is differentiated: the Jacobian as in
    `jacobian`, the curvature by d Hessian-vector products, forward over reverse.
    """
    require_points(z)
    if hasattr(f, "derivatives"):
        return f.derivatives(z)

    def curvature(weights: Tensor) -> Tensor:
        # the zero keeps the slope a function of z where f is linear (torch.func wants one)
        slope = torch.func.grad(lambda z: (f(z) * weights).sum() + 0 * z.square().sum())
        return torch.func.vmap(
            lambda v: torch.func.jvp(slope, (z,), (v.expand_as(z),))[1], out_dims=-1
        )(torch.eye(z.shape[-1]).to(z))

    return Derivatives(*_push_basis(f, z), curvature)


def _push_basis(f: Immersion, z: Tensor) -> tuple[Tensor, Tensor]:
    """The image of each point, and its d tangents as columns."""

    def push(direction: Tensor) -> tuple[Tensor, Tensor]:
        x, column = torch.func.jvp(f, (z,), (direction.expand_as(z),))
        require_kept_axes(z, x)
        return x, column + 0 * direction[0]  # a constant map has no tangent for vmap to find

    basis = torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)
    return torch.func.vmap(push, out_dims=(None, -1))(basis)


def require_kept_axes(z: Tensor, x: Tensor) -> None:
    """What a map makes of points has the points' leading axes."""
    if x.dim() != z.dim() or x.shape[:-1] != z.shape[:-1]:
        raise ValueError(
            f"the map takes points of shape {tuple(z.shape)} to {tuple(x.shape)}; "
            "it must keep the leading axes: (*batch, d) to (*batch, D)."
        )


@dataclass(frozen=True)
class PullbackMetric:
    """G(z) = J(z)ᵀ H(f(z)) J(z): the metric `f` pulls back from a target whose own metric is H.

    With `ambient=None` the target is Euclidean (H = I) and G = JᵀJ. G is positive definite exactly
    where J has rank d; where it has not, G is only semidefinite and some latent directions have
    length zero.

    Args:
        f: the immersion `z ↦ x`.
        ambient: the metric of the target space, `x ↦ H(x)`; Euclidean if None.

    Example:
        >>> from geokit.surfaces import Sphere
        >>> PullbackMetric(Sphere())(torch.tensor([torch.pi / 6, 0.0], dtype=torch.float64))
        tensor([[1.0000, 0.0000],
                [0.0000, 0.2500]], dtype=torch.float64)

    Source: do Carmo, Riemannian Geometry, ch. 1, example 2.5 (the metric induced by an immersion);
    for decoders Tosi et al. (2014), Arvanitidis et al. (2018).
    """

    f: Immersion
    ambient: Metric | None = None

    def __call__(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d d"]:
        J = jacobian(self.f, z)
        return J.mT @ J if self.ambient is None else J.mT @ self.ambient(self.f(z)) @ J

    @property
    def embedding(self) -> Immersion | None:
        """The map whose decoded points, in Euclidean space, carry lengths and energies: f where the
        target is Euclidean, or None."""
        return self.f if self.ambient is None else None


def embedding_of(G: Metric) -> Immersion | None:
    """The map into Euclidean space that G is pulled back by, if G says so; any callable may."""
    return getattr(G, "embedding", None)


def map_of(G: Metric) -> Immersion | None:
    """The map that G is pulled back by, from whatever target; None for any other callable."""
    return G.f if isinstance(G, PullbackMetric) else None


def expected_pullback_metric(mean: Immersion, std: Immersion) -> PullbackMetric:
    """E[JᵀJ] for the random decoder x = mean(z) + std(z)·ε, ε ~ N(0, I): equal to JμᵀJμ + JσᵀJσ.

    It is the pullback metric of z ↦ (mean(z), std(z)). `std` is the standard deviation σ, not the
    variance: with σ² in its place the formula is wrong.

    Args:
        mean, std: `z ↦ μ(z)` and `z ↦ σ(z)`, each `(*batch, d)` → `(*batch, D)`.

    Source: Arvanitidis, Hansen and Hauberg (2018), Latent Space Oddity, theorem 1.
    """
    return PullbackMetric(Joint((mean, std)))


@dataclass(frozen=True)
class Joint:
    """z ↦ c·(f₁(z), …, f_S(z)), maps side by side: `(*batch, d)` → `(*batch, D₁ + … + D_S)`."""

    maps: Sequence[Immersion]
    scale: float = 1.0

    def __call__(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D"]:
        return self.scale * torch.cat([f(z) for f in self.maps], dim=-1)

    def derivatives(self, z: Float[Tensor, "*batch d"]) -> Derivatives:
        parts = [derivatives(f, z) for f in self.maps]

        def curvature(weights: Tensor) -> Tensor:
            shares = (self.scale * weights).split([x.value.shape[-1] for x in parts], dim=-1)
            return sum(x.curvature(w) for x, w in zip(parts, shares, strict=True))

        value = torch.cat([x.value for x in parts], dim=-1)
        J = torch.cat([x.jacobian.mT for x in parts], dim=-1).mT  # as they lie in memory
        return Derivatives(self.scale * value, self.scale * J, curvature)
