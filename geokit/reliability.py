"""How well do retrained models agree?"""

import torch
from torch import Tensor


def coefficient_of_variation(x, dim: int = 0) -> Tensor:
    """Standard deviation over mean along `dim` (the models): dimensionless, lower is better.

    `x` is a tensor, or what `torch.as_tensor` takes; that axis is gone from the result.

    The standard deviation divides by n − 1. The sources print the ratio upside down (mean/std),
    though their code computes this one.

    Raises:
        ValueError: fewer than two values along `dim`, or values that are not positive and finite:
            distances are positive, and around a mean of zero the ratio means nothing.
    """
    x = torch.as_tensor(x)
    x = x if x.is_floating_point() else x.double()
    if x.dim() == 0 or x.shape[dim] < 2:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; a spread needs at least two values along dim {dim}."
        )
    if not (x.isfinite() & (x > 0)).all():
        raise ValueError(
            "x has a value that is not positive and finite; leave such pairs out, and say so."
        )
    return x.std(dim=dim, correction=1) / x.mean(dim=dim)
