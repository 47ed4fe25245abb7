"""A curve that a knob folds: where full rank (A3) breaks, and where injectivity (A2)."""

import traitlets

from .figure import HERE, Figure, module, require_between

LIMIT = 1.1  # the shown codes are those from −LIMIT to LIMIT
LOW, HIGH = -0.5, 1.0  # of the knob


class Fold(Figure):
    """The curve γ_s(t) = (t², t³ − s t), two codes `t1` and `t2` of it that the reader moves, and
    the knob `s` that makes it fold.

    For s < 0 it is an injective immersion. At s = 0 it has a cusp: its only singular value, the
    speed |γ′(t)|, is 0 at t = 0 (A3 fails). For s > 0 the codes ±√s share an image (A2 fails).

    Args:
        s: the knob, from −0.5 to 1.
        t1, t2: two codes, from −1.1 to 1.1, in latent units.

    Raises:
        ValueError: a number outside its range.
    """

    _esm = module("fold.js")
    _css = "\n".join((HERE / f).read_text(encoding="utf-8") for f in ("explore.css", "fold.css"))
    s = traitlets.Float(-0.25).tag(sync=True)
    t1 = traitlets.Float(-0.5).tag(sync=True)
    t2 = traitlets.Float(0.5).tag(sync=True)

    @traitlets.default("label")
    def _label(self) -> str:
        return (
            "Fold: a curve with a knob that breaks full rank at one position, injectivity past it"
        )

    @traitlets.validate("s")
    def _turned(self, proposal: dict) -> float:
        return require_between("s", proposal.value, LOW, HIGH, "of the knob")

    @traitlets.validate("t1", "t2")
    def _moved(self, proposal: dict) -> float:
        name = proposal.trait.name
        return require_between(name, proposal.value, -LIMIT, LIMIT, "latent units")
