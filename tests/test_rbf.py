"""The RBF precision, against its formula, autodiff, the conditions of a minimum and Monte Carlo."""

import numpy as np
import pytest
import torch
from examples import as_users_call, smooth_decoder
from torch.testing import assert_close

from geokit import PullbackMetric, distance, expected_pullback_metric, jacobian
from geokit.models import MLP
from geokit.rbf import RBFPrecision, bandwidths


def moons(n=400, seed=0):
    """Codes on two half circles, and a σ of five pixels there."""
    draws = torch.Generator().manual_seed(seed)
    t = torch.pi * torch.rand(n, generator=draws, dtype=torch.float64)
    z = torch.stack([t.cos(), t.sin()], dim=-1)
    z[n // 2 :] = torch.tensor([1.0, 0.4]) - z[n // 2 :]
    z += 0.05 * torch.randn(n, 2, generator=draws, dtype=torch.float64)
    return z, 0.1 + 0.3 * smooth_decoder(D=5)(z)


def fitted(dtype=torch.float64, **options):
    z, σ = moons()
    return RBFPrecision.fit(z.to(dtype), σ.to(dtype), **({"centres": 20} | options))


def one_bump(λ=2.0, W=50.0, ζ=0.01):
    def double(x):
        return torch.tensor(x, dtype=torch.float64)

    return RBFPrecision(double([[0.0, 0.0]]), double([λ]), double([[W]]), ζ)


def plain(f):
    """The same map without its own derivatives."""
    return lambda z: f(z)


def points(*shape, d=2, seed=1):
    draws = torch.Generator().manual_seed(seed)
    return 1.5 * torch.randn(*shape, d, generator=draws, dtype=torch.float64)


def test_bandwidths_of_clusters_made_by_hand():
    """λ = ½ (a r)^{-2} with r the mean *distance*: here r is 1 and 3, whatever the axes."""
    codes = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1], [10, 3], [10, -3]])
    centres, labels = np.array([[0.0, 0], [10, 0]]), np.array([0, 0, 0, 0, 1, 1])
    for a in (0.5, 1.25):
        expected = [1 / (2 * a**2), 1 / (2 * (3 * a) ** 2)]
        assert bandwidths(codes, labels, centres, a) == pytest.approx(expected, rel=1e-14)


def test_fit_puts_the_printed_formula_together():
    """Three clusters far apart: centres are their means, λ is ½ (a r)^{-2}, β is the sum."""
    corners = torch.tensor([[0.0, 0], [50, 0], [0, 50]], dtype=torch.float64)
    square = torch.tensor([[1.0, 1], [-1, 1], [1, -1], [-1, -1]], dtype=torch.float64)
    scale = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    codes = (corners[:, None] + scale[:, None, None] * square).flatten(0, 1)
    rbf = RBFPrecision.fit(
        codes, torch.full((12, 1), 0.5).double(), centres=3, curvature=0.7, floor=0.1
    )
    order = rbf.bandwidths.argsort(descending=True)  # the smallest cluster first
    assert_close(rbf.centres[order], corners, rtol=0, atol=1e-12)
    assert_close(rbf.bandwidths[order], 0.5 / (0.7 * 2**0.5 * scale) ** 2)
    # every code is at r from its own centre and far from the others: one weight serves all four
    height = np.exp(-1 / (2 * 0.7**2))
    assert_close(rbf.weights, torch.full((1, 3), (4 - 0.1) / height, dtype=torch.float64))
    z = points(7)
    v = (-rbf.bandwidths * (z[:, None] - rbf.centres).square().sum(-1)).exp()
    assert_close(rbf.precision(z), v @ rbf.weights.T + 0.1)


def test_a_cluster_of_one_code_is_a_quarter_of_the_median_wide():
    codes = np.array([[0.0, 0], [2, 0], [10, 0], [14, 0], [99, 99]])
    centres, labels = np.array([[1.0, 0], [12, 0], [99, 99]]), np.array([0, 0, 1, 1, 2])
    median = 1.5  # of 1 and 2
    assert bandwidths(codes, labels, centres, 1.0)[2] == pytest.approx(8 / median**2)


def test_a_cluster_without_codes_is_as_one_with_a_single_code():
    codes, labels = np.array([[0.0, 0], [2, 0]]), np.array([0, 0])
    λ = bandwidths(codes, labels, np.array([[1.0, 0], [50, 50]]), 1.0)
    assert λ == pytest.approx([0.5, 8])


def test_outlying_single_codes_leave_sigma_finite():
    z, σ = moons(60)
    z[0], z[1] = torch.tensor([30.0, 30.0]), torch.tensor([-30.0, 30.0])
    rbf = RBFPrecision.fit(z, σ, centres=12)
    assert rbf.std(z).isfinite().all()
    assert rbf.std.derivatives(z).jacobian.isfinite().all()
    assert_close(rbf.std(z[:2]), σ[:2])  # nothing else is near: the bump has its height


@pytest.mark.parametrize("K", [5, 40])
def test_weights_are_the_minimum_under_their_sign(K):
    """Karush, Kuhn and Tucker: W ≥ 0, the gradient is ≥ 0, and zero where W is positive."""
    z, σ = moons()
    rbf = RBFPrecision.fit(z, σ, centres=K, floor=20.0)  # so high that some weights vanish
    v = rbf._bumps(z)[0]
    gradient = (rbf.precision(z) - σ**-2).T @ v
    scale = (σ**-2).T @ v
    assert (rbf.weights >= 0).all()
    assert 0 < (rbf.weights == 0).double().mean() < 1
    assert (gradient >= -1e-10 * scale).all()
    assert (gradient.abs() <= 1e-10 * scale)[rbf.weights > 0].all()


def test_a_sigma_that_bumps_can_make_is_found_again():
    """Centres and widths come from the codes alone, so only the weights are to be found."""
    z, rbf = moons()[0], fitted()
    W = torch.rand(5, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    truth = RBFPrecision(rbf.centres, rbf.bandwidths, 100 * W, rbf.floor)
    again = RBFPrecision.fit(z, truth.std(z), centres=20)
    assert_close(again.weights, truth.weights, rtol=1e-6, atol=1e-6)
    assert_close(again.std(points(9)), truth.std(points(9)), rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("floor", [1e-6, 1e-2, 1.0])
def test_sigma_is_positive_and_never_above_its_limit(dtype, floor):
    rbf = fitted(dtype, floor=floor)
    far = torch.logspace(-3, 15, 40, dtype=dtype)[:, None, None] * points(6).to(dtype)
    σ, limit = rbf.std(far), floor**-0.5
    assert σ.dtype == dtype
    assert (σ > 0).all()
    assert (σ <= limit * (1 + 1e-6)).all()
    assert_close(σ[-1], torch.full_like(σ[-1], limit))
    assert σ.isfinite().all()
    found = rbf.std.derivatives(far)
    assert found.jacobian.isfinite().all()
    assert found.curvature(torch.ones_like(σ)).isfinite().all()
    assert (found.jacobian[-1] == 0).all()  # beyond the wall it is flat


@pytest.mark.parametrize(
    ("r", "slope"), [(1.0, 0.76715), (2.0, 15.31530), (2.5, 0.90622), (3.0, 0.0045685)]
)
def test_slope_of_the_wall_around_one_bump(r, slope):
    """|dσ/dr| = λ r W e^{−λr²} (W e^{−λr²} + ζ)^{-3/2} for λ = 2, W = 50, ζ = 0.01."""
    bump = 50 * np.exp(-2 * r**2)
    assert 2 * r * bump * (bump + 0.01) ** -1.5 == pytest.approx(slope, rel=1e-4)
    z = r * torch.tensor([0.6, -0.8], dtype=torch.float64)
    J = jacobian(one_bump().std, z)
    assert J.norm().item() == pytest.approx(slope, rel=1e-4)


def test_sigma_rises_along_every_ray_from_a_single_centre():
    radii = torch.linspace(0, 4, 200, dtype=torch.float64)
    angle = torch.linspace(0, 6, 7, dtype=torch.float64)
    rays = torch.stack([angle.cos(), angle.sin()], dim=-1)[:, None] * radii[:, None]
    σ = one_bump().std(rays)[..., 0]
    assert (σ.diff(dim=-1) > 0).all()
    assert_close(σ[:, 0], torch.full((7,), 50.01**-0.5, dtype=torch.float64))


@pytest.mark.parametrize("d", [1, 2, 5])
def test_derivatives_equal_autodiff(d):
    draws = torch.Generator().manual_seed(d)
    c, λ, W = (torch.rand(*s, generator=draws).double() for s in ((9, d), (9,), (4, 9)))
    f, z = RBFPrecision(c, 0.3 + λ, W, 0.02).std, points(3, 5, d=d)
    found = f.derivatives(z)
    assert_close(found.value, f(z), rtol=1e-14, atol=0)
    assert_close(found.jacobian, jacobian(plain(f), z), rtol=1e-12, atol=1e-14)
    w = torch.randn(15, 4, generator=draws).double()
    hessian = torch.func.vmap(torch.func.hessian(f))(z.flatten(0, 1))
    exact = torch.einsum("na,naij->nij", w, hessian)
    curvature = f.derivatives(z.flatten(0, 1)).curvature(w)
    assert_close(curvature, exact, rtol=1e-12, atol=1e-13)


def test_derivatives_equal_finite_differences():
    f, z, h = fitted().std, moons()[0][:20], 1e-6
    steps = h * torch.eye(2).double()
    columns = [(f(z + e) - f(z - e)) / (2 * h) for e in steps]
    assert_close(jacobian(f, z), torch.stack(columns, dim=-1), rtol=1e-6, atol=1e-7)
    w = points(20, d=5)
    turned = [((jacobian(f, z + e) - jacobian(f, z - e)).mT @ w[..., None])[..., 0] for e in steps]
    H = torch.stack(turned, dim=-1) / (2 * h)
    assert_close(f.derivatives(z).curvature(w), H, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
def test_leading_axes_stay_where_they_are(batch):
    rbf, z = fitted(), points(*batch)
    assert rbf.precision(z).shape == rbf.std(z).shape == (*batch, 5)
    found = rbf.std.derivatives(z)
    assert found.jacobian.shape == (*batch, 5, 2)
    assert found.curvature(found.value).shape == (*batch, 2, 2)
    if z.numel():
        assert_close(rbf.std(z).reshape(-1, 5)[0], rbf.std(z.reshape(-1, 2)[0]))


def test_precision_and_std_are_inverse():
    rbf, z = fitted(), points(9)
    assert_close(rbf.precision(z) * rbf.std(z) ** 2, torch.ones(9, 5, dtype=torch.float64))


def test_expected_metric_equals_monte_carlo():
    """E[JᵀJ] over ε of the random decoder μ + σε, within four standard errors."""
    rbf, mean, n = fitted(), smooth_decoder(D=5), 20_000
    z = moons()[0][0]
    G = expected_pullback_metric(mean, rbf.std)(z)
    ε = torch.randn(n, 5, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    J = jacobian(plain(mean), z) + ε * jacobian(plain(rbf.std), z)
    drawn = J.mT @ J
    error = drawn.std(dim=0) / n**0.5
    assert ((drawn.mean(dim=0) - G).abs() < 4 * error).all()
    assert (G - PullbackMetric(mean)(z)).norm() > 100 * error.norm()  # σ's part is seen


def test_geodesics_are_the_same_by_either_route():
    torch.manual_seed(0)
    mean = MLP(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 5)).double()
    rbf, z = fitted(curvature=2.0), moons()[0]
    a, b = z[:6], z[6:12]  # of one half circle
    own, auto = (
        distance(expected_pullback_metric(mean, f), a, b) for f in (rbf.std, plain(rbf.std))
    )
    assert_close(own, auto, rtol=1e-8, atol=0)


def test_fit_gives_the_dtype_of_the_codes_and_moves_like_a_module():
    single, double = fitted(torch.float32), fitted()
    assert {b.dtype for b in single.buffers()} == {torch.float32}
    z = points(9)
    assert_close(single.std(z.float()), double.std(z).float(), rtol=1e-3, atol=1e-5)
    assert single.to(torch.float64).std(z).dtype == torch.float64


def test_the_seed_decides():
    assert torch.equal(fitted(seed=3).weights, fitted(seed=3).weights)
    assert not torch.equal(fitted(seed=3).centres, fitted(seed=4).centres)


def test_gradients_reach_z_and_nothing_else():
    z, σ = moons(50)
    z.requires_grad_()
    rbf = RBFPrecision.fit(z, σ, centres=5)
    assert not list(rbf.parameters())
    assert not any(b.requires_grad for b in rbf.buffers())
    (slope,) = torch.autograd.grad(rbf.std(z).sum(), z)
    assert_close(slope, jacobian(rbf.std, z.detach()).sum(dim=-2))


BAD = {
    "codes and std that differ in number": ({"std": torch.ones(9, 3)}, "one row a code"),
    "codes without a batch": ({"codes": torch.ones(2)}, "one row a code"),
    "NaN codes": ({"codes": torch.full((10, 2), torch.nan)}, "codes must be finite"),
    "a std of zero": ({"std": torch.zeros(10, 3)}, "std positive"),
    "an infinite std": ({"std": torch.full((10, 3), torch.inf)}, "std positive and finite"),
    "more centres than codes": ({"centres": 11}, "10 distinct codes"),
    "more centres than distinct codes": ({"codes": torch.ones(10, 2), "centres": 2}, "1 distinct"),
    "no centres": ({"centres": 0}, "at least 1"),
    "as many centres as codes": ({"centres": 10}, "single point"),
    "a curvature of zero": ({"curvature": 0.0}, "curvature is 0"),
    "a negative floor": ({"floor": -1e-3}, "floor -0.001"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_fitted_is_refused_in_one_sentence(case):
    wrong, words = BAD[case]
    given = {"codes": torch.randn(10, 2), "std": torch.ones(10, 3), "centres": 3} | wrong
    with as_users_call(), pytest.raises(ValueError, match=words) as caught:
        RBFPrecision.fit(**given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("λ", "W", "ζ", "words"),
    [
        (2.0, 50.0, 0.0, "floor must be positive"),
        (2.0, -1.0, 0.1, "not negative"),
        (0.0, 50.0, 0.1, "bandwidths"),
    ],
)
def test_a_precision_that_could_reach_zero_is_refused(λ, W, ζ, words):
    with pytest.raises(ValueError, match=words):
        one_bump(λ, W, ζ)


def test_shapes_that_do_not_fit_are_refused():
    with as_users_call(), pytest.raises(ValueError, match=r"must be \(K, d\)"):
        RBFPrecision(torch.zeros(3, 2), torch.ones(2), torch.ones(4, 3), 0.1)
    with pytest.raises(ValueError, match=r"must be \(\*batch, 2\)"):
        one_bump().std(torch.zeros(4, 1, dtype=torch.float64))
