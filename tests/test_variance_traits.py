"""The variance by radial bumps as Python sees it: settings go to the page and come back."""

import json
import re

import pytest
import torch
from test_explore_traits import from_the_page

from geokit.explore import RBFVariance

STATE = {"a": [0.5, 0.25], "b": [1.5, -0.25], "centres": 96, "curvature": 2.0, "floor": 0.5}


def test_what_the_reader_does_reaches_python_and_back():
    shown = RBFVariance()
    from_the_page(shown, **STATE)
    assert json.loads(json.dumps(shown.get_state(list(STATE)))) == STATE
    again = RBFVariance(**STATE)
    assert json.loads(json.dumps(again.get_state(list(STATE)))) == STATE


def test_codes_of_ones_own_make_a_figure_of_their_own():
    codes = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    shown = RBFVariance(codes)
    low, high = torch.tensor(shown.box)
    assert ((codes > low) & (codes < high)).all()
    assert len(shown.codes) == 200
    assert shown.fits != RBFVariance().fits


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"centres": 48}, "centres is 48; choose one of 16, 32, 64, 96, 128."),
        ({"curvature": 1.3}, "curvature is 1.3; choose one of 0.25, 0.5, 0.75, 1, 1.25, 1.5,"),
        ({"floor": 0.0}, "floor is 0; this figure shows 0.0001 to 10 1/(data units)²"),
        ({"floor": float("nan")}, "floor is nan; this figure shows 0.0001 to 10"),
        ({"a": (4.0, 0.0)}, "z1 of a is 4; this figure shows"),
        ({"codes": torch.zeros(4, 3)}, "codes has shape (4, 3); give points (n, 2) of the plane."),
        ({"codes": torch.eye(2)}, "codes has 2 different points; 128 clusters need 129 or more."),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        RBFVariance(**given)


def test_a_setting_that_cannot_be_shown_is_refused_and_the_old_one_stays():
    shown = RBFVariance()
    for name, value in {"centres": 1, "curvature": 9.0, "floor": -1.0, "b": (9, 9)}.items():
        before = getattr(shown, name)
        with pytest.raises(ValueError, match=f"{name} is|of {name}"):
            setattr(shown, name, value)
        assert getattr(shown, name) == before
