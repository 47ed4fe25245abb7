"""GEORCE: a geodesic as a problem of control, solved by closed-form sweeps (Rygaard and Hauberg).

N steps lead from x₀ = a to x_N = b: x_{t+1} = x_t + u_t. Their cost is Σ uₜᵀG(xₜ)uₜ, to be made
least. With a multiplier μₜ for each step the conditions of a minimum are

    2 Gₜ uₜ + μₜ = 0            (in uₜ)
    gₜ + μₜ − μₜ₋₁ = 0          (in xₜ, 0 < t < N), where gₜ = ∂/∂x uₜᵀG(x)uₜ at xₜ.

The second sums up to μₜ = μ + Σ_{s>t} gₛ with μ the last multiplier. Hold G and g as they are on
the present curve: the first gives new steps vₜ = −½ Gₜ⁻¹ μₜ, and that they must add up to b − a
gives μ, from one d × d system: (Σ Gₜ⁻¹) μ = −2(b − a) − Σ Gₜ⁻¹ Σ_{s>t} gₛ. No Hessian is formed,
and a sweep costs N small solves.

With δ = v − u the cost changes along the sweep at the rate −2 Σ δₜᵀGₜδₜ (put both conditions into
the derivative and sum by parts): always downhill, so halving the step must at last lower the cost
enough (Armijo). Σ δᵀGδ relative to the cost has no scale, and says when a problem is solved. Near
the solution the error falls by a constant factor a sweep, because the curvature of the cost is left
out.

The metric is taken at the left end of each step, not in its middle, and so N times the least cost
is L² − (1/2N) ∫ (∂G/∂γ̇)(γ̇, γ̇) dt + O(1/N²): a bias of first order, of the other sign for the
reversed curve (on the half-plane L²(1 + ln(y_b/y_a)/N) for every geodesic). What is returned is the
natural cubic spline through the xₜ; its length, measured afresh, is wrong only to second order.

Source: Rygaard and Hauberg (2025), arXiv:2505.05961.
"""

from functools import partial

import torch
from torch import Tensor

from ..curves import CubicSpline, LobattoCurve
from ..metric import inner
from ..types import Float, Metric
from .energies import Energy, Solution, portions
from .line_search import line_search
from .starts import pin


@torch.no_grad()
def georce(
    energy: Energy,
    points: Float[Tensor, "*batch n d"],
    stop: float,
    *,
    segments: int | None = None,
    max_steps: int = 100,
) -> Solution:
    """Minimise the left-point energy of `segments` steps from `points`, ends fixed.

    Args:
        energy: the discrete energy whose metric to use, and at whose nodes to return the curve.
        points: where to start.
        stop: Σ δᵀGδ / Σ uᵀGu at which a problem has converged.
        segments: N; the default takes as many as there are points, less one.
        max_steps: problems still unsolved then are returned as they are, with `converged` false.

    Returns:
        The curve at the nodes, never one of more `energy` than `points`: where the bias makes it
        so, `points` come back, and count as converged only if the two energies agree to `stop`.

    Raises:
        ValueError: fewer than one segment.
    """
    N = points.shape[-2] - 1 if segments is None else segments
    if N < 1:
        raise ValueError(f"segments is {N}; a curve needs at least one.")
    a, b = points[..., 0, :], points[..., -1, :]
    x = pin(LobattoCurve(points, energy.elements)(torch.linspace(0, 1, N + 1).to(points)), a, b)
    cost = partial(left_point_energy, energy.G)
    first, E = x, cost(x)
    x = x.clone()
    iterations = torch.zeros(E.shape, dtype=torch.long, device=E.device)
    converged = torch.zeros_like(E, dtype=torch.bool)
    running = torch.ones_like(converged)
    floor = max(stop, 30 * torch.finfo(E.dtype).eps)

    for _ in range(max_steps):
        for at in portions(running):
            direction, gain = sweep(energy.G, x[at])
            small = gain <= floor * E[at]
            x_new, E_new, moved = line_search(cost, x[at], E[at], -direction.flatten(-2), gain)
            moved = moved & running[at]  # the last, small step counts too
            x[at] = torch.where(moved[..., None, None], x_new, x[at])
            E[at] = torch.where(moved, E_new, E[at])
            iterations[at] += running[at]
            converged[at] |= running[at] & small
            running[at] = moved & ~small
        if not running.any():
            break

    found = pin(CubicSpline(x)(energy.elements.times(x)), a, b)
    E_start, E_found = energy.energy(points), energy.energy(found)
    better = (E_found <= E_start) & (x != first).any(dim=-1).any(dim=-1)
    found = torch.where(better[..., None, None], found, points)
    return Solution(found, iterations, converged & (E_found <= E_start * (1 + stop)))


def left_point_energy(G: Metric, x: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
    """N·Σ uₜᵀG(xₜ)uₜ over the N = n − 1 steps: the squared distance, up to a bias of order 1/N."""
    u = x.diff(dim=-2)
    return u.shape[-2] * inner(G, x[..., :-1, :], u, u).sum(dim=-1)


def sweep(G: Metric, x: Tensor) -> tuple[Tensor, Tensor]:
    """Where the closed-form steps would move the inner points, and N·Σ δᵀGδ."""
    u = x.diff(dim=-2)

    def cost(y: Tensor) -> tuple[Tensor, Tensor]:
        M = G(y)
        return torch.einsum("...i,...ij,...j->", u, M, u), M

    g, M = torch.func.grad(cost, has_aux=True)(x[..., :-1, :])
    later = g.flip(-2).cumsum(-2).flip(-2) - g  # Σ_{s>t} gₛ
    inverse, singular = torch.linalg.inv_ex(M)
    right = -2 * (x[..., -1, :] - x[..., 0, :]) - (inverse @ later[..., None]).sum(-3)[..., 0]
    μ, stuck = torch.linalg.solve_ex(inverse.sum(dim=-3), right)
    v = -0.5 * (inverse @ (μ[..., None, :] + later)[..., None])[..., 0]

    δ = v - u
    gain = u.shape[-2] * torch.einsum("...ti,...tij,...tj->...", δ, M, δ)
    solved = (singular == 0).all(dim=-1) & (stuck == 0)
    # no sweep through a singular metric: promise what no step can keep
    return δ.cumsum(dim=-2)[..., :-1, :], torch.where(solved, gain, torch.inf)
