"""Do two models agree? The map between their codes, whether it is an isometry, and probes of what
the isometry theorem assumes: A2 (injective) and A3 (full rank)."""

import torch
from torch import Tensor

from .curves import StraightLine
from .geodesic import length
from .pullback import PullbackMetric, jacobian
from .types import Float, Immersion, Metric, require_points


def indeterminacy(f_a: Immersion, encode_b: Immersion) -> Immersion:
    """A = f_b⁻¹ ∘ f_a: from a code of model a to the code that model b decodes to the same image.

    Args:
        f_a: the decoder of model a, `(*batch, d)` → `(*batch, D)`.
        encode_b: the inverse of f_b on its image, `(*batch, D)` → `(*batch, d)`. A trained encoder
            is only near it: check that `f_b(A(z))` is `f_a(z)`.

    Source: Syrota et al. (2025), after Xi and Bloem-Reddy (2023).
    """

    def A(z: Tensor) -> Tensor:
        return encode_b(f_a(z))

    return A


def isometry_error(
    A: Immersion, G_a: Metric, G_b: Metric, z: Float[Tensor, "*batch d"]
) -> Float[Tensor, "*batch"]:
    """‖A*G_b − G_a‖ / ‖G_a‖ at each point (Frobenius norms): zero exactly where A is an isometry.

    A*G_b = J_Aᵀ G_b(A(z)) J_A is the metric of model b, pulled back to the codes of a. No unit. Its
    size where it is not zero depends on the chart of a.

    Raises:
        ValueError: G_a is zero, NaN or infinite at some point, so that there is nothing to compare
            with; or A*G_b is NaN or infinite.

    Source: Syrota et al. (2025), theorem 1.
    """
    g, pulled = G_a(z), PullbackMetric(A, ambient=G_b)(z)
    size = torch.linalg.matrix_norm(g)
    if not ((size > 0) & size.isfinite()).all():
        raise ValueError(
            "G_a is zero, NaN or infinite at some point, where nothing can be compared with it; "
            "leave out the points where `smallest_singular_value` is zero."
        )
    if not pulled.isfinite().all():
        raise ValueError(
            "A*G_b is NaN or infinite at some point; A must be differentiable there, and G_b "
            "finite at A(z)."
        )
    return torch.linalg.matrix_norm(pulled - g) / size


def smallest_singular_value(f: Immersion, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
    """The smallest of the d singular values of J(z): how much the least visible latent step shows.

    In data units per latent unit: A3 (full rank) asks for more than zero, and no particular size is
    enough, as z ↦ 2z halves it. It is zero where the image has fewer dimensions than the code.
    """
    J = jacobian(f, z)
    if J.shape[-2] < J.shape[-1]:  # at most D singular values; the others are zero
        return J.new_zeros(J.shape[:-2])
    return torch.linalg.svdvals(J)[..., -1]


def injectivity_defect(
    f: Immersion,
    z: Float[Tensor, "n d"],
    *,
    apart: Float[Tensor, "n n"] | None = None,
    elements: int = 8,
) -> Float[Tensor, " n"]:
    """For each code, 1 − the smallest of ‖f(zᵢ) − f(zⱼ)‖ / ℓᵢⱼ over all other codes: a probe of A2.

    ℓᵢⱼ is how far one has to walk in the latent space, in data units: the length of the decoded
    straight line from zᵢ to zⱼ, or `apart`. A number in [0, 1] without a unit: 0 if every image is
    as far from the others as the walk is long (a linear map), 1 if another code has the same image
    (A2 fails). A curved surface lies between: with the great circles in `apart`, a sphere that has
    two antipodes among its codes gives 1 − 2/π there. What is not among the codes is not seen: the
    defect can show that A2 fails or nearly fails, never that it holds.

    Args:
        f: the decoder.
        z: codes to compare with each other; equal codes count as one.
        apart: geodesic distances to use for ℓ. They make the number the same in every chart, and no
            larger than the straight lines do, which are never shorter.
        elements: pieces of the quadrature along each straight line.

    Raises:
        ValueError: fewer than two different codes, or an `apart` of another shape, negative or NaN.

    Source: the reciprocal of Gromov's distortion, Gromov, Metric Structures for Riemannian and
        Non-Riemannian Spaces (1999), ch. 1, code by code.
    """
    require_points(z)
    if z.dim() != 2 or not (z != z[:1]).any():
        raise ValueError(
            f"z has shape {tuple(z.shape)}; give codes (n, d), at least two of them different."
        )
    n = len(z)
    if apart is not None and (apart.shape != (n, n) or not (apart >= 0).all()):
        raise ValueError(
            f"apart has shape {tuple(apart.shape)}; for {n} codes give ({n}, {n}) distances, none "
            "of them negative or NaN."
        )
    x, G = f(z), PullbackMetric(f)
    smallest = []
    for i in range(n):  # a row at a time: n² curves of images would not fit in memory
        near = (x - x[i]).norm(dim=-1)
        if apart is None:
            way = length(G, StraightLine(z[i].expand_as(z), z), elements=elements)
        else:
            way = apart[i]
        # a way of length zero to another code is an image that two codes share
        ratio = torch.where(way > 0, near / way, torch.zeros_like(way))
        same = (z == z[i]).all(dim=-1)
        smallest.append(ratio.masked_fill(same, torch.inf).amin())
    return (1 - torch.stack(smallest)).clamp(0, 1)  # quadrature may take a straight way below near
