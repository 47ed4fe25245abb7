"""The decoded map as Python sees it: its ends go to the page and come back."""

import json
import re

import pytest
import torch
from test_explore_traits import from_the_page
from torch import nn

from geokit import pretrained
from geokit.explore import DecodedMap
from geokit.explore.decoder import packed
from geokit.models import MLP

PLANE = MLP(nn.Linear(2, 3))


def test_the_ends_of_the_page_reach_python_and_back():
    shown = DecodedMap(PLANE)
    from_the_page(shown, a=[1.0, -1.0], b=[2.0, 1.25])
    assert (shown.a, shown.b) == ((1.0, -1.0), (2.0, 1.25))
    shown.a = (0, 0.5)
    assert json.loads(json.dumps(shown.get_state(["a", "b"]))) == {"a": [0, 0.5], "b": [2, 1.25]}


def test_weights_that_are_float16_numbers_travel_as_such():
    decode = pretrained.load("mnist").model.mean
    layers, weights = packed(decode)
    numbers = torch.frombuffer(bytearray(weights), dtype=torch.float16).float()
    expected = torch.cat([parameter.flatten() for parameter in decode.parameters()])
    torch.testing.assert_close(numbers, expected, rtol=0, atol=0)
    assert layers == [[2, 512], "tanh", [512, 784], "sigmoid"]
    shown = DecodedMap()
    assert (shown.layers, shown.weights) == (layers, weights)
    assert len(weights) < 810_000
    assert {name for *_, name in shown.codes} == set("0123456789")
    assert len(shown.codes) == 500


def test_weights_that_are_not_travel_as_float32():
    decode = MLP(nn.Linear(2, 3))
    with torch.no_grad():
        decode[0].weight.fill_(1 / 3)
    _, weights = packed(decode)
    numbers = torch.frombuffer(bytearray(weights), dtype=torch.float32)
    assert numbers[0] == decode[0].weight[0, 0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"decode": nn.Linear(2, 3)}, "The decoder is a Linear; a page can compute fully"),
        ({"decode": MLP(nn.Linear(3, 5))}, "The decoder has 3 latent coordinates; this figure dr"),
        ({"codes": torch.zeros(4, 3)}, "codes has shape (4, 3); give points (n, 2) of the plane."),
        ({"labels": torch.arange(3)}, "There are 0 codes and 3 labels; give one to each."),
        ({"a": (4.0, 0.0)}, "z1 of a is 4; this figure shows -3 to 3 latent units"),
        ({"b": (0.0, float("nan"))}, "z2 of b is nan; this figure shows -3 to 3 latent units"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        DecodedMap(**{"decode": PLANE, **given})


def test_an_end_that_cannot_be_shown_is_refused_and_the_old_one_stays():
    shown = DecodedMap(PLANE)
    before = shown.a
    with pytest.raises(ValueError, match="z1 of a is -9"):
        shown.a = (-9, 0)
    assert shown.a == before
