"""The bundle of geodesics as Python sees it: its state goes to the page and comes back."""

import json
import re

import pytest
import torch
from test_explore_traits import from_the_page
from torch import nn

from geokit import data, disagreement, pretrained
from geokit.explore import EnsembleBundle
from geokit.explore.bundle import fitted_decoders
from geokit.models import MLP, EnsembleVAE

PLANE = MLP(nn.Linear(2, 3))
STATE = {"a": [0.5, 0.25], "b": [1.5, -0.25], "members": 2}


def test_what_the_reader_does_reaches_python_and_back():
    shown = EnsembleBundle([PLANE, PLANE, PLANE])
    assert shown.members == 3
    from_the_page(shown, **STATE)
    assert json.loads(json.dumps(shown.get_state(list(STATE)))) == STATE
    again = EnsembleBundle([PLANE, PLANE, PLANE], **STATE)
    assert json.loads(json.dumps(again.get_state(list(STATE)))) == STATE


def test_the_decoders_of_an_ensemble_vae_can_be_shown():
    vae = EnsembleVAE(9, decoders=3)
    shown = EnsembleBundle(vae.decoders)
    assert len(shown.layers) == len(shown.sizes) == shown.members == 3
    assert sum(shown.sizes) == len(shown.weights)


def test_fitted_decoders_know_the_digits_and_agree_where_there_are_codes():
    """Each explains 45 % or more of the variance of unseen digits (the pretrained VAE 39 %), and
    they disagree far less at their codes than anywhere on a circle round them all."""
    decoders = fitted_decoders()
    z = pretrained.load("digits").codes[1347:]
    x = data.load("digits", "test").pixels.flatten(1)
    total = (x - x.mean(dim=0)).square().sum()
    explained = [1 - float((x - f(z)).square().sum() / total) for f in decoders]
    assert min(explained) > 0.44
    turn = torch.linspace(0, 6.28, 50)
    circle = 5 * torch.stack([turn.cos(), turn.sin()], dim=-1)
    assert disagreement(decoders, circle).min() > 10 * disagreement(decoders, z).median()


def test_fitted_decoders_are_the_same_each_time_and_differ_from_each_other():
    one, same = fitted_decoders(2), fitted_decoders(2)
    z = torch.randn(5, 2)
    torch.testing.assert_close(one[1](z), same[1](z), rtol=0, atol=0)
    assert (one[0](z) - one[1](z)).abs().max() > 0.01


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"decoders": []}, "An ensemble is a list of one or more decoders; give [f_1, f_2, …]."),
        ({"decoders": PLANE}, "An ensemble is a list of one or more decoders; give [f_1, f_2"),
        ({"decoders": [nn.Linear(2, 3)]}, "The decoder is a Linear; a page can compute fully"),
        ({"decoders": [MLP(nn.Linear(3, 5))]}, "A decoder has 3 latent coordinates; this fig"),
        ({"decoders": [PLANE, MLP(nn.Linear(2, 5))]}, "The decoders have [3, 5] pixels; all must"),
        ({"members": 2}, "members is 2; this figure shows 1 to 1 decoders"),
        ({"members": 0}, "members is 0; this figure shows 1 to 1 decoders"),
        ({"codes": torch.zeros(4, 3)}, "codes has shape (4, 3); give points (n, 2) of the plane."),
        ({"labels": torch.arange(3)}, "There are 0 codes and 3 labels; give one to each."),
        ({"a": (4.0, 0.0)}, "z1 of a is 4; this figure shows -3 to 3 latent units"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        EnsembleBundle(**{"decoders": [PLANE], **given})
