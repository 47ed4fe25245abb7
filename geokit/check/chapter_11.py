"""Checks of chapter 11: random walks."""

import torch
from torch import Tensor

from .rules import choice, code, number, refuse


def judge_step(theirs) -> None:
    """my_step(G, z, ε, scale): one step of the walk without drift."""
    draws = torch.Generator().manual_seed(12)
    A = torch.randn(4, 3, generator=draws, dtype=torch.float64)

    def G(z: Tensor) -> Tensor:
        return A.mT @ A + z[..., :, None] * z[..., None, :]

    z = torch.randn(3, generator=draws, dtype=torch.float64)
    z = torch.stack([z, 2 * z]).repeat(10_000, 1)
    ε = torch.randn(z.shape, generator=draws, dtype=torch.float64)
    step = theirs(G, z, ε, 0.3)
    if not torch.is_tensor(step) or step.shape != z.shape:
        refuse(f"return the walkers after the step, a tensor of the shape {tuple(z.shape)}")
    step = step - z
    square = torch.einsum("ni,nij,nj->n", step, G(z), step)
    if not torch.allclose(square, 0.09 * ε.square().sum(dim=-1), rtol=1e-6):
        ratio = float(square.mean() / (3 * 0.09))
        refuse(
            "the length of your step by G, squared, is not scale² |ε|² draw by draw; on average "
            f"it is {ratio:.3g} times d scale²"
        )
    one = step[::2]
    covariance = one.mT @ one / len(one)
    exact = 0.09 * torch.linalg.inv(G(z[0]))
    if not torch.allclose(covariance, exact, atol=0.06 * float(exact.diagonal().max())):
        refuse("the covariance of your steps is not scale² G⁻¹")


def judge_agreement(theirs) -> None:
    """my_agreement(one, other, k): the share of common nearest neighbours."""
    draws = torch.Generator().manual_seed(13)
    x = torch.randn(12, 2, generator=draws, dtype=torch.float64)
    y = x + 0.4 * torch.randn(12, 2, generator=draws, dtype=torch.float64)
    one, other = torch.cdist(x, x), torch.cdist(y, y)
    for k in (1, 4):
        common = 0
        for p, q in zip(one, other, strict=True):  # the nearest of all is the point itself
            a, b = (set(row.argsort()[1 : k + 1].tolist()) for row in (p, q))
            common += len(a & b)
        exact = common / (12 * k)
        try:
            share = float(theirs(one.clone(), other.clone(), k))
        except (TypeError, ValueError, RuntimeError):
            refuse("return one number, the mean share")
        if not abs(share - exact) < 1e-6:
            refuse(f"for twelve points and k = {k} the share is {exact:.4f}, yours is {share:.4f}")


RULES = {
    "11.1": code(
        judge_step,
        hints=(
            "Look for a matrix B with BBᵀ = G⁻¹; the step is scale · Bε.",
            "torch.linalg.eigh gives λ and U with G = U diag(λ) Uᵀ. Then B = U diag(λ)^−½.",
        ),
    ),
    "11.2": choice(
        "b1d808df30808e8170cceb2360ffb3a2b5ea3d29adffb6d22c1c3e283e973b94",
        options="abcdef",
        hints=(
            "Which term of the theorem does the step lack? Does it fade when s becomes small?",
            "By what law is a Brownian walker distributed in the long run, and where on the map "
            "is most of the volume?",
        ),
    ),
    "11.3": code(
        judge_agreement,
        hints=(
            "The point itself is its own nearest; set the diagonal to infinity first.",
            "For each row take the k smallest entries of both matrices, count the common column "
            "numbers, and divide by k.",
        ),
    ),
    "11.4": number(
        "fe453a669f6f97c1ab97a8d1bee1ae89005b1b0e81c2450161767b2629886be4",
        decimals=3,
        hints=(
            "On a closed curve the walk without drift has a density in proportion to G.",
            "Integrate cos z · (1 + 0.8 cos z)² over a period, and divide by the integral of "
            "(1 + 0.8 cos z)².",
        ),
    ),
}
