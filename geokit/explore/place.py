"""A point of a chart that the reader moves."""

import traitlets

from .figure import require_between


class Place(traitlets.Tuple):
    """A pair of coordinates within `low` and `high`, shared with the page.

    Args:
        default: where the point starts.
        low, high: the corners of the part of the chart that is shown.
        names: what the two coordinates are called where one is refused.
        unit: theirs.
    """

    def __init__(
        self,
        default: tuple[float, float],
        low: tuple[float, float],
        high: tuple[float, float],
        *,
        names: tuple[str, str] = ("theta", "phi"),
        unit: str = "radians",
    ):
        super().__init__(traitlets.Float(), traitlets.Float(), default_value=default)
        self.low, self.high, self.names, self.unit = low, high, names, unit
        self.tag(sync=True)

    def validate(self, obj: traitlets.HasTraits, value: object) -> tuple[float, float]:
        place = super().validate(obj, value)
        for what, at, low, high in zip(self.names, place, self.low, self.high, strict=True):
            require_between(f"{what} of {self.name}", at, low, high, self.unit)
        return place
