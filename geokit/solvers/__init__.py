"""Algorithms that minimise a discrete curve energy, one a file; `geodesic(..., solver=)` takes any
of them.

A solver is a callable `(energy, points, stop) -> Solution`: `energy` is one of the two in
`energies.py`, `points` are `(*batch, n, d)` with both ends held fixed, and `stop` is the relative
decrement of the energy (by each solver's own estimate) at which a problem counts as solved. Every
leading index is a problem of its own. `certified.py` is the loop around a solver that refines and
certifies. `GraphSpline` alone minimises nothing: a shortest path in a graph, to compare with.
"""

from .georce import georce
from .graph_spline import GraphSpline
from .lbfgs import lbfgs
from .newton import newton
from .spline_adam import spline_adam

__all__ = ["GraphSpline", "georce", "lbfgs", "newton", "spline_adam"]
