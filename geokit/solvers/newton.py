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
chart; a problem is solved when it falls below `stop` times its energy where H is positive definite.
Where it is not, the curve is a saddle and is left sideways; if no way leads down, the direction is
flat, one that the decoder does not see.

Source: Nocedal and Wright, Numerical Optimization, ch. 3 (line search, modified Newton) and 10
(Gauss-Newton); Boyd and Vandenberghe, Convex Optimization, section 9.5 (decrement, affine
invariance).
"""

import torch
from torch import Tensor

from ..types import Float
from .energies import IN_CACHE, Energy, Solution, System, portions
from .line_search import line_search

DAMPING = (0.0, 0.3, 1.0, 3.0)


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
    eps = torch.finfo(c.dtype).eps
    stop = max(stop, 30 * eps)
    nothing = min(stop, max(1e-6 * stop, 1e3 * eps))

    for _ in range(max_steps):
        for at in portions(running, c.shape[-2], IN_CACHE):
            system = energy.system(c[at])
            step, gain, minimum = _direction(system, c.shape[-1])
            small, still = gain <= stop * E[at], gain <= nothing * E[at]
            saddle = still & ~minimum & running[at]
            if saddle.any():
                # nothing to gain to first order, but the curve is no minimum: leave it sideways
                step = torch.where(saddle[..., None], _sideways(system, c[at], E[at]), step)
                gain = torch.where(saddle, stop * E[at], gain)
            c_new, E_new, moved = line_search(energy.energy, c[at], E[at], step, gain)
            moved = moved & running[at]  # the last, small step counts too
            c[at] = torch.where(moved[..., None, None], c_new, c[at])
            E[at] = torch.where(moved, E_new, E[at])
            iterations[at] += running[at]
            # where no way leads down, the direction is flat: the decoder does not see it
            done = running[at] & ((small & minimum) | (saddle & ~moved))
            converged[at] |= done
            running[at] = moved & ~done
        if not running.any():
            break
    return Solution(c, iterations, converged)


def _direction(system: System, d: int) -> tuple[Tensor, Tensor, Tensor]:
    """The damped Newton step for each problem, its predicted gain gᵀp, and whether H is positive
    definite."""
    shape = system.gradient.shape
    g, k = system.gradient.reshape(-1, shape[-1]), shape[-1]
    H, A = system.hessian.reshape(-1, k, k), system.positive.reshape(-1, k, k)
    ridge = _ridge(A, d)
    step, gain = torch.zeros_like(g), torch.full_like(g[..., 0], torch.inf)
    minimum = torch.zeros_like(gain, dtype=torch.bool)
    missing = torch.arange(len(g), device=g.device)
    for damping in (*DAMPING, None):
        matrix = A[missing] if damping is None else H[missing]
        if damping:
            matrix += damping * A[missing]
        matrix.diagonal(dim1=-2, dim2=-1).add_(ridge[missing])
        L, failed = torch.linalg.cholesky_ex(matrix)
        p = torch.cholesky_solve(g[missing, :, None], L)[..., 0]
        promise = (g[missing] * p).sum(dim=-1)
        good = (failed == 0) & promise.isfinite() & (promise >= 0)
        found, missing = missing[good], missing[~good]
        step[found], gain[found] = p[good], promise[good]
        if damping == 0:
            minimum[found] = True
        if not len(missing):
            break
    # whatever is still missing has no metric at all: it promises what no step can keep
    return step.reshape(shape), gain.reshape(shape[:-1]), minimum.reshape(shape[:-1])


def _ridge(A: Float[Tensor, "N k k"], d: int) -> Float[Tensor, "N k"]:
    """Next to nothing of A's diagonal: what makes a map of too low rank solvable.

    A latent direction that the decoder does not see has length zero; H and A are singular in it,
    but for rounding, and a step along it is arbitrary. With the ridge it is zero: the node stays
    where the start has it. The energy itself, and so every length, is left alone.
    """
    diagonal = A.diagonal(dim1=-2, dim2=-1).unflatten(-1, (-1, d))
    little = torch.finfo(A.dtype).eps ** (2 / 3)
    node = diagonal.mean(dim=-1, keepdim=True)
    node = node + little * node.mean(dim=-2, keepdim=True)
    return little * node.expand_as(diagonal).flatten(-2)


def _sideways(system: System, c: Tensor, E: Tensor) -> Tensor:
    """The direction in which H is most negative, a tenth of the curve's length long: as A measures
    it, or in latent units if that is less."""
    _, H, A = system
    finite = torch.nan_to_num(H, nan=0.0, posinf=0.0, neginf=0.0)
    v = torch.linalg.eigh(finite)[1][..., 0]
    squared = torch.einsum("...i,...ij,...j->...", v, A, v)
    latent = c.diff(dim=-2).norm(dim=-1).sum(dim=-1)
    size = (E / squared.clamp(min=torch.finfo(v.dtype).tiny)).sqrt().minimum(latent)
    return 0.1 * v * size[..., None]
