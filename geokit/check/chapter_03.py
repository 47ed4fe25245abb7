"""Checks of chapter 3: Jacobians that scale."""

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..pullback import jacobian
from .rules import code, refuse

MEGABYTE = 1_000_000


class Largest(TorchDispatchMode):
    """Notes the bytes of the largest tensor that is made while it is on."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for t in made if isinstance(made, tuple | list) else (made,):
            if isinstance(t, Tensor):  # of a view, what it is a view of
                self.bytes = max(self.bytes, t.untyped_storage().nbytes())
        return made


def decoder(widths: tuple[int, int, int], seed: int) -> nn.Module:
    torch.manual_seed(seed)  # rules.code puts the reader's generator back
    d, hidden, D = widths
    layers = nn.Sequential(nn.Linear(d, hidden), nn.Tanh(), nn.Linear(hidden, D), nn.Sigmoid())
    return layers.double().requires_grad_(False)


def points(n: int, d: int, seed: int) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=draws, dtype=torch.float64)


def judge_jacobian(theirs) -> None:
    """my_jacobian(f, z): right for several d, and without large tensors on the way."""
    for d in (1, 2, 3):
        f, z = decoder((d, 16, 9), seed=d), points(4, d, seed=d)
        J = theirs(f, z)
        if not isinstance(J, Tensor):
            refuse("return a tensor.")
        if J.shape != (4, 9, d):
            refuse(f"for 4 points, d = {d} and D = 9 the shape is {tuple(J.shape)}, not (4, 9, d).")
        if not torch.allclose(J, jacobian(f, z), rtol=1e-6, atol=1e-9):
            refuse(f"the shape is right but the derivatives are not, for d = {d}.")
    f, z = decoder((2, 512, 784), seed=7), points(30, 2, seed=7)
    calls = 0

    def counted(z):
        nonlocal calls
        calls += 1
        return f(z)

    with Largest() as made:
        theirs(counted, z)
    if made.bytes > 5 * MEGABYTE:  # the largest weight matrix, 3.2 MB, passes through
        refuse(
            f"right, but a tensor of {made.bytes / MEGABYTE:.0f} MB was made for thirty points; "
            "push d tangents forward and none is larger than half a megabyte."
        )
    if calls > 3:
        refuse(
            f"right, but f was called {calls} times for d = 2; push one direction through all "
            "points at once."
        )


def judge_divergence(theirs) -> None:
    """my_kl(m, h): KL of N(m, exp(h)²) from N(0, I), in nats, one number a row."""
    m, h = points(50, 2, seed=11), 0.7 * points(50, 2, seed=12)
    kl = theirs(m, h)
    if not isinstance(kl, Tensor):
        refuse("return a tensor.")
    if kl.shape != (50,):
        refuse(f"50 codes have {tuple(kl.shape)} values; sum over the latent coordinates.")
    standard = torch.distributions.Normal(torch.zeros_like(m), torch.ones_like(m))
    normal = torch.distributions.Normal(m, h.exp())
    exact = torch.distributions.kl_divergence(normal, standard).sum(-1)
    as_variance = torch.distributions.Normal(m, (h / 2).exp())
    other = torch.distributions.kl_divergence(as_variance, standard).sum(-1)
    if torch.allclose(kl, other, rtol=1e-5):
        refuse("this belongs to a head h = log σ², as the comment says; the code has σ = exp(h).")
    if not torch.allclose(kl, exact, rtol=1e-5, atol=1e-8):
        refuse("it differs from the exact divergence of N(m, exp(h)²) from N(0, I).")


def judge_equal_cells(theirs) -> None:
    """my_equal_share(G): of all pairs of neighbours on a grid, the share with the same matrix."""
    for seed in (1, 2, 3):
        G = torch.eye(2, dtype=torch.float64) * (1 + (points(7, 5, seed) > 0)[..., None, None])
        G[0, 0, 0, 1] = G[0, 0, 1, 0] = 0.5  # one cell that differs in one entry only
        G[3, 2], G[4, 2] = G.new_tensor([1, 4]).diag(), G.new_tensor([4, 1]).diag()  # same volume
        G[6, 4] = G[6, 3] * (1 + 1e-9)  # nearly equal is not equal
        share = theirs(G)
        across = (G[1:] == G[:-1]).all(-1).all(-1)
        along = (G[:, 1:] == G[:, :-1]).all(-1).all(-1)
        exact = float(torch.cat([across.flatten(), along.flatten()]).double().mean())
        try:
            share = float(share)
        except (TypeError, ValueError):
            refuse("return one number, the share.")
        if abs(share - exact) > 1e-9:
            refuse(
                f"on a grid of 7 × 5 cells the share is {exact:.3f}, yours is {share:.3f}; count "
                "the neighbours in both directions, and call two matrices equal only if all their "
                "entries are, exactly."
            )


RULES = {
    "3.1": code(
        judge_jacobian,
        hints=(
            "One call of torch.func.jvp gives one column of J, for all points at once.",
            "The tangent of column i is the i-th row of the identity, expanded to the shape of z; "
            "stack the d columns along the last axis.",
        ),
    ),
    "3.2": code(
        judge_divergence,
        hints=(
            "Write the divergence of N(m, σ²) from N(0, 1) in terms of σ, and only then put σ in.",
            "With σ = exp(h), log σ² is 2h.",
        ),
    ),
    "3.3": code(
        judge_equal_cells,
        hints=(
            "Compare G[1:] with G[:-1], and G[:, 1:] with G[:, :-1].",
            "Two cells agree if all four entries do: .all(-1).all(-1).",
        ),
    ),
}
