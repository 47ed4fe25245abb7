"""Several decoders of one latent space: what they measure on average, and how much they disagree.

Retrained on the same codes, decoders agree where there are data and differ elsewhere. Two ways to
let that count are in use, and they are not the same: the mean of the members' metrics is a metric
like any other; the energy of a curve that changes its decoder at every point is none, as it grows
with the number of points.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from .pullback import Joint, PullbackMetric
from .types import Float, Immersion


def mean_pullback_metric(decoders: Iterable[Immersion]) -> PullbackMetric:
    """(1/S) Σₛ JₛᵀJₛ, the mean of the members' pullback metrics.

    It is the pullback metric of z ↦ (f₁(z), …, f_S(z))/√S, the decoders side by side: a distance in
    that space is the root mean square of the members' distances. So whatever works for one decoder
    works for an ensemble, at the price of S.

    With m the mean decoder it is JₘᵀJₘ + (1/S) Σₛ (Jₛ − Jₘ)ᵀ(Jₛ − Jₘ). The second term is what the
    members' disagreement adds. It is at least JσᵀJσ for σ the members' standard deviation of each
    pixel, by the inequality of Cauchy and Schwarz applied to
    σₐ ∂ᵢσₐ = (1/S) Σₛ (fₛ − m)ₐ ∂ᵢ(fₛ − m)ₐ. So `expected_pullback_metric(m, σ)`, which knows only
    mean and deviation, is never larger; the two are equal for S = 2, and wherever the members
    deviate in fixed proportions, fₛ = m + cₛ ⊙ σ.

    Args:
        decoders: S maps `z ↦ x`, each `(*batch, d)` → `(*batch, D)`.

    Raises:
        ValueError: no decoders, or a single one in place of a sequence.

    Source: Syrota, Moreno-Muñoz and Hauberg (2024), Decoder ensembling for learned latent
        geometries, for the metric as an expectation over decoders.
    """
    decoders = _members(decoders)
    return PullbackMetric(Joint(decoders, scale=len(decoders) ** -0.5))


def disagreement(
    decoders: Iterable[Immersion], z: Float[Tensor, "*batch d"]
) -> Float[Tensor, "*batch"]:
    """V(z) = (1/S) Σₛ ‖fₛ(z) − m(z)‖², the members' variance summed over the pixels, in data
    units².

    Divided by S: half the mean square distance between two members drawn with replacement. For
    decoders that are draws from some law it is (S − 1)/S of that law's variance on average.

    Raises:
        ValueError: as `mean_pullback_metric`.
    """
    return _mean_and_variance(decoders, z)[1]


def ensemble_energy(
    decoders: Iterable[Immersion], points: Float[Tensor, "*batch n d"]
) -> Float[Tensor, "*batch"]:
    """The expected energy of the curve through `points` if each is decoded by a member of its own.

    With N = n − 1 segments of duration 1/N, and members i, j drawn independently and evenly at
    every point, it is N Σₜ E‖fᵢ(zₜ) − fⱼ(zₜ₊₁)‖², in data units². No sampling is needed: for
    independent x and y, E‖x − y‖² = ‖E x − E y‖² + Var x + Var y, and so it is

        N Σₜ (‖m(zₜ₊₁) − m(zₜ)‖² + V(zₜ) + V(zₜ₊₁)),

    with the mean decoder m and the `disagreement` V. The first term is the energy of the mean
    decoder, and converges as the points become dense. The rest is exactly 2N² times the trapezoidal
    rule for ∫ V dt. So the energy grows like 2N² ∫ V dt, and √E, which the name of a length might
    tempt one to compute, like N √(2 ∫ V dt): it compares curves of equal n only, and is a penalty
    on regions where the members disagree, not a discretisation of `mean_pullback_metric`.

    Args:
        decoders: S maps `z ↦ x`, each `(*batch, d)` → `(*batch, D)`.
        points: the curve at equal times, `(*batch, n, d)` with n ≥ 2.

    Raises:
        ValueError: as `mean_pullback_metric`; or fewer than two points.

    Source: the objective of Syrota et al. (2024), there sampled with one draw a step.
    """
    if points.dim() < 2 or points.shape[-2] < 2:
        raise ValueError(
            f"points have shape {tuple(points.shape)}; a curve is (*batch, n, d) with n ≥ 2."
        )
    m, V = _mean_and_variance(decoders, points)
    step = (m[..., 1:, :] - m[..., :-1, :]).square().sum(dim=-1)
    return (points.shape[-2] - 1) * (step + V[..., 1:] + V[..., :-1]).sum(dim=-1)


def _mean_and_variance(decoders: Iterable[Immersion], z: Tensor) -> tuple[Tensor, Tensor]:
    x = torch.stack([f(z) for f in _members(decoders)])
    m = x.mean(dim=0)
    return m, (x - m).square().sum(dim=-1).mean(dim=0)


def _members(decoders: Iterable[Immersion]) -> tuple[Immersion, ...]:
    # an nn.Sequential is one decoder, and would be taken apart into its layers
    one = isinstance(decoders, nn.Sequential) or not isinstance(decoders, Iterable)
    members = () if one else tuple(decoders)
    if not members:
        raise ValueError(
            "an ensemble is a sequence of at least one decoder; give [f_1, f_2, …], "
            "where each maps (*batch, d) to (*batch, D)."
        )
    return members
