"""Checks of chapter 8: a VAE's map of MNIST."""

import torch
from torch import Tensor

from ..pullback import PullbackMetric
from ..surfaces import Paraboloid, Sphere
from .rules import choice, code, refuse


def judge_matrix(theirs) -> None:
    """my_matrix(G, codes, labels): mean geodesic distances of classes, on a globe of its own."""
    draws = torch.Generator().manual_seed(8)
    sphere = Sphere(radius=2.0)
    low, high = torch.tensor([0.4, 0.0]), torch.tensor([1.3, 2.0])
    z = low + (high - low) * torch.rand(9, 2, generator=draws, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 2, 0, 2, 1, 0, 2])
    d = sphere.distance(z[:, None], z[None, :])
    others = 1 - torch.eye(9)  # no image with itself
    member = torch.nn.functional.one_hot(labels).to(d)
    exact = (member.mT @ (d * others) @ member) / (member.mT @ others @ member)

    M = torch.as_tensor(theirs(PullbackMetric(sphere), z, labels)).to(exact)
    if M.shape != exact.shape:
        refuse(f"for 3 classes return a matrix of shape (3, 3), not {tuple(M.shape)}")
    off = (M / exact - 1).abs()
    wrong = ~(off < 0.02)
    if wrong.diagonal().any():
        k = int(wrong.diagonal().nonzero()[0])
        refuse(
            f"on a globe, within class {k}, the mean distance of two different images is "
            f"{exact[k, k]:.3f}, yours is {M[k, k]:.3f}"
        )
    if wrong.any():
        k, other = wrong.nonzero()[0].tolist()
        refuse(
            f"on a globe the mean distance of classes {k} and {other} is "
            f"{exact[k, other]:.3f}, yours is {M[k, other]:.3f}"
        )


def judge_pace(theirs) -> None:
    """my_even_pace(f, a, b, n): points of a segment, evenly spaced along its decoded length."""
    draws = torch.Generator().manual_seed(9)
    a, b = torch.tensor([0.3, -0.2]), torch.tensor([2.4, 1.9])
    A = torch.randn(5, 2, generator=draws, dtype=torch.float64)
    maps = (Paraboloid(), Sphere(), lambda z: torch.cat([z, (z @ A.mT).sin()], dim=-1))
    for n, f in zip((5, 8, 12), maps, strict=True):
        z = theirs(f, a, b, n)
        if z.shape != (n, 2):
            refuse(f"for n = {n} return points of shape ({n}, 2), not {tuple(z.shape)}")
        share = (z - a) @ (b - a) / (b - a).square().sum()
        if (z - a - share[:, None] * (b - a)).abs().max() > 1e-6:
            refuse("the points must lie on the straight line from a to b")
        if abs(share[0]) > 1e-6 or abs(share[-1] - 1) > 1e-6:
            refuse("the first point is a and the last is b")
        pieces = decoded_lengths(f, z)
        if not pieces.max() < 1.01 * pieces.min():
            refuse(
                f"on a surface of ours the longest of your {n - 1} pieces has "
                f"{pieces.max() / pieces.min():.2f} times the decoded length of the shortest"
            )


def decoded_lengths(f, z: Tensor, fine: int = 400) -> Tensor:
    """The decoded length of each straight piece between neighbours of z."""
    s = torch.linspace(0, 1, fine + 1, dtype=z.dtype)[:, None]
    pieces = z[:-1, None] + s * (z[1:] - z[:-1])[:, None]
    return f(pieces).diff(dim=1).norm(dim=-1).sum(dim=-1)


RULES = {
    "8.1": code(
        judge_matrix,
        hints=(
            "For each two classes make all pairs of an image of the one and an image of the other.",
            "Within one class leave out the pairs of an image with itself: their distance is "
            "zero, and no one asked for it.",
            "`geodesic(G, p, q).length` takes many pairs at once: `p` and `q` of shape (pairs, d).",
        ),
    ),
    "8.2": choice(
        "c860c291a537f0298f0e9a82a9d971c013f7a6acf3f7f5b74de8e6c2888c3fce",
        options="abcde",
        hints=(
            "Average twice: over 33 equal times, and with each piece weighted by its decoded "
            "length, as the `along` of the chapter does.",
            "Compare the straight line with itself, by the one clock and by the other.",
        ),
    ),
    "8.3": choice(
        "b6b273d964b1945456856dbe2970f5041a93a9a30610d6c09eeb43588811b097",
        options="abcdef",
        hints=(
            "By the volume of the metric, data with the density p have the density p/√det G.",
            "For (e) and (f) compare standard deviations over the test codes.",
            "What is cheap near the data: to have many data in a unit of volume, or to walk there?",
        ),
    ),
    "8.4": code(
        judge_pace,
        hints=(
            "Decode a fine grid of the line; the sums of its chords are its running length.",
            "You know the running length at each grid point. At which point is it k/(n − 1) of "
            "the whole? Interpolate between two grid points.",
        ),
    ),
}
