"""A rubber band on the sphere: pulled tight, a curve becomes a geodesic."""

import math

import traitlets

from .figure import Figure, module, require_between
from .place import Place

LOW, HIGH = (math.pi / 9, -1.4), (math.pi * 8 / 9, 1.4)  # the part of the chart that is shown
MOST = 5000  # sweeps


class RubberBand(Figure):
    """A curve from `a` to `b`, points `(theta, phi)` in radians. It starts as the straight line
    of the chart, and each of the `sweeps` pulls every inner point to the middle of its
    neighbours."""

    _esm = module("rubber.js")
    a = Place((0.8, -1.2), LOW, HIGH)
    b = Place((0.9, 1.2), LOW, HIGH)
    sweeps = traitlets.Int(0).tag(sync=True)

    @traitlets.default("label")
    def _label(self) -> str:
        return "Rubber band: a curve on the sphere, pulled tight step by step"

    @traitlets.validate("sweeps")
    def _whole(self, proposal: dict) -> int:
        return int(require_between("sweeps", proposal.value, 0, MOST, "sweeps"))
