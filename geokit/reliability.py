"""How well do retrained models agree?"""

from jaxtyping import Float
from torch import Tensor


def coefficient_of_variation(x: Float[Tensor, "..."], dim: int = 0) -> Float[Tensor, "..."]:
    """Standard deviation over mean along `dim` (the models): dimensionless, lower is better.

    The standard deviation divides by n − 1. The sources print the ratio upside down (mean/std),
    though their code computes this one.

    Raises:
        ValueError: fewer than two values along `dim`, or values that are not positive and finite:
            distances are positive, and around a mean of zero the ratio means nothing.
    """
    if x.shape[dim] < 2:
        raise ValueError(
            f"x has {x.shape[dim]} value(s) along dim {dim}; a spread needs at least two."
        )
    if not (x.isfinite() & (x > 0)).all():
        raise ValueError(
            "x has a value that is not positive and finite; leave such pairs out, and say so."
        )
    return x.std(dim=dim, correction=1) / x.mean(dim=dim)
