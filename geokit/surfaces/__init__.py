"""Surfaces with exact answers: each is a map `z ↦ x` that also knows its metric and curvature in
closed form, and its distance in closed form or by a quadrature (to about 1e-12, relative; 1e-10
where points are nearly conjugate).

They are the judges: tests, chapters and exercises compare computed numbers with these. Points have
shape `(*batch, 2)`. Distances are those of the whole surface: angles that differ by 2π are the
same. `HalfPlane` and `Conformal` are metrics without a map, `Saddle` has no known distance.
"""

from .conformal import Conformal, HalfPlane
from .curved import Saddle, Sphere
from .flat import Cone, Cylinder, CylinderOver, FlatTorus, Plane, PolarPlane, SwissRoll
from .revolution import Paraboloid, SurfaceOfRevolution, Torus

__all__ = [
    "Cone",
    "Conformal",
    "Cylinder",
    "CylinderOver",
    "FlatTorus",
    "HalfPlane",
    "Paraboloid",
    "Plane",
    "PolarPlane",
    "Saddle",
    "Sphere",
    "SurfaceOfRevolution",
    "SwissRoll",
    "Torus",
]
