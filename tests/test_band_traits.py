"""The rubber band on a decoder as Python sees it: the curve goes to the page and comes back."""

import json
import re

import pytest
import torch
from test_explore_traits import from_the_page
from torch import nn

from geokit import pretrained
from geokit.explore import DecoderBand
from geokit.explore.decoder import packed
from geokit.models import MLP, VAE, ConvDecoder

PLANE = MLP(nn.Linear(2, 3))


def test_the_curve_of_the_page_reaches_python_and_back():
    shown = DecoderBand(PLANE)
    curve = [[1.0, -1.0], [0.5, 0.25], [2.0, 1.25]]
    from_the_page(shown, sweeps=3, steps=7, points=curve)
    assert (shown.a, shown.b, shown.sweeps, shown.steps) == ((1.0, -1.0), (2.0, 1.25), 3, 7)
    assert json.loads(json.dumps(shown.get_state(["points"]))) == {"points": curve}


def test_setting_an_end_starts_a_straight_line():
    shown = DecoderBand(PLANE, a=(0, 0), b=(1, 2))
    from_the_page(shown, sweeps=3, steps=7, points=[[0, 0], [2, 2], [1, 2]])
    shown.a = (-1, 0)
    line = torch.tensor(shown.points)
    t = torch.linspace(0, 1, len(line))
    torch.testing.assert_close(line, torch.stack([-1 + 2 * t, 2 * t], dim=-1))
    assert (shown.sweeps, shown.steps) == (0, 0)
    shown.b = (0, 1)
    assert (shown.a, shown.b) == ((-1, 0), (0, 1))


def test_an_end_set_in_python_is_one_message_to_the_page(monkeypatch):
    from comm import DummyComm

    sent = []
    monkeypatch.setattr(
        DummyComm, "publish_msg", lambda self, kind, data=None, **_: sent.append(data)
    )
    shown = DecoderBand(PLANE)
    from_the_page(shown, sweeps=3, steps=7, points=[[0, 0], [2, 2], [1, 2]])
    sent.clear()
    shown.b = (2, 2)
    (message,) = sent
    assert message["state"].keys() == {"points", "sweeps", "steps"}


def test_weights_travel_as_the_float32_they_are():
    decode = pretrained.load("digits").model.mean
    layers, weights = packed(decode)
    numbers = torch.frombuffer(bytearray(weights), dtype=torch.float32)
    expected = torch.cat([parameter.flatten() for parameter in decode.parameters()])
    torch.testing.assert_close(numbers, expected, rtol=0, atol=0)
    assert layers == [[2, 32], "tanh", [32, 64], "tanh", [64, 784], "sigmoid"]
    shown = DecoderBand()
    assert (shown.layers, shown.weights) == (layers, weights)
    assert len(json.dumps(shown.codes)) + len(shown.heat) + len(weights) < 230_000  # a page's share


def test_the_square_holds_every_code_and_its_labels():
    codes = torch.tensor([[0.0, 1.0], [4.0, 2.0], [1.0, 0.5]])
    shown = DecoderBand(PLANE, codes, torch.tensor([3, 1, 4]))
    low, high = torch.tensor(shown.box)
    torch.testing.assert_close(high - low, torch.tensor([4.2, 4.2]))
    torch.testing.assert_close((low + high) / 2, torch.tensor([2.0, 1.25]))
    assert shown.codes == [(0, 1, "3"), (4, 2, "1"), (1, 0.5, "4")]


@pytest.mark.parametrize("decode", [PLANE, MLP(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))])
def test_a_flat_or_dead_decoder_has_a_heat_map_too(decode):
    with torch.no_grad():
        for parameter in decode.parameters():
            parameter.zero_()
    assert len(DecoderBand(decode).heat) == 64**2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"decode": ConvDecoder(2)}, "The decoder is a ConvDecoder; a page can compute"),
        ({"decode": VAE(9).std}, "Floored() has no JavaScript twin; a page can compute nn.Linear"),
        ({"decode": nn.Sequential(nn.Linear(2, 3), nn.GELU())}, "GELU(approximate='none') is no"),
        ({"decode": nn.Sequential(nn.ELU(alpha=2.0))}, "ELU(alpha=2.0) is no layer of an MLP"),
        ({"decode": MLP(nn.Tanh())}, "The decoder has no nn.Linear; a page can compute"),
        ({"decode": MLP(nn.Linear(3, 5))}, "The decoder has 3 latent coordinates; this figure dr"),
        ({"codes": torch.zeros(4, 3)}, "codes has shape (4, 3); give points (n, 2) of the plane."),
        ({"codes": torch.zeros(0, 2)}, "codes has shape (0, 2); give points (n, 2) of the plane."),
        ({"codes": torch.ones(3, 2)}, "codes are all in one place, or not finite; give at least"),
        ({"codes": torch.tensor([[0, 1], [1, torch.nan]])}, "codes are all in one place, or not f"),
        ({"codes": torch.eye(2), "labels": torch.arange(3)}, "There are 2 codes and 3 labels;"),
        ({"labels": torch.arange(3)}, "There are 0 codes and 3 labels; give one to each."),
        ({"a": (4.0, 0.0)}, "z1 of a is 4; this figure shows -3 to 3 latent units"),
        ({"b": (0.0, float("nan"))}, "points has a coordinate that is NaN or infinite"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        DecoderBand(**{"decode": PLANE, **given})


def test_a_curve_that_cannot_be_shown_is_refused_and_the_old_one_stays():
    shown = DecoderBand(PLANE)
    before = shown.points
    for points, said in (
        ([(0, 0), (1, 1)], "points has 2 points; a band needs 3 or more."),
        ([(0, 0), (1, 1), (0, -5)], "z2 of b is -5; this figure shows -3 to 3 latent units"),
    ):
        with pytest.raises(ValueError, match=re.escape(said)):
            shown.points = points
        assert shown.points == before
