"""L-BFGS on the discrete curve energy, preconditioned: for many latent dimensions, where no
Jacobian should be formed.

If the metric were the same matrix G everywhere, half the energy of the inner points c (m × d) would
be ½ tr(Sᵀ c G cᵀ) up to boundary terms, with the stiffness matrix S of the elements, and its
Hessian S ⊗ G exactly. So S⁻¹ ⊗ G_mid⁻¹, with the metric at the middle of the start, is a good first
guess of the inverse Hessian: Newton's step for a constant metric, at the cost of d decodes once.
The last few steps and gradient changes then teach L-BFGS how the metric varies. An iteration costs
one decode of the curve forwards and one backwards, whatever d is.

Without the preconditioner the iteration count grows with the number of points; with it, it does
not.

Source: Nocedal and Wright, Numerical Optimization, algorithms 7.4 (two loops) and 7.5.
"""

import torch
from torch import Tensor

from ..types import Float
from .energies import Energy, Solution
from .line_search import line_search

MEMORY = 10


def lbfgs(
    energy: Energy, points: Float[Tensor, "*batch n d"], stop: float, *, max_steps: int = 200
) -> Solution:
    """Minimise `energy` from `points`, ends fixed.

    Args:
        energy: the discrete energy to minimise.
        points: where to start.
        stop: relative predicted gain gᵀp/E at which a problem is solved.
        max_steps: problems still unsolved then are returned as they are, with `converged` false.
    """
    c, E = points.clone(), energy.energy(points)
    gradient_of = torch.func.grad(lambda c: 0.5 * energy.energy(c).sum())
    precondition = _preconditioner(energy, points)
    iterations = torch.zeros(E.shape, dtype=torch.long, device=c.device)
    converged = torch.zeros_like(E, dtype=torch.bool)
    running = torch.ones_like(converged)
    stop = max(stop, 30 * torch.finfo(c.dtype).eps)

    g = gradient_of(c)[..., 1:-1, :]
    history: list[tuple[Tensor, Tensor, Tensor]] = []
    for _ in range(max_steps):
        p = _two_loops(g, history, precondition)
        gain = _dot(g, p)
        ahead = gain > 0  # a memory that points uphill is of no use: leave it out
        p = torch.where(ahead[..., None, None], p, precondition(g))
        gain = torch.where(ahead, gain, _dot(g, p))

        small = gain <= stop * E
        c_new, E_new, moved = line_search(energy.energy, c, E, p.flatten(-2), gain)
        moved = moved & running
        c_next = torch.where(moved[..., None, None], c_new, c)
        g_next = gradient_of(c_next)[..., 1:-1, :]
        s, y = (c_next - c)[..., 1:-1, :], g_next - g
        bend = _dot(s, y)
        useful = bend > 1e-10 * _dot(y, y).sqrt() * _dot(s, s).sqrt()
        ρ = torch.where(useful, 1 / torch.where(useful, bend, 1), 0)
        history = [*history[-MEMORY + 1 :], (s, y, ρ)]

        c, g, E = c_next, g_next, torch.where(moved, E_new, E)
        iterations += running
        converged |= running & small
        running &= moved & ~small
        if not running.any():
            break
    return Solution(c, iterations, converged)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("...jk,...jk->...", a, b)


def _two_loops(g: Tensor, history: list, precondition) -> Tensor:
    """The inverse Hessian, as far as it is known, times g."""
    q, shares = g, []
    for s, y, ρ in reversed(history):
        share = ρ * _dot(s, q)
        q = q - share[..., None, None] * y
        shares.append(share)
    r = precondition(q)
    for (s, y, ρ), share in zip(history, reversed(shares), strict=True):
        r = r + (share - ρ * _dot(y, r))[..., None, None] * s
    return r


def _preconditioner(energy: Energy, points: Tensor):
    """g ↦ (S⁻¹ ⊗ G_mid⁻¹) g for the inner points; a little of trace(G) is added, where G_mid is
    singular."""
    S = energy.elements.stiffness(points)[1:-1, 1:-1]
    middle = points[..., points.shape[-2] // 2, :]
    d = points.shape[-1]
    G = energy.G(middle).expand(*middle.shape, d)
    trace = G.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
    ridge = 1e-6 * trace / d + torch.finfo(G.dtype).tiny
    L_S, L_G = torch.linalg.cholesky(S), torch.linalg.cholesky_ex(G + ridge * torch.eye(d).to(G))[0]
    return lambda g: torch.cholesky_solve(torch.cholesky_solve(g, L_S).mT, L_G).mT
