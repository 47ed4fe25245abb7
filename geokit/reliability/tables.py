"""A table of distances as arrays: balanced, checked, and without what the rules leave out."""

from typing import NamedTuple

import numpy as np
import pandas as pd

NOT_MEASURED = ("model", "pair", "resolved", "defect", "iterations", "ambient", "true")
"""What a table of distances may hold besides the distances that models measure: `ambient` and
`true` are the same for every model, so their CV is zero."""


class Square(NamedTuple):
    """A balanced table: `values` (distance, model, pair), and what was left out."""

    values: np.ndarray
    models: tuple
    pairs: tuple
    left_out_models: dict
    left_out_pairs: tuple


def names_of(table, distances, baseline) -> list[str]:
    """The distances to read from the table, the baseline first."""
    if isinstance(distances, str):
        raise ValueError(f'distances is the text "{distances}"; give a list of columns.')
    chosen = [c for c in table.columns if c not in NOT_MEASURED] if distances is None else distances
    names = list(dict.fromkeys([baseline, *chosen]))
    missing = [c for c in ("model", "pair", *names) if c not in table.columns]
    if missing:
        raise ValueError(
            f"The table has no column {', '.join(missing)}; it has {', '.join(table.columns)}."
        )
    if len(names) < 2:
        raise ValueError(f"The table has no distance besides {baseline}; nothing to compare.")
    text = [c for c in names if not pd.api.types.is_numeric_dtype(table[c])]
    if text:
        raise ValueError(f"The column {', '.join(text)} does not hold numbers; name the distances.")
    return names


def square_of(table, names, models, keep_unresolved) -> Square:
    """Leave out what the rules leave out, and refuse what is not balanced."""
    expected, left_out_models = _trained(table, models)
    table = table[table["model"].isin(expected)]
    left_out = () if keep_unresolved else _unresolved(table)
    table = table[~table["pair"].isin(left_out)]
    pairs = sorted(table["pair"].unique())
    for what, need, found in (("models", 3, expected), ("pairs", 2, pairs)):
        if len(found) < need:
            raise ValueError(f"{len(found)} {what} remain to compare; at least {need} are needed.")
    if table.duplicated(["model", "pair"]).any():
        m, p = table.loc[table.duplicated(["model", "pair"]), ["model", "pair"]].iloc[0]
        raise ValueError(f"Model {m} has pair {p} more than once; give every model × pair one row.")
    grid = pd.MultiIndex.from_product([expected, pairs])
    rows = table.set_index(["model", "pair"])[names]
    holes = grid.difference(rows.index)
    if len(holes):
        m, p = holes[0]
        raise ValueError(
            f"{len(holes)} of {len(grid)} model × pair rows are missing, the first of them model "
            f"{m}, pair {p}; give every model all pairs, or leave the model out."
        )
    values = rows.loc[grid].to_numpy(dtype=float)
    for name, column in zip(names, values.T, strict=True):
        if not (np.isfinite(column) & (column > 0)).all():
            m, p = grid[np.flatnonzero(~(np.isfinite(column) & (column > 0)))[0]]
            raise ValueError(
                f"{name} is not positive and finite for model {m}, pair {p}; "
                "leave such a pair or model out, and say so."
            )
    values = values.T.reshape(len(names), len(expected), len(pairs))
    return Square(values, tuple(expected), tuple(pairs), left_out_models, left_out)


def _trained(table, models) -> tuple[list, dict]:
    """The models to compare, and the status of the others."""
    if models is None:
        return sorted(table["model"].unique()), {}
    missing = [c for c in ("seed", "status") if c not in models.columns]
    if missing:
        raise ValueError(f"The table of models has no column {', '.join(missing)}.")
    status = dict(zip(models["seed"], models["status"], strict=True))
    unknown = sorted(set(table["model"]) - set(status))
    if unknown:
        raise ValueError(f"Model {unknown[0]} has distances but no line in the table of models.")
    return (
        sorted(m for m, s in status.items() if s == "ok"),
        {m: s for m, s in sorted(status.items()) if s != "ok"},
    )


def _unresolved(table) -> tuple:
    """Pairs that some model did not resolve."""
    if "resolved" not in table.columns or table["resolved"].dtype != bool:
        raise ValueError(
            "The table has no column resolved of True and False; add it, or keep_unresolved=True."
        )
    return tuple(sorted(table.loc[~table["resolved"], "pair"].unique()))
