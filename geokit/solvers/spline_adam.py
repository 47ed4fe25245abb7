"""The way of Syrota et al. (2025): a cubic spline bent by Adam until its decoded points lie close.

A curve is the straight line from a to b plus a deviation δ(t). On each of 10 equal pieces of [0, 1]
every coordinate of δ is a cubic, 40 coefficients of 1, t, t², t³ in all. It vanishes at both ends
(2 equations), and at the 9 inner knots its value, slope and second derivative do not jump (27). The
solutions form a space of 40 − 29 = 11 dimensions; its orthonormal basis turns 11 free numbers w a
coordinate into a curve. The second derivative at the ends is free: this is no natural spline.

The energy is that of 256 evenly spaced points joined by chords, N·Σ|f(c_{t+1}) − f(c_t)|² with N =
255; for a metric that is not pulled back from Euclidean space, N·Σ uᵀG(m)u with m the middle of the
segment u. Adam takes steps of about 0.01 in each w, so its pace depends on the latent units.

What differs from the paper's code, where it would make one pair's answer depend on other pairs or
on chance:

* it stops when the energy *summed over a batch* has fallen by less than 1.0, in data units, in 100
  steps; here each problem is watched alone, and the fall is measured relative to its energy;
* it can decode each point by a decoder drawn at random; here f is one map;
* it multiplies by 256 in place of 255, and keeps the weights one step after the best energy.

Source: Syrota et al. (2025), Identifying Metric Structures of Deep Latent Variable Models; Kingma
and Ba (2015), Adam.
"""

from functools import cache

import numpy as np
import torch
from scipy.linalg import null_space
from torch import Tensor

from ..curves import StraightLine
from ..metric import inner
from ..pullback import embedding_of
from ..types import Float
from .energies import Energy, Solution
from .starts import pin

PIECES, SAMPLES = 10, 256
WINDOW = 100
"""Convergence is looked at each time so many steps have been made."""


@torch.no_grad()
def spline_adam(
    energy: Energy,
    points: Float[Tensor, "*batch n d"],
    stop: float,
    *,
    steps: int = 500,
    rate: float = 0.01,
) -> Solution:
    """Minimise `energy` over splines, from the spline nearest to `points`, ends fixed.

    Args:
        energy: the discrete energy whose metric to use, and at whose nodes to return the curve.
        points: where to start; a straight line is the paper's start, w = 0.
        stop: a problem has converged when 100 steps lower its best energy by less than this share.
        steps: problems still falling then are returned as they are, with `converged` false.
        rate: Adam's learning rate.

    Returns:
        The best curve met, never one of more energy than `points`: where the spline is no better,
        `points` come back, and count as converged only if the two energies agree to `stop`.
    """
    line = StraightLine(points[..., 0, :], points[..., -1, :])
    nodes, even = energy.elements.times(points), torch.linspace(0, 1, SAMPLES).to(points)
    bend, bend_even = basis(nodes), basis(even)
    straight = line(even)

    def total(w: Tensor) -> tuple[Tensor, Tensor]:
        E = chord_energy(energy, straight + bend_even @ w)
        return E.sum(), E

    w = torch.linalg.pinv(bend) @ (points - line(nodes))
    adam = torch.optim.Adam([w], lr=rate)
    best, lowest = w.clone(), torch.full_like(w[..., 0, 0], torch.inf)
    before = lowest
    running = torch.ones_like(lowest, dtype=torch.bool)
    iterations = torch.zeros_like(lowest, dtype=torch.long)
    for step in range(steps + 1):
        w.grad, E = torch.func.grad(total, has_aux=True)(w)
        better = (lowest > E) & running
        best = torch.where(better[..., None, None], w, best)
        lowest = torch.where(better, E, lowest)
        if step % WINDOW == 0:
            running = running & ~(before - lowest <= stop * lowest)
            before = lowest
        if step == steps or not running.any():
            break
        adam.step()
        iterations += running

    found = pin(line(nodes) + bend @ best, line.start, line.end)
    E_start, E_found = energy.energy(points), energy.energy(found)
    found = torch.where((E_found <= E_start)[..., None, None], found, points)
    return Solution(found, iterations, ~running & (E_found <= E_start * (1 + stop)))


def chord_energy(energy: Energy, c: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
    """The energy of evenly spaced points: by decoded chords, or by the metric at midpoints."""
    N = c.shape[-2] - 1
    if (f := embedding_of(energy.G)) is not None:
        return N * f(c).diff(dim=-2).square().sum(dim=(-2, -1))
    u, middle = c.diff(dim=-2), (c[..., 1:, :] + c[..., :-1, :]) / 2
    return N * inner(energy.G, middle, u, u).sum(dim=-1)


def basis(t: Float[Tensor, " m"]) -> Float[Tensor, "m 11"]:
    """The 11 deviations at the times t: column k is one cubic spline that vanishes at both ends."""
    piece = (t * PIECES).floor().clamp(0, PIECES - 1).long()
    coefficients = torch.as_tensor(_coefficients()).to(t)[piece]  # (m, 4, 11)
    return torch.einsum("mp,mpk->mk", t[:, None] ** torch.arange(4).to(t), coefficients)


@cache
def _coefficients() -> np.ndarray:
    """An orthonormal basis of all coefficients that meet the constraints: `(pieces, 4, 11)`."""
    constraints = np.zeros((2 + 3 * (PIECES - 1), PIECES, 4))
    constraints[0, 0] = _jet(0.0)[0]
    constraints[1, -1] = _jet(1.0)[0]
    for k in range(1, PIECES):  # what the piece before the knot has, the piece after it has too
        rows = slice(3 * k - 1, 3 * k + 2)
        constraints[rows, k - 1], constraints[rows, k] = _jet(k / PIECES), -_jet(k / PIECES)
    return null_space(constraints.reshape(len(constraints), -1)).reshape(PIECES, 4, -1)


def _jet(t: float) -> np.ndarray:
    """Value, slope and second derivative at t, each a row that acts on a cubic's coefficients."""
    return np.array([[1, t, t**2, t**3], [0, 1, 2 * t, 3 * t**2], [0, 0, 2, 6 * t]])
