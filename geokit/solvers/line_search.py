"""Armijo's rule, for many problems at once."""

from collections.abc import Callable

import torch
from torch import Tensor

from .energies import portions

SHRINK, TRIALS, SUFFICIENT = 0.4, 12, 1e-4


def line_search(
    energy_of: Callable, c: Tensor, E: Tensor, step: Tensor, gain: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Shrink each step until the energy falls enough: new points, their energy, and whether a step
    was found."""
    best, lowest = c.clone(), E.clone()
    moved = torch.zeros_like(E, dtype=torch.bool)
    step = step.unflatten(-1, (-1, c.shape[-1]))
    size = 1.0
    for _ in range(TRIALS):
        for at in portions(~moved):
            trial = c[at].clone()
            trial[..., 1:-1, :] -= size * step[at]
            value = energy_of(trial)
            good = ~moved[at] & (value <= E[at] - SUFFICIENT * size * gain[at])
            best[at] = torch.where(good[..., None, None], trial, best[at])
            lowest[at] = torch.where(good, value, lowest[at])
            moved[at] |= good
        if moved.all():
            break
        size *= SHRINK
    return best, lowest, moved
