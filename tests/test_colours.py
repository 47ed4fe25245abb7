"""The colours of the figures can be told apart by every eye."""

import itertools
from pathlib import Path

import matplotlib as mpl
import matplotlib.style
import pytest
from colours import SIGHT, contrast, difference
from matplotlib.colors import to_hex

STYLE = Path(__file__).parents[1] / "book/style.mplstyle"


@pytest.fixture(scope="module")
def cycle() -> list[str]:
    with mpl.rc_context():
        mpl.style.use(STYLE)
        return [to_hex(c) for c in mpl.rcParams["axes.prop_cycle"].by_key()["color"]]


@pytest.mark.parametrize("sight", SIGHT)
def test_geodesic_and_straight_line_differ_for_every_eye(cycle, sight):
    geodesic, straight, *_ = cycle
    assert difference(geodesic, straight, sight) > 40


@pytest.mark.parametrize("sight", SIGHT)
def test_the_other_colours_differ_for_every_eye(cycle, sight):
    pairs = itertools.combinations(cycle, 2)
    assert [pair for pair in pairs if difference(*pair, sight) < 10] == []


def test_a_pair_that_is_confused_without_green_cones_is_found():
    """The measure sees what it is for."""
    pair = ("#c07040", "#8a8a3c")
    assert difference(*pair, "all three") > 30
    assert difference(*pair, "no green") < difference(*pair, "all three") / 3


def test_black_on_white_has_the_largest_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
