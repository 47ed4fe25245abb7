"""What every interactive figure has: a name for those who cannot see it, one look, shared parts."""

import math
from pathlib import Path

import anywidget
import traitlets

HERE = Path(__file__).parent
NEAREST = math.pi / 36  # points stay 5° away from the poles, where charts fail


def module(name: str, *parts: str) -> str:
    """The JavaScript of one figure, behind `parts.js`, which all figures share, and the further
    `parts` that it needs.

    A saved page holds each figure as one text, so the parts are joined here and not imported there.
    """
    files = ("parts.js", *parts, name)
    return "\n".join((HERE / file).read_text(encoding="utf-8") for file in files)


def require_between(
    name: str, value: float | int, low: float | int, high: float | int, unit: str
) -> float | int:
    """`value` itself, if the figure can show it."""
    if not low <= value <= high:  # so that NaN is refused too
        raise ValueError(
            f"{name} is {value:.4g}; this figure shows {low:.4g} to {high:.4g} {unit}: "
            "give a value in that range."
        )
    return value


class Figure(anywidget.AnyWidget):
    """An interactive figure that computes in the browser: it needs no kernel and no network."""

    _css = HERE / "explore.css"
    label = traitlets.Unicode(read_only=True).tag(sync=True)

    def __repr__(self) -> str:
        """What stands in its place where no script runs: on GitHub, or before it is trusted."""
        return f"<{type(self).__name__}: {self.label}. Interactive: run all cells to see it.>"
