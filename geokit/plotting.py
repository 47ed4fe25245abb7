"""One function a picture: each takes the axes to draw on (`ax`, the current ones if None), and
returns them."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from torch import Tensor

from .metric import unit_ball
from .metric import volume_element as volume_element_of
from .types import Curve, Float, Int, Metric

GEODESIC = {"color": "C0", "linestyle": "-"}
STRAIGHT = {"color": "C1", "linestyle": "--"}
"""The same two lines through the whole book."""


def codes(z: Float[Tensor, "n 2"], labels: Int[Tensor, " n"], *, ax: Axes | None = None) -> Axes:
    """Latent codes, each drawn as the digit it encodes."""
    ax = _latent(ax)
    x, y = z.detach().cpu().numpy().T
    for k in np.unique(labels):
        here = np.asarray(labels) == k
        ax.scatter(x[here], y[here], marker=f"${k}$", s=28, linewidths=0.3, color=f"C{k % 7}")
    return ax


def unit_balls(
    G: Metric, z: Float[Tensor, "n 2"], *, size: float = 0.2, ax: Axes | None = None, **style
) -> Axes:
    """Tissot's ellipses: around each z, the latent steps whose length is `size` data units."""
    ax = _latent(ax)
    outlines = (z[..., None, :] + size * unit_ball(G, z)).detach().cpu().numpy()
    style = {"facecolor": "C0", "edgecolor": "C0", "alpha": 0.35, "linewidth": 0.8} | style
    ax.add_collection(PolyCollection(outlines.reshape(-1, *outlines.shape[-2:]), **style))
    ax.autoscale_view()
    return ax


def volume_element(
    G: Metric,
    *,
    extent: tuple[float, float, float, float],
    resolution: int = 60,
    device: str | torch.device | None = None,
    ax: Axes | None = None,
) -> Axes:
    """√det G over the latent rectangle `extent` (left, right, bottom, top), log colour scale."""
    ax = _latent(ax)
    left, right, bottom, top = extent
    z = torch.cartesian_prod(
        torch.linspace(left, right, resolution, device=device),
        torch.linspace(bottom, top, resolution, device=device),
    )
    V = volume_element_of(G, z).detach().cpu().numpy().reshape(resolution, resolution).T
    image = ax.imshow(
        V, origin="lower", extent=extent, norm=LogNorm(), cmap="viridis", interpolation="bilinear"
    )
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.85)
    bar.set_label("√det G (data/latent)², log scale")
    return ax


def curve(c: Curve, *, ax: Axes | None = None, points: int = 100, **style) -> Axes:
    """Curves in a two-dimensional latent space, one style a batch: `**GEODESIC`, `**STRAIGHT`."""
    ax = _latent(ax)
    z = c(torch.linspace(0, 1, points)).detach().cpu().numpy().reshape(-1, points, 2)
    label = style.pop("label", None)
    for i, line in enumerate(z):
        ax.plot(*line.T, label=label if i == 0 else None, **style)
    return ax


def images(x: Float[Tensor, "rows columns h w"], *, ax: Axes | None = None, gap: int = 1) -> Axes:
    """Grey images in rows and columns, black on white, without ticks."""
    ax = plt.gca() if ax is None else ax
    rows, columns, h, w = x.shape
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap), np.nan)
    for i in range(rows):
        for j in range(columns):
            top, left = i * (h + gap), j * (w + gap)
            sheet[top : top + h, left : left + w] = x[i, j].detach().cpu()
    ax.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
    ax.set_axis_off()
    return ax


def variation(
    samples: dict[str, Float[Tensor, " pairs"]], *, bins: int = 12, ax: Axes | None = None
) -> Axes:
    """Histograms of coefficients of variation, one a name, on shared bins; medians dotted."""
    ax = plt.gca() if ax is None else ax
    edges = np.linspace(0, 1.05 * max(float(v.max()) for v in samples.values()), bins + 1)
    styles = [{"color": "C1", "hatch": "//"}, {"color": "C0"}, {"color": "C2"}, {"color": "C3"}]
    for (name, v), style in zip(samples.items(), cycle(styles), strict=False):
        ax.hist(v.cpu().numpy(), edges, alpha=0.45, label=name, edgecolor=style["color"], **style)
        ax.axvline(float(v.quantile(0.5)), color=style["color"], linestyle=":")
    ax.set_xlabel("coefficient of variation over the models (dimensionless)")
    ax.set_ylabel("pairs")
    ax.legend()
    return ax


def _latent(ax: Axes | None) -> Axes:
    """Axes on which latent lengths and angles are seen as they are."""
    ax = plt.gca() if ax is None else ax
    ax.set_aspect("equal")
    ax.set_xlabel("z₁ (latent units)")
    ax.set_ylabel("z₂ (latent units)")
    return ax
