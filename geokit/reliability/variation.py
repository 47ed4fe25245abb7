"""The coefficient of variation, and the error of what is estimated from few models."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

ROUND_OFF = 1e-12  # a CV, or a difference of two, below this is rounding


def coefficient_of_variation(x, dim: int = 0) -> Tensor:
    """Standard deviation over mean along `dim` (the models): dimensionless, lower is better.

    `x` is a tensor, or what `numpy.array` takes; that axis is gone from the result.

    The standard deviation divides by n − 1. The sources print the ratio upside down (mean/std),
    though their code computes this one.

    Raises:
        ValueError: fewer than two values along `dim`, or values that are not positive and finite:
            distances are positive, and around a mean of zero the ratio means nothing.
    """
    x = x if isinstance(x, Tensor) else torch.as_tensor(np.array(x))  # a copy: pandas lends its own
    x = x if x.is_floating_point() else x.double()
    if x.dim() == 0 or x.shape[dim] < 2:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; a spread needs at least two values along dim {dim}."
        )
    if not (x.isfinite() & (x > 0)).all():
        raise ValueError(
            "x has a value that is not positive and finite; leave such pairs out, and say so."
        )
    return x.std(dim=dim, correction=1) / x.mean(dim=dim)


def cv_standard_error(cv, models: int):
    """Standard error of a CV estimated from M near-normal values: CV √(1/(2(M − 1)) + CV²/M).

    log CV = log s − log x̄. For normal values s and x̄ are independent, var(log s) ≈ 1/(2(M − 1)) and
    var(log x̄) ≈ CV²/M; the error of the CV is the CV times the error of its logarithm.
    """
    if models < 2:
        raise ValueError(f"models is {models}; a spread needs at least two.")
    return cv * (1 / (2 * (models - 1)) + cv**2 / models) ** 0.5


def cv_of(values) -> np.ndarray:
    """The CVs, (distance, pair); what is rounding counts as zero."""
    cv = coefficient_of_variation(torch.tensor(values), dim=1).numpy()
    return np.where(cv < ROUND_OFF, 0.0, cv)


def _log(cv) -> np.ndarray:
    """log-CV. A resample may hold only models that agree: finite, so that the spread stays one."""
    return np.log(np.maximum(cv, ROUND_OFF))


def log_ratio(cv) -> np.ndarray:
    """log of CV / CV of the baseline, which comes first; −inf where a CV is zero."""
    log_cv = np.log(cv, where=cv > 0, out=np.full_like(cv, -np.inf))
    return log_cv - log_cv[0]


class Estimates(NamedTuple):
    """`cv` (distance, pair), the rest (distance,): the mean log-ratio and its error, the mean CV
    freed of its bias and the error of its logarithm."""

    cv: np.ndarray
    ratio: np.ndarray
    ratio_error: np.ndarray
    mean_centre: np.ndarray
    mean_error: np.ndarray


def over_models(values, resamples, rng) -> Estimates:
    """Estimates and their standard errors by the bootstrap over models, baseline first.

    M models drawn from M spread by (M − 1)/M of the variance that M new models would have: exact
    for a mean, and what is put right for the rest too. A CV of few models is too small on average,
    for both distances alike; resamples show by how much, once the √((M − 1)/M) that comes from
    repeated models alone is taken out.
    """
    m = values.shape[1]
    cv, resampled = cv_of(values), _log(resampled_cv(values, resamples, rng))
    correction = np.sqrt(m / (m - 1))
    ratio_error = correction * (resampled - resampled[0]).mean(-1).std(-1, ddof=1)
    ratio_error[(cv == 0).any(-1)] = np.nan  # log 0 has no error
    means = np.log(np.exp(resampled).mean(-1))
    mean_cv, mean_error = cv.mean(-1), correction * means.std(-1, ddof=1)
    mean_centre = mean_cv**2 / np.exp(means.mean(-1)) / correction
    return Estimates(cv, log_ratio(cv).mean(-1), ratio_error, mean_centre, mean_error)


def resampled_cv(values, resamples, rng) -> np.ndarray:
    """The CVs, (distance, resample, pair), of models drawn with replacement.

    A resample is M counts, and its moments are two matrix products. One that holds a single model
    M times has no spread and is left out.
    """
    m = values.shape[1]
    counts = rng.multinomial(m, np.full(m, 1 / m), size=resamples)
    weights = counts[counts.max(axis=1) < m] / m
    y = values / values.mean(axis=1, keepdims=True) - 1  # centred: the moments lose no digits
    mean, square = weights @ y, weights @ y**2
    return np.sqrt(np.maximum(square - mean**2, 0) * m / (m - 1)) / (1 + mean)


def paired(x, y) -> tuple[float, float]:
    """Mean of x − y, and its standard error over pairs; differences of rounding count as none."""
    d = np.where(np.abs(x - y) < ROUND_OFF, 0.0, x - y)
    return d.mean(), d.std(ddof=1) / np.sqrt(len(d))
