"""Maps that lie: two places, five charts of the sphere, and the one distance they agree on."""

import math

import traitlets

from .figure import NEAREST, Figure, module, require_between
from .place import Place

CHARTS = ("equirectangular", "mercator", "equal-area", "azimuthal", "retrained")
LOW, HIGH = (NEAREST, -math.pi), (math.pi - NEAREST, math.pi)
TROMSO = (math.radians(90 - 69.65), math.radians(18.96))
LIMA = (math.radians(90 + 12.05), math.radians(-77.04))


class WorldMap(Figure):
    """Places `a` and `b`, each `(theta, phi)` in radians, in one `chart` of the sphere.

    `chart` is one of `CHARTS`. "retrained" is a random smooth chart, drawn anew for each `seed`.
    """

    _esm = module("world_map.js")
    a = Place(TROMSO, LOW, HIGH)
    b = Place(LIMA, LOW, HIGH)
    chart = traitlets.Unicode("equirectangular").tag(sync=True)
    seed = traitlets.Int(1).tag(sync=True)

    @traitlets.default("label")
    def _label(self) -> str:
        return "Two places on five maps of the sphere, and their distance on each"

    @traitlets.validate("chart")
    def _known(self, proposal: dict) -> str:
        if proposal.value not in CHARTS:
            raise ValueError(f"chart is {proposal.value!r}; choose one of {', '.join(CHARTS)}.")
        return proposal.value

    @traitlets.validate("seed")
    def _whole(self, proposal: dict) -> int:
        return int(require_between("seed", proposal.value, 0, 2**32 - 1, "as a whole number"))
