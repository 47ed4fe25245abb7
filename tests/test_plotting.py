"""Each picture draws what it is given, on the axes it is given, and shows nothing by itself."""

import matplotlib as mpl
import numpy as np
import pytest
import torch
from examples import smooth_decoder
from matplotlib.figure import Figure

from geokit import PullbackMetric, StraightLine, plotting, unit_ball, volume_element
from geokit.surfaces import Sphere


@pytest.fixture
def ax():
    with mpl.rc_context({"text.usetex": False}):
        yield Figure().subplots()


def test_codes_are_drawn_where_they_are(ax):
    z, labels = torch.randn(30, 2), torch.arange(30) % 3
    assert plotting.codes(z, labels, ax=ax) is ax
    drawn = np.concatenate([c.get_offsets() for c in ax.collections])
    by_class = torch.cat([z[labels == k] for k in range(3)])
    np.testing.assert_allclose(drawn, by_class.numpy())
    assert ax.get_aspect() == 1


def test_unit_balls_are_ellipses_of_the_asked_size_around_their_points(ax):
    G, z = PullbackMetric(Sphere()), torch.tensor([[0.5, 0.0], [1.5, 1.0]]).double()
    plotting.unit_balls(G, z, size=0.1, ax=ax)
    first = ax.collections[0].get_paths()[0].vertices[:64]
    np.testing.assert_allclose(first, (z[0] + 0.1 * unit_ball(G, z[0])).numpy())


def test_volume_element_shows_the_numbers_the_right_way_up(ax):
    G = PullbackMetric(Sphere())
    plotting.volume_element(G, extent=(0.2, 1.2, 0.0, 2.0), resolution=11, ax=ax)
    shown = ax.images[0].get_array()
    corners = torch.tensor([[0.2, 0.0], [1.2, 0.0]])
    np.testing.assert_allclose(shown[0, [0, -1]], volume_element(G, corners).numpy(), rtol=1e-6)
    assert "det G" in ax.figure.axes[1].get_ylabel()


def test_curves_of_a_batch_share_one_legend_entry(ax):
    plotting.curve(
        StraightLine(torch.zeros(4, 2), torch.ones(4, 2)),
        ax=ax,
        label="straight",
        **plotting.STRAIGHT,
    )
    assert len(ax.lines) == 4
    assert [t.get_label() for t in ax.lines if not t.get_label().startswith("_")] == ["straight"]


def test_images_are_laid_out_in_rows_and_columns(ax):
    x = torch.rand(2, 3, 4, 5)
    plotting.images(x, ax=ax, gap=1)
    sheet = ax.images[0].get_array()
    assert sheet.shape == (2 * 5 - 1, 3 * 6 - 1)
    np.testing.assert_allclose(sheet[5:9, 12:17], x[1, 2])


def test_histograms_share_their_bins(ax):
    a, b = torch.rand(50), torch.rand(50) / 2
    plotting.variation({"Euclidean": a, "geodesic": b}, ax=ax)
    left, right = ax.containers
    assert [p.get_x() for p in left] == [p.get_x() for p in right]
    assert sum(p.get_height() for p in left) == 50


def test_a_decoder_that_needs_gradients_can_be_drawn(ax):
    f = smooth_decoder().float().requires_grad_(True)
    plotting.unit_balls(PullbackMetric(f), torch.zeros(1, 2), ax=ax)
    plotting.volume_element(PullbackMetric(f), extent=(0.0, 1.0, 0.0, 1.0), resolution=4, ax=ax)
