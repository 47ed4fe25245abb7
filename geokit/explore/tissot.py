"""Tissot's ellipses: the circle of unit steps on the sphere, as the chart shows it."""

import math

import traitlets

from .figure import NEAREST, Figure, module, require_between


class TissotEllipses(Figure):
    """A movable point `(theta, phi)` on the chart of the sphere, and its unit ball there and on
    the sphere: the ellipse changes with the point, the circle does not."""

    _esm = module("tissot.js")
    theta = traitlets.Float(math.pi / 4).tag(sync=True)
    phi = traitlets.Float(math.pi / 6).tag(sync=True)

    @traitlets.default("label")
    def _label(self) -> str:
        return "Tissot's ellipses: unit circles of the sphere, and how the chart distorts them"

    @traitlets.validate("theta")
    def _colatitude(self, proposal: dict) -> float:
        return require_between("theta", proposal.value, NEAREST, math.pi - NEAREST, "radians")

    @traitlets.validate("phi")
    def _longitude(self, proposal: dict) -> float:
        return require_between("phi", proposal.value, -math.pi, math.pi, "radians")
