"""The gauge knob: what another latent space changes of a sphere, and what it leaves alone."""

import math

import traitlets

from .figure import Figure, module, require_between
from .place import Place

LOW, HIGH = (math.pi / 2 - 0.9, -1.1), (math.pi / 2 + 0.9, 1.1)  # the part of the latent plane


class GaugeKnob(Figure):
    """Latent space a, its image b = A_t(a) under a diffeomorphism that the knob `t` turns up from
    the identity at 0, and the sphere that both describe. `p` and `q` are points `(theta, phi)` of
    a, in radians."""

    _esm = module("gauge.js")
    t = traitlets.Float(0.6).tag(sync=True)
    p = Place((math.pi / 2 - 0.55, -0.8), LOW, HIGH)
    q = Place((math.pi / 2 + 0.35, 0.7), LOW, HIGH)

    @traitlets.default("label")
    def _label(self) -> str:
        return "Gauge knob: two latent spaces of one sphere, what differs and what agrees"

    @traitlets.validate("t")
    def _turned(self, proposal: dict) -> float:
        return require_between("t", proposal.value, 0, 1, "of a turn")
