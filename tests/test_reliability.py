"""The coefficient of variation."""

import numpy as np
import pytest
import torch
from scipy.stats import variation
from torch.testing import assert_close

from geokit import coefficient_of_variation


def test_it_is_std_over_mean_with_one_degree_of_freedom_taken():
    x = torch.rand(30, 100, dtype=torch.float64) + 0.5
    assert_close(coefficient_of_variation(x), torch.tensor(variation(x.numpy(), axis=0, ddof=1)))
    assert_close(coefficient_of_variation(x.T, dim=1), coefficient_of_variation(x))


def test_it_is_not_the_ratio_upside_down():
    x = torch.tensor([9.0, 10.0, 11.0])
    assert_close(coefficient_of_variation(x).item(), 0.1)


def test_it_has_no_unit():
    x = torch.rand(10, 5, dtype=torch.float64) + 0.1
    assert_close(coefficient_of_variation(1000 * x), coefficient_of_variation(x))


def test_it_recovers_the_spread_of_a_known_law():
    x = np.random.default_rng(0).gamma(shape=25.0, size=(200_000, 1))
    assert coefficient_of_variation(torch.tensor(x)).item() == pytest.approx(1 / 5, rel=0.01)


@pytest.mark.parametrize("bad", [0.0, -1.0, torch.nan, torch.inf])
def test_what_is_not_a_distance_is_refused(bad):
    with pytest.raises(ValueError, match="not positive and finite"):
        coefficient_of_variation(torch.tensor([1.0, bad, 2.0]))


def test_it_takes_numbers_in_any_form():
    assert_close(coefficient_of_variation([9, 10, 11]).item(), 0.1)
    assert_close(coefficient_of_variation(np.array([9, 10, 11])).item(), 0.1)


def test_one_model_has_no_spread():
    with pytest.raises(ValueError, match="at least two"):
        coefficient_of_variation(torch.ones(1, 5))
