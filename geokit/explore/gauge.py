"""The gauge knob: what another latent space changes of a sphere, and what it leaves alone."""

import math

import traitlets

from .figure import Figure, module, require_between

LOW, HIGH = (math.pi / 2 - 0.9, -1.1), (math.pi / 2 + 0.9, 1.1)  # the part of the latent plane


class GaugeKnob(Figure):
    """Latent space a, its image b = A_t(a) under a diffeomorphism that the knob `t` turns up from
    the identity at 0, and the sphere that both describe. `p` and `q` are points `(theta, phi)` of
    a, in radians."""

    _esm = module("gauge.js")
    t = traitlets.Float(0.6).tag(sync=True)
    p = traitlets.Tuple(
        traitlets.Float(), traitlets.Float(), default_value=(math.pi / 2 - 0.55, -0.8)
    ).tag(sync=True)
    q = traitlets.Tuple(
        traitlets.Float(), traitlets.Float(), default_value=(math.pi / 2 + 0.35, 0.7)
    ).tag(sync=True)

    @traitlets.default("label")
    def _label(self) -> str:
        return "Gauge knob: two latent spaces of one sphere, what differs and what agrees"

    @traitlets.validate("t")
    def _turned(self, proposal: dict) -> float:
        return require_between("t", proposal.value, 0, 1, "of a turn")

    @traitlets.validate("p", "q")
    def _point(self, proposal: dict) -> tuple[float, float]:
        name = proposal.trait.name
        for what, value, low, high in zip(("theta", "phi"), proposal.value, LOW, HIGH, strict=True):
            require_between(f"{what} of {name}", value, low, high, "radians")
        return proposal.value
