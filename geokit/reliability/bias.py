"""Is what the models agree about right?"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import scipy

from .tables import names_of, square_of

LATENT = ("euclidean", "euclidean_scaled")  # not in data units: no bias against a true distance


def bias(
    table: pd.DataFrame,
    *,
    distances: Iterable[str] | None = None,
    models: pd.DataFrame | None = None,
    keep_unresolved: bool = False,
) -> pd.DataFrame:
    """Is what the models agree about right? Needs the column `true`; one row a distance.

    * `bias`, `bias_spread`: mean and standard deviation over pairs of (mean over models) / true −
      1; `bias_largest`: the largest of its absolute values. NaN for the latent distances, which are
      not in data units.
    * `rank`, `rank_least`: Spearman's rank correlation with the truth over pairs, for each model;
      mean and least over models. It has no unit, so every distance has one (NaN if all true are
      equal).

    Raises:
        ValueError: as `compare`, or `true` is missing or differs between models.
    """
    names = names_of(table, distances, "true")
    square = square_of(table, names, models, keep_unresolved)
    truth = square.values[names.index("true")]
    if not np.allclose(truth, truth[0], rtol=1e-6, atol=0):
        raise ValueError("true differs between models; the true distance is one number a pair.")
    rows = {}
    for name, values in zip(names, square.values, strict=True):
        if name == "true":
            continue
        relative = values.mean(0) / truth[0] - 1 if name not in LATENT else np.full(2, np.nan)
        rank = [_rank_correlation(row, truth[0]) for row in values]
        rows[name] = {
            "bias": relative.mean(),
            "bias_spread": relative.std(ddof=1),
            "bias_largest": np.abs(relative).max(),
            "rank": np.mean(rank),
            "rank_least": np.min(rank),
        }
    return pd.DataFrame(rows).T.rename_axis("distance")


def _rank_correlation(x, y) -> float:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return scipy.stats.spearmanr(x, y).statistic
