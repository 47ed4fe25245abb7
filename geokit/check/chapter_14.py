"""Checks of chapter 14: the reproduction."""

import pandas as pd

from ..reliability import compare
from .rules import choice, code, number, refuse

NEEDED = ("model", "pair", "euclidean", "chord", "straight", "geodesic", "resolved")
# What 3,000 random parts of the committed table of the digits gave, 5 of its 30 models and 20 of
# its 100 pairs, from the smallest to the largest; and a tenth more to either side.
BANDS = {
    "the mean chord": (1.6, 3.0),
    "the mean geodesic distance": (2.7, 6.4),
    "the mean CV of the geodesic distance": (0.058, 0.36),
    "the ratio of CVs, geodesic to Euclidean,": (0.43, 1.35),
    "the ratio of CVs, chord to Euclidean,": (0.155, 0.68),
}


def judge_run(theirs) -> None:
    """A table of the reader's own small run on the digits: in the bands, and in order."""
    if not isinstance(theirs, pd.DataFrame):
        refuse("give the table that the run returns, a DataFrame with a row for each model × pair")
    if missing := [name for name in NEEDED if name not in theirs.columns]:
        refuse(f"your table has no column {', '.join(missing)}")
    models, pairs = theirs.model.nunique(), theirs.pair.nunique()
    if models < 5 or pairs < 20:
        refuse(f"your table has {models} models and {pairs} pairs; run at least 5 and 20")
    share = theirs.resolved.mean()
    if not share > 0.95:
        refuse(f"only {share:.0%} of your geodesics are resolved; such a table says little")
    for low, high in (("chord", "geodesic"), ("geodesic", "straight")):
        rows = theirs[theirs.resolved]
        if not (rows[low] <= rows[high] * (1 + 1e-3)).all():
            refuse(f"a resolved geodesic cannot do this: {low} is above {high} in some row")
    if "ambient" in theirs.columns:
        images = theirs.groupby("pair").ambient
        if (images.max() > (1 + 1e-6) * images.min()).any():
            refuse("the two images of a pair are not the same in all models; how was it merged?")
    for what, value in found(theirs).items():
        low, high = BANDS[what]
        if not low < value < high:
            refuse(f"{what} is {value:.3g}; what we take for possible is {low} to {high}")


def found(table: pd.DataFrame) -> dict[str, float]:
    try:
        c = compare(table, distances=["chord", "geodesic"], keep_unresolved=True, resamples=100)
    except ValueError as error:
        refuse(str(error).rstrip("."))
    means = table[["chord", "geodesic"]].mean()
    ratio = c.table.ratio
    values = (*means, c.table.mean_cv["geodesic"], ratio["geodesic"], ratio["chord"])
    return dict(zip(BANDS, values, strict=True))


RULES = {
    "14.1": code(
        judge_run,
        hints=(
            "The notebook's table is the variable `table`; give it as it is, with all its rows.",
            "A band is wide for 5 models and 20 pairs. If you are outside: the digits, two latent "
            "coordinates, 200 epochs, double precision for the geometry?",
        ),
    ),
    "14.2": number(
        "330cdca36814ecdac5c43ecb89fd2884393856844e1499431072a49f642567fc",
        decimals=0,
        hints=(
            "First the pairs whose geodesic CV is above the Euclidean one, of those that "
            "`compare` keeps.",
            "Short: a mean geodesic distance over the models below the median of that mean over "
            "the pairs kept.",
        ),
    ),
    "14.3": choice(
        "515eb8d877c8df5359ec867bb63a8318e54dd366d97a6b4a24dab15e8f211502",
        options="abcde",
        hints=(
            "What does the theorem say about the chord of two models that are equivalent?",
            "t grows with √P for the same difference; and of which models, of which pairs does a "
            "paired test over pairs speak?",
        ),
    ),
}
