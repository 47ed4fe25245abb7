"""A gallery of surfaces: is it flat? The angles of a triangle tell."""

import traitlets

from .figure import Figure, module
from .place import Place

SURFACES = (
    "polar-plane",
    "cylinder",
    "cone",
    "swiss-roll",
    "sphere",
    "torus",
    "saddle",
    "half-plane",
)
CORNERS = {"a": (0.15, 0.2), "b": (0.85, 0.3), "c": (0.4, 0.85)}


class SurfaceGallery(Figure):
    """A `surface`, one of `SURFACES`, its chart coloured by the curvature, and a geodesic triangle
    with movable corners.

    Corners `a`, `b`, `c` are shares of the chart's width and height, from 0 to 1, so that they
    mean a place on every surface.
    """

    _esm = module("gallery.js")
    surface = traitlets.Unicode("polar-plane").tag(sync=True)
    a, b, c = (
        Place(corner, (0.0, 0.0), (1.0, 1.0), names=("across", "up"), unit="of the chart")
        for corner in CORNERS.values()
    )

    @traitlets.default("label")
    def _label(self) -> str:
        return "Gallery of surfaces: a triangle of geodesics, its angles and the curvature inside"

    @traitlets.validate("surface")
    def _known(self, proposal: dict) -> str:
        if proposal.value not in SURFACES:
            raise ValueError(f"surface is {proposal.value!r}; choose one of {', '.join(SURFACES)}.")
        return proposal.value
