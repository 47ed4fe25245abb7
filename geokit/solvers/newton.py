"""Newton's method on the discrete curve energy, for many curves at once.

With the inner points stacked in one vector c, E(c − p) ≈ E(c) − 2gᵀp + pᵀHp for g, H the
derivatives of E/2, so the best step solves Hp = g. Dropping the curvature of f from H
(Gauss-Newton) leaves a positive semidefinite A, but its error then shrinks only by a factor (Lκ/π)²
a step on a geodesic of length L on a sphere of curvature κ²: many steps on long curves, none of
them enough beyond π/κ. So we keep H and mend it only where it is not positive definite: H + λA for
growing λ (Levenberg's damping, with A instead of the identity so that the step does not depend on
the latent chart), in the end A alone.

A step is halved and halved again until it lowers the energy by a fraction of what the model
promised (Armijo). The predicted gain gᵀp (the squared Newton decrement) is the same number in every
chart; a problem is solved when it falls below `stop` times its energy.

Source: Nocedal and Wright, Numerical Optimization, ch. 3 (line search, modified Newton) and 10
(Gauss-Newton); Boyd and Vandenberghe, Convex Optimization, section 9.5 (decrement, affine
invariance).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from .energies import Energy, Solution, System, active
from .line_search import line_search

DAMPING = (0.0, 0.05, 0.3, 1.0, 3.0, 10.0)


def newton(
    energy: Energy, points: Float[Tensor, "*batch n d"], stop: float, *, max_steps: int = 60
) -> Solution:
    """Minimise `energy` from `points`, ends fixed.

    Dense: a problem needs (n·d)² numbers a matrix and (n·d)³/3 operations a step: for small d.

    Args:
        energy: the discrete energy to minimise.
        points: where to start.
        stop: relative decrement gᵀp/E at which a problem is solved.
        max_steps: problems still unsolved then are returned as they are, with `converged` false.
    """
    c, E = points.clone(), energy.energy(points)
    iterations = torch.zeros(E.shape, dtype=torch.long, device=c.device)
    converged = torch.zeros_like(E, dtype=torch.bool)
    running = torch.ones_like(converged)
    stop = max(stop, 30 * torch.finfo(c.dtype).eps)

    for _ in range(max_steps):
        at = active(running)
        system = energy.system(c[at])
        step, gain, minimum = _direction(system)
        small = gain <= stop * E[at]
        saddle = small & ~minimum & running[at]
        if (
            saddle.any()
        ):  # nothing to gain to first order, but the curve is no minimum: leave it sideways
            step = torch.where(saddle[..., None], _sideways(system, E[at]), step)
            gain = torch.where(saddle, 0, gain)
        c_new, E_new, moved = line_search(energy, c[at], E[at], step, gain)
        moved = moved & running[at]  # the last, small step counts too
        c[at] = torch.where(moved[..., None, None], c_new, c[at])
        E[at] = torch.where(moved, E_new, E[at])
        iterations[at] += running[at]
        converged[at] |= running[at] & small & minimum
        running[at] = moved & ~(small & minimum)
        if not running.any():
            break
    return Solution(c, iterations, converged)


def _direction(system: System) -> tuple[Tensor, Tensor, Tensor]:
    """The damped Newton step for each problem, its predicted gain gᵀp, and whether H is positive
    definite."""
    g, H, A = system
    step, gain = torch.zeros_like(g), torch.zeros_like(g[..., 0])
    missing = torch.ones_like(gain, dtype=torch.bool)
    minimum = ~missing
    for damping in (*DAMPING, None):
        matrix = A if damping is None else H + damping * A
        L, failed = torch.linalg.cholesky_ex(matrix)
        p = torch.cholesky_solve(g[..., None], L)[..., 0]
        promise = torch.einsum("...i,...i->...", g, p)
        good = missing & (failed == 0) & promise.isfinite() & (promise >= 0)
        if damping == 0:
            minimum = good
        step = torch.where(good[..., None], p, step)
        gain = torch.where(good, promise, gain)
        missing = missing & ~good
        if not missing.any():
            break
    # no direction at all: the metric is singular along the curve. Promise what no step can keep.
    return step, torch.where(missing, torch.inf, gain), minimum


def _sideways(system: System, E: Tensor) -> Tensor:
    """The direction in which H is most negative, about a tenth of the curve's length long as A
    measures it."""
    _, H, A = system
    finite = torch.nan_to_num(H, nan=0.0, posinf=0.0, neginf=0.0)
    v = torch.linalg.eigh(finite)[1][..., 0]
    squared = torch.einsum("...i,...ij,...j->...", v, A, v)
    return v * (0.01 * E / squared.clamp(min=torch.finfo(v.dtype).tiny)).sqrt()[..., None]
