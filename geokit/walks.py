"""Random walks in a latent space: noise in latent units, noise in data units, Brownian motion.

All three take steps of one `scale` s. The noise of a step comes from a CPU generator, so a seed
gives the same walk on every device; a second call with the same generator, started where the first
stopped, goes on with the same walk. Walkers are leading axes: many cost little more than one.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .exponential import acceleration
from .metric import require_metric
from .pullback import derivatives, embedding_of
from .types import Float, Metric, require_points


def euclidean_walk(
    start: Float[Tensor, "*batch d"], *, steps: int, scale: float, generator: torch.Generator
) -> Float[Tensor, "times *batch d"]:
    """z ← z + s ε with ε ~ N(0, I): `scale` s in latent units.

    Returns:
        The walk with its start, `(steps + 1, *batch, d)`.

    Raises:
        ValueError: `start` is not a finite float tensor, `steps` negative or `scale` not positive.
    """
    return _walk(start, steps, scale, generator, lambda z, ε: z + scale * ε)


def riemannian_walk(
    G: Metric,
    start: Float[Tensor, "*batch d"],
    *,
    steps: int,
    scale: float,
    generator: torch.Generator,
) -> Float[Tensor, "times *batch d"]:
    """z ← z + s G(z)^−½ ε with ε ~ N(0, I): `scale` s in data units, alike in every direction.

    A step has covariance s² G⁻¹ and mean square length E[dzᵀ G dz] = d s². The square root is L⁻ᵀ
    for G = LLᵀ: the law of a step is that of U Λ^−½ ε, with the eigenvectors U, and unlike U it is
    unique.

    This is *not* Brownian motion, and its law depends on the chart: without the drift that
    `brownian_motion` has, its density p in latent units tends to a solution of ∂ᵢ∂ⱼ(Gⁱʲ p) = 0 and
    not to √det G. In one dimension that is p ∝ G in place of √G: too often where the decoder
    stretches. In a chart of a surface that keeps angles, G = c I, the drift is zero and both are c.

    Args:
        G: the metric; positive definite wherever the walk comes, as G⁻¹ is needed. No floor is
            added: where a decoder does not see every direction, `lambda z: G(z) + 1e-6 *
            torch.eye(d)` is a metric that does, and s/√(1e-6) then its longest step.
        start: where the walkers begin, in latent units.
        steps: how many; `scale`: s, in data units, small against the lengths on which G changes.
        generator: a CPU `torch.Generator`.

    Returns:
        The walk with its start, `(steps + 1, *batch, d)`.

    Raises:
        ValueError: as `euclidean_walk`; or a walker came to where G is singular, NaN or infinite. A
            step may also leap over such a place, the edge of a chart say, and then nothing is
            noticed.

    Source: Danielou, Weinreich and Bakouch's report on Arvanitidis et al. (2018), section 3.
    """
    require_metric(G, start)
    return _walk(start, steps, scale, generator, lambda z, ε: z + scale * _unit(G(z), z, ε)[0])


def brownian_motion(
    G: Metric,
    start: Float[Tensor, "*batch d"],
    *,
    steps: int,
    scale: float,
    generator: torch.Generator,
) -> Float[Tensor, "times *batch d"]:
    """Brownian motion on (Z, G), whose generator is ½Δ, at the times 0, s², 2s², …

    Its stationary density is √det G in latent units, uniform in the volume of data space, if that
    is finite. It solves dzⁱ = (G^−½ dW)ⁱ + ½ bⁱ dt with bⁱ = (1/√det G) ∂ⱼ(√det G Gⁱʲ) =
    −Gʲᵏ Γⁱⱼₖ.

    A step draws u = s G^−½ ε as `riemannian_walk` does and goes straight ahead for it, to second
    order: z ← z + u − ½ Γ(u, u). The drift need not be formed, as −½ E[Γⁱ(u, u)] = ½ s² bⁱ. For a
    map f into Euclidean space −½ Γ(u, u) is taken from a second difference, −½ G⁻¹Jᵀ (f(z + u) −
    2f(z) + f(z − u)), the same up to |u|⁴ without second derivatives. The error of an expectation
    at a fixed time, and that of the stationary law, is O(s²). In one dimension this is Milstein's
    scheme.

    Where the metric is so small that a step leads beyond the lengths on which it changes, as far
    out where a decoder is saturated, walkers run away to infinity: a finite distance in data units.

    Arguments, result and errors are those of `riemannian_walk`; time is `scale`² a step, in data
    units².

    Source: Schwarz, Herrmann, Sturm and Wardetzky (2023), Efficient random walks on Riemannian
        manifolds: steps that are geodesics to second order converge in law; Hsu (2002), Stochastic
        analysis on manifolds, ch. 3, for the drift.
    """
    require_metric(G, start)
    f = embedding_of(G)

    def embedded(z: Tensor, ε: Tensor) -> Tensor:
        x = derivatives(f, z)
        J = x.jacobian
        u, L = _unit(J.mT @ J, z, scale * ε)
        bend = (f(z + u) + f(z - u)) / 2 - x.value  # ½ D²f[u, u], up to |u|⁴
        return z + u - torch.cholesky_solve(J.mT @ bend[..., None], L)[..., 0]

    def intrinsic(z: Tensor, ε: Tensor) -> Tensor:
        u, _ = _unit(G(z), z, scale * ε)
        return z + u + acceleration(G, z, u) / 2

    return _walk(start, steps, scale, generator, intrinsic if f is None else embedded)


def _unit(g: Tensor, z: Tensor, ε: Tensor) -> tuple[Tensor, Tensor]:
    """L⁻ᵀ ε for G = LLᵀ, as long in G as ε is in latent units; and L."""
    L, failed = torch.linalg.cholesky_ex(g)
    u = torch.linalg.solve_triangular(L.mT, ε[..., None], upper=True)[..., 0]
    bad = (failed > 0) | ~u.isfinite().all(dim=-1)
    if bad.any():
        where = z[bad.expand(z.shape[:-1])][0].tolist()
        raise ValueError(
            f"{int(bad.sum())} of {bad.numel()} walkers came to where the metric is singular, NaN "
            f"or infinite, the first at {where}; take a smaller scale, or add a small multiple of "
            "the identity to the metric."
        )
    return u, L


def _walk(
    start: Tensor,
    steps: int,
    scale: float,
    generator: torch.Generator,
    advance: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    require_points(start, "start")
    if not start.isfinite().all() or steps < 0 or not 0 < scale < float("inf"):
        raise ValueError(
            f"steps is {steps}, scale is {scale}, start is finite: {bool(start.isfinite().all())}; "
            "give at least 0 steps, a positive scale and finite points."
        )
    path = start.new_empty(steps + 1, *start.shape)
    with torch.no_grad():
        path[0] = start
        for k in range(steps):
            ε = torch.randn(start.shape, generator=generator, dtype=start.dtype)
            path[k + 1] = advance(path[k], ε.to(start.device))
    return path
