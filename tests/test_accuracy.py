"""How many digits the solver reaches where the distance is known, and in how many steps."""

import math
from functools import partial

import pytest
import torch
from examples import points
from torch.testing import assert_close

from geokit import PullbackMetric, StraightLine, distance
from geokit.elements import Elements
from geokit.solvers import newton
from geokit.solvers.energies import Solution, discretise
from geokit.solvers.starts import pin
from geokit.surfaces import HalfPlane, Paraboloid, Sphere, SwissRoll, Torus

π = math.pi

# Boxes within which the straight chart line leads to the shortest curve.
SMOOTH = {
    "sphere": (Sphere(), ((0.6, 2.5), (0.0, 1.9))),
    "torus": (Torus(2.0, 0.8), ((-0.6, 0.6), (-0.9, 0.9))),
    "paraboloid": (Paraboloid(), ((0.6, 1.6), (-0.6, 0.6))),
}
ROLL = (SwissRoll(), ((3.0, 9.5), (0.0, 5.0)))  # up to 35 long, more than 5 radians round
HALF_PLANE = ((-2.0, 2.0), (0.4, 3.0))


def pairs(box, n=16):
    return points(box, n, 1), points(box, n, 2)


def solved(G, a, b, elements, solver=newton, stop=1e-13):
    """√E of the solver's curve from the straight start, and what the solver says."""
    energy = discretise(G, elements)
    solution = solver(energy, pin(StraightLine(a, b)(elements.times(a)), a, b), stop)
    assert solution.converged.all()
    return energy.energy(solution.points).sqrt(), solution


def error(surface, box, elements):
    """The largest relative error of √E over 16 pairs; Newton's steps are counted on the way."""
    a, b = pairs(box)
    found, solution = solved(PullbackMetric(surface), a, b, elements)
    assert solution.iterations.max() <= 8
    return (found / surface.distance(a, b) - 1).abs().max()


@pytest.mark.slow
@pytest.mark.parametrize("name", SMOOTH)
def test_four_elements_of_degree_4_give_8_digits(name):
    """Seen: 1e-10 and less."""
    assert error(*SMOOTH[name], Elements(4, 4)) <= 1e-8


@pytest.mark.parametrize("name", SMOOTH)
def test_one_element_of_degree_16_gives_11_digits(name):
    """Seen: 1e-15."""
    assert error(*SMOOTH[name], Elements(1, 16)) <= 1e-11


def test_one_element_of_degree_20_unrolls_the_swiss_roll():
    """The curve winds through data space; the degree follows it there."""
    assert error(*ROLL, Elements(1, 20)) <= 1e-12
    assert error(*ROLL, Elements(1, 8)) > 1e-9


@pytest.mark.slow
@pytest.mark.parametrize(("degree", "rate"), [(2, 4), (4, 8)])
@pytest.mark.parametrize("name", SMOOTH)
def test_elements_of_degree_p_converge_with_order_2p(name, degree, rate):
    """The energy of a minimiser converges with twice the order of its speed."""
    coarse, fine = (error(*SMOOTH[name], Elements(count, degree)) for count in (2, 4))
    assert rate - 0.5 <= (coarse / fine).log2() <= rate + 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SMOOTH, "swiss roll"])
def test_the_chord_energy_converges_with_order_2(name):
    """Degree 1: the usual energy of a polyline, N·Σ|Δf|²."""
    surface, box = ROLL if name == "swiss roll" else SMOOTH[name]
    errors = torch.stack([error(surface, box, Elements(N, 1)) for N in (16, 64, 256)])
    order = -errors.log2().diff() / 2
    assert ((order >= 1.95) & (order <= 2.05)).all()


@pytest.mark.parametrize(("name", "allowed"), [*((n, 5e-9) for n in SMOOTH), ("swiss roll", 5e-6)])
def test_richardson_on_32_and_64_chords(name, allowed):
    """The error of a polyline's length is a series in 1/N²: one term goes."""
    surface, box = ROLL if name == "swiss roll" else SMOOTH[name]
    a, b = pairs(box)
    coarse, fine = (
        surface(solved(PullbackMetric(surface), a, b, Elements(N, 1))[1].points)
        .diff(dim=-2)
        .norm(dim=-1)
        .sum(-1)
        for N in (32, 64)
    )
    exact = surface.distance(a, b)
    assert ((4 * fine - coarse) / 3 / exact - 1).abs().max() <= allowed
    assert (fine / exact - 1).abs().max() > 1e-6  # neither has the digits alone


def test_a_metric_that_is_only_a_callable_gives_11_digits():
    """The half-plane has no map. 2e-8 is what is asked of 64 points; seen are 9e-12 at 16 elements
    of degree 4, in 3 to 7 steps."""
    a, b = pairs(HALF_PLANE)
    found, solution = solved(
        lambda z: torch.eye(2).to(z) / z[..., 1, None, None] ** 2, a, b, Elements(16, 4)
    )
    assert (found / HalfPlane().distance(a, b) - 1).abs().max() <= 5e-11
    assert solution.iterations.max() <= 8


@pytest.mark.parametrize("name", SMOOTH)
def test_a_map_and_its_metric_alone_give_one_distance(name):
    """Two discretisations of one curve, on decoded points and on latent ones."""
    surface, box = SMOOTH[name]
    a, b = pairs(box)
    by_map, _ = solved(PullbackMetric(surface), a, b, Elements(16, 4))
    by_metric, _ = solved(surface.metric, a, b, Elements(16, 4))
    assert_close(by_map, by_metric, rtol=1e-9, atol=0)
    assert not torch.equal(by_map, by_metric)


def arcs(length, n=8, seed=0):
    """End points of n arcs of the unit sphere, tilted 20 to 50 degrees against the equator: no
    coordinate lines, and far from the poles. Longitudes run on past π."""
    u, start = torch.rand(2, n, generator=torch.Generator().manual_seed(seed)).double()
    tilt, s = torch.deg2rad(20 + 30 * u), 2 * π * start

    def at(s):
        height, along = tilt.sin() * s.sin(), torch.atan2(tilt.cos() * s.sin(), s.cos())
        return torch.stack([height.acos(), along], dim=-1)

    a, b = at(s), at(s + length)
    b[:, 1] = a[:, 1] + (b[:, 1] - a[:, 1]).remainder(2 * π)
    return a, b


@pytest.mark.parametrize("length", [1.0, 2.0, 2.9, 3.1])
def test_newton_reaches_almost_to_the_antipode_in_10_steps(length):
    a, b = arcs(length)
    found, solution = solved(PullbackMetric(Sphere()), a, b, Elements(8, 4))
    assert_close(found, torch.full_like(found, length), rtol=1e-9, atol=0)
    assert solution.iterations.max() <= 10


def gauss_newton(energy, c, stop, sizes, max_steps=200):
    """Steps A⁻¹g, the curvature of f left out, until ‖step‖, as A measures it, is `stop` times what
    it was at first; all these norms are appended to `sizes`."""
    c = c.clone()
    iterations = torch.zeros_like(c[..., 0, 0]).long()
    running = torch.ones_like(c[..., 0, 0], dtype=torch.bool)
    for _ in range(max_steps):
        system = energy.system(c)
        step = torch.linalg.solve(system.positive, system.gradient)
        sizes.append((system.gradient * step).sum(-1).sqrt())
        c[..., 1:-1, :] -= step.unflatten(-1, c[..., 1:-1, :].shape[-2:])
        iterations += running
        running = running & (sizes[-1] > stop * sizes[0])
        if not running.any():
            break
    return Solution(c, iterations, ~running)


@pytest.mark.slow
@pytest.mark.parametrize("length", [1.5, 2.0, 2.5, 2.9])
def test_gauss_newton_gains_a_factor_of_length_over_pi_squared_a_step(length):
    """Without the curvature of f the error shrinks by (Lκ/π)² a step, however good the start; with
    it the number of digits doubles."""
    a, b = arcs(length)
    G, stop, factor, sizes = PullbackMetric(Sphere()), 1e-6, (length / π) ** 2, []
    plain, slow = solved(G, a, b, Elements(8, 4), partial(gauss_newton, sizes=sizes), stop)
    predicted = math.log(stop) / math.log(factor)
    off = (slow.iterations - predicted).abs()
    assert (off <= max(2, 0.2 * predicted)).all()
    assert_close(sizes[-1] / sizes[-2], torch.full_like(plain, factor), rtol=0.01, atol=0)

    full, fast = solved(G, a, b, Elements(8, 4), stop=stop**2)
    assert_close(full, plain, rtol=1e-9, atol=0)
    if length >= 2.5:
        assert (slow.iterations >= 4 * fast.iterations).all()


@pytest.mark.parametrize("name", [*SMOOTH, "swiss roll", "half-plane"])
def test_float32_gives_5_digits_through_the_front_door(name):
    known = SMOOTH | {"swiss roll": ROLL, "half-plane": (HalfPlane(), HALF_PLANE)}
    surface, box = known[name]
    a, b = (x.float() for x in pairs(box))
    G = surface.metric if name == "half-plane" else PullbackMetric(surface)
    found = distance(G, a, b, tolerance=1e-5)
    assert found.dtype == torch.float32
    assert_close(found.double(), surface.distance(a.double(), b.double()), rtol=1e-5, atol=0)
