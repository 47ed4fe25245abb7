"""The linked histograms as Python sees them: the table goes to the page, the settings come back."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_explore_traits import from_the_page

from geokit.explore import LinkedHistograms

DIGITS = Path(__file__).parents[1] / "notebooks/results/digits-small/distances.csv"
STATE = {"pair": 4, "compare": ["chord", "straight"], "models": 2, "leave_out": True}


def made(models: int, pairs: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [(model, pair) for model in range(models) for pair in range(pairs)]
    table = pd.DataFrame(rows, columns=["model", "pair"])
    for column in ("euclidean", "chord", "straight", "geodesic", "defect"):
        table[column] = random.lognormal(size=len(table))
    return table.assign(resolved=random.random(len(table)) > 0.1)


TABLE = made(3, 5)


def test_what_the_reader_does_reaches_python_and_back():
    shown = LinkedHistograms(TABLE)
    from_the_page(shown, **STATE)
    assert json.loads(json.dumps(shown.get_state(list(STATE)))) == STATE
    again = LinkedHistograms(TABLE, **{**STATE, "compare": ("chord", "straight")})
    assert json.loads(json.dumps(again.get_state(list(STATE)))) == STATE


def test_page_holds_each_distance_of_each_pair_and_model_whatever_the_order_of_the_rows():
    shuffled = TABLE.sample(frac=1, random_state=1)
    shown = LinkedHistograms(shuffled)
    values = np.frombuffer(shown.values, "<f4").reshape(len(shown.distances), 5, 3)
    for (column, _), distances in zip(shown.distances, values, strict=True):
        square = TABLE.pivot(index="pair", columns="model", values=column)
        np.testing.assert_allclose(distances, square, rtol=1e-7)
    resolved = TABLE.pivot(index="pair", columns="model", values="resolved")
    assert shown.resolved == bytes(resolved.to_numpy().ravel().tolist())
    assert np.frombuffer(shown.defects, "<f4").reshape(5, 3)[4, 1] == np.float32(
        TABLE.query("pair == 4 and model == 1").defect.item()
    )


def test_numbers_of_models_and_pairs_are_those_of_the_table():
    shown = LinkedHistograms(TABLE.assign(pair=TABLE.pair + 7, model=2 * TABLE.model))
    assert shown.pairs == [7, 8, 9, 10, 11]
    assert shown.seeds == [0, 2, 4]
    assert shown.pair == 7
    assert shown.models == 3


def test_the_scaled_euclidean_distance_is_the_baseline_where_there_is_one():
    assert LinkedHistograms(TABLE).compare == ("euclidean", "geodesic")
    scaled = TABLE.assign(euclidean_scaled=TABLE.euclidean)
    assert LinkedHistograms(scaled).compare == ("euclidean_scaled", "geodesic")
    two = TABLE.drop(columns=["euclidean", "geodesic"])
    assert set(LinkedHistograms(two).compare) == {"straight", "chord"}


def test_a_table_of_thirty_models_and_a_hundred_pairs_adds_less_than_150_kb_to_a_page():
    from ipywidgets.embed import dependency_state

    shown = LinkedHistograms(made(30, 100))
    saved = dependency_state([shown], drop_defaults=False)
    (entry,) = [e for e in saved.values() if "_esm" in e["state"]]
    assert len(json.dumps(entry)) < 150_000


def test_a_table_without_defects_can_be_shown():
    assert LinkedHistograms(TABLE.drop(columns="defect")).defects == b""


def test_pictures_and_frames_arrive_in_the_order_of_the_pairs():
    random = np.random.default_rng(2)
    pictures = random.integers(0, 256, (5, 2, 4, 4), dtype=np.uint8)
    frames = random.integers(0, 256, (2, 2, 2, 3, 4, 4), dtype=np.uint8)
    shown = LinkedHistograms(TABLE, pictures=pictures, strips={3: frames[1], 1: frames[0]})
    assert shown.pictures == pictures.tobytes()
    assert shown.picture_shape == [5, 2, 4, 4]
    assert shown.strips == frames.tobytes()
    assert shown.strip_shape == [2, 2, 3, 4, 4]
    assert shown.strip_pairs == [1, 3]


def test_the_committed_table_of_the_digits_can_be_shown():
    shown = LinkedHistograms(pd.read_csv(DIGITS))
    assert (len(shown.seeds), len(shown.pairs)) == (5, 20)


def test_a_page_that_runs_no_script_says_what_the_figure_shows():
    assert LinkedHistograms(TABLE).label in repr(LinkedHistograms(TABLE))


PIXELS = np.zeros((1, 2, 3, 4, 4), np.uint8)


@pytest.mark.parametrize(
    ("table", "given", "said"),
    [
        (TABLE, {"pair": 5}, "pair is 5; the table has pairs from 0 to 4."),
        (TABLE, {"compare": ("chord", "true")}, "compare is ('chord', 'true'); choose two differ"),
        (TABLE, {"compare": ("chord", "chord")}, "compare is ('chord', 'chord'); choose two diff"),
        (TABLE, {"models": 1}, "models is 1; this figure shows 2 to 3 models of the table"),
        (TABLE, {"models": 4}, "models is 4; this figure shows 2 to 3 models of the table"),
        (TABLE.drop(columns=["pair", "resolved"]), {}, "The table has no pair, resolved; give"),
        (TABLE.assign(pair=TABLE.pair + 0.5), {}, "model and pair must be integers; number the"),
        (TABLE.assign(resolved=1), {}, "resolved must be True or False, and for each row; conv"),
        (TABLE[["model", "pair", "resolved", "chord"]], {}, "The table has 1 of euclidean, eucl"),
        (made(1, 5), {}, "The table has 1 models; a spread needs at least two."),
        (TABLE.iloc[1:], {}, "The table has 14 rows for 3 models and 5 pairs; give one for each"),
        (TABLE.iloc[[0, *range(14)]], {}, "The table has 15 rows for 3 models and 5 pairs; give"),
        (TABLE.replace({"chord": {TABLE.chord[7]: 0.0}}), {}, "chord has a value that is not pos"),
        (TABLE.replace({"geodesic": {TABLE.geodesic[7]: np.nan}}), {}, "geodesic has a value tha"),
        (TABLE.replace({"geodesic": {TABLE.geodesic[7]: np.inf}}), {}, "geodesic has a value tha"),
        (TABLE, {"pictures": np.zeros((5, 2, 4, 4))}, "pictures is float64 of shape (5, 2, 4, 4)"),
        (TABLE, {"pictures": PIXELS[0, :, :2]}, "pictures is uint8 of shape (2, 2, 4, 4); give"),
        (TABLE, {"strips": {9: PIXELS}}, "strips has pair 9, which is not in the table; leave it"),
        (TABLE, {"strips": {0: PIXELS[0]}}, "strips has shape (2, 3, 4, 4); give (k, 2, n, h, h)"),
        (TABLE, {"strips": {0: PIXELS.repeat(4, 0)}}, "strips has shape (4, 2, 3, 4, 4); give (k"),
        (TABLE, {"strips": {0: PIXELS, 1: PIXELS[:, :, :2]}}, "strips differ in shape, or are no"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(table, given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        LinkedHistograms(table, **given)


def test_a_refused_setting_leaves_the_figure_as_it_was():
    shown = LinkedHistograms(TABLE)
    before = shown.get_state(list(STATE))
    for name, value in {"pair": -1, "compare": ("chord", "x"), "models": 9}.items():
        with pytest.raises(ValueError, match=f"^{name} is "):
            setattr(shown, name, value)
    assert shown.get_state(list(STATE)) == before
