"""The interactive figures: they compute what geokit computes, and move by mouse, key and control,
on a static page, with no kernel and no network."""

import functools
import json
import math

import pytest
import torch
from colours import SIGHT, contrast, difference
from figures import (
    FROM_PYTHON,
    FROM_THE_READER,
    LISTENERS,
    MODULE,
    drag,
    numbers,
    shipped,
    soon,
)
from figures import door as door  # the fixtures of any figure's page
from figures import folder as folder
from figures import served as served
from figures import show as show
from figures import still as still
from machine import FULL
from pages import violations

from geokit import (
    PullbackMetric,
    angle,
    exponential_map,
    gaussian_curvature,
    jacobian,
    norm,
    unit_ball,
    volume_element,
)
from geokit.explore import (
    GaugeKnob,
    RubberBand,
    SurfaceGallery,
    TissotEllipses,
    WorldMap,
    gallery,
    gauge,
    rubber,
)
from geokit.explore.figure import NEAREST, Figure
from geokit.explore.world_map import CHARTS
from geokit.surfaces import (
    Cone,
    Cylinder,
    HalfPlane,
    PolarPlane,
    Saddle,
    Sphere,
    SwissRoll,
    Torus,
)

pytestmark = pytest.mark.browser
TOLERANCE = {"rtol": 1e-9, "atol": 1e-9}
STATES = 200
FIGURES = {
    "tissot": TissotEllipses,
    "world-map": WorldMap,
    "gauge-knob": GaugeKnob,
    "surface-gallery": SurfaceGallery,
    "rubber-band": RubberBand,
}

CALL = f"""async ([expression, states]) => {{
  {MODULE}
  return states.map(new Function("math", `return ${{expression}}`)(math));
}}"""


def places(seed: int, count: int = STATES) -> torch.Tensor:
    random = torch.rand(
        count, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    low = torch.tensor([NEAREST, -math.pi], dtype=torch.float64)
    return low + random * -2 * (low - torch.tensor([math.pi / 2, 0.0]).double())


# --- the JavaScript against geokit ----------------------------------------------------------------


def test_tissot_metric_and_ellipse_are_geokits(still):
    z, sphere = places(0), Sphere()
    page, G = still("tissot"), PullbackMetric(sphere)
    columns = shipped(page, "math.jacobian", z.tolist()).mT
    torch.testing.assert_close(columns, jacobian(sphere, z), **TOLERANCE)
    torch.testing.assert_close(
        shipped(page, "math.metric", z.tolist()), sphere.metric(z), **TOLERANCE
    )
    volume = shipped(page, "math.volumeElement", z.tolist())
    torch.testing.assert_close(volume, volume_element(G, z), **TOLERANCE)
    ball = shipped(page, "(z) => math.unitBall(z)", z.tolist())
    torch.testing.assert_close(ball, unit_ball(G, z), **TOLERANCE)
    half_axes = torch.linalg.eigvalsh(sphere.metric(z)).rsqrt()
    drawn = shipped(page, "math.halfAxes", z.tolist()).sort(descending=True).values
    torch.testing.assert_close(drawn, half_axes, **TOLERANCE)


def test_tissot_ellipse_is_a_unit_circle_that_touches_the_sphere(still):
    z = places(1)
    steps = shipped(
        still("tissot"), "(z) => math.unitBall(z).map((v) => math.push(z, v))", z.tolist()
    )
    torch.testing.assert_close(steps.norm(dim=-1), torch.ones(STATES, 64).double(), **TOLERANCE)
    outward = torch.einsum("nsi,ni->ns", steps, Sphere()(z))
    torch.testing.assert_close(outward, torch.zeros_like(outward), **TOLERANCE)


FORMULAS = {
    "equirectangular": lambda θ, φ: (φ, math.pi / 2 - θ),
    "mercator": lambda θ, φ: (φ, -(θ / 2).tan().log()),
    "equal-area": lambda θ, φ: (φ, θ.cos()),
    "azimuthal": lambda θ, φ: (θ * φ.sin(), -θ * φ.cos()),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_chart_is_its_formula_and_its_ruler_is_pythagoras(still, name):
    page, a, b = still("world-map"), places(2), places(3)
    p, q = (torch.stack(FORMULAS[name](*z.unbind(-1)), dim=-1) for z in (a, b))
    drawn = shipped(page, f"math.chartOf('{name}', 0).to", a.tolist())
    torch.testing.assert_close(drawn, p, **TOLERANCE)
    pairs = torch.stack([a, b], dim=1).tolist()
    ruler = shipped(page, f"([a, b]) => math.ruler(math.chartOf('{name}', 0), a, b)", pairs)
    torch.testing.assert_close(ruler, (p - q).norm(dim=-1), **TOLERANCE)


@pytest.mark.parametrize("name", CHARTS)
def test_chart_leads_back_to_the_same_place(still, name):
    z = places(4)
    back = f"(z, i) => {{ const c = math.chartOf('{name}', i); return c.from(c.to(z)); }}"
    torch.testing.assert_close(shipped(still("world-map"), back, z.tolist()), z, **TOLERANCE)


def test_retrained_chart_never_folds(still):
    """det of its derivative, by central differences, is one positive constant for each seed."""
    z, h = places(5), 1e-5
    shifts = torch.tensor([[h, 0], [-h, 0], [0, h], [0, -h]], dtype=torch.float64)
    near = (z[:, None] + shifts).flatten(0, 1).tolist()
    seeds = "(z, i) => math.chartOf('retrained', Math.floor(i / 40)).to(z)"
    images = shipped(still("world-map"), seeds, near).reshape(STATES, 2, 2, 2)
    J = (images[:, :, 0] - images[:, :, 1]) / (2 * h)  # rows: how θ and φ move the point
    determinant = -torch.linalg.det(J).reshape(-1, 10)  # (θ, φ) → (φ, π/2 − θ) turns, −1 of θ
    one_seed = determinant.abs().mean(dim=1, keepdim=True).expand_as(determinant)
    assert (determinant.sign() == determinant[0, 0].sign()).all()
    torch.testing.assert_close(determinant.abs(), one_seed, rtol=1e-6, atol=0)
    assert one_seed[:, 0].unique().numel() == STATES // 10


def test_world_distance_is_the_spheres_and_the_great_circle_attains_it(still):
    page, a, b = still("world-map"), places(6), places(7)
    a[:3], b[:3] = b[:3], torch.stack([math.pi - b[:3, 0], b[:3, 1] - math.pi], dim=-1)  # opposite
    pairs = torch.stack([a, b], dim=1).tolist()
    length = Sphere().distance(a, b)
    drawn = shipped(page, "([a, b]) => math.distance(a, b)", pairs)
    torch.testing.assert_close(drawn, length, **TOLERANCE)
    places_on_it = "[...Array(51).keys()].map((i) => math.greatCircle(a, b)(i / 50)[0])"
    x = shipped(page, f"([a, b]) => {places_on_it}", pairs)
    torch.testing.assert_close(x.norm(dim=-1), torch.ones(STATES, 51).double(), **TOLERANCE)
    torch.testing.assert_close(x[:, 0], Sphere()(a), **TOLERANCE)
    torch.testing.assert_close(x[:, -1], Sphere()(b), **TOLERANCE)
    chords = x.diff(dim=1).norm(dim=-1)
    arcs = 2 * (chords / 2).asin()
    torch.testing.assert_close(arcs.sum(dim=-1), length, **TOLERANCE)


def test_javascript_and_python_know_the_same_charts_and_bounds(still):
    page = still("world-map")
    assert page.evaluate(CALL, ["() => math.charts", [0]]) == [list(CHARTS)]
    assert page.evaluate(CALL, ["() => math.NEAREST", [0]]) == [NEAREST]
    page = still("gauge-knob")
    assert page.evaluate(CALL, ["() => [math.LOW, math.HIGH]", [0]]) == [
        [list(gauge.LOW), list(gauge.HIGH)]
    ]
    page = still("rubber-band")
    assert page.evaluate(CALL, ["() => [math.LOW, math.HIGH, math.MOST]", [0]]) == [
        [list(rubber.LOW), list(rubber.HIGH), rubber.MOST]
    ]
    page = still("surface-gallery")
    names = page.evaluate(CALL, ["() => math.SURFACES", [0]])
    assert names == [list(gallery.SURFACES)] == [list(GALLERY)]


# --- the gauge knob -------------------------------------------------------------------------------

KNOBS = 60


def knobs(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random settings t of the knob, t = 0 and t = 1 among them, and points P and Q of a."""
    x = torch.rand(KNOBS, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    low, high = torch.tensor([gauge.LOW, gauge.HIGH], dtype=torch.float64)
    x[0, 0], x[1, 0] = 0, 1
    return x[:, 0], low + (high - low) * x[:, 1:3], low + (high - low) * x[:, 3:]


def stated(t, *points) -> list:
    return [[s.item(), *(p.tolist() for p in each)] for s, *each in zip(t, *points, strict=True)]


def diffeomorphism(page, t: float):
    """A_t and its inverse in torch, from the numbers that the shipped JavaScript holds."""
    shears = page.evaluate(CALL, ["() => math.SHEARS", [0]])[0]
    stretch = torch.tensor(page.evaluate(CALL, ["() => math.STRETCH", [0]])[0], dtype=torch.float64)
    middle = torch.tensor([math.pi / 2, 0.0], dtype=torch.float64)

    def sheared(z, shear, sign):
        k, height, rate, phase = shear
        wave = sign * t * height * (rate * z[..., 1 - k] + phase).sin()
        return z + torch.stack([wave * (k == 0), wave * (k == 1)], dim=-1)

    def to(a):
        z = functools.reduce(lambda z, shear: sheared(z, shear, 1), shears, a - middle)
        return (t * stretch).exp() * z + middle

    def back(b):
        z = (-t * stretch).exp() * (b - middle)
        return functools.reduce(lambda z, shear: sheared(z, shear, -1), shears[::-1], z) + middle

    return to, back


def test_the_knob_turns_a_diffeomorphism_that_is_the_identity_at_zero(still):
    page, (t, p, _) = still("gauge-knob"), knobs(10)
    states = stated(t, p)
    b = shipped(page, "([t, a]) => math.to(t, a)", states)
    D = shipped(page, "([t, a]) => math.derivative(t, a)", states)
    back = shipped(page, "([t, a]) => math.from(t, math.to(t, a))", states)
    torch.testing.assert_close(back, p, rtol=0, atol=1e-13)
    torch.testing.assert_close(b[0], p[0], rtol=0, atol=1e-15)
    torch.testing.assert_close(D[0], torch.eye(2).double(), rtol=0, atol=0)
    assert ((b - p)[1:].norm(dim=-1) > 0).all()
    assert (torch.linalg.det(D) > 0.5).all()
    for s, a, there, J in zip(t.tolist(), p, b, D, strict=True):
        to, _ = diffeomorphism(page, s)
        torch.testing.assert_close(there, to(a), **TOLERANCE)
        torch.testing.assert_close(J, torch.func.jacrev(to)(a), **TOLERANCE)


def test_metric_ellipse_and_curvature_of_b_are_those_of_the_pulled_back_decoder(still):
    """The decoder of b is f ∘ A_t⁻¹. K is by differences in JavaScript: within 1e-6."""
    page, (t, p, _) = still("gauge-knob"), knobs(11)
    states = stated(t, p)
    metric = shipped(page, "([t, a]) => math.metric(t, math.to(t, a))", states)
    steps = shipped(page, "([t, a]) => math.ellipse(t, a)", states)
    K = shipped(page, "([t, a]) => math.curvature(t, a)", states)
    for i, (s, a) in enumerate(zip(t.tolist(), p, strict=True)):
        to, back = diffeomorphism(page, s)
        G = PullbackMetric(lambda b, back=back: Sphere()(back(b)))
        torch.testing.assert_close(metric[i], G(to(a)), **TOLERANCE)
        lengths = norm(G, to(a).expand(64, 2), steps[i])
        torch.testing.assert_close(lengths, torch.ones(64).double(), **TOLERANCE)
        if FULL or i % 6 == 0:
            torch.testing.assert_close(K[i], gaussian_curvature(G, to(a)), rtol=0, atol=1e-6)
    angles = torch.atan2(*(steps @ torch.linalg.inv(metric).mT)[..., :2].unbind(-1))
    assert (angles.std(dim=-1) > 1).all()  # all around, not one step repeated


def test_knob_moves_euclid_and_not_the_sphere(still):
    page, (t, p, q) = still("gauge-knob"), knobs(12)
    states = stated(t, p, q)
    read = shipped(page, "([t, p, q]) => math.readings(t, p, q)", states)
    euclid, grid, length, area, K = read.unbind(-1)
    b, c = (shipped(page, "([t, a]) => math.to(t, a)", stated(t, a)) for a in (p, q))
    torch.testing.assert_close(euclid, (b - c).norm(dim=-1), **TOLERANCE)
    D = shipped(page, "([t, a]) => math.derivative(t, a)", stated(t, p))
    u, v = D.unbind(-1)
    cosine = (u * v).sum(dim=-1) / (u.norm(dim=-1) * v.norm(dim=-1))
    torch.testing.assert_close(grid.cos(), cosine, **TOLERANCE)
    torch.testing.assert_close(length, Sphere().distance(p, q), **TOLERANCE)
    side = page.evaluate(CALL, ["() => math.SIDE", [0]])[0]
    zone = (q[:, 0] - side / 2).cos() - (q[:, 0] + side / 2).cos()  # Archimedes
    torch.testing.assert_close(area, side * zone, **TOLERANCE)
    torch.testing.assert_close(K, torch.ones_like(K), rtol=0, atol=1e-6)
    moved = ((euclid - (p - q).norm(dim=-1)).abs() > 1e-3) & ((grid - math.pi / 2).abs() > 1e-3)
    assert moved.sum() > 0.8 * KNOBS


def test_drawn_geodesic_is_the_great_circle_at_constant_speed(still):
    page, (_, p, q) = still("gauge-knob"), knobs(13)
    call = "([p, q]) => [0, 0.3, 0.8, 1].map(math.geodesic(p, q))"
    drawn = shipped(page, call, torch.stack([p, q], dim=1).tolist())
    at, velocity = drawn[:, :, 0], drawn[:, :, 1]
    share, d = torch.tensor([0, 0.3, 0.8, 1], dtype=torch.float64), Sphere().distance(p, q)[:, None]
    torch.testing.assert_close(Sphere().distance(p[:, None], at), share * d, **TOLERANCE)
    torch.testing.assert_close(Sphere().distance(at, q[:, None]), (1 - share) * d, **TOLERANCE)
    speed = norm(PullbackMetric(Sphere()), at, velocity)
    torch.testing.assert_close(speed, d.expand_as(speed), **TOLERANCE)
    ends = exponential_map(PullbackMetric(Sphere()), p, velocity[:, 0])
    torch.testing.assert_close(ends, q, rtol=0, atol=1e-6)


# --- the gallery of surfaces ----------------------------------------------------------------------

GALLERY = {
    "polar-plane": PolarPlane(),
    "cylinder": Cylinder(),
    "cone": Cone(),
    "swiss-roll": SwissRoll(),
    "sphere": Sphere(),
    "torus": Torus(),
    "saddle": Saddle(),
    "half-plane": HalfPlane(),
}
SHOT = ("torus", "saddle")  # no formula gives their geodesics: they are integrated
TRIANGLES = 60


def metric(name: str):
    """The metric that geokit differentiates twice for K: no closed form of K is asked."""
    return HalfPlane().metric if name == "half-plane" else PullbackMetric(GALLERY[name])


def triangles(page, name: str) -> torch.Tensor:
    """Corners `(n, 3, 2)` of random triangles in the part of the chart that is shown."""
    shares = torch.rand(TRIANGLES, 6, generator=torch.Generator().manual_seed(20)).double()
    call = "(s) => [0, 2, 4].map((i) => math.placeAt(math.surfaceOf('%s'), s.slice(i, i + 2)))"
    return shipped(page, call % name, shares.tolist())


def ask(page, name: str, what: str, corners: torch.Tensor) -> torch.Tensor:
    call = f"([a, b, c]) => {{ const surface = math.surfaceOf('{name}'); return {what}; }}"
    return shipped(page, call, corners.tolist())


@pytest.mark.parametrize("name", GALLERY)
def test_surface_of_the_gallery_is_geokits(still, name):
    page, surface = still("surface-gallery"), GALLERY[name]
    corners = triangles(page, name)
    a = corners[:, 0]
    G = ask(page, name, "surface.metric(a)", corners)
    torch.testing.assert_close(G, surface.metric(a), **TOLERANCE)
    K = ask(page, name, "surface.K(a)", corners)
    torch.testing.assert_close(K, gaussian_curvature(metric(name), a), **TOLERANCE)
    if name == "half-plane":
        assert page.evaluate(CALL, ["() => math.surfaceOf('half-plane').map", [0]]) == [None]
        return
    x = ask(page, name, "surface.map(a)", corners)[:, : surface(a).shape[-1]]
    torch.testing.assert_close(x, surface(a), **TOLERANCE)


@pytest.mark.parametrize("name", [name for name in GALLERY if name != "saddle"])
def test_side_of_a_triangle_is_as_long_as_the_distance(still, name):
    """So it is a shortest curve. On the torus both sides integrate: within 1e-6."""
    near = {"rtol": 0, "atol": 1e-6} if name in SHOT else TOLERANCE
    page, surface = still("surface-gallery"), GALLERY[name]
    corners = triangles(page, name)
    a, b, _ = corners.unbind(1)
    drawn = ask(page, name, "[0, 0.25, 1].map(surface.side(a, b))", corners)
    at, velocity = drawn[:, :, 0], drawn[:, :, 1]
    torch.testing.assert_close(at[:, 0], a, **TOLERANCE)
    torch.testing.assert_close(at[:, 2], b, **TOLERANCE)
    d = surface.distance(a, b)
    torch.testing.assert_close(surface.distance(a, at[:, 1]), d / 4, **near)
    torch.testing.assert_close(surface.distance(at[:, 1], b), 3 * d / 4, **near)
    speed = norm(surface.metric, at, velocity)
    torch.testing.assert_close(speed, d[:, None].expand_as(speed), **near)


@pytest.mark.parametrize("name", SHOT)
def test_side_is_the_geodesic_that_geokit_shoots(still, name):
    """Both sides integrate: within 1e-7."""
    page, G = still("surface-gallery"), PullbackMetric(GALLERY[name])
    corners = triangles(page, name)
    a, b, _ = corners.unbind(1)
    drawn = ask(page, name, "[0, 0.5, 1].map(surface.side(a, b))", corners)
    torch.testing.assert_close(drawn[:, 2, 0], b, **TOLERANCE)
    ends = exponential_map(G, a, drawn[:, 0, 1])
    torch.testing.assert_close(ends, b, rtol=0, atol=1e-7)
    middle = exponential_map(G, a, drawn[:, 0, 1] / 2)
    torch.testing.assert_close(drawn[:, 1, 0], middle, rtol=0, atol=1e-7)


def cosine_at_a(K: float, opposite, one, other) -> torch.Tensor:
    """The law of cosines of the plane, the sphere and the hyperbolic plane."""
    if K == 0:
        return (one**2 + other**2 - opposite**2) / (2 * one * other)
    if K > 0:
        return (opposite.cos() - one.cos() * other.cos()) / (one.sin() * other.sin())
    return (one.cosh() * other.cosh() - opposite.cosh()) / (one.sinh() * other.sinh())


@pytest.mark.parametrize("name", [name for name in GALLERY if name not in SHOT])
def test_angles_obey_the_law_of_cosines_of_their_curvature(still, name):
    page, surface = still("surface-gallery"), GALLERY[name]
    corners = triangles(page, name)
    angles = ask(page, name, "math.triangle(surface, a, b, c).angles", corners)
    K = surface.gaussian_curvature(corners)[0, 0].item()
    for i in range(3):
        a, b, c = corners.roll(-i, dims=1).unbind(1)
        sides = (surface.distance(x, y) for x, y in ((b, c), (a, b), (a, c)))
        torch.testing.assert_close(angles[:, i].cos(), cosine_at_a(K, *sides), **TOLERANCE)


@pytest.mark.parametrize("name", SHOT)
def test_angles_where_curvature_varies_are_geokits(still, name):
    page, G = still("surface-gallery"), PullbackMetric(GALLERY[name])
    corners = triangles(page, name)
    angles = ask(page, name, "math.triangle(surface, a, b, c).angles", corners)
    for i, (one, other) in enumerate((("b", "c"), ("c", "a"), ("a", "b"))):
        away = f"['{one}', '{other}'].map((n) => surface.side({'abc'[i]}, {{ a, b, c }}[n])(0)[1])"
        u, v = ask(page, name, away, corners).unbind(1)
        torch.testing.assert_close(angles[:, i], angle(G, corners[:, i], u, v), rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", GALLERY)
def test_angle_sum_is_pi_and_the_curvature_inside(still, name):
    """Gauss and Bonnet: the angles come from the sides' directions, ∫ K dA from a line integral."""
    page = still("surface-gallery")
    corners = triangles(page, name)
    angles = ask(page, name, "math.triangle(surface, a, b, c).angles", corners)
    inside = ask(page, name, "math.triangle(surface, a, b, c).curvature", corners)
    torch.testing.assert_close(angles.sum(dim=-1), math.pi + inside, rtol=0, atol=1e-8)
    if name == "torus":  # of both signs
        assert inside.min() < -0.1 < 0.1 < inside.max()
        return
    sign = GALLERY[name].gaussian_curvature(corners[:, 0]).sign()
    assert (inside.sign() == sign).all()


PAINTED = """(all) => all.map((rect) => {
  const [x, y, width, height, strength] =
    ["x", "y", "width", "height", "fill-opacity"].map((name) => +rect.getAttribute(name));
  return [x + width / 2, -y - height / 2, { above: 1, below: -1 }[rect.classList] * strength];
})"""


def painted(page, selector: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Middles of the coloured cells, y upwards, and the K that the colour of each stands for."""
    cells = page.locator(f"{selector} rect").evaluate_all(PAINTED)
    x, y, K = torch.tensor(cells, dtype=torch.float64).unbind(-1)
    return torch.stack([x, y], dim=-1), K


@pytest.mark.parametrize("name", GALLERY)
def test_heat_map_shows_the_curvature_of_each_place_of_the_chart(show, name):
    page = show("surface-gallery")
    page.get_by_role("combobox", name="Surface").select_option(name)
    middles, K = painted(page, "svg svg > .heat")
    low, high = middles.min(dim=0).values, middles.max(dim=0).values
    cells = math.isqrt(len(K))
    shares = (0.5 + (middles - low) / (high - low) * (cells - 1)) / cells
    z = shipped(page, f"(s) => math.placeAt(math.surfaceOf('{name}'), s)", shares.tolist())
    known = gaussian_curvature(metric(name), z)
    assert known.abs().max() <= 1 + 1e-9  # so that no colour is cut off
    torch.testing.assert_close(K, known, rtol=0, atol=1e-4)
    assert (K.std() > 0.1) == (name in SHOT)
    corner = page.get_by_role("slider", name="Corner A").bounding_box()
    paper = page.locator("svg svg > .heat").bounding_box()
    share = [
        (corner["x"] + corner["width"] / 2 - paper["x"]) / paper["width"],
        (paper["y"] + paper["height"] - corner["y"] - corner["height"] / 2) / paper["height"],
    ]
    assert share == pytest.approx(gallery.CORNERS["a"], abs=0.01)


def test_the_scale_of_the_colours_is_labelled_and_linear_in_the_curvature(show):
    page = show("surface-gallery")
    middles, K = painted(page, ".scale .heat")
    ticks = page.locator(".scale text[text-anchor=middle]").evaluate_all(
        "(all) => all.map((el) => [el.textContent, +el.getAttribute('x')])"
    )
    assert [said for said, _ in ticks] == ["−1", "0", "1"]
    at = torch.tensor([x for _, x in ticks], dtype=torch.float64)
    assert at[0] + at[2] == 2 * at[1]
    torch.testing.assert_close(K, (middles[:, 0] - at[1]) / (at[2] - at[1]), rtol=0, atol=1e-4)
    assert page.get_by_role("img", name="K = 0").is_visible()


# --- the rubber band ------------------------------------------------------------------------------


def ends(seed: int, count: int = 60) -> torch.Tensor:
    x = torch.rand(count, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    low, high = torch.tensor([rubber.LOW, rubber.HIGH], dtype=torch.float64)
    return low + (high - low) * x


def test_each_sweep_loosens_energy_and_length_and_the_band_ends_as_the_geodesic(still):
    page, pairs = still("rubber-band"), ends(30)
    a, b = pairs.unbind(1)
    bands = "[0, 1, 5, 50, 2000].map((n) => math.pulled(a, b, n))"
    x = shipped(page, f"([a, b]) => {bands}", pairs.tolist())
    straight = a[:, None] + torch.linspace(0, 1, 33).double()[:, None] * (b - a)[:, None]
    torch.testing.assert_close(x[:, 0], Sphere()(straight), **TOLERANCE)
    torch.testing.assert_close(x[:, :, 0], Sphere()(a)[:, None].expand(-1, 5, 3), **TOLERANCE)
    torch.testing.assert_close(x[:, :, -1], Sphere()(b)[:, None].expand(-1, 5, 3), **TOLERANCE)
    arcs = 2 * (x.diff(dim=2).norm(dim=-1) / 2).asin()
    E, L = 32 * arcs.square().sum(dim=-1), arcs.sum(dim=-1)
    both = f"([a, b]) => {bands}.map((x) => [math.energy(x), math.length(x)])"
    drawn = shipped(page, both, pairs.tolist())
    torch.testing.assert_close(drawn, torch.stack([E, L], dim=-1), **TOLERANCE)
    assert (E.diff(dim=-1) < 1e-12).all()
    assert (L.diff(dim=-1) < 1e-12).all()
    assert (E >= L**2 - 1e-12).all()
    d = Sphere().distance(a, b)
    near = d < 2  # towards d = π the pull along the way round the sphere dies away
    assert near.sum() > 30
    torch.testing.assert_close(L[near, -1], d[near], **TOLERANCE)
    torch.testing.assert_close(E[near, -1], d[near] ** 2, **TOLERANCE)


def test_one_sweep_puts_each_point_between_its_neighbours(still):
    """In turn, so that a point meets a neighbour on its left that has moved already."""
    pairs = ends(31)
    call = "([a, b]) => [math.start(a, b), math.sweep(math.start(a, b))]"
    before, after = shipped(still("rubber-band"), call, pairs.tolist()).unbind(1)
    middle = after[:, :-2] + before[:, 2:]
    expected = middle / middle.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(after[:, 1:-1], expected, **TOLERANCE)


# --- what the reader does, and sees ---------------------------------------------------------------


def test_dragging_moves_the_point_and_every_number(show, door):
    page = show("tissot", door)
    before = numbers(page)
    drag(page, page.get_by_role("slider", name="Point on the chart"), 60, 50)
    after = numbers(page)
    (θ, φ), (_, sin2) = after["Point (θ, φ)"], after["Metric G = diag(1, sin²θ)"][-2:]
    assert θ > before["Point (θ, φ)"][0] + 0.3
    assert φ > before["Point (θ, φ)"][1] + 0.3
    # θ is shown to 0.005, so are the numbers that follow from it
    assert sin2 == pytest.approx(math.sin(θ) ** 2, abs=0.006)
    assert after["Volume element √det G"] == [pytest.approx(math.sin(θ), abs=0.006)]
    assert after["Half axis along φ"] == [pytest.approx(1 / math.sin(θ), abs=0.02)]
    assert after["Half axis along θ"] == after["Radius on the sphere"] == [1.0]


@pytest.mark.parametrize(
    ("key", "step"),
    [("ArrowDown", (1, 0)), ("ArrowUp", (-1, 0)), ("ArrowRight", (0, 1)), ("ArrowLeft", (0, -1))],
)
def test_arrow_keys_move_the_point(show, key, step):
    page = show("tissot")
    page.get_by_role("slider", name="Point on the chart").focus()
    start = numbers(page)["Point (θ, φ)"]
    for press, size in ((key, math.pi / 72), (f"Shift+{key}", math.pi / 720)):
        for _ in range(5):
            page.keyboard.press(press)
        now = numbers(page)["Point (θ, φ)"]
        expected = [s + 5 * size * way for s, way in zip(start, step, strict=True)]
        assert now == pytest.approx(expected, abs=0.011)
        start = now
    assert page.evaluate("scrollY") == 0


def test_range_inputs_move_the_point_as_far_as_the_chart_goes(show):
    page = show("tissot")
    for name, index, low, high in (
        ("θ", 0, NEAREST, math.pi - NEAREST),
        ("φ", 1, -math.pi, math.pi),
    ):
        slider = page.get_by_label(name, exact=True)
        slider.focus()
        for key, bound in (("Home", low), ("End", high)):
            page.keyboard.press(key)
            assert numbers(page)["Point (θ, φ)"][index] == pytest.approx(bound, abs=0.006)
        page.keyboard.press("ArrowLeft")
        assert numbers(page)["Point (θ, φ)"][index] < high - 0.01


def drawn_size(page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).evaluate(
        "(p) => { const b = p.getBBox(); return [b.width, b.height] }"
    )
    return tuple(box)


def test_the_ellipse_changes_with_the_point_and_the_circle_does_not(show):
    page = show("tissot")
    page.get_by_role("slider", name="Point on the chart").focus()
    circles = []
    for _ in range(4):
        page.keyboard.press("ArrowUp")
        θ = float(page.get_by_role("slider", name="Point").get_attribute("aria-valuenow"))
        width, height = drawn_size(page, ".explore-chart .ball.here")
        assert width / height == pytest.approx(1 / math.sin(θ), rel=0.01)
        circles.append(drawn_size(page, ".explore-globe .ball.here:not(.back)"))
    for size in circles:
        assert size == pytest.approx([2 * 0.2 * 110] * 2, rel=0.01)


def test_another_chart_changes_the_ruler_and_not_the_sphere(show, door):
    page = show("world-map", door)
    rulers, spheres = [], []
    for name in CHARTS:
        page.get_by_role("combobox", name="Chart").select_option(name)
        now = numbers(page)
        rulers.append(now.pop("Ruler on the chart")[0])
        spheres.append(now)
    assert len(set(rulers)) == len(CHARTS)
    assert all(now == spheres[0] for now in spheres)
    radians, kilometres = spheres[0]["Distance on the sphere"]
    figure = WorldMap()
    a, b = torch.tensor(figure.a).double(), torch.tensor(figure.b).double()
    assert radians == pytest.approx(Sphere().distance(a, b).item(), abs=0.006)
    assert kilometres == round(Sphere(radius=6371.0).distance(a, b).item())


def test_retraining_draws_another_chart_each_time(show):
    page = show("world-map")
    seen = []
    for _ in range(4):
        page.get_by_role("button", name="Retrain").click()
        assert page.get_by_role("combobox", name="Chart").input_value() == "retrained"
        seen.append(numbers(page))
    assert len({now.pop("Ruler on the chart")[0] for now in seen}) == 4
    assert all(now == seen[0] for now in seen)


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("name", ["A", "B"])
def test_a_place_follows_the_hand_in_every_chart(show, chart, name):
    page = show("world-map")
    page.get_by_role("combobox", name="Chart").select_option(chart)
    place = page.get_by_role("slider", name=f"Place {name}")
    other = page.get_by_role("slider", name=f"Place {'B' if name == 'A' else 'A'}").bounding_box()
    start, before = place.bounding_box(), numbers(page)
    way = [(other[axis] - start[axis]) / 5 for axis in "xy"]
    drag(page, place, *way)
    end = place.bounding_box()
    assert [end[axis] - start[axis] for axis in "xy"] == pytest.approx(way, abs=0.6)
    after = numbers(page)
    assert before["Distance on the sphere"] != after["Distance on the sphere"]
    page.keyboard.press("ArrowLeft")  # the hand has left the keyboard on the place it moved
    assert place.bounding_box()["x"] < end["x"] - 4
    assert numbers(page)["The two places"] != after["The two places"]


def test_the_great_circle_is_torn_at_the_edge_of_a_map_not_drawn_across_it(show):
    page = show("world-map")
    place = page.get_by_role("slider", name="Place A")
    drag(page, place, 190, 0)
    drawn = page.locator(".explore-chart .geodesic").get_attribute("d")
    pieces = [
        torch.tensor([[float(x) for x in p.split(",")] for p in piece.split("L")])
        for piece in drawn.split("M")[1:]
    ]
    assert len(pieces) == 2
    assert max(piece.diff(dim=0).norm(dim=-1).max() for piece in pieces) < 10
    assert {round(abs(pieces[0][-1, 0].item())), round(abs(pieces[1][0, 0].item()))} == {192}


def test_the_knob_changes_euclid_and_nothing_else(show, door):
    page = show("gauge-knob", door)
    knob = page.get_by_label("Knob t")
    knob.focus()
    page.keyboard.press("Home")
    start = numbers(page)
    assert all(now[0] == now[-1] for now in start.values())
    shapes = [page.locator(".explore-globe .geodesic:not(.back)").get_attribute("d")]
    page.keyboard.press("End")
    assert knob.get_attribute("aria-valuetext") == "1.00"
    assert page.get_by_text("t = 1.00").is_visible()
    shapes.append(page.locator(".explore-globe .geodesic:not(.back)").get_attribute("d"))
    assert shapes[0] == shapes[1]
    end = numbers(page)
    assert len(end) == 5
    for name, (now, _, before) in end.items():
        assert before == start[name][0]
        said = name.rpartition(": ")[2]
        assert (now == before) == {"stays": True, "changes": False}[said]
    marked = page.locator(".explore dl > div").evaluate_all(
        "(all) => all.map((el) => el.className)"
    )
    assert marked == [name.rpartition(": ")[2] for name in end]


@pytest.mark.parametrize("space", "ab")
@pytest.mark.parametrize("name", "PQ")
def test_a_point_follows_hand_and_keys_in_either_latent_space(show, name, space):
    page = show("gauge-knob")
    grip = page.get_by_role("slider", name=f"{name} in latent space {space}")
    twin = page.get_by_role("slider", name=f"{name} in latent space {'b' if space == 'a' else 'a'}")
    grip.scroll_into_view_if_needed()
    start, mirrored, before = grip.bounding_box(), twin.bounding_box(), numbers(page)
    way = (12, 15) if name == "P" else (-12, -15)
    drag(page, grip, *way)
    end = grip.bounding_box()
    assert [end[axis] - start[axis] for axis in "xy"] == pytest.approx(way, abs=0.6)
    assert twin.bounding_box() != mirrored
    after = numbers(page)
    assert {k for k in after if after[k] != before[k]} >= set(list(before)[:1] + list(before)[2:3])
    for key, axis, sign in (("ArrowLeft", "x", -1), ("ArrowUp", "y", -1), ("ArrowDown", "y", 1)):
        start = grip.bounding_box()[axis]
        page.keyboard.press(key)
        assert 3 < sign * (grip.bounding_box()[axis] - start) < 8
    drag(page, grip, 900, -900)  # out of the latent plane: it stops at the edge
    low, high = (float(grip.get_attribute(f"aria-value{end}")) for end in ("min", "max"))
    assert low <= float(grip.get_attribute("aria-valuenow")) <= high


def test_angle_sum_tells_flat_from_round_from_saddle(show, door):
    page = show("surface-gallery", door)
    sums = {}
    for name in GALLERY:
        page.get_by_role("combobox", name="Surface").select_option(name)
        now = numbers(page)
        (sums[name],) = now["Sum of the angles"]
        assert now["π + ∫ K dA"] == [sums[name]]
        assert sum(now["Angles at A, B, C"]) == pytest.approx(sums[name], abs=0.16)
        assert page.get_by_role("img", name="in space").is_visible() == (name != "half-plane")
        assert page.get_by_text("Hilbert").is_visible() == (name == "half-plane")
    assert all(sums[name] == 180 for name in ("polar-plane", "cylinder", "cone", "swiss-roll"))
    assert sums["sphere"] > 190
    assert max(sums["saddle"], sums["half-plane"]) < 170


@pytest.mark.parametrize("surface", GALLERY)
@pytest.mark.parametrize("name", "ABC")
def test_a_corner_follows_hand_and_keys_on_every_surface(show, surface, name):
    page = show("surface-gallery")
    page.get_by_role("combobox", name="Surface").select_option(surface)
    corner = page.get_by_role("slider", name=f"Corner {name}")
    corner.scroll_into_view_if_needed()
    start, before = corner.bounding_box(), numbers(page)
    way = {"A": (15, 15), "B": (-15, 15), "C": (15, 15)}[name]
    drag(page, corner, *way)
    end, after = corner.bounding_box(), numbers(page)
    assert [end[axis] - start[axis] for axis in "xy"] == pytest.approx(way, abs=0.6)
    assert after["Angles at A, B, C"] != before["Angles at A, B, C"]
    page.keyboard.press("ArrowUp")
    assert corner.bounding_box()["y"] < end["y"] - 2
    page.keyboard.press("ArrowRight")
    assert corner.bounding_box()["x"] > end["x"] + 1


def test_the_band_relaxes_to_the_distance_and_starts_again(show, door):
    page = show("rubber-band", door)
    loose = numbers(page)
    assert loose["Sweeps"] == [0]
    page.get_by_role("button", name="One sweep").click()
    once = numbers(page)
    assert once["Sweeps"] == [1]
    for name in ("Energy E", "Length L"):
        assert once[name] < loose[name]
    page.get_by_role("button", name="Relax").click()
    still = "document.querySelector('dl').getAttribute('aria-busy') === 'false'"
    page.wait_for_function(still, timeout=30_000)
    tight = numbers(page)
    (d,) = tight["Distance on the sphere"]
    assert tight["Length L"] == pytest.approx([d], abs=1.1e-4)
    for name in ("Energy E", "L², the least E for this L"):
        assert tight[name] == pytest.approx([d**2], abs=4e-4)
    page.get_by_role("button", name="Start again").click()
    assert numbers(page) == loose


def test_reduced_motion_relaxes_at_once_and_moving_an_end_slackens_the_band(show, page):
    page.emulate_media(reduced_motion="reduce")
    show("rubber-band")
    page.get_by_role("button", name="Relax").click()
    tight = numbers(page)
    assert tight["Length L"] == tight["Distance on the sphere"]
    end = page.get_by_role("slider", name="End A")
    start = end.bounding_box()
    drag(page, end, 20, 30)
    moved = end.bounding_box()
    assert [moved[axis] - start[axis] for axis in "xy"] == pytest.approx([20, 30], abs=0.6)
    assert numbers(page)["Sweeps"] == [0]
    page.keyboard.press("ArrowRight")
    assert moved["x"] + 3 < end.bounding_box()["x"] < moved["x"] + 9


def test_two_corners_in_one_place_make_no_triangle(show):
    page = show("surface-gallery")
    for name in ("A", "C"):
        drag(page, page.get_by_role("slider", name=f"Corner {name}"), -900, -900)
    assert page.get_by_text("two corners coincide").is_visible()
    assert numbers(page)["Sum of the angles"] == []
    page.keyboard.press("ArrowRight")
    assert numbers(page)["Sum of the angles"] == [180.0]


@pytest.mark.parametrize("name", FIGURES)
def test_a_removed_view_stops_listening(still, name):
    """The function that `render` returns takes back every listener it has set."""
    before, after = still(name).evaluate(LISTENERS)
    assert before >= 2
    assert after == 0


# --- the same figure in a live notebook -----------------------------------------------------------

# what Python may set, each trait in turn: a chart must be "retrained" before its seed is seen
SET = {
    "tissot": {"theta": 1.25, "phi": -2.5},
    "world-map": {"a": (1.0, -3.0), "b": (2.0, 0.5), "chart": "retrained", "seed": 12},
    "gauge-knob": {"t": 0.25, "p": (1.0, -1.0), "q": (2.25, 0.5)},
    "surface-gallery": {"surface": "torus", "a": (0.0, 1.0), "b": (0.5, 0.25), "c": (1.0, 1.0)},
    "rubber-band": {"a": (1.0, -1.0), "b": (2.0, 1.25), "sweeps": 7},
}


def traits_of(figure: type[Figure]) -> set[str]:
    return set(figure.class_trait_names(sync=True)) - set(Figure.class_trait_names(sync=True))


@pytest.mark.parametrize("name", FIGURES)
def test_every_trait_set_in_python_is_redrawn_as_if_the_figure_began_there(still, name):
    """And nothing is sent back, so that the two sides cannot chase each other."""
    assert set(SET[name]) == traits_of(FIGURES[name])
    seen = still(name).evaluate(FROM_PYTHON, SET[name])
    assert seen == {trait: [True, True, 0] for trait in SET[name]}


@pytest.mark.parametrize("name", FIGURES)
def test_all_that_the_reader_changes_is_sent_and_python_takes_it(still, name):
    sent, unsaved = still(name).evaluate(FROM_THE_READER)
    assert unsaved == []
    assert {trait for state in sent for trait in state} == traits_of(FIGURES[name])
    figure = FIGURES[name]()
    for state in sent:
        figure.set_state(state)
        assert json.loads(json.dumps(figure.get_state(list(state)))) == state


# --- every reader and every page ------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_accessible_light_and_dark(show, served, page, screenshots, name, scheme):
    page.emulate_media(color_scheme=scheme)
    show(name, served)  # axe reads the style sheet, which no page may do from disk
    page.screenshot(path=screenshots / f"figure-{name}-{scheme}.png", full_page=True)
    assert violations(page) == []
    assert page.get_by_role("group", name=FIGURES[name]().label).count() == 1


DARK = {  # what makes a page dark; None: the reader's system
    "book": "document.documentElement.dataset.theme = 'dark'",
    "notebook": "document.body.dataset.jpThemeLight = 'false'",
    "alone": None,
}
COLOUR = "(el) => getComputedStyle(el).color"


@pytest.mark.parametrize("where", DARK)
def test_lines_stand_out_on_light_and_dark_ground(show, page, where):
    """Contrast of at least 3 against the ground, whoever says that it is dark."""
    dark = DARK[where]
    for darkened, ground in ((False, "#ffffff"), (True, "#14181e")):
        page.emulate_media(color_scheme="dark" if darkened and not dark else "light")
        for name, lines in (("world-map", ("geodesic", "straight")), ("tissot", ("theta", "phi"))):
            show(name)
            if darkened and dark:
                page.evaluate(dark)
            for line in lines:
                colour = page.locator(f".explore-globe .{line}:not(.back)").evaluate(
                    "(p) => getComputedStyle(p).stroke"
                )
                assert contrast(colour, ground) >= (5 if darkened else 3), (name, line, colour)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_of_curvature_differ_for_every_eye_and_let_the_geodesic_stand_out(
    show, page, scheme
):
    page.emulate_media(color_scheme=scheme)
    show("surface-gallery")

    def colour(kind: str, of: str) -> str:
        return page.locator(kind).first.evaluate(f"(el) => getComputedStyle(el).{of}")

    above, below = (colour(f".scale .{side}", "fill") for side in ("above", "below"))
    ground = {"light": "#ffffff", "dark": "#14181e"}[scheme]
    for tint in (above, below):
        assert contrast(colour(".explore .geodesic", "stroke"), tint) >= 3
    for sight in SIGHT:
        for one, other in ((above, below), (above, ground), (below, ground)):
            assert difference(one, other, sight) > 15, (sight, one, other)


@pytest.mark.parametrize("width", [390, 320])
@pytest.mark.parametrize("name", FIGURES)
def test_figure_fits_a_phone_and_lets_it_scroll(show, page, screenshots, name, width):
    page.set_viewport_size({"width": width, "height": 844})
    show(name)
    page.screenshot(path=screenshots / f"figure-{name}-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inner = page.locator(".widget-static").evaluate("(el) => el.scrollWidth - el.clientWidth")
    assert inner <= 0
    grips = page.locator(".explore *").evaluate_all(
        """(all) => all.filter((el) => getComputedStyle(el).touchAction === 'none')
                       .map((el) => el.getAttribute('class'))"""
    )
    assert set(grips) == {"handle"}


@pytest.mark.parametrize(
    ("name", "on", "moves"),
    [
        ("tissot", ".handle", True),
        ("tissot", ".explore-globe svg", False),
        ("gauge-knob", "[aria-label='Q in latent space a']", True),
        ("gauge-knob", "[aria-label='Q in latent space b']", True),
        ("gauge-knob", ".explore-globe svg", False),
        ("surface-gallery", "[aria-label='Corner A']", True),
        ("surface-gallery", "[role='img'] svg", False),
        ("rubber-band", "[aria-label='End A']", True),
    ],
)
def test_a_finger_drags_the_point_and_elsewhere_scrolls_the_page(show, page, name, on, moves):
    page.set_viewport_size({"width": 390, "height": 500})
    finger = page.context.new_cdp_session(page)
    finger.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    show(name)
    page.locator(on).scroll_into_view_if_needed()
    box, before, scrolled = page.locator(on).bounding_box(), numbers(page), page.evaluate("scrollY")
    x, y = box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 100)
    for kind, dy in [("Start", 0), *(("Move", -10 * i) for i in range(1, 9)), ("End", None)]:
        points = [] if dy is None else [{"x": x, "y": y + dy}]
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    assert soon(page, lambda: (numbers(page) != before) == moves)
    assert soon(page, lambda: (page.evaluate("scrollY") > scrolled + 20) != moves)


PRINTED = """(root) => {
  const style = (el) => getComputedStyle(el);
  const shown = [...root.querySelectorAll("svg *, p, dt, dd")].filter((el) => el.checkVisibility());
  const colours = (el) => [style(el).fill, style(el).stroke, style(el).color];
  return shown.map((el) => [el.localName, ...colours(el)].join());
}"""


@pytest.mark.parametrize("name", FIGURES)
def test_print_keeps_picture_and_numbers_and_drops_the_buttons(show, page, screenshots, name):
    """In black on white, whichever way the page is dark on the screen."""
    show(name)
    page.emulate_media(media="print")
    assert not page.locator(".explore :is(button, input)").filter(visible=True).count()
    for choice in page.locator(".explore select").all():  # paper says what was chosen
        assert choice.is_visible()
        assert choice.evaluate("(el) => getComputedStyle(el).borderStyle") == "none"
    for panel in page.locator(".explore-panel svg:not(svg svg)").all():
        box = panel.bounding_box()
        assert min(box["width"], box["height"]) > 100
    assert all(item.is_visible() for item in page.locator(".explore :is(dt, dd)").all())
    light = page.locator(".explore").evaluate(PRINTED)
    assert contrast(page.locator(".explore dd").first.evaluate(COLOUR), "#ffffff") == 21
    for darken in DARK.values():
        page.emulate_media(color_scheme="light" if darken else "dark", media="screen")
        show(name)
        page.evaluate(darken or "0")
        assert page.locator(".explore").evaluate(PRINTED) != light
        page.emulate_media(media="print")
        assert page.locator(".explore").evaluate(PRINTED) == light
    page.screenshot(path=screenshots / f"figure-{name}-print.png", full_page=True)
