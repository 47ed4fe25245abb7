"""A map of the latent plane: geodesic and straight line, as decoded images and as lengths."""

import traitlets
from torch import Tensor, nn

from ..types import Float, Int
from .figure import module
from .latent import OneDecoder, Point, TwoEnds, quarters, with_default

A, B = (-2.0, -1.0), (2.0, 1.5)


class DecodedMap(OneDecoder, TwoEnds):
    """The latent plane of a decoder with the geodesic and the straight line from `a` to `b`, their
    images and their lengths. The geodesic follows the ends as they move.

    It shows what a geodesic is like; how one is found is what `DecoderBand` shows, on the same
    plane.

    Args:
        decode: an `MLP` of two latent coordinates, such as `vae.mean`. None: the decoder "mnist"
            of `geokit.pretrained`, with its codes and labels if you give none.
        codes: latent points to show, `(n, 2)`; the figure shows the square around them, and
            [−3, 3]² if there are none.
        labels: the class of each code, `(n,)`.
        a, b: the ends, in latent units.

    Raises:
        ValueError: a decoder that a page cannot compute, or not of two coordinates; codes that are
            no points of the plane, or not as many as labels; an end outside the square.
    """

    _esm = module("decoded_map.js", "decoder.js", "chords.js", "latent.js")

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
        self._show_decoder(*with_default("mnist", decode, codes, labels))
        left, right = quarters(self.box)
        super().__init__(a=left if a is None else a, b=right if b is None else b)

    @traitlets.default("label")
    def _label(self) -> str:
        return "Decoded map: geodesic and straight line between two points of the latent plane"
