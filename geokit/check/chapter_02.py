"""Checks of the exercises in "The pullback metric"."""

import torch

from .rules import choice, code, refuse


def metric_of_the_globe(metric) -> None:
    """2.1: the matrix at a point (θ, φ), by a formula, against that of central differences."""

    def globe(z):
        θ, φ = z
        return torch.stack([θ.sin() * φ.cos(), θ.sin() * φ.sin(), θ.cos()])

    for z in torch.tensor([[0.4, 2.0], [1.1, -0.7], [2.5, 0.3]]):
        G = _matrix(metric(z.clone()))
        if G.shape != (2, 2):
            refuse(f"G is a matrix of 2 × 2 numbers, and yours has the shape {tuple(G.shape)}")
        h = 1e-5 * torch.eye(2)
        J = torch.stack([(globe(z + e) - globe(z - e)) / 2e-5 for e in h], dim=-1)
        wrong = (G - J.mT @ J).abs() > 1e-6
        if wrong.any():
            row, column = wrong.nonzero()[0].tolist()
            refuse(
                f"at θ = {z[0]:.1f}, φ = {z[1]:.1f} the entry in row {row + 1} and"
                f" column {column + 1} is not {G[row, column]:.4f}"
            )


def metric_of_any_decoder(metric) -> None:
    """2.2: `metric(f, z)` for z of shape (n, d), d = 1, 2, 3, against a closed form."""
    generator = torch.Generator().manual_seed(2)
    for d, n, D in ((2, 5, 4), (1, 3, 4), (3, 4, 6)):
        W, V = torch.randn(2, D, d, generator=generator)
        z = torch.randn(n, d, generator=generator)
        # f(z) = W z + sin(V z), so J = W + diag(cos(V z)) V
        J = W + (z @ V.mT).cos()[..., None] * V
        expected = J.mT @ J

        G = metric(lambda z, W=W, V=V: z @ W.mT + (z @ V.mT).sin(), z.clone())
        if not isinstance(G, torch.Tensor):
            refuse(f"return a tensor; yours is of type {type(G).__name__}")
        if G.shape != expected.shape:
            refuse(
                f"for z of shape {(n, d)} G has the shape {(n, d, d)}, and yours {tuple(G.shape)}"
            )
        if not torch.allclose(G, G.mT, atol=1e-9):
            refuse(f"a metric is symmetric, and yours is not for d = {d}")
        if torch.linalg.eigvalsh(G.detach()).min() < -1e-9:
            refuse(f"a metric has no negative eigenvalue, and yours has one for d = {d}")
        off = ((G - expected).norm() / expected.norm()).item()
        if not off < 1e-6:
            refuse(f"your matrices for d = {d} differ from JᵀJ by {off:.1g} of their size")


def _matrix(value) -> torch.Tensor:
    """A tensor, from a tensor or from rows of numbers and tensors."""
    if isinstance(value, torch.Tensor):
        return value.detach().to(torch.float64)
    return torch.tensor([[float(entry) for entry in row] for row in value])


RULES = {
    "2.1": code(
        metric_of_the_globe,
        hints=(
            "G has the inner products of the columns of J; there are two columns.",
            "The column for θ has length 1, the one for φ has length sin θ, and G holds squares.",
        ),
    ),
    "2.2": code(
        metric_of_any_decoder,
        hints=(
            "Let jacfwd(f) differentiate at one point, and vmap run over the points.",
            "J has the shape (n, D, d); J.mT swaps the last two dimensions, so J.mT @ J is G.",
        ),
    ),
    "2.3": choice(
        "ea2c0bc7dba9482b63554de319bfdec4a58ec810b91a37c3c9cb161b12d765c7",
        options="abcd",
        hints=(
            "Which chart does the definition of flat speak of? And the post?",
            "If the metric is constant in one chart, the surface is flat; ask whether the converse"
            " holds.",
        ),
    ),
}
