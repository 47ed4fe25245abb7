"""The fold as Python sees it: its knob and its codes go to the page and come back."""

import json
import math
import re

import pytest
from test_explore_traits import from_the_page

from geokit.explore import Fold

STATE = {"s": 0.25, "t1": -0.75, "t2": 1.0}


def test_what_the_reader_does_reaches_python_and_back():
    shown = Fold()
    from_the_page(shown, **STATE)
    assert json.loads(json.dumps(shown.get_state(list(STATE)))) == STATE
    again = Fold(**STATE)
    assert json.loads(json.dumps(again.get_state(list(STATE)))) == STATE


def test_every_change_in_python_is_sent_to_the_page(monkeypatch):
    from comm import DummyComm

    sent = []
    monkeypatch.setattr(
        DummyComm, "publish_msg", lambda self, kind, data=None, **_: sent.append(data)
    )
    shown = Fold()
    sent.clear()
    for name, value in STATE.items():
        setattr(shown, name, value)
    assert [message["state"] for message in sent] == [{name: x} for name, x in STATE.items()]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("s", -0.6, "s is -0.6; this figure shows -0.5 to 1 of the knob: give a value in that"),
        ("s", math.nan, "s is nan; this figure shows -0.5 to 1"),
        ("t1", 1.2, "t1 is 1.2; this figure shows -1.1 to 1.1 latent units"),
        ("t2", -math.inf, "t2 is -inf; this figure shows -1.1 to 1.1 latent units"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence_and_the_old_value_stays(name, value, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Fold(**{name: value})
    shown = Fold()
    before = getattr(shown, name)
    with pytest.raises(ValueError, match=re.escape(said)):
        setattr(shown, name, value)
    assert getattr(shown, name) == before


def test_the_ends_of_each_range_can_be_shown():
    for state in ({"s": -0.5, "t1": -1.1, "t2": 1.1}, {"s": 1.0, "t1": 1.1, "t2": -1.1}):
        assert {name: getattr(Fold(**state), name) for name in state} == state


def test_a_page_that_runs_no_script_says_what_the_figure_shows():
    text = Fold()._repr_mimebundle_()[0]["text/plain"]
    assert Fold().label in text
    assert "run all cells" in text
    assert text == Fold()._repr_mimebundle_()[0]["text/plain"]  # no address in memory
