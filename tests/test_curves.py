"""Straight lines, splines, and Gauss-Lobatto elements."""

import numpy as np
import pytest
import torch
from examples import as_users_call
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline as ScipySpline
from torch.testing import assert_close

from geokit import CubicSpline, StraightLine
from geokit.curves import LobattoCurve
from geokit.elements import Elements, gauss_lobatto


@settings(deadline=None, max_examples=50)
@given(n=st.integers(2, 12), seed=st.integers(0, 10_000), uneven=st.booleans())
def test_spline_equals_scipys_natural_one(n, seed, uneven):
    r = np.random.default_rng(seed)
    times = np.linspace(0, 1, n)
    if uneven:
        times[1:-1] += r.uniform(-0.3, 0.3, n - 2) / n
    y = r.normal(size=(n, 3))
    t = np.linspace(0, 1, 97)
    ours = CubicSpline(torch.tensor(y), torch.tensor(times))(torch.tensor(t))
    assert_close(
        ours, torch.tensor(ScipySpline(times, y, bc_type="natural")(t)), rtol=0, atol=1e-12
    )


def test_spline_is_twice_differentiable_at_its_knots():
    spline = CubicSpline(torch.randn(6, 2, dtype=torch.float64))
    knots = torch.linspace(0, 1, 6).double()[1:-1]

    def derivative(f):
        return lambda t: torch.func.jvp(f, (t,), (torch.ones_like(t),))[1]

    for f in (spline, derivative(spline), derivative(derivative(spline))):
        assert_close(f(knots - 1e-9), f(knots + 1e-9), rtol=0, atol=1e-5)


def test_spline_passes_through_its_points_and_is_straight_through_two():
    y = torch.randn(4, 5, 2, dtype=torch.float64)
    assert_close(CubicSpline(y)(torch.linspace(0, 1, 5)), y)
    t = torch.linspace(0, 1, 9)
    assert_close(CubicSpline(y[:, :2])(t), StraightLine(y[:, 0], y[:, 1])(t))


@pytest.mark.parametrize("times", [(), (7,), (2, 3)])
@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
def test_curves_give_batch_then_times_then_coordinates(batch, times):
    t = torch.rand(times, dtype=torch.float64)
    y = torch.randn(*batch, 9, 2, dtype=torch.float64)
    for curve in (
        StraightLine(y[..., 0, :], y[..., -1, :]),
        CubicSpline(y),
        LobattoCurve(y, Elements(2, 4)),
    ):
        assert curve(t).shape == (*batch, *times, 2)


@pytest.mark.parametrize("degree", [1, 2, 4, 8, 16])
def test_gauss_lobatto_is_exact_up_to_degree_2p_minus_1(degree):
    x, w = gauss_lobatto(degree)
    for k in range(2 * degree):
        assert w @ x**k == pytest.approx(1 / (k + 1), rel=1e-13)
    assert abs(w @ x ** (2 * degree) - 1 / (2 * degree + 1)) > 1e-20


@pytest.mark.parametrize(("count", "degree"), [(1, 4), (3, 2), (8, 4), (5, 1)])
def test_elements_reproduce_polynomials_and_their_energy(count, degree):
    """x(t) = tᵖ: exact at the nodes, between them, in its derivative, and ∫|ẋ|² = p²/(2p − 1)."""
    elements, like = Elements(count, degree), torch.zeros(1).double()
    t = elements.times(like)
    x = t[:, None] ** degree
    at = t[elements.owner]
    assert_close(elements.velocity(x), degree * at[:, None] ** (degree - 1), rtol=0, atol=1e-11)
    assert_close((x.mT @ elements.stiffness(like) @ x).item(), degree**2 / (2 * degree - 1))
    s = torch.linspace(0, 1, 50).double()
    assert_close(LobattoCurve(x, elements)(s)[:, 0], s**degree, rtol=0, atol=1e-13)


def test_degree_one_gives_the_chord_energy():
    x, like = torch.randn(9, 3, dtype=torch.float64), torch.zeros(1).double()
    S = Elements(8, 1).stiffness(like)
    assert_close(torch.einsum("jk,ja,ka->", S, x, x), 8 * x.diff(dim=0).square().sum())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StraightLine(torch.zeros(2), torch.zeros(3)), "must agree"),
        (lambda: StraightLine(torch.zeros(2), torch.zeros(2).double()), "must agree"),
        (lambda: StraightLine(torch.zeros(2), torch.full((2,), torch.nan)), "NaN or infinite"),
        (lambda: StraightLine(torch.zeros(2).long(), torch.zeros(2).long()), "needs floats"),
        (lambda: CubicSpline(torch.zeros(1, 2)), "n ≥ 2"),
        (lambda: CubicSpline(torch.zeros(3, 2), torch.tensor([0.0, 1.0, 0.5])), "increasing"),
        (lambda: CubicSpline(torch.zeros(3, 2), torch.tensor([0.0, 1.0])), "increasing"),
        (lambda: CubicSpline(torch.zeros(3, 2), torch.tensor([0.2, 0.5, 0.8])), "from 0 to 1"),
        (lambda: StraightLine(torch.zeros(3, 2), torch.zeros(4, 2)), "do not broadcast"),
    ],
)
def test_bad_curves_are_refused(make, message):
    with as_users_call(), pytest.raises(ValueError, match=message):
        make()
