"""Answers to the exercises of chapter 12, right and wrong."""

import torch

from geokit import jacobian


def least(f, z):
    J = jacobian(f, z)
    if J.shape[-2] < J.shape[-1]:
        return torch.tensor(0.0)
    return torch.linalg.svdvals(J).min()


def from_the_metric(f, z):
    J = jacobian(f, z)
    return torch.linalg.eigvalsh(J.mT @ J).clamp(min=0).min().sqrt()


def foot(f, x, w, steps=40):
    r, damp = x - f(w), torch.full((len(x),), 0.01)
    for _ in range(steps):
        J = jacobian(f, w)
        N = J.mT @ J
        brake = damp[:, None, None] * N.diagonal(dim1=-2, dim2=-1).clamp(min=1e-9).diag_embed()
        step = torch.linalg.solve(N + brake, (J.mT @ r[..., None])[..., 0])
        trial = x - f(w + step)
        better = trial.norm(dim=-1) < r.norm(dim=-1)
        w = torch.where(better[:, None], w + step, w)
        r = torch.where(better[:, None], trial, r)
        damp = torch.where(better, damp / 3, damp * 5)
    return w


def nearest(f_a, f_b, z, starts):
    x = f_a(z)
    return x, starts[torch.cdist(x, f_b(starts)).argmin(dim=1)]


def gap(f_a, f_b, z, starts):
    x, w = nearest(f_a, f_b, z, starts)
    return (x - f_b(foot(f_b, x, w))).norm(dim=-1)


def only_the_starts(f_a, f_b, z, starts):
    x, w = nearest(f_a, f_b, z, starts)
    return (x - f_b(w)).norm(dim=-1)


def from_one_start(f_a, f_b, z, starts):
    x = f_a(z)
    return (x - f_b(foot(f_b, x, starts[:1].expand(len(x), -1)))).norm(dim=-1)


def from_the_same_code(f_a, f_b, z, starts):
    x = f_a(z)
    return (x - f_b(foot(f_b, x, z))).norm(dim=-1)


def same_code(f_a, f_b, z, starts):
    return (f_a(z) - f_b(z)).norm(dim=-1)


def squared(f_a, f_b, z, starts):
    return gap(f_a, f_b, z, starts) ** 2


SOLUTIONS = {"12.1": "ab", "12.2": least, "12.3": "abe", "12.4": gap}
STUBS = {
    "12.1": ...,
    "12.2": lambda f, z: None,
    "12.3": None,
    "12.4": lambda f_a, f_b, z, starts: ...,
}
WRONG = {
    "12.1": ["a", "abd", "abc", "b", "abe"],
    "12.2": [
        lambda f, z: torch.linalg.svdvals(jacobian(f, z)).min(),  # D < d is forgotten
        lambda f, z: from_the_metric(f, z) ** 2,
        lambda f, z: torch.linalg.svdvals(jacobian(f, z)).max(),
        lambda f, z: torch.linalg.svdvals(jacobian(f, z))[..., -1],
        lambda f, z: least(f, z[:1]),
        lambda f, z: torch.linalg.svdvals(jacobian(f, z))[..., -1].mean(),
        lambda f, z: torch.det(jacobian(f, z).mT @ jacobian(f, z)).clamp(min=0).sqrt().min(),
    ],
    "12.3": ["ab", "abde", "abc", "ae", "abcde"],  # "abc": the interval knows its ends meet
    "12.4": [
        only_the_starts,
        from_one_start,
        from_the_same_code,
        same_code,
        squared,
        lambda f_a, f_b, z, starts: gap(f_a, f_b, z, starts).max(),
        lambda f_a, f_b, z, starts: gap(f_b, f_a, starts, z),
    ],
}
