"""A standard deviation by radial bumps over two moons: the wall around the data, and its end."""

import numpy as np
import torch
import traitlets
from scipy.spatial.distance import cdist
from torch import Tensor

from ..rbf import bandwidths, weights
from ..types import Float
from .figure import module, require_between
from .latent import Point, TwoEnds, around, named

CENTRES = (16, 32, 64, 96, 128)
CURVATURES = tuple(k / 4 for k in range(1, 13))
FLOORS = (1e-4, 10.0)
NOISE = 0.1  # σ at the codes
MARGIN = 0.25  # wide enough for a way round the wall, outside
A, B = (-1.0, 0.15), (1.0, 0.1)  # the two tips of the upper moon


class RBFVariance(TwoEnds):
    """The standard deviation σ of an `RBFPrecision` that is fitted to codes in the plane, and the
    geodesic from `a` to `b` in the expected metric of the decoder z ↦ N(z, σ(z)² I).

    The plane is its own data space: the mean of the decoder is the identity, and both of its
    "pixels" have the same σ, which is 0.1 at the codes. So the metric is I + 2 ∇σ ∇σᵀ: that of a
    landscape of height √2 σ over the plane, and a geodesic is the shortest way across it.

    Args:
        codes: points of the plane, `(n, 2)`. None: 400 points of two moons.
        centres: K, one of 16, 32, 64, 96, 128.
        curvature: the width a of the bumps, in those of their clusters: 0.25, 0.5, …, 3.
        floor: ζ, the least precision, from 1e-4 to 10; far from the codes σ is ζ^{-1/2}.
        a, b: the ends, in latent units.

    Raises:
        ValueError: codes that are no points of the plane, or fewer than 129 different ones; a
            setting that the figure does not have; an end outside the square around the codes.
    """

    _esm = module("variance.js", "chords.js", "latent.js")
    centres = traitlets.Int(64).tag(sync=True)
    curvature = traitlets.Float(1.25).tag(sync=True)
    floor = traitlets.Float(0.01).tag(sync=True)
    fits = traitlets.Bytes(read_only=True).tag(sync=True)

    def __init__(
        self,
        codes: Float[Tensor, "n d"] | None = None,
        *,
        centres: int = 64,
        curvature: float = 1.25,
        floor: float = 0.01,
        a: Point | None = None,
        b: Point | None = None,
    ):
        if codes is None:
            from sklearn.datasets import make_moons  # late: it takes longer to load than all else

            moons, _ = make_moons(400, noise=0.06, random_state=0)
            codes = torch.from_numpy(moons)
            a, b = A if a is None else a, B if b is None else b
        box = around(codes, MARGIN)
        distinct = len(torch.unique(codes, dim=0))
        if distinct <= max(CENTRES):
            raise ValueError(
                f"codes has {distinct} different points; "
                f"{max(CENTRES)} clusters need {max(CENTRES) + 1} or more."
            )
        self._show(box=box, codes=named(codes, None), fits=fitted(codes.double().cpu().numpy()))
        low, high = codes.double().aminmax(dim=0)
        a = low.tolist() if a is None else a
        b = high.tolist() if b is None else b
        settings = {"centres": centres, "curvature": curvature, "floor": floor}
        super().__init__(a=a, b=b, **settings)

    @traitlets.default("label")
    def _label(self) -> str:
        return "Variance by radial bumps: the wall around the data, its end, and a geodesic"

    @traitlets.validate("centres", "curvature")
    def _offered(self, proposal: dict) -> float | int:
        name, value = proposal.trait.name, proposal.value
        offered = {"centres": CENTRES, "curvature": CURVATURES}[name]
        if value not in offered:
            values = ", ".join(f"{x:g}" for x in offered)
            raise ValueError(f"{name} is {value:.4g}; choose one of {values}.")
        return value

    @traitlets.validate("floor")
    def _positive(self, proposal: dict) -> float:
        return require_between("floor", proposal.value, *FLOORS, "1/(data units)²")


def fitted(codes: Float[np.ndarray, "n 2"]) -> bytes:
    """All that the page needs for any setting: for each K the centres, and λ for a = 1; then for
    each a the weights to a precision of 1 at the codes. Little-endian float64.

    The page need not fit anything. λ goes with a⁻², and the W ≥ 0 of least squares is proportional
    to its target, which is one number here: NOISE⁻² − ζ, at every code.
    """
    numbers = []
    for K in CENTRES:
        from sklearn.cluster import KMeans

        clusters = KMeans(K, n_init=4, random_state=0).fit(codes)  # as `RBFPrecision.fit` does
        c = clusters.cluster_centers_
        λ = bandwidths(codes, clusters.labels_, c, 1.0)
        numbers += [c.ravel(), λ]
        for a in CURVATURES:
            bumps = np.exp(-λ / a**2 * cdist(codes, c, "sqeuclidean"))
            numbers.append(weights(bumps, np.ones((len(codes), 1)))[0])
    return np.concatenate(numbers).astype("<f8").tobytes()
