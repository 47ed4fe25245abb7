"""Algorithms that minimise a discrete curve energy, one a file; `geodesic(..., solver=)` takes any
of them.

A solver is a callable `(energy, points, stop) -> Solution`: `energy` is one of the two in
`energies.py`, `points` are `(*batch, n, d)` with both ends held fixed, and `stop` is the relative
Newton decrement at which a problem counts as solved. Every leading index is a problem of its own.
`certified.py` is the loop around a solver that refines and certifies.
"""

from .lbfgs import lbfgs
from .newton import newton

__all__ = ["lbfgs", "newton"]
