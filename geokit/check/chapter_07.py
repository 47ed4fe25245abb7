"""Checks of the exercises in "Flatness: when Euclid is allowed"."""

import torch
from torch import Tensor

from ..surfaces import Saddle, Sphere, SwissRoll
from .rules import choice, code, refuse


def curvature_of_any_metric(curvature) -> None:
    """7.1: `curvature(G, z)` for a smooth metric and points (n, 2), against closed forms."""
    generator = torch.Generator().manual_seed(7)
    z = 0.6 + 0.8 * torch.rand(4, 2, generator=generator)
    sheared = torch.tensor([[1.0, 0.4], [0.0, 1.3]])
    for name, surface in {
        "a sphere of radius 2": Sphere(2.0),
        "a sphere of radius 0.5": Sphere(0.5),
        "the swiss roll": SwissRoll(),
        "a saddle": Saddle(0.7),
    }.items():
        exact = surface.gaussian_curvature(z)
        for B in (torch.eye(2), sheared):  # in oblique coordinates G is not diagonal

            def G(w, surface=surface, B=B):
                return B.mT @ surface.metric(w @ B.mT) @ B

            w = z @ torch.linalg.inv(B).mT
            K = torch.as_tensor(curvature(G, w.clone())).detach()
            if K.shape != exact.shape:
                refuse(f"for 4 points there are 4 curvatures, and yours have shape {(*K.shape,)}")
            if not torch.allclose(K.to(exact), exact, rtol=1e-3, atol=1e-3):
                chart = "" if B is not sheared else ", in oblique coordinates,"
                k = furthest(K, exact)
                nan = "; try torch.linalg.inv in place of solve" * bool(K[k].isnan())
                refuse(
                    f"the curvature of {name}{chart} is {exact[k]:.3f} at one point, and yours is"
                    f" {K[k]:.3f}{nan}"
                )


def spread_without_units(spread) -> None:
    """7.3: `spread(a, b)` for codes (models, pairs, 2): a CV per pair, one scale a model gone."""
    generator = torch.Generator().manual_seed(73)
    p, q = torch.randn(2, 6, 2, generator=generator)
    scales = torch.tensor([0.5, 1.0, 3.0, 10.0])
    turns, _ = torch.linalg.qr(torch.randn(4, 2, 2, generator=generator))
    similar = scales[:, None, None] * turns
    stretches = similar @ torch.diag(torch.tensor([1.0, 2.0])) @ turns.roll(1, dims=0)
    for maps, what in ((similar, "similarities"), (stretches, "charts that stretch")):
        a, b = p @ maps.mT, q @ maps.mT
        d = (a - b).norm(dim=-1)
        d = d / d.mean(dim=1, keepdim=True)
        expected = d.std(dim=0) / d.mean(dim=0)
        mine = torch.as_tensor(spread(a.clone(), b.clone())).detach()
        if mine.shape != expected.shape:
            refuse(f"for 6 pairs there are 6 values, and yours have the shape {(*mine.shape,)}")
        if not torch.allclose(mine.to(expected), expected, atol=1e-9):
            k = furthest(mine, expected)
            refuse(
                f"for models that differ by {what} the spread of one pair is"
                f" {expected[k]:.3f}, and yours is {mine[k]:.3f}"
            )


def furthest(given: Tensor, exact: Tensor) -> int:
    """Where the two are furthest apart; not a number is further than any."""
    return int((given.to(exact) - exact).abs().nan_to_num(torch.inf).argmax())


RULES = {
    "7.1": code(
        curvature_of_any_metric,
        hints=(
            "Derive the Christoffel symbols from G and its first derivatives, then differentiate"
            " them.",
            "K = ⟨R(∂₁, ∂₂)∂₂, ∂₁⟩ / det G; vmap over the points, jacfwd of a function that itself"
            " uses jacfwd.",
        ),
    ),
    "7.2": choice(
        "e3635d5a8b11e5f8145bc782c4d5cdca5963c05c9d6d9a45d42288355629a195",
        options="abcde",
        hints=(
            "Which parts of the theorem say what must be so, and which say what is enough?",
            "Test each remark on a plane: with the metric diag(1, 4), and in a chart that is bent.",
        ),
    ),
    "7.3": code(
        spread_without_units,
        hints=(
            "A model's unit is one number, the same for all its pairs.",
            "Divide row m of the distances by its mean over the pairs; then std / mean over the"
            " models, with n - 1.",
        ),
    ),
}
