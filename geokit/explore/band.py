"""A rubber band on a learned decoder: pulled tight, a latent curve becomes a geodesic."""

import math
from collections.abc import Sequence

import torch
import traitlets
from jaxtyping import Float, Int
from torch import Tensor, nn

from .. import pretrained
from ..metric import volume_element
from ..pullback import PullbackMetric
from .decoder import packed
from .figure import Figure, module, require_between

A, B = (1.35, -0.7), (-0.67, 1.63)  # between these codes of the digits there are two geodesics
PIECES = 32
SHADES = 64  # rows and columns of the heat map
CODES = 400  # more would hide one another
Point = Sequence[float | int] | Float[Tensor, "2"]


class DecoderBand(Figure):
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

    _esm = module("band.js", "decoder.js")
    points = traitlets.List(traitlets.Tuple(traitlets.Float(), traitlets.Float())).tag(sync=True)
    sweeps, steps = traitlets.Int(0).tag(sync=True), traitlets.Int(0).tag(sync=True)
    # what the page computes with and draws
    box = traitlets.List(read_only=True).tag(sync=True)
    layers = traitlets.List(read_only=True).tag(sync=True)
    weights = traitlets.Bytes(read_only=True).tag(sync=True)
    heat = traitlets.Bytes(read_only=True).tag(sync=True)
    codes = traitlets.List(read_only=True).tag(sync=True)

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
            digits = pretrained.load("digits")
            decode = digits.model.mean
            if codes is None:
                codes, labels = digits.codes, digits.labels
            a, b = A if a is None else a, B if b is None else b
        layers, weights = packed(decode)
        d = next(layer[0] for layer in layers if isinstance(layer, list))
        if d != 2:
            raise ValueError(f"The decoder has {d} latent coordinates; this figure draws 2.")
        low, high = box = _square(codes)
        shown = {
            "box": box,
            "layers": layers,
            "weights": weights,
            "heat": _shades(decode, low, high),
            "codes": _named(codes, labels),
        }
        for name, value in shown.items():
            self.set_trait(name, value)
        middle, quarter = (low[0] + high[0]) / 2, (high[0] - low[0]) / 4
        a = [middle - quarter, (low[1] + high[1]) / 2] if a is None else a
        b = [middle + quarter, (low[1] + high[1]) / 2] if b is None else b
        super().__init__(points=straight(a, b))

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
            for i, (x, low, high) in enumerate(zip(z, *self.box, strict=True), start=1):
                require_between(f"z{i} of {name}", x, low, high, "latent units")
        return points


def straight(a: Point, b: Point) -> list[tuple[float, ...]]:
    """The straight line in `PIECES` equal steps."""
    times = [i / PIECES for i in range(PIECES + 1)]
    return [tuple(float((1 - t) * x + t * y) for x, y in zip(a, b, strict=True)) for t in times]


def _square(codes: Tensor | None) -> list[list[float]]:
    """Low and high corner of the square that is shown."""
    if codes is None:
        return [[-3.0, -3.0], [3.0, 3.0]]
    if codes.dim() != 2 or codes.shape[-1] != 2 or not len(codes):
        raise ValueError(f"codes has shape {tuple(codes.shape)}; give points (n, 2) of the plane.")
    low, high = codes.double().aminmax(dim=0)
    if not 0 < float((high - low).max()) < math.inf:  # NaN is refused too
        raise ValueError("codes are all in one place, or not finite; give at least two points.")
    middle, half = (low + high) / 2, 0.525 * (high - low).max()  # with a margin
    return [(middle - half).tolist(), (middle + half).tolist()]


def _shades(decode: nn.Module, low: list[float], high: list[float]) -> bytes:
    """√det G as a byte for each place of a grid, the upper left first: 0 where it is least, 255
    where it is largest, even in its logarithm."""
    weight = next(decode.parameters())
    share = (torch.arange(SHADES).to(weight) + 0.5) / SHADES
    x, y = (start + share * (end - start) for start, end in zip(low, high, strict=True))
    z = torch.stack(torch.meshgrid(x, y.flip(0), indexing="xy"), dim=-1)
    with torch.no_grad():
        V = volume_element(PullbackMetric(decode), z)
    scale = V.clamp(min=1e-6 * float(V.max())).log()  # a map may be of lower rank somewhere
    part = (scale - scale.min()) / (scale.max() - scale.min())
    return bytes((255 * part.nan_to_num(0)).round().byte().flatten().tolist())


def _named(codes: Tensor | None, labels: Tensor | None) -> list[tuple[float, float, str]]:
    """Codes as they are drawn: where, and as what."""
    if labels is not None and (codes is None or len(labels) != len(codes)):
        count = 0 if codes is None else len(codes)
        raise ValueError(f"There are {count} codes and {len(labels)} labels; give one to each.")
    if codes is None:
        return []
    names = ["·"] * len(codes) if labels is None else [str(k) for k in labels.tolist()]
    every = math.ceil(len(codes) / CODES)
    places = [[round(x, 3) for x in z] for z in codes.tolist()]
    return [(*z, name) for z, name in zip(places, names, strict=True)][::every]
