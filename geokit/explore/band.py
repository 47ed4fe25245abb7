"""A rubber band on a learned decoder: pulled tight, a latent curve becomes a geodesic."""

import math

import traitlets
from torch import Tensor, nn

from ..types import Float, Int
from .figure import module
from .latent import OneDecoder, Point, quarters, with_default

A, B = (1.35, -0.7), (-0.67, 1.63)  # between these codes of the digits there are two geodesics
PIECES = 32


class DecoderBand(OneDecoder):
    """A curve from `a` to `b` in the latent plane of a decoder. It starts as the straight line;
    sweeps, or Gauss-Newton steps, make its decoded energy small.

    Args:
        decode: an `MLP` of two latent coordinates, such as `vae.mean`. None: the decoder "digits"
            of `geokit.pretrained`, with its codes and labels if you give none.
        codes: latent points to show, `(n, 2)`; the figure shows the square around them, and
            [−3, 3]² if there are none.
        labels: the class of each code, `(n,)`.
        a, b: the ends, in latent units; setting one starts a new straight line.

    Raises:
        ValueError: a decoder that a page cannot compute, or not of two coordinates; codes that are
            no points of the plane, or not as many as labels; an end outside the square.
    """

    _esm = module("band.js", "decoder.js", "chords.js", "latent.js")
    points = traitlets.List(traitlets.Tuple(traitlets.Float(), traitlets.Float())).tag(sync=True)
    sweeps, steps = traitlets.Int(0).tag(sync=True), traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        decode: nn.Module | None = None,
        codes: Float[Tensor, "n d"] | None = None,
        labels: Int[Tensor, " k"] | None = None,
        *,
        a: Point | None = None,
        b: Point | None = None,
    ):
        if decode is None:
            a, b = A if a is None else a, B if b is None else b
        self._show_decoder(*with_default("digits", decode, codes, labels))
        left, right = quarters(self.box)
        super().__init__(points=straight(left if a is None else a, right if b is None else b))

    @property
    def a(self) -> tuple[float, float]:
        return self.points[0]

    @a.setter
    def a(self, z: Point) -> None:
        self._restart(z, self.b)

    @property
    def b(self) -> tuple[float, float]:
        return self.points[-1]

    @b.setter
    def b(self, z: Point) -> None:
        self._restart(self.a, z)

    def _restart(self, a: Point, b: Point) -> None:
        with self.hold_sync():
            self.points = straight(a, b)
            self.sweeps = self.steps = 0

    @traitlets.default("label")
    def _label(self) -> str:
        return "Rubber band on a decoder: a curve of the latent plane, pulled tight step by step"

    @traitlets.validate("points")
    def _curve(self, proposal: dict) -> list:
        points = proposal.value
        if len(points) < 3:
            raise ValueError(f"points has {len(points)} points; a band needs 3 or more.")
        if not all(math.isfinite(x) for z in points for x in z):
            raise ValueError("points has a coordinate that is NaN or infinite; remove it first.")
        for name, z in (("a", points[0]), ("b", points[-1])):
            self._inside(name, z)
        return points


def straight(a: Point, b: Point) -> list[tuple[float, ...]]:
    """The straight line in `PIECES` equal steps."""
    times = [i / PIECES for i in range(PIECES + 1)]
    return [tuple(float((1 - t) * x + t * y) for x, y in zip(a, b, strict=True)) for t in times]
