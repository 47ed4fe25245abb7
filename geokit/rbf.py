"""A standard deviation that grows away from the data: radial basis functions for the precision.

A decoder's own σ says little where no codes are, since a network extrapolates as it pleases. Here
the precision β = 1/σ² is a sum of bumps that stand where the codes are, so it falls to its floor
elsewhere, and σ rises. Between the two lies a wall: steep, and of finite height.

Source: Arvanitidis, Hansen and Hauberg (2018), Latent Space Oddity: its variance functions; the
    network is that of Que and Belkin (2016).
"""

from dataclasses import dataclass

import numpy as np
import scipy
import torch
from torch import Tensor, nn

from .types import Derivatives, Float

LEAST = 0.25
"""No cluster is narrower than this share of the median one: see `bandwidths`."""


class RBFPrecision(nn.Module):
    """β(z) = W v(z) + ζ with bumps v_k(z) = exp(−λ_k ‖z − c_k‖²); σ = β^{-1/2}.

    W is not negative, so ζ ≤ β ≤ ζ + Σ_k W_k, and σ lies in (0, ζ^{-1/2}]. Far from every centre σ
    is ζ^{-1/2} and flat: beyond the wall, σ adds nothing to the metric.

    Made by `fit`, or by hand from what it holds; `.to`, `.double()`, `.float()` work in place, as
    for any module. Nothing in it is trained by gradient.

    Args:
        centres: c, `(K, d)`, latent units.
        bandwidths: λ, `(K,)`, positive, 1/(latent units)².
        weights: W, `(D, K)`, not negative, 1/(data units)².
        floor: ζ > 0, 1/(data units)².

    Raises:
        ValueError: shapes that do not fit, or values out of these ranges.
    """

    def __init__(
        self,
        centres: Float[Tensor, "K d"],
        bandwidths: Float[Tensor, " K"],
        weights: Float[Tensor, "D K"],
        floor: float,
    ):
        super().__init__()
        K = len(centres)
        if centres.dim() != 2 or bandwidths.shape != (K,) or weights.shape[1:] != (K,):
            raise ValueError(
                f"centres, bandwidths and weights have the shapes {tuple(centres.shape)}, "
                f"{tuple(bandwidths.shape)} and {tuple(weights.shape)}; "
                "they must be (K, d), (K,) and (D, K)."
            )
        if not ((bandwidths > 0).all() and (weights >= 0).all() and floor > 0):
            raise ValueError(
                f"bandwidths and the floor must be positive and weights not negative; the least "
                f"are {bandwidths.min():.3g}, {floor:.3g} and {weights.min():.3g}."
            )
        for name, value in zip(
            ("centres", "bandwidths", "weights"), (centres, bandwidths, weights), strict=True
        ):
            self.register_buffer(name, value.detach())
        self.floor = floor

    @classmethod
    def fit(
        cls,
        codes: Float[Tensor, "n d"],
        std: Float[Tensor, "n D"],
        *,
        centres: int = 64,
        curvature: float = 1.25,
        floor: float = 1e-2,
        seed: int = 0,
    ) -> "RBFPrecision":
        """Bumps at the centres of k-means clusters of the codes, weighed to match a given σ there.

        W minimises Σ_n ‖W v(z_n) + ζ − 1/σ_n²‖² under W ≥ 0: squares of the *precision*, which is
        linear in W. So the problem is convex, each pixel has its own, and an active-set solver
        finds the minimum exactly, with nothing to tune. The sources minimise squares of the
        variance, or (in the report's code) of its logarithm: neither is convex, and both leave W to
        the step size and the number of steps.

        Args:
            codes: latent points.
            std: the σ to match at them, in data units: `vae.std(codes)`.
            centres: K, the number of clusters; at most the number of distinct codes.
            curvature: a; the bumps' widths are a times those of their clusters. The larger, the
                more slowly σ rises.
            floor: ζ. The σ of the far space is ζ^{-1/2}: 10 by default, ten times the range of a
                pixel.
            seed: of the k-means.

        Returns:
            The precision, in the dtype and on the device of the codes; it is computed in float64 on
            the CPU. 18,000 codes, 64 centres and 784 pixels take about two seconds.

        Raises:
            ValueError: codes and std that do not fit, codes that are NaN or infinite, a std that is
                not positive and finite, more centres than distinct codes, a curvature or floor that
                is not positive.
        """
        if codes.dim() != 2 or std.dim() != 2 or len(codes) != len(std):
            raise ValueError(
                f"codes have the shape {tuple(codes.shape)} and std {tuple(std.shape)}; "
                "they must be (n, d) and (n, D), one row a code."
            )
        z, σ = (x.detach().double().cpu().numpy() for x in (codes, std))
        if not np.isfinite(z).all() or not (np.isfinite(σ) & (σ > 0)).all():
            raise ValueError("codes must be finite, and std positive and finite; leave out others.")
        distinct = len(np.unique(z, axis=0))
        if not 1 <= centres <= distinct:
            raise ValueError(
                f"centres is {centres}, but there are {distinct} distinct codes; "
                "give at least 1 and at most so many."
            )
        if not (0 < curvature < np.inf and 0 < floor < np.inf):
            raise ValueError(
                f"curvature is {curvature} and floor {floor}; both must be positive and finite."
            )
        from sklearn.cluster import KMeans  # late: it takes longer to load than all else

        clusters = KMeans(centres, n_init=4, random_state=seed).fit(z)
        c = clusters.cluster_centers_
        λ = bandwidths(z, clusters.labels_, c, curvature)
        v = np.exp(-λ * scipy.spatial.distance.cdist(z, c, "sqeuclidean"))
        W = weights(v, σ**-2 - floor)
        return cls(*(torch.from_numpy(x).to(codes) for x in (c, λ, W)), floor)

    def precision(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D"]:
        """β(z), in 1/(data units)²."""
        return self._bumps(z)[0] @ self.weights.mT + self.floor

    @property
    def std(self) -> "Deviation":
        """The standard deviation σ(z) = β(z)^{-1/2}: a map `(*batch, d)` → `(*batch, D)`."""
        return Deviation(self)

    def _bumps(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """v(z) `(*batch, K)`, and the way from each centre to z `(*batch, K, d)`."""
        d = self.centres.shape[-1]
        if z.shape[-1:] != (d,):  # one coordinate would broadcast, and be wrong
            raise ValueError(f"z has the shape {tuple(z.shape)}; it must be (*batch, {d}).")
        δ = z[..., None, :] - self.centres
        return (-self.bandwidths * δ.square().sum(dim=-1)).exp(), δ


@dataclass(frozen=True)
class Deviation:
    """z ↦ σ(z) of an `RBFPrecision`, with its derivatives written out."""

    rbf: RBFPrecision

    def __call__(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D"]:
        return self.rbf.precision(z).rsqrt()

    def derivatives(self, z: Float[Tensor, "*batch d"]) -> Derivatives:
        """With ∂σ = −½ σ³ ∂β and ∂²σ = 3 ∂σ∂σᵀ/σ − ½ σ³ ∂²β; of a bump, ∂v = −2λv δ and
        ∂²v = v (4λ² δδᵀ − 2λ I)."""
        λ, W = self.rbf.bandwidths, self.rbf.weights
        v, δ = self.rbf._bumps(z)
        σ = (v @ W.mT + self.rbf.floor).rsqrt()
        slope = (λ * v)[..., None] * δ  # −½ of each bump's
        # contiguous, so that it is one product: else each point has a copy of W
        J = (σ[..., None, :] ** 3 * nn.functional.linear(slope.mT.contiguous(), W)).mT

        def curvature(weights: Tensor) -> Tensor:
            pull = -0.5 * (weights * σ**3) @ W * v * λ  # on each bump, times λ
            H = 3 * (J * (weights / σ)[..., None]).mT @ J
            H = H + 4 * (δ * (pull * λ)[..., None]).mT @ δ
            return H - 2 * pull.sum(dim=-1)[..., None, None] * torch.eye(z.shape[-1]).to(z)

        return Derivatives(σ, J, curvature)


def bandwidths(
    codes: Float[np.ndarray, "n d"], labels: np.ndarray, centres: np.ndarray, curvature: float
) -> Float[np.ndarray, " K"]:
    """λ_k = ½ (a r_k)^{-2}, where r_k is the mean distance of a cluster's codes to its centre.

    A cluster of one code has r = 0, and its bump would be infinitely narrow. So r is at least a
    quarter of its median over the clusters that have an extent.

    Raises:
        ValueError: no cluster has an extent.

    Source: Arvanitidis et al. (2018), as for the module. The report's code takes the smallest
        standard deviation along an axis instead, which is 1.25 times less for a round normal
        cluster in the plane.
    """
    distance = np.linalg.norm(codes - centres[labels], axis=-1)
    counts = np.bincount(labels, minlength=len(centres))
    r = np.bincount(labels, distance, minlength=len(centres)) / counts.clip(min=1)
    # k-means leaves rounding where a cluster is one code
    extended = r > 1e-9 * np.abs(codes).max()
    if not extended.any():
        raise ValueError(
            f"each of the {len(centres)} clusters is a single point, so none has a width; "
            "take fewer centres than codes."
        )
    r = r.clip(min=LEAST * np.median(r[extended]))
    return 0.5 / (curvature * r) ** 2


def weights(
    bumps: Float[np.ndarray, "n K"], targets: Float[np.ndarray, "n D"]
) -> Float[np.ndarray, "D K"]:
    """The W ≥ 0 of least squares ‖bumps Wᵀ − targets‖², exactly, column by column.

    Source: Lawson and Hanson (1974), Solving Least Squares Problems, ch. 23, by scipy.
    """
    Q, R = np.linalg.qr(bumps)  # ‖Rw − Qᵀy‖ has the minima of ‖vw − y‖, and K rows instead of n
    return np.stack([scipy.optimize.nnls(R, target)[0] for target in (Q.T @ targets).T])
