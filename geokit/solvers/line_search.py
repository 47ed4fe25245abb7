"""Armijo's rule, for many problems at once."""

import torch
from torch import Tensor

from .energies import Energy

SHRINK, TRIALS, SUFFICIENT = 0.4, 12, 1e-4


def line_search(
    energy: Energy, c: Tensor, E: Tensor, step: Tensor, gain: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Shrink each step until the energy falls enough: new points, their energy, and whether a step
    was found."""
    best, lowest = c, E
    moved = torch.zeros_like(E, dtype=torch.bool)
    size = torch.ones_like(E)
    for _ in range(TRIALS):
        trial = c.clone()
        trial[..., 1:-1, :] -= size[..., None, None] * step.unflatten(
            -1, c[..., 1:-1, :].shape[-2:]
        )
        value = energy.energy(trial)
        good = ~moved & (value <= E - SUFFICIENT * size * gain)
        best = torch.where(good[..., None, None], trial, best)
        lowest = torch.where(good, value, lowest)
        moved = moved | good
        if moved.all():
            break
        size = torch.where(moved, size, SHRINK * size)
    return best, lowest, moved
