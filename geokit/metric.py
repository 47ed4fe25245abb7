"""What a metric measures at a point: lengths, angles, volume, and the ball of unit steps."""

import math

import torch
from torch import Tensor

from .pullback import embedding_of, jacobian, map_of, require_kept_axes
from .types import Float, Metric


def inner(
    G: Metric,
    z: Float[Tensor, "*#batch d"],
    u: Float[Tensor, "*#batch d"],
    v: Float[Tensor, "*#batch d"],
) -> Float[Tensor, "*batch"]:
    """⟨u, v⟩ = uᵀ G(z) v at each point, in data units²."""
    return torch.einsum("...i,...ij,...j->...", u, G(z), v)


def norm(
    G: Metric, z: Float[Tensor, "*#batch d"], v: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch"]:
    """‖v‖ = √⟨v, v⟩ at each point, in data units; ValueError if ⟨v, v⟩ < 0 beyond rounding."""
    g = G(z)
    square = torch.einsum("...i,...ij,...j->...", v, g, v)
    largest = torch.einsum("...i,...ij,...j->...", v.abs(), g.abs(), v.abs())
    if (square < -100 * torch.finfo(g.dtype).eps * largest).any():
        raise ValueError(
            "a vector has a negative squared length; a metric must be positive definite."
        )
    return square.clamp(min=0).sqrt()  # what rounding took below zero


def angle(
    G: Metric,
    z: Float[Tensor, "*#batch d"],
    u: Float[Tensor, "*#batch d"],
    v: Float[Tensor, "*#batch d"],
) -> Float[Tensor, "*batch"]:
    """The angle between u and v as G sees it, in radians within [0, π].

    Computed as 2·atan2(‖û − v̂‖, ‖û + v̂‖) for the unit vectors û, v̂, which keeps its accuracy
    near 0 and π where arccos loses half of the digits (Kahan).

    Raises:
        ValueError: a vector has length zero, so that it has no direction.
    """
    u, v = (w / w.abs().amax(-1, keepdim=True).clamp(min=1e-30) for w in (u, v))  # no underflow
    a, b = norm(G, z, u), norm(G, z, v)
    if not ((a > 0) & (b > 0)).all():
        raise ValueError(
            "an angle needs two vectors of positive length; one has length zero or NaN."
        )
    u, v = u / a[..., None], v / b[..., None]
    return 2 * torch.atan2(norm(G, z, u - v), norm(G, z, u + v))


def volume_element(G: Metric, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
    """√det G(z): data-space volume per unit of latent volume, in (data/latent)ᵈ units.

    It is zero where G is singular. An eigenvalue that rounding takes below zero counts as zero.

    Raises:
        ValueError: G is NaN or infinite, or has an eigenvalue that is negative beyond rounding.
    """
    g = G(z)
    if not g.isfinite().all():
        raise ValueError("the metric is NaN or infinite at some point; check the decoder there.")
    eigenvalues = torch.linalg.eigvalsh(g).expand(z.shape)
    rounding = 100 * torch.finfo(g.dtype).eps * eigenvalues.abs().amax(-1)
    if (eigenvalues[..., 0] < -rounding).any():
        raise ValueError(
            f"the metric has a negative eigenvalue, {eigenvalues.min():.3g}; "
            "a metric must be positive definite."
        )
    return eigenvalues.clamp(min=0).sqrt().prod(dim=-1)  # roots first: a determinant overflows


def unit_ball(
    G: Metric, z: Float[Tensor, "*batch 2"], points: int = 64
) -> Float[Tensor, "*batch points 2"]:
    """The closed curve of all steps v of length one, vᵀ G(z) v = 1: Tissot's ellipse, in latent
    units around 0 (d = 2).

    Its half axes are 1/√λ along the eigenvectors of G: a long axis is a direction in which the
    decoder changes little.

    Raises:
        ValueError: d is not 2, or G is singular at some z: there the steps of length one reach to
            infinity.
    """
    if z.shape[-1] != 2:
        raise ValueError(
            f"unit_ball draws ellipses, so it needs d = 2; z has {z.shape[-1]} coordinates."
        )
    L, failed = torch.linalg.cholesky_ex(G(z))
    if failed.any():
        raise ValueError(
            f"the metric is singular or indefinite at {int((failed > 0).sum())} of "
            f"{failed.numel()} points; there is no unit ball where some direction has length zero."
        )
    t = torch.linspace(0, 2 * math.pi, points, dtype=z.dtype, device=z.device)
    circle = torch.stack([t.cos(), t.sin()])
    return torch.linalg.solve_triangular(
        L.mT, circle.expand(*z.shape[:-1], 2, points), upper=True
    ).mT


def christoffel(G: Metric, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d d d"]:
    """The Christoffel symbols Γᵏᵢⱼ = ½ Gᵏˡ(∂ᵢGⱼₗ + ∂ⱼGᵢₗ − ∂ₗGᵢⱼ) at `[..., k, i, j]`, in 1/latent
    units.

    They are how far a straight latent line is from straight: a geodesic has γ̈ᵏ = −Γᵏᵢⱼ γ̇ⁱγ̇ʲ.
    They are no tensor: in another chart of the same surface they may vanish at a point where they
    did not.

    Raises:
        ValueError: G is singular at some z.

    Source: do Carmo, Riemannian Geometry, ch. 2, eq. (10).
    """
    d = z.shape[-1]

    def entries(z: Tensor) -> Tensor:
        return G(z).expand(*z.shape, d).flatten(-2)

    dG = jacobian(entries, z).unflatten(-2, (d, d))  # [..., i, j, l] = ∂ₗGᵢⱼ
    lowered = 0.5 * (dG.movedim(-1, -3) + dG.movedim(-1, -3).mT.movedim(-3, -2) - dG).movedim(
        -1, -3
    )
    return raise_index(G(z).expand(*z.shape, d), lowered.flatten(-2)).unflatten(-1, (d, d))


def riemann_tensor(G: Metric, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d d d d"]:
    """The curvature tensor Rˡₖᵢⱼ = ∂ᵢΓˡⱼₖ − ∂ⱼΓˡᵢₖ + ΓˡᵢₘΓᵐⱼₖ − ΓˡⱼₘΓᵐᵢₖ at `[..., l, k, i, j]`.

    R(∂ᵢ, ∂ⱼ)∂ₖ = Rˡₖᵢⱼ ∂ₗ: what is left of a vector carried round a small parallelogram. It
    vanishes everywhere exactly if the metric is flat. Second derivatives of G: use a smooth
    decoder.

    Source: Lee, Introduction to Riemannian Manifolds, ch. 7 (do Carmo has the opposite sign).
    """
    d = z.shape[-1]
    Γ = christoffel(G, z)
    dΓ = jacobian(lambda z: christoffel(G, z).flatten(-3), z).unflatten(-2, (d, d, d))
    first = torch.einsum("...ljki->...lkij", dΓ) + torch.einsum("...lim,...mjk->...lkij", Γ, Γ)
    return first - first.mT


def gaussian_curvature(G: Metric, z: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    """K = ⟨R(∂₁, ∂₂)∂₂, ∂₁⟩ / det G, in 1/data units² (d = 2): the same number in every chart.

    Source: Lee, Introduction to Riemannian Manifolds, ch. 8 (Gauss's Theorema Egregium).
    """
    if z.shape[-1] != 2:
        raise ValueError(
            f"Gaussian curvature belongs to surfaces, d = 2; z has {z.shape[-1]} coordinates: "
            "use riemann_tensor."
        )
    g = G(z)
    R = riemann_tensor(G, z)[..., :, 1, 0, 1]
    return torch.einsum("...l,...l->...", g[..., 0, :], R) / torch.linalg.det(g)


def raise_index(g: Float[Tensor, "*batch d d"], covectors: Tensor) -> Tensor:
    """G⁻¹ times the columns of `covectors`; ValueError where G is singular."""
    try:
        return torch.linalg.solve(g, covectors)
    except torch.linalg.LinAlgError:
        raise ValueError(
            "the metric is singular at some point, where geodesics have no direction; "
            "stay away from it, or use a decoder whose Jacobian has full rank."
        ) from None


def require_metric(G: Metric, z: Float[Tensor, "*batch d"]) -> None:
    """G is a metric as far as some points can tell: right in shape and dtype, symmetric and
    positive semidefinite there, and the same when asked again.

    Raises:
        ValueError: it is not.
    """
    if (f := map_of(G)) is not None:
        x, again = f(z), f(z)
        require_kept_axes(z, x)
        if not torch.equal(x.nan_to_num(), again.nan_to_num()):
            raise ValueError(
                "the map gives two different answers at the same points: it is random; "
                "give its mean, or call .eval() on a decoder with dropout."
            )
        if embedding_of(G) is not None:
            return
    g, d = G(z), z.shape[-1]
    if not isinstance(g, Tensor) or g.dtype != z.dtype or g.shape[-2:] != (d, d):
        what = f"{g.dtype} of shape {tuple(g.shape)}" if isinstance(g, Tensor) else type(g).__name__
        raise ValueError(
            f"the metric gives {what} at points {z.dtype} of shape {tuple(z.shape)}; "
            f"it must give (*batch, {d}, {d}) in their dtype."
        )
    g = g.nan_to_num()
    slack = 100 * torch.finfo(g.dtype).eps * g.abs().amax(dim=(-2, -1), keepdim=True)
    if ((g - g.mT).abs() > slack).any():
        raise ValueError("the metric is not symmetric; give (G + Gᵀ)/2 if that is what is meant.")
    if (torch.linalg.eigvalsh(g) < -slack[..., 0]).any():
        raise ValueError(
            "the metric has a direction of negative squared length; it must be positive definite."
        )
