"""Checks of chapter 13: the coefficient of variation, its error, and fair comparisons."""

import math

import torch
from torch import Tensor

from ..reliability import coefficient_of_variation
from .rules import choice, code, number, refuse

RESAMPLES = 3000  # of the reader: a standard error from so many draws is off by 1 to 2 %
OURS = 10_000


def two_distances(draws: torch.Generator, models: int, pairs: int, shared: tuple) -> Tensor:
    """Two distances (2, models, pairs) that share half of what scatters, `shared` over all pairs"""

    def mixed(*shape: int) -> Tensor:
        return (
            torch.randn(1, *shape, generator=draws) + torch.randn(2, *shape, generator=draws)
        ) / 2**0.5

    size = 1 + 9 * torch.rand(1, 1, pairs, generator=draws)
    own = 0.1 * (0.3 * torch.randn(2, 1, pairs, generator=draws)).exp()
    scale = torch.tensor(shared)[:, None, None]
    return size * (scale * mixed(models, 1) + own * mixed(models, pairs)).exp()


def log_ratios(first: Tensor, second: Tensor) -> Tensor:
    """Of the CVs of each pair; the models are the last axis but one."""
    cv = coefficient_of_variation
    return (cv(second, dim=-2) / cv(first, dim=-2)).log()


def bootstrap_error(first: Tensor, second: Tensor, draws: torch.Generator) -> Tensor:
    """By the bootstrap over models, many resamples at once."""
    models = len(first)
    rows = torch.randint(models, (OURS, models), generator=draws)
    moved = log_ratios(first[rows], second[rows]).mean(dim=-1)
    return moved.std() * (models / (models - 1)) ** 0.5


def judge_bootstrap(theirs) -> None:
    """my_bootstrap(first, second, resamples, draws): mean log-ratio and its standard error."""
    draws, given = (torch.Generator().manual_seed(seed) for seed in (132, 1320))
    off = []
    for shared in ((0.15, 0.08), (0.05, 0.05), (0.0, 0.1), (0.1, 0.0)):
        first, second = two_distances(draws, 8, 30, shared)
        found = theirs(first.clone(), second.clone(), RESAMPLES, given)
        if not isinstance(found, tuple | list) or len(found) != 2:
            refuse("return two numbers as a tuple, the mean log-ratio and its standard error")
        mean, error = (float(x) for x in found)
        exact = float(log_ratios(first, second).mean())
        if not abs(mean - exact) < 1e-9:
            refuse(
                f"the mean of log(CV of second / CV of first) over the pairs is {exact:.4f} for "
                f"one table, and yours is {mean:.4f}"
            )
        if not 0 < error < math.inf:
            refuse(f"your standard error is {error}, which is not positive and finite")
        off.append(math.log(error / float(bootstrap_error(first, second, draws))))
        judge_error(off[-1], 0.08)
    judge_error(sum(off) / len(off), 0.035)  # what a missing √(8/7) exceeds, and chance does not


def judge_error(off: float, most: float) -> None:
    if abs(off) > most:
        refuse(
            f"the mean log-ratio is right, but your standard error is {math.exp(off):.2f} times "
            "ours for 8 models and 30 pairs, more than chance allows"
        )


def judge_fair_ratio(theirs) -> None:
    """my_fair_ratio(geodesic, euclidean): ratio of CVs, each model's scale out of the second."""
    draws = torch.Generator().manual_seed(133)
    for shared in ((0.3, 0.1), (0.05, 0.0), (0.5, 0.5)):
        euclidean, geodesic = two_distances(draws, 12, 20, shared)
        scaled = euclidean / euclidean.mean(dim=1, keepdim=True)
        exact = float(log_ratios(scaled, geodesic).mean().exp())
        found = torch.as_tensor(theirs(geodesic.clone(), euclidean.clone())).detach()
        if found.numel() != 1:
            refuse(f"return one number, not the shape {tuple(found.shape)}")
        if not abs(float(found) / exact - 1) < 1e-6:
            raw = float(log_ratios(euclidean, geodesic).mean().exp())
            refuse(
                f"for one table the ratio is {raw:.3f} with the raw Euclidean distance and "
                f"{exact:.3f} without each model's scale; yours is {float(found):.3f}"
            )


RULES = {
    "13.1": choice(
        "bbcb52d00403079e23e09dbee6d405a9e64cd55d64be3e17e6fd24a7d67f1bfe",
        options="abcde",
        hints=(
            "For one pair the printed number is one over the right one. For a mean of several?",
            "Try two pairs with the right coefficients 0.1 and 0.5. What is the mean of the "
            "printed numbers, and its inverse?",
        ),
    ),
    "13.2": code(
        judge_bootstrap,
        hints=(
            "What was trained independently, and is therefore drawn? What stays together?",
            "Draw M row numbers with replacement, once a resample; take these rows of both "
            "distances, all pairs; then std over the resamples, times the factor.",
        ),
    ),
    "13.3": code(
        judge_fair_ratio,
        hints=(
            "A model's scale is one number for all its pairs: the mean along its row.",
            "Only the Euclidean distances are divided. A geometric mean is the exponential of a "
            "mean of logarithms.",
        ),
    ),
    "13.4": number(
        "caea399ccbf41da9414095a311302784c54dc680a78e9370c5858b7990226645",
        decimals=1,
        hints=(
            "Which of the two terms under the root matters for so small a coefficient?",
            "One over the root of 2(M − 1), in per cent.",
        ),
    ),
}
