"""Answers to the exercises of chapter 3."""

import torch


def columns(f, z):
    steps = torch.eye(z.shape[-1], dtype=z.dtype)
    return torch.stack([torch.func.jvp(f, (z,), (e.expand_as(z),))[1] for e in steps], -1)


def dense_chain(f, z):
    """The seed's way: right, and far too large."""
    y1 = f[1](f[0](z))
    y2 = f[3](f[2](y1))
    J = torch.diag_embed(y2 * (1 - y2)) @ f[2].weight
    return J @ torch.diag_embed(1 - y1**2) @ f[0].weight


def equal_share(G):
    across = (G[1:] == G[:-1]).all(-1).all(-1).flatten()
    along = (G[:, 1:] == G[:, :-1]).all(-1).all(-1).flatten()
    return torch.cat([across, along]).double().mean()


def differences(f, z, h=1e-5):
    """Right to nine digits, at two calls a column."""
    steps = h * torch.eye(z.shape[-1], dtype=z.dtype)
    return torch.stack([(f(z + e) - f(z - e)) / (2 * h) for e in steps], dim=-1)


def untouched(*_):
    raise NotImplementedError


SOLUTIONS = {
    "3.1": columns,
    "3.2": lambda m, h: 0.5 * (m**2 + (2 * h).exp() - 1 - 2 * h).sum(-1),
    "3.3": equal_share,
}

STUBS = {"3.1": untouched, "3.2": untouched, "3.3": lambda G: ...}

WRONG = {
    "3.1": [
        dense_chain,
        lambda f, z: torch.func.vmap(torch.func.jacrev(f))(z),  # reverse mode: D sweeps
        lambda f, z: columns(f, z).mT,
        lambda f, z: torch.func.jvp(f, (z,), (torch.ones_like(z),))[1][..., None].expand(
            *f(z).shape, z.shape[-1]
        ),
        lambda f, z: torch.stack([columns(f, one[None])[0] for one in z]),  # a loop over points
        lambda f, z: torch.stack([torch.func.jacfwd(f)(one) for one in z]),
        differences,
    ],
    "3.2": [
        lambda m, h: 0.5 * (m**2 + h.exp() - 1 - h).sum(-1),  # the comment believed: h = log σ²
        lambda m, h: 0.5 * (m**2 + (2 * h).exp() - 1 - h).sum(-1),
        lambda m, h: 0.5 * (m**2 + (2 * h).exp() - 1 - 2 * h),
    ],
    "3.3": [
        lambda G: (G[1:] == G[:-1]).all(-1).all(-1).double().mean(),
        lambda G: (G[1:] == G[:-1]).double().mean(),
        lambda G: 1.0,
        lambda G: equal_share(torch.linalg.det(G)[..., None, None]),  # the same volume element only
        lambda G: equal_share((G * 1e6).round()),  # nearly equal
    ],
}
