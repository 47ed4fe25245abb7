"""Random walks, and Brownian motion where its law is known."""

import math

import pytest
import torch
from examples import Shear, as_users_call, points, smooth_decoder
from scipy.stats import chisquare
from torch.testing import assert_close

from geokit import (
    PullbackMetric,
    christoffel,
    exponential_map,
    inner,
    jacobian,
    norm,
    volume_element,
)
from geokit.exponential import acceleration
from geokit.models import MLP
from geokit.surfaces import HalfPlane, PolarPlane, Sphere, Torus
from geokit.walks import brownian_motion, euclidean_walk, riemannian_walk

TORUS = Torus()
FLAT = PullbackMetric(lambda z: z)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def globe(z):
    """The unit sphere from its north pole, stereographic: it keeps angles, G = 4I/(1 + |z|²)²."""
    square = z.square().sum(dim=-1, keepdim=True)
    return torch.cat([2 * z, 1 - square], dim=-1) / (1 + square)


def metric_alone(G):
    """The same metric without the map behind it."""
    return lambda z: G(z)


def within(samples, exact, errors=4):
    """The mean over the first axis is right, to `errors` standard errors."""
    off = (samples.mean(dim=0) - exact).abs()
    return (off < errors * samples.std(dim=0) / len(samples) ** 0.5).all()


def test_a_euclidean_step_has_covariance_s2_and_no_mean():
    walk = euclidean_walk(torch.zeros(50_000, 2).double(), steps=2, scale=0.3, generator=draws())
    step = walk[2] - walk[1]
    assert within(step, 0)
    assert within(step[:, :, None] * step[:, None, :], 0.09 * torch.eye(2).double())


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_riemannian_step_has_covariance_s2_times_the_inverse_metric(d):
    f = smooth_decoder(d)
    G, z = PullbackMetric(f), torch.full((d,), 0.3).double()
    start = z.expand(20_000, d)
    step = torch.diff(riemannian_walk(G, start, steps=1, scale=0.3, generator=draws()), dim=0)[0]
    assert within(step, 0)
    assert within(step[:, :, None] * step[:, None, :], 0.09 * torch.linalg.inv(G(z)))
    assert within(inner(G, z, step, step), d * 0.09)


def test_each_riemannian_step_is_as_long_in_G_as_its_noise():
    """dzᵀ G dz = s² |ε|² draw by draw, so its expectation is d s² at every point."""
    G, z = PullbackMetric(smooth_decoder()), torch.randn(40, 2, dtype=torch.float64)
    walk = riemannian_walk(G, z, steps=5, scale=0.1, generator=draws())
    ε = torch.randn(5, 40, 2, generator=draws(), dtype=torch.float64)
    assert_close(norm(G, walk[:-1], walk.diff(dim=0)), 0.1 * ε.norm(dim=-1))


def test_on_a_flat_chart_all_three_are_one_walk():
    z = torch.randn(4, 3, dtype=torch.float64)
    options = {"steps": 7, "scale": 0.2}
    walk = euclidean_walk(z, **options, generator=draws())
    for G in (FLAT, metric_alone(FLAT), lambda z: torch.eye(3).to(z)):
        assert_close(riemannian_walk(G, z, **options, generator=draws()), walk)
        assert_close(brownian_motion(G, z, **options, generator=draws()), walk)


def drift(G, z):
    """(1/√det G) ∂ⱼ(√det G Gⁱʲ), by differentiating just that."""
    d = z.shape[-1]

    def flux(z):
        return (torch.linalg.det(G(z)).sqrt()[..., None, None] * torch.linalg.inv(G(z))).flatten(-2)

    divergence = torch.einsum("nijj->ni", jacobian(flux, z).unflatten(-2, (d, d)))
    return divergence / volume_element(G, z)[:, None]


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_trace_of_the_christoffel_symbols_is_minus_the_drift(d):
    G, z = PullbackMetric(smooth_decoder(d)), torch.randn(5, d, dtype=torch.float64)
    trace = torch.einsum("nijk,njk->ni", christoffel(G, z), torch.linalg.inv(G(z)))
    assert_close(-trace, drift(G, z), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("known_by", [lambda G: G, metric_alone])
def test_a_brownian_step_has_half_the_drift_in_the_mean(known_by):
    """E[dz] = ½ s² b + O(s⁴), beside the noise u, whose mean is zero."""
    f = smooth_decoder()
    G, z = PullbackMetric(f), torch.tensor([0.4, 2.0]).double()
    start, options = z.expand(20_000, 2), {"steps": 1, "scale": 0.02}
    u = riemannian_walk(G, start, **options, generator=draws())[1]
    bend = brownian_motion(known_by(G), start, **options, generator=draws())[1] - u
    assert within(bend, 0.5 * 0.02**2 * drift(G, z[None])[0])
    assert not within(bend, 0, errors=10)


@pytest.mark.parametrize("known_by", [lambda G: G, metric_alone])
def test_a_brownian_step_is_a_geodesic_to_second_order(known_by):
    """z + u − ½Γ(u, u) is exp(u) up to |u|³: half the scale, an eighth of the difference."""
    f = MLP(*smooth_decoder())
    G, z = PullbackMetric(f), 0.5 * torch.randn(200, 2, generator=draws(1), dtype=torch.float64)

    def off(scale):
        options = {"steps": 1, "scale": scale}
        u = torch.diff(riemannian_walk(G, z, **options, generator=draws()), dim=0)[0]
        straight = exponential_map(G, z, u, tolerance=1e-12)
        return (brownian_motion(known_by(G), z, **options, generator=draws())[1] - straight).norm()

    assert 7 < off(0.02) / off(0.01) < 9


def test_known_by_its_metric_a_step_is_exactly_the_second_order_geodesic():
    G, z = metric_alone(PullbackMetric(TORUS)), points(((0.0, 6.0), (0.0, 6.0)), 30)
    u = riemannian_walk(G, z, steps=1, scale=0.3, generator=draws())[1] - z
    step = brownian_motion(G, z, steps=1, scale=0.3, generator=draws())[1] - z
    assert_close(step, u + acceleration(G, z, u) / 2)


def test_known_by_its_map_a_step_differs_to_fourth_order_only():
    """A second difference in place of second derivatives: half the scale, a sixteenth."""
    G, z = PullbackMetric(TORUS), points(((0.0, 6.0), (0.0, 6.0)), 200)

    def off(scale):
        ends = [
            brownian_motion(way, z, steps=1, scale=scale, generator=draws())[1]
            for way in (G, metric_alone(G))
        ]
        return (ends[0] - ends[1]).norm()

    assert 15 < off(0.04) / off(0.02) < 17


def test_in_a_chart_that_keeps_angles_the_drift_of_a_surface_is_zero():
    z = torch.randn(20, 2, dtype=torch.float64)
    assert_close(drift(PullbackMetric(globe), z), torch.zeros_like(z), rtol=0, atol=1e-12)


def sheared_globe(w):
    """The sphere in a chart that does not keep angles."""
    return globe(Shear().inverse(w))


START = torch.tensor([0.8, 0.0]).double()
CHARTS = [(globe, START), (sheared_globe, Shear()(START))]
EIGHTH = {"steps": 32, "scale": 0.0625}  # t = ⅛: none comes near the point that the charts lack


@pytest.mark.parametrize(("f", "start"), CHARTS)
@pytest.mark.parametrize("known_by", [lambda G: G, metric_alone])
def test_on_the_sphere_the_mean_of_x_shrinks_by_exp_minus_t(f, start, known_by):
    """The coordinates of space are eigenfunctions of Δ with eigenvalue −2: E[cos∠] = exp(−t)."""
    G, z = known_by(PullbackMetric(f)), start.expand(4000, 2)
    x = f(brownian_motion(G, z, **EIGHTH, generator=draws())[-1])
    assert within(x, math.exp(-0.125) * f(start))


def test_without_the_drift_the_law_on_the_sphere_depends_on_the_chart():
    """Right where the chart keeps angles, wrong where it does not."""
    for (f, start), holds in zip(CHARTS, (True, False), strict=True):
        G, z = PullbackMetric(f), start.expand(4000, 2)
        x = f(riemannian_walk(G, z, **EIGHTH, generator=draws())[-1])
        assert within(x, math.exp(-0.125) * f(start), errors=4 if holds else 8) == holds


@pytest.mark.parametrize(
    ("surface", "start", "K"),
    [(Sphere(), (math.pi / 2, 0.0), 1), (PolarPlane(), (3.0, 0.0), 0), (HalfPlane(), (0, 1.0), -1)],
)
def test_the_mean_square_distance_sees_the_curvature(surface, start, K):
    """E[d²] = 2t − K t²/3 − K² t³/45 + …, by ½Δr² = 1 + r√K cot(r√K)."""
    z, t = torch.tensor(start).double().expand(10_000, 2), 0.64
    options = {"steps": 25, "scale": 0.16, "generator": draws()}
    end = brownian_motion(surface.metric, z, **options)[-1]
    square = surface.distance(z, end) ** 2
    assert within(square, 2 * t - K * t**2 / 3 - K**2 * t**3 / 45)
    assert K == 0 or not within(square, 2 * t, errors=6)


def law_round_the_tube(walk):
    """How likely the angles v of independent walkers are under two laws: uniform in the area of the
    torus, p ∝ R + r cos v, and uniform in the angle (chi-square, 24 bins)."""
    v = walk[-1, :, 1].remainder(2 * math.pi)
    edges = torch.linspace(0, 2 * math.pi, 25).double()
    counts = torch.histogram(v, edges)[0]
    area = (TORUS.radius * edges + TORUS.tube * edges.sin()).diff()
    angle = edges.diff()
    return [chisquare(counts.numpy(), (len(v) * p / p.sum()).numpy()).pvalue for p in (area, angle)]


@pytest.mark.parametrize("G", [PullbackMetric(TORUS), TORUS.metric])
def test_brownian_motion_fills_the_torus_evenly(G):
    """All start on the inner equator; after t = 12 their law is √det G = r(R + r cos v)."""
    z = torch.tensor([0.0, math.pi]).double().expand(2000, 2)
    area, angle = law_round_the_tube(
        brownian_motion(G, z, steps=192, scale=0.25, generator=draws())
    )
    assert area > 0.01
    assert angle < 1e-25


def test_without_the_drift_the_torus_is_not_filled_evenly():
    """G_vv = r² is constant, so the angle v is a plain random walk: its law is uniform in v, too
    dense on the inner side by R/(R − r) and exactly so at every scale."""
    z = torch.tensor([0.0, math.pi]).double().expand(2000, 2)
    area, angle = law_round_the_tube(
        riemannian_walk(PullbackMetric(TORUS), z, steps=192, scale=0.25, generator=draws())
    )
    assert area < 1e-25
    assert angle > 0.01


def test_in_one_dimension_the_walk_without_drift_has_density_G_and_brownian_motion_its_root():
    """On a circle measured by √G = 2 + cos z: p ∝ G against p ∝ √G, by their means of cos z."""

    def G(z):
        return (2 + z.cos())[..., None] ** 2

    z = points(((0, 2 * math.pi), (0, 1)), 5000)[:, :1]
    options = {"steps": 400, "scale": 0.3, "generator": draws()}
    cos = riemannian_walk(G, z, **options)[-1].cos()
    assert within(cos, 4 / 9)  # ∫cos(2 + cos)² / ∫(2 + cos)² = 4π / 9π
    cos = brownian_motion(G, z, **options)[-1].cos()
    assert within(cos, 1 / 4)  # ∫cos(2 + cos) / ∫(2 + cos) = π / 4π


def test_a_second_call_goes_on_where_the_first_stopped():
    G, z = PullbackMetric(smooth_decoder()), torch.randn(3, 2, dtype=torch.float64)
    before = z.clone()
    whole = brownian_motion(G, z, steps=9, scale=0.1, generator=draws())
    generator = draws()
    first = brownian_motion(G, z, steps=4, scale=0.1, generator=generator)
    second = brownian_motion(G, first[-1], steps=5, scale=0.1, generator=generator)
    assert torch.equal(torch.cat([first, second[1:]]), whole)
    assert torch.equal(whole[0], z)
    assert torch.equal(z, before)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_leading_axes_and_dtype_stay_as_they_are(batch, dtype):
    f = smooth_decoder().to(dtype)
    z = torch.randn(*batch, 2, dtype=dtype)
    for walk in (
        euclidean_walk(z, steps=3, scale=0.1, generator=draws()),
        riemannian_walk(PullbackMetric(f), z, steps=3, scale=0.1, generator=draws()),
        brownian_motion(PullbackMetric(f), z, steps=3, scale=0.1, generator=draws()),
        brownian_motion(metric_alone(PullbackMetric(f)), z, steps=3, scale=0.1, generator=draws()),
    ):
        assert walk.shape == (4, *batch, 2)
        assert walk.dtype == dtype


def test_a_walker_does_not_feel_the_others():
    G, z = PullbackMetric(smooth_decoder()), torch.randn(2, 2, dtype=torch.float64)
    ε = torch.randn(1, 2, 2, generator=draws(), dtype=torch.float64)
    both = brownian_motion(G, z, steps=1, scale=0.1, generator=draws())
    alone = brownian_motion(G, z[:1], steps=1, scale=0.1, generator=draws())
    assert torch.equal(torch.randn(1, 1, 2, generator=draws(), dtype=torch.float64), ε[:, :1])
    assert_close(both[:, :1], alone, rtol=1e-12, atol=1e-14)


def test_no_gradient_is_recorded():
    f = smooth_decoder().requires_grad_(True)
    z = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    walk = brownian_motion(PullbackMetric(f), z, steps=3, scale=0.1, generator=draws())
    assert not walk.requires_grad


@pytest.mark.gpu
def test_a_seed_gives_the_same_walk_on_a_gpu():
    f, z = smooth_decoder(), torch.randn(5, 2, dtype=torch.float64)
    here = brownian_motion(PullbackMetric(f), z, steps=50, scale=0.1, generator=draws())
    G = PullbackMetric(f.cuda())
    there = brownian_motion(G, z.cuda(), steps=50, scale=0.1, generator=draws())
    assert_close(there.cpu(), here, rtol=1e-9, atol=1e-9)


Z = torch.zeros(2, 2).double()
STEP = {"steps": 50, "scale": 0.1}
BLIND = PullbackMetric(lambda z: torch.cat([z[..., :1], 0 * z], dim=-1))
EDGE = PullbackMetric(lambda z: (1 - z).sqrt())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda walk: walk(BLIND, Z, **STEP), "2 of 2 walkers .* singular, NaN or infinite"),
        (lambda walk: walk(EDGE, Z + 1.5, **STEP), r"2 of 2 walkers .* at \[1.5, 1.5\]"),
        (lambda walk: walk(lambda z: -torch.eye(2).to(z), Z, **STEP), "negative squared length"),
        (lambda walk: walk(lambda z: z[..., :1], Z, **STEP), r"must give \(\*batch, 2, 2\)"),
        (lambda walk: walk(FLAT, Z.long(), **STEP), "needs floats"),
        (lambda walk: walk(FLAT, Z, steps=-1, scale=0.1), "steps is -1"),
        (lambda walk: walk(FLAT, Z, steps=1, scale=0.0), "scale is 0.0"),
        (lambda walk: walk(FLAT, Z, steps=1, scale=math.nan), "scale is nan"),
        (lambda walk: walk(FLAT, Z * math.nan, **STEP), "start is finite: False"),
    ],
)
@pytest.mark.parametrize("kind", [riemannian_walk, brownian_motion])
def test_bad_input_is_refused(kind, call, message):
    with as_users_call(), pytest.raises(ValueError, match=message):
        call(lambda *args, **options: kind(*args, **options, generator=draws()))


@pytest.mark.parametrize("kind", [riemannian_walk, brownian_motion])
def test_walking_off_the_chart_is_an_error_that_says_where(kind):
    """The logarithm ends at z₁ = 1, near which these walkers start."""

    def G(z):
        return torch.diag_embed((1 + (1 - z[..., :1]).log().square()).expand_as(z))

    z = torch.tensor([0.9, 0.0]).double().expand(50, 2)
    with pytest.raises(ValueError, match=r"of 50 walkers came .* the first at \[1\.\d"):
        kind(G, z, steps=500, scale=0.5, generator=draws())
