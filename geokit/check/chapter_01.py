"""Checks of the exercises in "Maps that lie"."""

import math

import torch

from .rules import choice, code, refuse


def enough_chords(enough) -> None:
    """1.1: the first n = 1, 2, 4, … whose chord sum is within 0.1 % of the length."""

    def straight(z):
        return torch.stack([3 * z[..., 0], 4 * z[..., 0]], dim=-1)

    def arc(z):
        return torch.stack([z.cos(), z.sin()], dim=-1)[..., 0, :]

    if (n := int(enough(straight, lambda t: t[:, None]))) != 1:
        refuse(f"a straight image needs one chord, and you say {n}")
    for k, share in ((4, 2e-3), (1, 2e-3), (3, 2e-3), (4, 1.15e-3)):
        # 1 - L_n / L = (a/n)²/24 for an arc of angle a: `share` at n = 2^k, a quarter of it at the
        # next n. The last arc is one where L_2n already agrees with L_n, and L does not.
        angle = math.sqrt(24 * share) * 2**k
        n = int(enough(arc, lambda t, angle=angle: angle * t[:, None]))
        if n not in [2**j for j in range(11)]:
            refuse(f"n must be one of 1, 2, 4, …, 1024, and you say {n}")
        if n != 2 ** (k + 1):
            size = "too small" if n < 2 ** (k + 1) else "more than needed"
            refuse(f"for an arc of {angle:.2f} radians of the unit circle n = {n} is {size}")


def changed_neighbour(matrix) -> None:
    """1.2: an invertible matrix that brings r = (0, 2) nearer to p = 0 than q = (1, 0)."""
    A = torch.as_tensor(matrix, dtype=torch.float64)
    if A.shape != (2, 2) or not A.isfinite().all():
        refuse("give the matrix of A as two rows of two numbers, such as [[1, 0], [0, 1]]")
    if abs(torch.linalg.det(A)) <= 1e-9 * A.abs().max() ** 2:
        refuse("this map is not invertible: its determinant is zero")
    q, r = A[:, 0].norm(), 2 * A[:, 1].norm()
    if not r < q:
        refuse(f"now Ap and Ar are {r:.2f} apart, Ap and Aq {q:.2f}: Ar is not the nearer one")


RULES = {
    "1.1": code(
        enough_chords,
        hints=(
            "What stands for the limit? A chord sum with very many chords will do.",
            "Double n until L_n > 0.999 L, with L = L_n for n = 2**14; L_n against L_2n is another"
            " question.",
        ),
    ),
    "1.2": code(
        changed_neighbour,
        hints=(
            "Where do the columns of the matrix come from? They are A(1, 0) and A(0, 1).",
            "Stretch the direction of q, or squeeze that of r, until Aq is farther out than Ar.",
        ),
    ),
    "1.3": choice(
        "2dff5ccd1db0415b6505c99c1bac15cd288795e6f1c339af9b276254c92a2e51",
        options="abcd",
        hints=(
            "What does the conclusion rest on: on the images, or on where the codes lie?",
            "Look for models that are as good and put the clusters elsewhere; more than one answer"
            " names such a model.",
        ),
    ),
}
