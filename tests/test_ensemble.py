"""Ensembles of decoders: the mean metric, and the energy of a curve that changes its decoder."""

import pytest
import torch
from examples import as_users_call, smooth_decoder
from torch import nn
from torch.testing import assert_close

from geokit import (
    PullbackMetric,
    StraightLine,
    energy,
    expected_pullback_metric,
    geodesic,
    jacobian,
    length,
)
from geokit.ensemble import disagreement, ensemble_energy, mean_pullback_metric
from geokit.models import MLP

Z = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
CURVE = StraightLine(Z[:3], Z[3:])
TIMES = torch.linspace(0, 1, 9, dtype=torch.float64)


def members(S, d=2):
    """Decoders that bring derivatives of their own."""
    return [MLP(*smooth_decoder(d, seed=seed)) for seed in range(S)]


def plain(decoders):
    """The same maps without derivatives of their own."""
    return [lambda z, f=f: f(z) for f in decoders]


def mean_of(decoders):
    return lambda z: torch.stack([f(z) for f in decoders]).mean(dim=0)


def std_of(decoders):
    return lambda z: torch.stack([f(z) for f in decoders]).std(dim=0, correction=0)


@pytest.mark.parametrize("S", [1, 2, 5])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_it_is_the_mean_of_the_members_metrics(S, d):
    fs, z = members(S, d), torch.randn(2, 4, d, dtype=torch.float64)
    mean = torch.stack([PullbackMetric(f)(z) for f in fs]).mean(dim=0)
    for decoders in (fs, plain(fs), nn.ModuleList(fs), iter(fs)):
        assert_close(mean_pullback_metric(decoders)(z), mean, rtol=1e-13, atol=1e-15)


def test_members_of_different_kinds_may_be_mixed():
    fs = [*members(2), *plain(members(3)[2:])]
    assert_close(mean_pullback_metric(fs)(Z), mean_pullback_metric(members(3))(Z))


@pytest.mark.parametrize("kind", [list, plain])
def test_the_map_behind_it_knows_its_curvature(kind):
    f = mean_pullback_metric(kind(members(3))).f
    w = torch.randn(6, 60, dtype=torch.float64)
    x = f.derivatives(Z)
    hessian = torch.func.vmap(torch.func.hessian(f))(Z)
    assert_close(x.value, f(Z))
    assert_close(x.curvature(w), torch.einsum("na,naij->nij", w, hessian), rtol=1e-12, atol=1e-14)


def test_it_is_the_mean_decoders_metric_and_the_covariance_of_the_jacobians():
    fs = members(5)
    J = torch.stack([jacobian(f, Z) for f in fs])
    off = J - J.mean(dim=0)
    parts = PullbackMetric(mean_of(fs))(Z) + (off.mT @ off).mean(dim=0)
    assert_close(mean_pullback_metric(fs)(Z), parts, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("S", [3, 8])
def test_mean_and_deviation_alone_give_a_smaller_metric(S):
    """JσᵀJσ is not the covariance of the Jacobians: by Cauchy and Schwarz it is less."""
    fs = members(S)
    matched = expected_pullback_metric(mean_of(fs), std_of(fs))(Z)
    gap = torch.linalg.eigvalsh(mean_pullback_metric(fs)(Z) - matched)
    assert (gap > 1e-3 * matched.diagonal(dim1=-2, dim2=-1).amin(-1, keepdim=True)).all()


def test_for_two_members_mean_and_deviation_say_everything():
    fs = members(2)
    matched = expected_pullback_metric(mean_of(fs), std_of(fs))
    assert_close(mean_pullback_metric(fs)(Z), matched(Z), rtol=1e-10, atol=1e-13)


def test_so_they_do_where_the_members_deviate_in_fixed_proportions():
    """fₛ = μ + cₛ ⊙ σ with c of mean 0 and mean square 1: the random decoder with its noise held
    fixed."""
    μ, σ = members(2)
    c = torch.randn(6, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    c = (c - c.mean(dim=0)) / c.std(dim=0, correction=0)
    fs = [lambda z, c=c: μ(z) + c * σ(z) for c in c]
    assert_close(mean_pullback_metric(fs)(Z), expected_pullback_metric(μ, σ)(Z))


def test_its_energy_is_the_members_mean_energy_and_its_length_no_less_than_their_mean_length():
    """Expected length is not the length of the expected metric (Jensen)."""
    fs = members(4)
    G = mean_pullback_metric(fs)
    energies = torch.stack([energy(PullbackMetric(f), CURVE) for f in fs])
    lengths = torch.stack([length(PullbackMetric(f), CURVE) for f in fs])
    assert_close(energy(G, CURVE), energies.mean(dim=0), rtol=1e-12, atol=0)
    assert (length(G, CURVE) > 1.001 * lengths.mean(dim=0)).all()


def test_the_engine_works_on_it_and_beats_the_mean_decoders_geodesic():
    fs = members(3)
    G = mean_pullback_metric(fs)
    path = geodesic(G, Z[:3], Z[3:])
    assert path.resolved.all()
    other = geodesic(PullbackMetric(mean_of(fs)), Z[:3], Z[3:])
    assert (path.length < length(G, other)).all()
    assert_close(path.length, geodesic(lambda z: G(z), Z[:3], Z[3:]).length, rtol=1e-4, atol=0)


def pairs_energy(decoders, points):
    """N Σₜ of the mean over all S² pairs (i, j) of ‖fᵢ(zₜ) − fⱼ(zₜ₊₁)‖²."""
    total = 0
    for f in decoders:
        for g in decoders:
            total += (f(points[..., :-1, :]) - g(points[..., 1:, :])).square().sum(dim=(-2, -1))
    return (points.shape[-2] - 1) * total / len(decoders) ** 2


@pytest.mark.parametrize("S", [1, 2, 5])
def test_the_energy_equals_the_sum_over_all_pairs_of_members(S):
    fs, points = members(S), CURVE(TIMES)
    assert_close(ensemble_energy(fs, points), pairs_energy(fs, points), rtol=1e-12, atol=0)


def test_the_energy_is_the_mean_over_random_members():
    """20,000 curves, each point decoded by a member of its own: within four standard errors."""
    fs, points = members(5), CURVE(TIMES)[0]
    x = torch.stack([f(points) for f in fs])
    draw = torch.randint(5, (20_000, 9), generator=torch.Generator().manual_seed(2))
    curves = x[draw, torch.arange(9)]
    samples = 8 * (curves[:, 1:] - curves[:, :-1]).square().sum(dim=(-2, -1))
    error = samples.std() / len(samples) ** 0.5
    assert (ensemble_energy(fs, points) - samples.mean()).abs() < 4 * error


def test_it_is_the_mean_decoders_energy_and_2N2_times_the_integrated_disagreement():
    """N Σ‖Δm‖² + 2N² × the trapezoidal rule for ∫V: the T-dependence, to the last digit."""
    fs, points = members(5), CURVE(TIMES)
    N, m = len(TIMES) - 1, mean_of(fs)(points)
    chords = N * (m[:, 1:] - m[:, :-1]).square().sum(dim=(-2, -1))
    integral = torch.trapezoid(disagreement(fs, points), TIMES, dim=-1)
    assert_close(ensemble_energy(fs, points), chords + 2 * N**2 * integral, rtol=1e-12, atol=0)


def test_it_grows_without_bound_as_the_points_become_dense_and_the_metrics_energy_does_not():
    fs = members(3)
    values = torch.stack(
        [ensemble_energy(fs, CURVE(torch.linspace(0, 1, N + 1).double())) for N in (400, 800)]
    )
    assert_close(values[1] / values[0], torch.full((3,), 4.0).double(), rtol=1e-2, atol=0)
    assert (values[0] > 100 * energy(mean_pullback_metric(fs), CURVE)).all()


def test_a_constant_added_to_each_member_changes_the_energy_and_not_the_metric():
    """Members f + cₛ: 2N²V(c) more energy, the same geometry."""
    f, points = members(1)[0], CURVE(TIMES)
    c = torch.randn(4, 20, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    fs = [lambda z, c=c: f(z) + c for c in c]
    V = (c - c.mean(dim=0)).square().sum(dim=-1).mean()
    assert_close(mean_pullback_metric(fs)(Z), PullbackMetric(f)(Z))
    assert_close(disagreement(fs, Z), V.expand(6))
    assert_close(
        ensemble_energy(fs, points), ensemble_energy([f], points) + 2 * 8**2 * V, rtol=1e-12, atol=0
    )


def test_disagreement_is_half_the_mean_square_distance_of_two_members():
    fs = members(4)
    x = torch.stack([f(Z) for f in fs])
    pairs = (x[:, None] - x).square().sum(dim=-1).mean(dim=(0, 1))
    assert_close(disagreement(fs, Z), pairs / 2, rtol=1e-12, atol=0)
    assert (disagreement(fs[:1], Z) == 0).all()


def test_few_members_see_S_minus_1_over_S_of_the_variance():
    """2,000 ensembles of 3 constant decoders N(0, I) in 20 pixels: 2/3 of 20 on average."""
    draws = torch.randn(2000, 3, 20, generator=torch.Generator().manual_seed(4)).double()
    fs = [lambda z, s=s: draws[:, s] + 0 * z[:, :1] for s in range(3)]
    V = disagreement(fs, torch.zeros(2000, 2).double())
    assert abs(V.mean() - 2 / 3 * 20) < 4 * V.std() / 2000**0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
def test_leading_axes_and_dtype_stay_as_they_are(batch, dtype):
    fs = [f.to(dtype) for f in members(3)]
    z = torch.randn(*batch, 5, 2, dtype=dtype)
    for value, shape in (
        (mean_pullback_metric(fs)(z), (*batch, 5, 2, 2)),
        (disagreement(fs, z), (*batch, 5)),
        (ensemble_energy(fs, z), batch),
    ):
        assert value.shape == shape
        assert value.dtype == dtype


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_pullback_metric([]), "at least one decoder"),
        (lambda: mean_pullback_metric(members(1)[0]), "sequence of at least one decoder"),
        (lambda: disagreement(lambda z: z, Z), "sequence of at least one decoder"),
        (lambda: ensemble_energy([], Z), "at least one decoder"),
        (lambda: ensemble_energy(members(2), Z[:1]), r"\(1, 2\).* n ≥ 2"),
        (lambda: ensemble_energy(members(2), Z[0]), r"\(2,\).* n ≥ 2"),
    ],
)
def test_what_is_no_ensemble_or_no_curve_is_refused(call, message):
    with as_users_call(), pytest.raises(ValueError, match=message):
        call()
