"""Pictures whose generator is known: what a model learns from them can be held against the truth.

Each shows one soft bar, a Gaussian blob that is wider than high or higher than wide. Two factors
make a picture: the **position** p of the bar's centre, to the right of the middle of the picture,
and its **width** w, both in pixels. Its height is AREA / w, so that its area, its peak and, but for
what the edges of the picture cut off, the norm of the picture never change.

`render` is the map from factors to pixels: smooth, injective and of full rank on the domain, so an
immersion as a decoder is. Its metric is the truth: the distance of two pictures is that of
`geodesic(PullbackMetric(render), u, v)`, with no model and no fit. No noise is added: every picture
lies on the surface, and the truth is about the pictures themselves.

On an endless picture with endlessly small pixels, the integrals of Gaussians give the metric in
closed form:

    ds² = N² (dp²/2 + dw²) / w²,    N² = π · AREA · PEAK²,

N² being the square of a picture's norm. So (p/√2, w) are coordinates of Poincaré's half-plane,
N times as large: the curvature is −1/N² everywhere. On the real picture, edges and pixels change
this: the curvature lies between −1.28/N² and −0.49/N², both at the rim of the domain; distances
change by less than 1 %. `render` is exact for the real picture. A bar that only moves makes a flat
surface.

The domain is a disc of the half-plane, all bars within RADIUS of the round one in the middle: it is
convex, so that the shortest way between two bars stays among bars that are in the data. Factors are
drawn evenly over its area.
"""

import math

import numpy as np
import torch
from torch import Tensor

from ..types import Float
from .files import Stored

SIDE = 24
"""Pixels along each side of a picture."""
PEAK = 0.95
"""How bright the middle of a bar is."""
NARROW, WIDE = 1.0, 6.0
"""The least and the largest width, and height, in pixels: the standard deviation of the Gaussian.
Bars much narrower than a pixel would fall between the pixels."""
AREA = NARROW * WIDE
"""Width times height, in pixels²: the round bar is √AREA wide."""
RADIUS = 0.5 * math.log(WIDE / NARROW)
"""Of the domain, in the unit of the half-plane; times N, in data units."""
COUNTS = {"train": 8000, "test": 2000}
SEED = 20


def render(factors: Tensor) -> Float[Tensor, "*batch D"]:
    """The pixels of a bar at position p with width w, row by row, D = SIDE²: from 0 to 1.

    Smooth for every p and every w > 0, in the domain and out of it. Works in the dtype it is given;
    distances want float64.

    Args:
        factors: (p, w) in pixels at [..., 0] and [..., 1], `(*batch, 2)`, floats.

    Raises:
        ValueError: the last axis does not hold two factors, or they are no floats.
    """
    if factors.dim() == 0 or factors.shape[-1] != 2 or not factors.is_floating_point():
        raise ValueError(
            f"factors has shape {tuple(factors.shape)} and dtype {factors.dtype}; "
            "give floats (*batch, 2): position and width."
        )
    position, width = factors.unbind(dim=-1)
    return bar(position, torch.zeros_like(position), width, AREA / width)


def bar(across: Tensor, down: Tensor, width: Tensor, height: Tensor) -> Float[Tensor, "*batch D"]:
    """A bar with its centre anywhere and of any size: each argument `(*batch)`, in pixels.

    PEAK · exp(−(x − across)²/2width² − (y − down)²/2height²) at the middles (x, y) of the pixels,
    counted from the middle of the picture.
    """
    middles = torch.arange(SIDE).to(across) - (SIDE - 1) / 2
    row = (-0.5 * ((middles - across[..., None]) / width[..., None]) ** 2).exp()
    column = (-0.5 * ((middles - down[..., None]) / height[..., None]) ** 2).exp()
    return PEAK * (column[..., :, None] * row[..., None, :]).flatten(-2)


def factors(split: str) -> Float[Tensor, "n 2"]:
    """Position and width of every picture of "train" (8,000) or "test" (2,000), in the order of
    `load("pictures", split)`; float64, pixels.

    Drawn evenly over the area of the domain by numpy's generator PCG64 with seed SEED, first all
    for "train", then all for "test". In polar coordinates (ρ, φ) about the round bar, the
    half-plane has the area element sinh ρ dρ dφ, so cosh ρ is uniform from 1 to cosh RADIUS.

    Raises:
        ValueError: another split.
    """
    if split not in COUNTS:
        choice = " or ".join(map(repr, COUNTS))
        raise ValueError(f"There is no split {split!r} in pictures; choose {choice}.")
    share, turn = np.random.default_rng(SEED).random((sum(COUNTS.values()), 2)).T
    radius = np.arccosh(1 + share * (math.cosh(RADIUS) - 1))
    drawn = on_circle(torch.from_numpy(radius), torch.from_numpy(2 * math.pi * turn))
    return drawn[: COUNTS["train"]] if split == "train" else drawn[COUNTS["train"] :]


def on_circle(radius: Tensor, angle: Tensor) -> Float[Tensor, "*batch 2"]:
    """The factors at some distance from the round bar, in the unit of the half-plane, in some
    direction: at angle 0 the bar is wider, at π/2 further right. Radius RADIUS is the edge of the
    domain.

    Source: the exponential map of the half-plane at (0, 1), in polar coordinates: Ratcliffe,
        Foundations of Hyperbolic Manifolds, ch. 4.
    """
    y = 1 / (radius.cosh() - radius.sinh() * angle.cos())
    x = y * radius.sinh() * angle.sin()
    return math.sqrt(AREA) * torch.stack([math.sqrt(2) * x, y], dim=-1)


def half_plane(factors: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
    """The point (x, y) = (p/√2, w)/√AREA of Poincaré's half-plane; the round bar in the middle is
    (0, 1)."""
    return factors * factors.new_tensor([math.sqrt(0.5), 1]) / math.sqrt(AREA)


def read(split: str) -> Stored:
    """The pictures of a split, rendered now; no file is stored. The label is a sum: 1 if the bar is
    right of the middle, and 2 if it is wider than high."""
    drawn = factors(split)
    right, wide = drawn[:, 0] > 0, drawn[:, 1] > math.sqrt(AREA)
    pixels = render(drawn).reshape(-1, 1, SIDE, SIDE)
    labels = right.long() + 2 * wide.long()
    return Stored(pixels.numpy(), labels.numpy(), len(drawn), top=1)
