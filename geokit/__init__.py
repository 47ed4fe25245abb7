"""geokit: the geometry that a decoder pulls back from data space.

The core is here; models, data and pictures live in their own modules (`geokit.models`,
`geokit.data`, `geokit.pretrained`, `geokit.plotting`, …), the checks of the exercises in
`geokit.check`.
"""

from .curves import CubicSpline, StraightLine
from .ensemble import disagreement, ensemble_energy, mean_pullback_metric
from .exponential import exponential_map, logarithm_map, parallel_transport
from .geodesic import Geodesic, UnresolvedGeodesic, distance, energy, geodesic, length
from .identifiability import (
    indeterminacy,
    injectivity_defect,
    isometry_error,
    smallest_singular_value,
)
from .metric import (
    angle,
    christoffel,
    gaussian_curvature,
    inner,
    norm,
    riemann_tensor,
    unit_ball,
    volume_element,
)
from .pullback import PullbackMetric, expected_pullback_metric, jacobian
from .rbf import RBFPrecision
from .reliability import coefficient_of_variation, compare
from .solvers.graph import LatentGraph
from .walks import brownian_motion, euclidean_walk, riemannian_walk

__all__ = [
    "CubicSpline",
    "Geodesic",
    "LatentGraph",
    "PullbackMetric",
    "RBFPrecision",
    "StraightLine",
    "UnresolvedGeodesic",
    "angle",
    "brownian_motion",
    "christoffel",
    "coefficient_of_variation",
    "compare",
    "disagreement",
    "distance",
    "energy",
    "ensemble_energy",
    "euclidean_walk",
    "expected_pullback_metric",
    "exponential_map",
    "gaussian_curvature",
    "geodesic",
    "indeterminacy",
    "injectivity_defect",
    "inner",
    "isometry_error",
    "jacobian",
    "length",
    "logarithm_map",
    "mean_pullback_metric",
    "norm",
    "parallel_transport",
    "riemann_tensor",
    "riemannian_walk",
    "smallest_singular_value",
    "unit_ball",
    "volume_element",
]
