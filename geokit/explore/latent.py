"""The latent plane as figures show it: a square of it, its codes, two movable ends, one decoder."""

import math
from collections.abc import Sequence

import torch
import traitlets
from torch import Tensor, nn

from .. import pretrained
from ..metric import volume_element
from ..pullback import PullbackMetric
from ..types import Float, Int
from .decoder import packed
from .figure import HERE, Figure, require_between

SHADES = 64  # rows and columns of the heat map
CODES = 500  # more would hide one another
Point = Sequence[float | int] | Float[Tensor, "2"]


class LatentPlane(Figure):
    """A square of the latent plane, with codes drawn as the class they are of."""

    _css = "\n".join((HERE / f).read_text(encoding="utf-8") for f in ("explore.css", "latent.css"))
    box = traitlets.List(read_only=True).tag(sync=True)
    codes = traitlets.List(read_only=True).tag(sync=True)

    def _show(self, **shown: object) -> None:
        """Sets what the page computes with and draws, and the reader cannot change."""
        for name, value in shown.items():
            self.set_trait(name, value)

    def _inside(self, name: str, z: Point) -> tuple[float, float]:
        for i, (x, low, high) in enumerate(zip(z, *self.box, strict=True), start=1):
            require_between(f"z{i} of {name}", x, low, high, "latent units")
        return tuple(float(x) for x in z)


class TwoEnds(LatentPlane):
    """With two ends that the reader moves, in latent units."""

    a = traitlets.Tuple(traitlets.Float(), traitlets.Float()).tag(sync=True)
    b = traitlets.Tuple(traitlets.Float(), traitlets.Float()).tag(sync=True)

    @traitlets.validate("a", "b")
    def _end(self, proposal: dict) -> tuple[float, float]:
        return self._inside(proposal.trait.name, proposal.value)


class OneDecoder(LatentPlane):
    """With the decoder that the page computes."""

    layers = traitlets.List(read_only=True).tag(sync=True)
    weights = traitlets.Bytes(read_only=True).tag(sync=True)
    heat = traitlets.Bytes(read_only=True).tag(sync=True)

    def _show_decoder(self, decode: nn.Module, codes: Tensor | None, labels: Tensor | None) -> None:
        layers, weights = packed(decode)
        if (d := latent_dimension(layers)) != 2:
            raise ValueError(f"The decoder has {d} latent coordinates; this figure draws 2.")
        low, high = box = around(codes)
        self._show(
            box=box,
            codes=named(codes, labels),
            layers=layers,
            weights=weights,
            heat=shades(decode, low, high),
        )


def with_default(
    name: str, decode: nn.Module | None, codes: Tensor | None, labels: Tensor | None
) -> tuple[nn.Module, Tensor | None, Tensor | None]:
    """The decoder as given; if none is, that of `geokit.pretrained` with this name and, if no codes
    are given, its codes."""
    if decode is not None:
        return decode, codes, labels
    kept = pretrained.load(name)
    if codes is None:
        codes, labels = kept.codes, kept.labels
    return kept.model.mean, codes, labels


def latent_dimension(layers: list) -> int:
    return next(layer[0] for layer in layers if isinstance(layer, list))


def quarters(box: list[list[float]]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two ends for any square: level with its middle, a quarter of it from either side."""
    low, high = box
    middle = (low[1] + high[1]) / 2
    return tuple(((1 - t) * low[0] + t * high[0], middle) for t in (0.25, 0.75))


def around(codes: Float[Tensor, "n d"] | None, margin: float = 0.025) -> list[list[float]]:
    """Low and high corner of the square around the codes, with a `margin` on each side, in widths
    of the codes; [−3, 3]² if there are none.

    Raises:
        ValueError: codes that are no points of the plane, or all in one place.
    """
    if codes is None:
        return [[-3.0, -3.0], [3.0, 3.0]]
    if codes.dim() != 2 or codes.shape[-1] != 2 or not len(codes):
        raise ValueError(f"codes has shape {tuple(codes.shape)}; give points (n, 2) of the plane.")
    low, high = codes.double().aminmax(dim=0)
    if not 0 < float((high - low).max()) < math.inf:  # NaN is refused too
        raise ValueError("codes are all in one place, or not finite; give at least two points.")
    middle, half = (low + high) / 2, (0.5 + margin) * (high - low).max()
    return [(middle - half).tolist(), (middle + half).tolist()]


def shades(decode: nn.Module, low: list[float], high: list[float]) -> bytes:
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


def named(
    codes: Float[Tensor, "n 2"] | None, labels: Int[Tensor, " k"] | None
) -> list[tuple[float, float, str]]:
    """Codes as they are drawn: where, and as what.

    Raises:
        ValueError: not as many labels as codes.
    """
    if labels is not None and (codes is None or len(labels) != len(codes)):
        count = 0 if codes is None else len(codes)
        raise ValueError(f"There are {count} codes and {len(labels)} labels; give one to each.")
    if codes is None:
        return []
    names = ["·"] * len(codes) if labels is None else [str(k) for k in labels.tolist()]
    every = math.ceil(len(codes) / CODES)
    places = [[round(x, 3) for x in z] for z in codes.tolist()]
    return [(*z, name) for z, name in zip(places, names, strict=True)][::every]
