"""A table of distances of many models: the spread of two of them over the models, pair by pair."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import traitlets
from pandas.api.types import is_bool_dtype, is_integer_dtype

from .figure import HERE, Figure, module, require_between

DISTANCES = {  # columns of the table, and what the reader calls them
    "euclidean": "Euclidean",
    "euclidean_scaled": "Euclidean, scaled",
    "straight": "Straight line",
    "chord": "Chord",
    "geodesic": "Geodesic",
    "members": "Geodesics of the members",
    "ambient": "Between the images",
    "true": "True distance",
}
STYLES = ("explore.css", "latent.css", "linked.css")


class LinkedHistograms(Figure):
    """Histograms of the coefficients of variation (CV) of two distances over pairs of points, with
    the distances of one `pair` in each model, and all pairs in a scatter plot.

    The page holds the distances as float32, about 5 bytes each: four distances and a defect for 30
    models × 100 pairs are 80 kB. With `leave_out`, a pair is left out of histograms, scatter plot,
    medians and shares, whichever distances are compared, if a geodesic of it is unresolved in one
    of the first `models` models.

    Args:
        table: one row for each model and pair, as `experiment.run` writes it: integer columns
            `model` and `pair`, two or more of `DISTANCES`, `resolved`, and `defect` if known.
        pair: number of the selected pair; the first in the table by default.
        compare: two different distances, by their columns; by default the geodesic with the scaled
            Euclidean distance where the table has it, else with the Euclidean.
        models: m, how many models are in use, the first in order of their number; from 2, all of
            them by default.
        leave_out: whether pairs with an unresolved geodesic are left out.
        pictures: the two images of each pair, in order of their number, `(P, 2, h, h)` uint8.
        strips: for some pairs their decoded frames along the straight line, then along the
            geodesic, in the first k models of the table: `{pair: (k, 2, n, h, h)}` uint8, all of
            one shape.

    Raises:
        ValueError: columns are missing; a model × pair is missing or there twice; a distance is not
            positive and finite; fewer than two models; images of another shape or not of bytes; a
            setting that the table does not have.
    """

    _esm = module("linked.js", "latent.js", "variation.js", "brush.js")
    _css = "\n".join((HERE / file).read_text(encoding="utf-8") for file in STYLES)
    pair = traitlets.Int().tag(sync=True)
    compare = traitlets.Tuple(traitlets.Unicode(), traitlets.Unicode()).tag(sync=True)
    models = traitlets.Int(2).tag(sync=True)
    leave_out = traitlets.Bool(False).tag(sync=True)

    distances = traitlets.List(read_only=True).tag(sync=True)  # of (column, words)
    pairs = traitlets.List(read_only=True).tag(sync=True)
    seeds = traitlets.List(read_only=True).tag(sync=True)  # the models' numbers
    values = traitlets.Bytes(read_only=True).tag(sync=True)  # (distance, pair, model) float32
    defects = traitlets.Bytes(read_only=True).tag(sync=True)  # (pair, model) float32, or nothing
    resolved = traitlets.Bytes(read_only=True).tag(sync=True)  # (pair, model), 0 or 1
    pictures = traitlets.Bytes(read_only=True).tag(sync=True)
    picture_shape = traitlets.List(read_only=True).tag(sync=True)
    strips = traitlets.Bytes(read_only=True).tag(sync=True)
    strip_shape = traitlets.List(read_only=True).tag(sync=True)
    strip_pairs = traitlets.List(read_only=True).tag(sync=True)

    def __init__(
        self,
        table: pd.DataFrame,
        *,
        pair: int | None = None,
        compare: tuple[str, str] | None = None,
        models: int | None = None,
        leave_out: bool = False,
        pictures: np.ndarray | None = None,
        strips: Mapping[int, np.ndarray] | None = None,
    ):
        held = kept(table) | framed(strips or {}, table)
        held |= pictured(pictures, len(held["pairs"]))
        for name, value in held.items():
            self.set_trait(name, value)
        columns = [column for column, _ in self.distances]
        if compare is None:
            best = ("geodesic", "euclidean_scaled", *columns)
            second, first, *_ = dict.fromkeys(column for column in best if column in columns)
            compare = first, second
        super().__init__(
            pair=self.pairs[0] if pair is None else pair,
            compare=compare,
            models=len(self.seeds) if models is None else models,
            leave_out=leave_out,
        )

    @traitlets.default("label")
    def _label(self) -> str:
        return "Linked histograms: the spread of two distances over retrained models, pair by pair"

    @traitlets.validate("pair")
    def _known(self, proposal: dict) -> int:
        if proposal.value not in self.pairs:
            low, high = self.pairs[0], self.pairs[-1]
            raise ValueError(f"pair is {proposal.value}; the table has pairs from {low} to {high}.")
        return proposal.value

    @traitlets.validate("compare")
    def _two(self, proposal: dict) -> tuple[str, str]:
        columns = [column for column, _ in self.distances]
        if len(set(proposal.value) & set(columns)) < 2:
            raise ValueError(
                f"compare is {proposal.value}; choose two different ones of {', '.join(columns)}."
            )
        return proposal.value

    @traitlets.validate("models")
    def _some(self, proposal: dict) -> int:
        return require_between("models", proposal.value, 2, len(self.seeds), "models of the table")


def kept(table: pd.DataFrame) -> dict[str, list | bytes]:
    """What the page needs of the table, sorted by pair and model.

    Raises:
        ValueError: see `LinkedHistograms`.
    """
    if missing := [c for c in ("model", "pair", "resolved") if c not in table.columns]:
        raise ValueError(f"The table has no {', '.join(missing)}; give one row a model and pair.")
    if not all(is_integer_dtype(table[name]) for name in ("model", "pair")):
        raise ValueError("model and pair must be integers; number the models and the pairs.")
    if not is_bool_dtype(table["resolved"]):
        raise ValueError("resolved must be True or False, and for each row; convert the column.")
    columns = [column for column in DISTANCES if column in table.columns]
    if len(columns) < 2:
        raise ValueError(
            f"The table has {len(columns)} of {', '.join(DISTANCES)}; give two or more."
        )
    seeds, pairs = (sorted(table[name].unique().tolist()) for name in ("model", "pair"))
    if len(seeds) < 2:
        raise ValueError(f"The table has {len(seeds)} models; a spread needs at least two.")
    if len(table) != len(seeds) * len(pairs) or table.duplicated(["model", "pair"]).any():
        raise ValueError(
            f"The table has {len(table)} rows for {len(seeds)} models and {len(pairs)} pairs; "
            "give one for each model and pair."
        )
    rows = table.sort_values(["pair", "model"])
    values = rows[columns].to_numpy(dtype="<f4")
    good = (np.isfinite(values) & (values > 0)).all(axis=0)
    if not good.all():
        raise ValueError(
            f"{columns[good.argmin()]} has a value that is not positive and finite; "
            "leave such pairs out, and say so."
        )
    defects = rows["defect"].to_numpy(dtype="<f4") if "defect" in rows else np.empty(0, "<f4")
    return {
        "distances": [[column, DISTANCES[column]] for column in columns],
        "pairs": pairs,
        "seeds": seeds,
        "values": values.T.tobytes(),
        "defects": defects.tobytes(),
        "resolved": rows["resolved"].to_numpy(dtype=np.uint8).tobytes(),
    }


def pictured(pictures: np.ndarray | None, count: int) -> dict[str, list | bytes]:
    """Two square images for each of `count` pairs, as bytes, and their shape."""
    if pictures is None:
        return {}
    pictures = np.asarray(pictures)
    shape = pictures.shape
    if pictures.dtype != np.uint8 or shape != (count, 2, *shape[-1:] * 2):
        raise ValueError(
            f"pictures is {pictures.dtype} of shape {shape}; give uint8 of ({count}, 2, h, h)."
        )
    return {"pictures": pictures.tobytes(), "picture_shape": list(shape)}


def framed(strips: Mapping[int, np.ndarray], table: pd.DataFrame) -> dict[str, list | bytes]:
    """The frames of all pairs that have some, one after the other, and the shape of one pair's."""
    if not strips:
        return {}
    if unknown := sorted(set(strips) - set(table["pair"])):
        raise ValueError(f"strips has pair {unknown[0]}, which is not in the table; leave it out.")
    each = [np.asarray(strips[pair]) for pair in sorted(strips)]
    shape = each[0].shape
    few = shape[:1] <= (table["model"].nunique(),)
    if not few or len(shape) != 5 or shape[1:] != (2, shape[2], *shape[-1:] * 2):
        raise ValueError(
            f"strips has shape {shape}; give (k, 2, n, h, h) for k models of the table."
        )
    if any(frames.shape != shape or frames.dtype != np.uint8 for frames in each):
        raise ValueError("strips differ in shape, or are not uint8; give (k, 2, n, h, h) to each.")
    return {
        "strips": b"".join(frames.tobytes() for frames in each),
        "strip_shape": list(shape),
        "strip_pairs": [int(pair) for pair in sorted(strips)],
    }
