"""Answers to the exercises of chapter 14."""

from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parents[2] / "notebooks" / "results"


def small() -> pd.DataFrame:
    """A run of 5 models and 20 pairs, as a reader has it from the notebook `reproduce`."""
    return pd.read_csv(RESULTS / "digits-small" / "distances.csv")


def with_column(name: str, of) -> pd.DataFrame:
    table = small()
    return table.assign(**{name: of(table)})


def exchanged() -> pd.DataFrame:
    return small().rename(columns={"straight": "geodesic", "geodesic": "straight"})


def one_model_five_times() -> pd.DataFrame:
    first = small().query("model == 0")
    return pd.concat([first.assign(model=m) for m in range(5)])


def other_images() -> pd.DataFrame:
    """Distances of another size."""
    table = small()
    lengths = ["ambient", "chord", "straight", "geodesic"]
    return table.assign(**{name: 3 * table[name] for name in lengths})


def not_the_same_pairs() -> pd.DataFrame:
    """In each model the pairs stand in another order: the models seem to disagree about all."""
    rows = [rows.assign(pair=(rows.pair + m) % 20) for m, rows in small().groupby("model")]
    return pd.concat(rows)


SOLUTIONS = {"14.1": small(), "14.2": 13, "14.3": "acd"}

STUBS = {"14.1": None, "14.2": ..., "14.3": None}

WRONG = {
    "14.1": [
        small().drop(columns="geodesic"),
        small().query("model < 2"),
        small().query("pair < 5"),
        small().iloc[1:],
        one_model_five_times(),
        exchanged(),
        other_images(),
        not_the_same_pairs(),
        with_column("geodesic", lambda t: t.chord),  # no path was shortened: a jump
        with_column("resolved", lambda t: t.pair < 10),
        with_column("geodesic", lambda t: t.euclidean),
        with_column("euclidean", lambda t: t.ambient * (1 + 1e-3 * t.model)),  # no code asked
        with_column("chord", lambda t: 0.5 * t.groupby("pair").geodesic.transform("min")),
        small().assign(**(1.6 * small()[["geodesic", "straight"]])),
        with_column("chord", lambda t: 0.6 * t.chord),
        0.79,
    ],
    "14.2": [25, 12, 73, 0.52, 98],  # 25: all that are not lower; 73: those that are
    "14.3": ["abcd", "ace", "acde", "ac", "b", "ad"],  # b: the report's own conclusion
}
