"""How many models are needed to see what a whole table sees?"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import scipy

from .tables import names_of, square_of
from .variation import cv_of, log_ratio, over_models, paired


def power(
    table: pd.DataFrame,
    distance: str = "geodesic",
    *,
    baseline: str = "euclidean",
    sizes: Iterable[int] = (3, 5, 10, 20, 30),
    draws: int = 200,
    resamples: int = 400,
    level: float = 0.95,
    seed: int = 0,
    models: pd.DataFrame | None = None,
    keep_unresolved: bool = False,
) -> pd.DataFrame:
    """How many models are needed to see what the whole table sees?

    For each size m, `draws` subsets of m models are taken without replacement, and each is compared
    as `compare` does. One row a size:

    * `found`: share of the subsets whose interval over models lies wholly on the side of 1 on which
      the ratio of the whole table lies; `contradicted`: share wholly on the other side.
    * `found_by_pairs`, `contradicted_by_pairs`: the same by the paired t-test on log-CVs.
    * `ratio_low`, `ratio_high`: the central `level` of the subsets' ratios.

    Subsets of one table share models: near m = M they are nearly the same set, and at m = M there
    is only one, so that the shares are 0 or 1. Read them as power for m up to about M/2, and with
    the whole table's ratio taken for the truth. `models` and `keep_unresolved` as in `compare`.

    Raises:
        ValueError: as `compare`, or a size below 3 or above the number of models.
    """
    names = names_of(table, (distance,), baseline)
    values = square_of(table, names, models, keep_unresolved).values
    sizes, count = tuple(sizes), values.shape[1]
    if not all(3 <= m <= count for m in sizes):
        raise ValueError(f"sizes is {sizes}; each must lie between 3 and the {count} models.")
    if (cv_of(values) == 0).any():
        raise ValueError(f"Some CV of {distance} or {baseline} is zero: no ratio, and no power.")
    rng = np.random.default_rng(seed)
    side = np.sign(log_ratio(cv_of(values))[1].mean())
    rows = []
    for m in sizes:
        ratio, by_models, by_pairs = [], [], []
        for _ in range(draws if m < count else 1):
            found = over_models(values[:, rng.permutation(count)[:m]], resamples, rng)
            ratio.append(found.ratio[1])
            by_models.append(found.ratio[1] / found.ratio_error[1])
            mean, error = paired(*np.log(found.cv[::-1]))
            by_pairs.append(mean / error)
        models_needed = scipy.stats.t.ppf((1 + level) / 2, m - 1)
        pairs_needed = scipy.stats.t.ppf((1 + level) / 2, values.shape[-1] - 1)
        low, high = np.exp(np.quantile(ratio, [(1 - level) / 2, (1 + level) / 2]))
        rows.append(
            {
                "found": (side * np.array(by_models) > models_needed).mean(),
                "contradicted": (-side * np.array(by_models) > models_needed).mean(),
                "found_by_pairs": (side * np.array(by_pairs) > pairs_needed).mean(),
                "contradicted_by_pairs": (-side * np.array(by_pairs) > pairs_needed).mean(),
                "ratio_low": low,
                "ratio_high": high,
            }
        )
    return pd.DataFrame(rows, index=pd.Index(sizes, name="models"))
