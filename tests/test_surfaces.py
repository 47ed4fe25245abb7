"""The judges are judged: each closed form and each quadrature against a second route."""

import math

import pytest
import torch
from examples import SURFACES, as_users_call, points
from torch.testing import assert_close

from geokit import PullbackMetric, StraightLine, geodesic, length
from geokit.surfaces import (
    Cone,
    Conformal,
    Cylinder,
    CylinderOver,
    FlatTorus,
    HalfPlane,
    Paraboloid,
    PolarPlane,
    Saddle,
    Sphere,
    SurfaceOfRevolution,
    SwissRoll,
    Torus,
)

π = math.pi


def wave(t):
    """(t, sin t)."""
    return torch.stack([t, t.sin()], dim=-1)


GLOBE = SurfaceOfRevolution(torch.sin, torch.cos, low=0.0, high=π)
CATENOID = SurfaceOfRevolution(torch.cosh, lambda u: u, necks=(0.0,))
VASE = SurfaceOfRevolution(lambda u: 1.5 + u.cos() / 2, lambda u: u, necks=(-3 * π, -π, π, 3 * π))
LAYERS = Conformal(lambda x: 1 + x**2, necks=(0.0,))

# with boxes in which the geodesic found from the straight chart line is the shortest
BY_FORMULA = {
    **SURFACES,
    "polar plane": (PolarPlane(), ((0.5, 2.5), (-1.2, 1.2))),
    "cylinder": (Cylinder(1.3), ((-1.5, 1.5), (-1.2, 1.2))),
    "cylinder over a parabola": (CylinderOver(), ((-1.0, 2.0), (-2.0, 2.0))),
    "cylinder over a wave": (CylinderOver(wave), ((-3.0, 3.0), (-2.0, 2.0))),
    "cone": (Cone(0.6), ((0.5, 2.5), (-1.2, 1.2))),
    "flat torus": (FlatTorus(), ((-1.5, 1.5), (-1.5, 1.5))),
    "half-plane": (HalfPlane(), ((-1.5, 1.5), (0.4, 3.0))),
}
BY_CLAIRAUT = {
    "torus": (Torus(2.0, 0.8), ((-0.8, 0.8), (-1.2, 1.2))),
    "torus, inner side": (Torus(2.0, 0.8), ((-1.0, 1.0), (1.9, 4.4))),
    "paraboloid": (Paraboloid(), ((0.5, 2.5), (-1.2, 1.2))),
    "catenoid": (CATENOID, ((-1.5, 1.5), (-1.2, 1.2))),
    "vase": (VASE, ((-4.5, 4.5), (-1.2, 1.2))),
    "layers": (LAYERS, ((-1.5, 1.5), (-1.2, 1.2))),
}
KNOWN = BY_FORMULA | BY_CLAIRAUT
ALL = KNOWN | {"saddle": (Saddle(), ((-1.5, 1.5), (-1.5, 1.5)))}
WITH_MAP = [name for name, (surface, _) in ALL.items() if callable(surface)]
FAR = {  # every kind of pair: across necks, round the axis, round the tube
    "torus": (Torus(), ((-4.0, 4.0), (-8.0, 8.0))),
    "thin torus": (Torus(20.0, 1.0), ((-3.1, 3.1), (-3.1, 3.1))),
    "paraboloid": (Paraboloid(), ((0.01, 4.0), (-3.1, 3.1))),
    "vase": (VASE, ((-6.0, 6.0), (-3.1, 3.1))),
}


@pytest.mark.parametrize("name", WITH_MAP)
def test_metric_is_the_one_the_map_pulls_back(name):
    surface, box = ALL[name]
    z = points(box, 30).reshape(5, 6, 2)
    assert_close(surface.metric(z), PullbackMetric(surface)(z))


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_distance_is_the_length_of_the_geodesic(name):
    surface, box = KNOWN[name]
    a, b = points(box, 20, 1), points(box, 20, 2)
    G = PullbackMetric(surface) if callable(surface) else surface.metric
    path = geodesic(G, a, b, tolerance=1e-8)
    assert path.resolved.all()
    assert_close(path.length, surface.distance(a, b), rtol=1e-8, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_FORMULA | FAR)
def test_distance_is_a_metric(name):
    surface, box = (BY_FORMULA | FAR)[name]
    a, b, c = (points(box, 15, seed) for seed in range(3))
    ab, bc, ac = surface.distance(a, b), surface.distance(b, c), surface.distance(a, c)
    assert ab.isfinite().all()
    assert_close(ab, surface.distance(b, a))
    assert (ac <= ab + bc + 1e-12).all()
    assert_close(surface.distance(a, a), torch.zeros(15).double(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", KNOWN)
def test_distance_lies_between_the_chord_and_the_straight_chart_line(name):
    surface, box = KNOWN[name]
    a, b = points(box, 15, 0), points(box, 15, 1)
    d = surface.distance(a, b)
    assert (d <= length(surface.metric, StraightLine(a, b)) + 1e-9).all()
    if callable(surface):
        assert ((surface(a) - surface(b)).norm(dim=-1) <= d + 1e-12).all()


@pytest.mark.parametrize("name", KNOWN)
def test_distance_of_near_points_is_the_length_of_the_step(name):
    surface, box = KNOWN[name]
    z = points(box, 30)
    step = 1e-6 * points(((-1.0, 1.0), (-1.0, 1.0)), 30, 7)
    exact = torch.einsum("ni,nij,nj->n", step, surface.metric(z), step).sqrt()
    assert_close(surface.distance(z, z + step), exact, rtol=1e-4, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAR)
def test_distance_satisfies_the_eikonal_equation(name):
    """‖∇d(·, b)‖ = 1 wherever d is smooth: it grows as fast as one walks away, and no faster."""
    surface, box = FAR[name]
    a, b, h = points(box, 20, 1), points(box, 20, 2), 1e-5
    shifts = h * torch.eye(2).double()
    gradient = torch.stack(
        [(surface.distance(a + s, b) - surface.distance(a - s, b)) / (2 * h) for s in shifts], -1
    )
    square = torch.einsum("ni,nij,nj->n", gradient, surface.metric(a).inverse(), gradient)
    assert_close(square, torch.ones(20).double(), rtol=1e-5, atol=0)


def plane_from_polar(z):
    return z[..., :1] * torch.stack([z[..., 1].cos(), z[..., 1].sin()], dim=-1)


SECOND_ROUTES = {
    "sphere": (GLOBE.distance, Sphere().distance, ((0.01, 3.13), (-9.0, 9.0))),
    "polar plane": (
        SurfaceOfRevolution(lambda u: u, torch.zeros_like, low=0.0).distance,
        PolarPlane().distance,
        ((0.01, 5.0), (-9.0, 9.0)),
    ),
    "plane": (
        PolarPlane().distance,
        lambda a, b: (plane_from_polar(a) - plane_from_polar(b)).norm(dim=-1),
        ((0.01, 5.0), (-9.0, 9.0)),
    ),
    "cone": (
        SurfaceOfRevolution(
            lambda u: u * math.sin(0.5), lambda u: u * math.cos(0.5), low=0.0
        ).distance,
        Cone(0.5).distance,
        ((0.01, 5.0), (-9.0, 9.0)),
    ),
    "cylinder": (
        SurfaceOfRevolution(torch.ones_like, lambda u: u).distance,
        lambda a, b: Cylinder().distance(a.flip(-1), b.flip(-1)),
        ((-5.0, 5.0), (-9.0, 9.0)),
    ),
    "paraboloid": (
        SurfaceOfRevolution(lambda u: 2 * u, lambda u: 1.2 * u**2, low=0.0).distance,
        lambda a, b: Paraboloid(0.3).distance(*(z * torch.tensor([2, 1]) for z in (a, b))),
        ((0.01, 3.0), (-9.0, 9.0)),
    ),
    "half-plane": (
        Conformal(lambda x: x**-2, low=0.0).distance,
        lambda a, b: HalfPlane().distance(a.flip(-1), b.flip(-1)),
        ((0.1, 3.0), (-5.0, 5.0)),
    ),
    "plane in the chart exp": (
        Conformal(lambda x: (2 * x).exp()).distance,
        lambda a, b: PolarPlane().distance(
            *(torch.stack([z[:, 0].exp(), z[:, 1]], -1) for z in (a, b))
        ),
        ((-2.0, 2.0), (-1.5, 1.5)),
    ),
    "swiss roll": (
        CylinderOver(lambda t: torch.stack([t * t.cos(), t * t.sin()], dim=-1)).distance,
        SwissRoll().distance,
        ((0.0, 20.0), (-5.0, 5.0)),
    ),
}


@pytest.mark.parametrize("name", SECOND_ROUTES)
def test_two_routes_to_one_distance_agree_to_twelve_digits(name):
    one, other, box = SECOND_ROUTES[name]
    a, b = points(box, 50, 1), points(box, 50, 2)
    assert_close(one(a, b), other(a, b), rtol=1e-12, atol=0)


@pytest.mark.parametrize("mirror", [False, True], ids=["one parallel", "mirrored parallels"])
@pytest.mark.parametrize("Δφ", [0.1, 2.0, 3.1, π - 1e-9, π])
def test_clairaut_on_the_sphere_where_it_is_delicate(mirror, Δφ):
    """Both ends on parallels where geodesics may turn, and Δφ close to half a turn: there all
    geodesics nearly arrive, and Clairaut's constant is hardly determined; near θ = π the coordinate
    itself holds few digits of the radius."""
    a = torch.stack(
        [torch.linspace(0.01, π - 0.01, 25, dtype=torch.float64), torch.zeros(25).double()], -1
    )
    θ = π - a[:, 0] if mirror else a[:, 0]
    b = torch.stack([θ, torch.full((25,), Δφ, dtype=torch.float64)], -1)
    assert_close(GLOBE.distance(a, b), Sphere().distance(a, b), rtol=1e-10, atol=0)


def gauss(G, z):
    """Brioschi's formula, derivatives by autodiff: K from the metric alone, at one point."""
    g, first = G(z), torch.func.jacfwd(G)(z)
    second = torch.func.jacfwd(torch.func.jacfwd(G))(z)
    E, F, H = g[0, 0], g[0, 1], g[1, 1]
    E1, E2, F1, F2, H1, H2 = (first[i, j, k] for i, j in ((0, 0), (0, 1), (1, 1)) for k in (0, 1))
    corner = second[0, 1, 0, 1] - second[0, 0, 1, 1] / 2 - second[1, 1, 0, 0] / 2
    zero = torch.zeros_like(E)
    rows = [corner, E1 / 2, F1 - E2 / 2, F2 - H1 / 2, E, F, H2 / 2, F, H]
    A = torch.stack(rows).reshape(3, 3)
    B = torch.stack([zero, E2 / 2, H1 / 2, E2 / 2, E, F, H1 / 2, F, H]).reshape(3, 3)
    return (A.det() - B.det()) / (E * H - F**2) ** 2


@pytest.mark.parametrize("name", ALL)
def test_curvature_by_brioschi_from_the_metric(name):
    surface, box = ALL[name]
    z = points(box, 10)
    K = torch.stack([gauss(surface.metric, p) for p in z])
    assert_close(surface.gaussian_curvature(z), K, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", BY_FORMULA)
def test_curvature_against_the_circumference_of_a_small_circle(name):
    """C(r) = 2πr(1 − Kr²/6 + …), Bertrand and Puiseux: K from the length of a small ring."""
    surface, _ = BY_FORMULA[name]
    K = surface.gaussian_curvature(torch.ones(1, 2).double()).item()
    z, r, n = torch.tensor([1.5, 1.0]).double(), 0.05, 720
    t = torch.linspace(0, 2 * torch.pi, n + 1).double()[:-1]
    L = torch.linalg.cholesky(surface.metric(z))
    v = torch.linalg.solve(L.mT, torch.stack([t.cos(), t.sin()])).T
    scale = torch.full((n, 1), r).double()
    for _ in range(10):  # shoot each corner to distance r
        scale = scale * r / surface.distance(z, z + scale * v)[:, None]
    ring = z + scale * v
    C = surface.distance(ring, ring.roll(1, 0)).sum()
    assert (6 / r**2 * (1 - C / (2 * torch.pi * r))).item() == pytest.approx(K, abs=0.02)


@pytest.mark.parametrize("radius", [1.1, 2.0, 10.0])
def test_total_curvature_of_a_torus_is_zero(radius):
    """Gauss and Bonnet: ∫K dA = 2πχ = 0; the trapezoidal rule is exact for periodic functions."""
    v = torch.linspace(0, 2 * π, 401, dtype=torch.float64)[:-1]
    z = torch.stack([0 * v, v], -1)
    surface = Torus(radius, 1.0)
    K, area = surface.gaussian_curvature(z), surface.metric(z).det().sqrt()
    assert abs((K * area).sum()) < 1e-12 * (K * area).abs().sum()


def test_antipodes_are_half_a_great_circle_apart():
    a = torch.tensor([1.0, 0.3]).double()
    b = torch.tensor([torch.pi - 1.0, 0.3 + torch.pi]).double()
    assert_close(Sphere(2.0).distance(a, b).item(), 2.0 * torch.pi)


def test_spiral_length_against_quadrature():
    t = torch.linspace(0, 7, 200_001).double()
    x = SwissRoll()(torch.stack([t, 0 * t], -1))
    assert_close(SwissRoll().arc_length(t[-1]), x.diff(dim=0).norm(dim=-1).sum(), rtol=1e-9, atol=0)


def between(surface, *pair):
    a, b = (torch.tensor(p, dtype=torch.float64) for p in pair)
    return surface.distance(a, b).item()


def test_meridians_have_their_arc_length():
    assert between(Torus(2.0, 0.7), (0.3, -1.0), (0.3, 1.5)) == pytest.approx(0.7 * 2.5, rel=1e-12)
    assert between(Torus(2.0, 0.7), (0.3, 2.0), (0.3, -2.0)) == pytest.approx(
        0.7 * (2 * π - 4), rel=1e-12
    )
    hill = Paraboloid(0.8)
    ends = hill.arc_length(torch.tensor([0.5, 2.0], dtype=torch.float64))
    assert between(hill, (0.5, 1.0), (2.0, 1.0)) == pytest.approx(ends.diff().item(), rel=1e-12)


def test_near_the_vertex_opposite_points_meet_over_it():
    """Two points before each other's conjugate points: the meridian through the vertex is
    shortest."""
    hill = Paraboloid(0.5)
    ends = hill.arc_length(torch.tensor([0.1, 0.2], dtype=torch.float64))
    assert between(hill, (0.1, 0.0), (0.2, π)) == pytest.approx(ends.sum().item(), rel=1e-12)


def test_far_from_the_vertex_opposite_points_go_round_it():
    hill = Paraboloid(2.0)
    over = 2 * hill.arc_length(torch.tensor(2.0).double()).item()
    assert between(hill, (2.0, 0.0), (2.0, π)) < over - 1


def test_the_outer_equator_of_the_torus_is_shortest_up_to_its_conjugate_point():
    R, r = 2.0, 1.0
    conjugate = π * math.sqrt(r * (R + r)) / (R + r)
    for Δu in (0.1, 1.0, conjugate - 0.001):
        exact = pytest.approx((R + r) * Δu, rel=1e-12)
        assert between(Torus(R, r), (0.0, 0.0), (Δu, 0.0)) == exact
    for Δu in (conjugate + 0.05, 3.0):
        assert between(Torus(R, r), (0.0, 0.0), (Δu, 0.0)) < (R + r) * Δu - 1e-5


def test_beyond_the_conjugate_point_the_geodesic_leaves_the_equator():
    start, end = torch.tensor([[0.0, 0.0], [2.8, 0.0]]).double()
    aside = torch.stack([start, torch.tensor([1.4, 1.2]).double(), end])
    path = geodesic(PullbackMetric(Torus()), start, end, initial=aside, tolerance=1e-8)
    assert_close(path.length, Torus().distance(start, end), rtol=1e-8, atol=0)


def test_the_inner_equator_is_shortest_all_the_way():
    assert between(Torus(2.0, 1.0), (0.0, π), (3.0, -π)) == pytest.approx(3.0, rel=1e-12)
    assert between(CATENOID, (0.0, 0.0), (0.0, 3.0)) == pytest.approx(3.0, rel=1e-12)
    across = between(CATENOID, (-1e-9, 0.0), (1e-9, 3.0))  # h is closer to 1 than floats resolve
    assert across == pytest.approx(3.0, rel=1e-12)


def test_a_shortest_path_goes_round_the_apex_of_a_cone_and_through_the_middle_of_a_disc():
    l1, l2 = 1.0, 2.0
    for half_angle in (0.2, 1.0, 1.5):
        assert between(Cone(half_angle), (l1, 0.0), (l2, π)) < l1 + l2
    assert between(Cone(π / 2), (l1, 0.0), (l2, π)) == pytest.approx(l1 + l2, rel=1e-12)
    half_disc = between(Cone(π / 6), (l1, 0.0), (l2, π))  # unrolled: a right angle
    assert half_disc == pytest.approx(math.hypot(l1, l2), rel=1e-12)


WOUND = {
    "polar plane": (PolarPlane(), (0, 2)),
    "cylinder": (Cylinder(), (2, 0)),
    "cone": (Cone(), (0, 2)),
    "flat torus": (FlatTorus(), (2, -4)),
    "torus": (Torus(), (2, -4)),
    "paraboloid": (Paraboloid(), (0, 2)),
    "catenoid": (CATENOID, (0, 2)),
}


@pytest.mark.parametrize("name", WOUND)
def test_whole_turns_change_nothing(name):
    surface, turns = WOUND[name]
    a, b = points(((0.5, 2.0), (-3.0, 3.0)), 20, 1), points(((0.5, 2.0), (-3.0, 3.0)), 20, 2)
    turned = b + π * torch.tensor(turns).double()
    assert_close(surface.distance(a, turned), surface.distance(a, b), rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", [*BY_FORMULA, "torus", "paraboloid", "layers"])
def test_leading_axes_broadcast_and_the_dtype_is_kept(name):
    surface, box = KNOWN[name]
    a, b = points(box, 4, 1), points(box, 3, 2)
    table = surface.distance(a[:, None], b)
    assert table.shape == (4, 3)
    assert_close(table[2, 1], surface.distance(a[2], b[1]))
    assert surface.distance(a[:0], b[:0]).shape == (0,)
    single = surface.distance(a[:, None].float(), b.float())
    assert_close(single, table.float(), rtol=1e-4, atol=1e-4)


def test_surfaces_that_do_not_exist_are_refused():
    for call, said in (
        (lambda: Torus(1.0, 1.0), "tube is 1.0"),
        (lambda: Torus(-2.0, 1.0), "radius is -2.0"),
        (lambda: Cone(0.0), "half_angle is 0.0"),
        (lambda: Cylinder(math.nan), "radius is nan"),
        (lambda: Paraboloid(0.0), "steepness is 0.0"),
    ):
        with pytest.raises(ValueError, match=said):
            call()


def test_points_outside_the_chart_are_refused():
    with as_users_call(), pytest.raises(ValueError, match="y > 0"):
        between(HalfPlane(), (0.0, 1.0), (0.0, -1.0))
    with as_users_call(), pytest.raises(ValueError, match="outside the chart"):
        between(Paraboloid(), (-1.0, 0.0), (1.0, 0.0))


def test_no_distance_is_offered_where_none_is_known():
    assert not hasattr(Saddle(), "distance")
