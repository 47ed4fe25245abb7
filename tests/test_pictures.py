"""Pictures with a known generator: a curved surface whose true distances are known, and the
pictures on it."""

import math

import pytest
import torch
from scipy.stats import kstest

from geokit import (
    LatentGraph,
    PullbackMetric,
    data,
    gaussian_curvature,
    geodesic,
    injectivity_defect,
    logarithm_map,
    norm,
    smallest_singular_value,
)
from geokit.data import pictures
from geokit.data.__main__ import main
from geokit.data.pictures import AREA, NARROW, PEAK, RADIUS, SIDE, WIDE, bar, factors, render
from geokit.surfaces import HalfPlane

NORM = math.sqrt(math.pi * AREA) * PEAK
ROUND = torch.tensor([0.0, 1.0], dtype=torch.float64)
G = PullbackMetric(render)


def from_the_middle(u: torch.Tensor) -> torch.Tensor:
    """How far a bar is from the round one in the unit of the half-plane, by the closed form."""
    return HalfPlane().distance(pictures.half_plane(u), ROUND)


def domain(rings: int = 10, spokes: int = 48, radius: float = RADIUS) -> torch.Tensor:
    """Points all over the disc, its edge among them."""
    ρ = torch.linspace(0, radius, rings, dtype=torch.float64)
    φ = 2 * math.pi * torch.arange(spokes, dtype=torch.float64) / spokes
    return pictures.on_circle(*torch.meshgrid(ρ, φ, indexing="ij"))


@pytest.fixture(scope="module")
def pairs():
    """A hundred pairs of test pictures, by their factors, and the way between the two of each."""
    u, v = factors("test")[:200].reshape(100, 2, 2).unbind(dim=1)
    return u, v, geodesic(G, u, v, tolerance=1e-6)


# --- the surface


def test_a_bar_is_the_gaussian_of_its_factors():
    """A pixel by the formula, one at a time; rows run along the width."""
    p, w = 1.3, 1.7
    picture = render(torch.tensor([p, w], dtype=torch.float64)).reshape(SIDE, SIDE)
    for row, column in [(11, 13), (4, 12), (20, 9)]:
        x, y = column - 11.5, row - 11.5
        exponent = (x - p) ** 2 / (2 * w**2) + y**2 / (2 * (AREA / w) ** 2)
        expected = PEAK * math.exp(-exponent)
        assert picture[row, column].item() == pytest.approx(expected, rel=1e-12)


def test_render_keeps_leading_axes_and_dtype():
    """(*batch, 2) to (*batch, D): one picture alone, or any number of axes of them."""
    u = factors("test")[:12].reshape(3, 2, 2, 2)
    x = render(u)
    assert x.shape == (3, 2, 2, SIDE**2)
    torch.testing.assert_close(render(u[1, 0, 1]), x[1, 0, 1], rtol=1e-14, atol=0)
    assert (x.dtype, render(u.float()).dtype) == (torch.float64, torch.float32)


def test_every_pixel_lies_strictly_between_black_and_white():
    """All over the domain, in both precisions."""
    for u in (domain(), domain().float()):
        x = render(u)
        assert x.min() > 0
        assert x.max() < 1


def test_the_surface_is_curved_all_over_the_domain():
    """K < 0 everywhere, −1/N² in the middle; edges and pixels change it most at the rim."""
    K = gaussian_curvature(G, domain(rings=6, spokes=24)) * NORM**2
    assert K.max() < -0.45
    assert K.min() > -1.35
    inner = gaussian_curvature(G, domain(rings=3, spokes=8, radius=0.4 * RADIUS)) * NORM**2
    torch.testing.assert_close(inner, torch.full_like(inner, -1), rtol=0.02, atol=0)


def test_a_bar_that_only_moves_makes_a_flat_surface():
    """The contrast: the same bars, with both factors a position. Away from the edges K is zero."""

    def moved(z):
        size = torch.full_like(z[..., 0], 2.0)
        return bar(z[..., 0], z[..., 1], size, size)

    steps = torch.linspace(-3, 3, 7, dtype=torch.float64)
    K = gaussian_curvature(PullbackMetric(moved), torch.cartesian_prod(steps, steps))
    norm_of_these = math.sqrt(math.pi * 4) * PEAK
    assert (K.abs() * norm_of_these**2).max() < 1e-4


def test_the_metric_is_n_times_the_half_plane_away_from_the_rim():
    """N²(dp²/2 + dw²)/w², the integrals of Gaussians, against the sum over real pixels."""
    u = domain(rings=6, radius=0.5 * RADIUS)
    expected = NORM**2 * torch.diag_embed(
        torch.tensor([0.5, 1.0]).to(u).expand_as(u) / u[..., 1:] ** 2
    )
    error = torch.linalg.matrix_norm(G(u) - expected) / torch.linalg.matrix_norm(expected)
    assert error.max() < 0.01


def test_every_step_of_a_factor_shows():
    """Full rank, A3: the least visible pixel-long step still moves the picture by 0.4."""
    assert smallest_singular_value(render, domain()).min() > 0.4


def test_the_factors_can_be_read_off_a_picture():
    """Injective, A2: log x is a parabola along a row; its bend gives the width, then its slope the
    position."""
    u = torch.cat([domain().flatten(0, 1), factors("test")])
    row = render(u).reshape(-1, SIDE, SIDE)[:, SIDE // 2].log()
    left, middle, right = row[:, SIDE // 2 - 2 : SIDE // 2 + 1].unbind(dim=-1)
    width = (2 * middle - left - right).rsqrt()
    position = width**2 * (right - left) / 2 - 0.5  # the middle one of the three lies at x = −½
    read = torch.stack([position, width], dim=-1)
    torch.testing.assert_close(read, u, rtol=1e-9, atol=1e-9)


def test_no_two_bars_far_apart_look_alike():
    """The same by the library's probe: a chord never falls far short of the way (its length by the
    closed form)."""
    z = domain(rings=9, spokes=32)[1:].flatten(0, 1)
    h = pictures.half_plane(z)
    apart = NORM * HalfPlane().distance(h[:, None], h)
    assert injectivity_defect(render, z, apart=apart).max() < 0.4


@pytest.mark.parametrize(
    ("wrong", "given"),
    [
        (torch.ones(3), r"shape \(3,\)"),
        (torch.ones(4, 1), r"shape \(4, 1\)"),
        (torch.ones(()), r"shape \(\)"),
        (torch.ones(2).long(), r"dtype torch\.int64"),
    ],
)
def test_what_cannot_be_factors_is_refused(wrong, given):
    """One sentence: what was given, what is needed."""
    with pytest.raises(ValueError, match=given + r".*give floats \(\*batch, 2\)"):
        render(wrong)


# --- which pictures


def test_the_domain_reaches_from_the_narrow_to_the_wide_bar():
    """The disc's rim passes through the narrowest and the widest bar, both in the middle."""
    rim = pictures.on_circle(
        torch.full((2,), RADIUS, dtype=torch.float64),
        torch.tensor([0, math.pi], dtype=torch.float64),
    )
    expected = torch.tensor([[0, WIDE], [0, NARROW]], dtype=torch.float64)
    torch.testing.assert_close(rim, expected, rtol=1e-12, atol=1e-12)


def test_on_circle_is_at_its_distance_in_its_direction():
    """The closed form of the distance from the round bar, and the first step: w or p alone."""
    ρ = torch.linspace(0.1, RADIUS, 7, dtype=torch.float64)[:, None]
    φ = torch.linspace(0, 6, 13, dtype=torch.float64)
    torch.testing.assert_close(
        from_the_middle(pictures.on_circle(ρ, φ)), ρ.expand(7, 13), rtol=1e-12, atol=1e-12
    )
    small = torch.full_like(φ, 1e-6)
    step = (pictures.half_plane(pictures.on_circle(small, φ)) - ROUND) / 1e-6
    expected = torch.stack([φ.sin(), φ.cos()], dim=-1)
    torch.testing.assert_close(step, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("split", ["train", "test"])
def test_factors_are_drawn_evenly_over_the_area_of_the_disc(split):
    """The share of area within a bar's distance is uniform, and so is its direction (area and
    distances by the closed forms of the half-plane)."""
    x, y = pictures.half_plane(factors(split)).unbind(dim=-1)
    ρ = from_the_middle(factors(split))
    assert ρ.max() <= RADIUS
    assert kstest((ρ.cosh() - 1) / (math.cosh(RADIUS) - 1), "uniform").pvalue > 0.01
    # the disc model, z ↦ (z − i)/(z + i), keeps directions at the round bar
    z = torch.complex(x, y)
    turn = ((z - 1j) / (z + 1j)).angle() / (2 * math.pi) + 0.5
    assert kstest(turn, "uniform").pvalue > 0.01


def test_the_splits_are_fixed_and_share_no_picture():
    """8,000 and 2,000 bars, no bar twice, the same on every call and machine."""
    train, test = factors("train"), factors("test")
    assert (train.shape, test.shape, train.dtype) == ((8000, 2), (2000, 2), torch.float64)
    assert len(torch.cat([train, test]).unique(dim=0)) == 10_000
    assert torch.equal(factors("train"), train)
    first = torch.stack([train[0], test[0]])
    expected = torch.tensor(FIRST, dtype=torch.float64)
    torch.testing.assert_close(first, expected, rtol=1e-12, atol=0)


FIRST = [[0.26247410118481174, 1.5216193386438206], [-0.06736424972244139, 1.4573626365223638]]


@pytest.mark.parametrize(("split", "n"), [("train", 8000), ("test", 2000)])
def test_load_gives_the_rendered_factors_in_their_order(split, n):
    """Pixels are `render(factors(split))` in float32; labels say which side, and which way long."""
    images, u = data.load("pictures", split), factors(split)
    assert images.pixels.shape == (n, 1, SIDE, SIDE)
    assert (images.pixels.dtype, images.labels.dtype) == (torch.float32, torch.int64)
    assert torch.equal(images.pixels.flatten(1), render(u).float())
    right, wide = images.labels % 2, images.labels // 2
    assert torch.equal(right == 1, u[:, 0] > 0)
    assert torch.equal(wide == 1, u[:, 1] > AREA / u[:, 1])
    assert images.labels.bincount().min() > n / 8
    assert images.name == "pictures"


def test_classes_of_pictures_can_be_chosen():
    """As in any other set."""
    chosen = data.load("pictures", "test", classes=[1, 3])
    assert len(chosen) == (factors("test")[:, 0] > 0).sum()


def test_an_unknown_split_is_refused_with_the_choice():
    """By the factors and by `load`, in the same words."""
    sentence = "There is no split 'valid' in pictures; choose 'train' or 'test'."
    for ask in (lambda: factors("valid"), lambda: data.load("pictures", "valid")):
        with pytest.raises(ValueError, match=sentence):
            ask()


def test_the_command_says_that_there_is_nothing_to_fetch(capsys):
    """`python -m geokit.data pictures`: both sizes, and no file."""
    assert main(["pictures"]) == 0
    out = capsys.readouterr().out
    assert "8000 training images, 2000 test images" in out
    assert "nothing to fetch" in out


# --- the true distance


def test_true_distances_are_resolved(pairs):
    """A hundred pairs of test pictures pass their certificate at a relative error of 1e-6."""
    _, _, path = pairs
    assert path.resolved.all()
    assert not path.disagree.any()


def test_the_true_distance_is_the_half_planes_but_for_edges_and_pixels(pairs):
    """N times the closed form, 2 asinh(…), within 1 %: what the pixels leave out is little."""
    u, v, path = pairs
    d = NORM * HalfPlane().distance(pictures.half_plane(u), pictures.half_plane(v))
    torch.testing.assert_close(path.length, d, rtol=0.01, atol=0)


@pytest.mark.slow
def test_the_true_distance_is_that_of_shooting(pairs):
    """A second route: the geodesic equation, integrated and aimed by Newton, arrives with a
    velocity as long as the distance."""
    u, v, length = pairs[0][:4], pairs[1][:4], pairs[2].length[:4]
    aimed = norm(G, u, logarithm_map(G, u, v))
    torch.testing.assert_close(aimed, length, rtol=1e-6, atol=0)


def test_no_way_along_a_fine_grid_is_shorter_than_the_true_distance(pairs):
    """A third: Dijkstra's algorithm on a grid over the whole domain and more comes from above."""
    u, v, path = pairs
    low, high = torch.tensor([[-3.4, 0.9], [3.4, 6.3]], dtype=torch.float64)
    graph = LatentGraph.on_grid(G, low, high, resolution=70)
    found = torch.tensor([way[1][-1] for way in graph.ways(u, v)], dtype=torch.float64)
    ratio = found / path.length
    assert ratio.min() > 1 - 1e-6
    assert ratio.max() < 1.03


@pytest.mark.slow
def test_the_true_distance_is_the_same_there_and_back(pairs):
    """d(u, v) = d(v, u)."""
    u, v, path = pairs
    back = geodesic(G, v, u, tolerance=1e-6).length
    torch.testing.assert_close(back, path.length, rtol=1e-6, atol=0)


@pytest.mark.slow
def test_no_detour_by_a_third_picture_is_shorter(pairs):
    """d(u, w) ≤ d(u, v) + d(v, w), strictly for bars drawn at random."""
    u, v, length = pairs[0][:40], pairs[1][:40], pairs[2].length[:40]
    w = v.roll(1, dims=0)
    there, onward = geodesic(G, torch.stack([u, v]), w, tolerance=1e-6).length
    assert (there < length + onward).all()
    assert (length < there + onward).all()


@pytest.mark.slow
def test_the_true_distance_does_not_depend_on_how_the_factors_are_measured(pairs):
    """The width by its logarithm, the position slanted with it: other coordinates, one distance."""

    def chart(c):
        return torch.stack([c[..., 0] + c[..., 1].sin(), c[..., 1].exp()], dim=-1)

    def inverse(u):
        log_width = u[..., 1].log()
        return torch.stack([u[..., 0] - log_width.sin(), log_width], dim=-1)

    u, v, path = pairs
    other = geodesic(
        PullbackMetric(lambda c: render(chart(c))), inverse(u), inverse(v), tolerance=1e-6
    )
    torch.testing.assert_close(other.length, path.length, rtol=1e-6, atol=0)


@pytest.mark.slow
def test_the_shortest_way_stays_among_the_data(pairs):
    """The domain is convex: no geodesic between two of its bars leaves it, on the real pixels,
    not even between bars of its rim."""
    _, _, path = pairs
    way = path(torch.linspace(0, 1, 65, dtype=torch.float64))
    assert (from_the_middle(way) <= RADIUS).all()
    rim = domain(rings=2, spokes=8)[1]
    way = geodesic(G, rim[:, None], rim)(torch.linspace(0, 1, 17, dtype=torch.float64))
    assert (from_the_middle(way) <= RADIUS + 1e-9).all()


def test_the_chord_falls_short_of_the_true_distance(pairs):
    """The surface bends in the space of pixels: the chord is shorter always, and by a tenth for
    half of the pairs."""
    u, v, path = pairs
    ratio = path.length / (render(u) - render(v)).norm(dim=-1)
    assert ratio.min() > 1
    assert ratio.median() > 1.09
    assert path.length.std() / path.length.mean() > 0.4
