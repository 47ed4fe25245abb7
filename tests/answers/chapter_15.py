"""Answers to the exercises of chapter 15."""

import math

import torch

from geokit import PullbackMetric, jacobian


def by_rank_one(f, column, factor):
    def metric(z):
        J = jacobian(f, z)
        row = J[..., column, :, None]
        return J.mT @ J + (factor**2 - 1) * row @ row.mT

    return metric


def with_weight(weight, keep=1.0):
    """The sum over the rows, the named one with a weight of its own, the others with `keep`."""

    def my_unit(f, column, factor):
        def metric(z):
            J = jacobian(f, z)
            weights = torch.full(J.shape[-2:-1], keep)
            weights[column] = weight(factor)
            return J.mT @ (weights[:, None] * J)

        return metric

    return my_unit


def of_the_code(f, column, factor):
    """The factor on a latent coordinate, not on a column of the data."""
    scale = torch.ones(2)
    scale[column % 2] = factor
    return PullbackMetric(lambda z: f(scale * z))


SOLUTIONS = {"15.1": 2 * math.asin(0.8), "15.2": by_rank_one, "15.3": "ace"}

STUBS = {"15.1": ..., "15.2": lambda f, column, factor: None, "15.3": None}

WRONG = {
    "15.1": [
        0.8,  # Euclidean
        math.asin(0.8),  # without the factor of two
        math.pi,  # the whole interval
        1 / 0.09,  # the metric at an end
        math.degrees(2 * math.asin(0.8)),
    ],
    "15.2": [
        with_weight(lambda c: c),  # not squared
        with_weight(lambda c: 1 + c**2),  # added, and the old row kept
        with_weight(lambda c: c**2, keep=0.0),  # the other columns forgotten
        with_weight(lambda c: 1 / c**2),  # the unit multiplied, not the numbers
        of_the_code,
        lambda f, column, factor: PullbackMetric(lambda z: factor * f(z)),
        lambda f, column, factor: by_rank_one(f, column, factor)(torch.zeros(2, 3, 2)),
    ],
    "15.3": ["abce", "b", "ac", "acde", "abcde"],  # b: the report's own conclusion
}
