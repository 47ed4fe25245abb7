"""The interactive figures as Python sees them: state goes to the page and comes back."""

import json
import math
import re

import pytest

from geokit.explore import GaugeKnob, RubberBand, SurfaceGallery, TissotEllipses, WorldMap


def from_the_page(figure, **state) -> None:
    """The message that the browser sends when the reader has changed something."""
    data = {"method": "update", "state": state, "buffer_paths": []}
    figure.comm.handle_msg({"content": {"data": data}, "buffers": []})


STATES = pytest.mark.parametrize(
    ("figure", "state"),
    [
        (TissotEllipses, {"theta": 1.25, "phi": -2.5}),
        (GaugeKnob, {"t": 0.25, "p": [1.0, -1.0], "q": [2.25, 0.5]}),
        (RubberBand, {"a": [1.0, -1.0], "b": [2.0, 1.25], "sweeps": 7}),
        (SurfaceGallery, {"surface": "saddle", "a": [0.0, 1.0], "b": [0.5, 0.25], "c": [1.0, 1.0]}),
        (WorldMap, {"a": [1.0, -3.0], "b": [2.0, 0.5], "chart": "retrained", "seed": 12}),
    ],
)


@STATES
def test_what_the_reader_does_reaches_python_and_back(figure, state):
    shown = figure()
    from_the_page(shown, **state)
    assert {name: getattr(shown, name) for name in state} == {
        name: tuple(value) if isinstance(value, list) else value for name, value in state.items()
    }
    again = figure(**{name: getattr(shown, name) for name in state})
    assert json.loads(json.dumps(again.get_state(list(state)))) == state


@STATES
def test_every_change_in_python_is_sent_to_the_page(monkeypatch, figure, state):
    from comm import DummyComm

    sent = []
    monkeypatch.setattr(
        DummyComm, "publish_msg", lambda self, kind, data=None, **_: sent.append(data)
    )
    shown = figure()
    sent.clear()
    for name, value in state.items():
        setattr(shown, name, tuple(value) if isinstance(value, list) else value)
    told = [json.loads(json.dumps(message["state"])) for message in sent]
    assert told == [{name: value} for name, value in state.items()]


@pytest.mark.parametrize(
    ("figure", "state", "said"),
    [
        (TissotEllipses, {"theta": 0.0}, "theta is 0; this figure shows 0.08727 to 3.054 radians"),
        (TissotEllipses, {"phi": 4.0}, "phi is 4; this figure shows -3.142 to 3.142 radians"),
        (TissotEllipses, {"theta": math.nan}, "theta is nan; this figure shows"),
        (WorldMap, {"a": (5.0, 0.0)}, "theta of a is 5; this figure shows"),
        (WorldMap, {"b": (1.0, -9.0)}, "phi of b is -9; this figure shows"),
        (WorldMap, {"chart": "globe"}, "chart is 'globe'; choose one of equirectangular, mercator"),
        (GaugeKnob, {"t": 1.5}, "t is 1.5; this figure shows 0 to 1 of a turn"),
        (GaugeKnob, {"p": (0.1, 0.0)}, "theta of p is 0.1; this figure shows 0.6708 to 2.471"),
        (GaugeKnob, {"q": (1.5, math.nan)}, "phi of q is nan; this figure shows -1.1 to 1.1"),
        (RubberBand, {"a": (0.1, 0.0)}, "theta of a is 0.1; this figure shows 0.3491 to 2.793"),
        (RubberBand, {"b": (1.0, 2.0)}, "phi of b is 2; this figure shows -1.4 to 1.4 radians"),
        (RubberBand, {"sweeps": -1}, "sweeps is -1; this figure shows 0 to 5000 sweeps"),
        (SurfaceGallery, {"surface": "disc"}, "surface is 'disc'; choose one of polar-plane, cyl"),
        (SurfaceGallery, {"a": (-0.1, 0.0)}, "across of a is -0.1; this figure shows 0 to 1"),
        (SurfaceGallery, {"b": (0.0, 1.1)}, "up of b is 1.1; this figure shows 0 to 1 of the"),
        (SurfaceGallery, {"c": (2.0, 0.0)}, "across of c is 2; this figure shows 0 to 1 of the"),
        (WorldMap, {"seed": -1}, "seed is -1; this figure shows 0 to"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(figure, state, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        figure(**state)
    shown = figure()
    before = shown.get_state(list(state))
    for name, value in state.items():
        with pytest.raises(ValueError, match=re.escape(said)):
            setattr(shown, name, value)
    assert shown.get_state(list(state)) == before


@pytest.mark.parametrize(
    "figure", [GaugeKnob, RubberBand, SurfaceGallery, TissotEllipses, WorldMap]
)
def test_a_page_that_runs_no_script_says_what_the_figure_shows(figure):
    text = figure()._repr_mimebundle_()[0]["text/plain"]
    assert figure().label in text
    assert text == figure()._repr_mimebundle_()[0]["text/plain"]  # no address in memory
