"""geokit: the geometry that a decoder pulls back from data space.

The core is here; models, data and pictures live in their own modules (`geokit.models`,
`geokit.data`, `geokit.plotting`, …).
"""

from .curves import CubicSpline, StraightLine
from .geodesic import Geodesic, UnresolvedGeodesic, distance, energy, geodesic, length
from .metric import angle, inner, norm, unit_ball, volume_element
from .pullback import PullbackMetric, expected_pullback_metric, jacobian
from .reliability import coefficient_of_variation

__all__ = [
    "CubicSpline",
    "Geodesic",
    "PullbackMetric",
    "StraightLine",
    "UnresolvedGeodesic",
    "angle",
    "coefficient_of_variation",
    "distance",
    "energy",
    "expected_pullback_metric",
    "geodesic",
    "inner",
    "jacobian",
    "length",
    "norm",
    "unit_ball",
    "volume_element",
]
