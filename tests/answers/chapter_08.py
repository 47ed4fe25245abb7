"""Answers to the exercises of chapter 8."""

import torch

from geokit import StraightLine, geodesic, length


def geodesics(G, p, q):
    return geodesic(G, p, q, tolerance=1e-3).length


def matrix(G, codes, labels, rule=geodesics, self_pairs=False):
    m = int(labels.max()) + 1
    M = torch.zeros(m, m)
    for k in range(m):
        for other in range(m):
            i, j = torch.cartesian_prod(
                (labels == k).nonzero()[:, 0], (labels == other).nonzero()[:, 0]
            ).T
            d = torch.where(i == j, 0.0, rule(G, codes[i], codes[j]))
            M[k, other] = d.mean() if self_pairs else d[i != j].mean()
    return M


def latent(G, codes, labels):
    return matrix(G, codes, labels, rule=lambda G, p, q: (p - q).norm(dim=-1))


def straight(G, codes, labels):
    return matrix(G, codes, labels, rule=lambda G, p, q: length(G, StraightLine(p, q)))


def with_themselves(G, codes, labels):
    return matrix(G, codes, labels, self_pairs=True)


def of_mean_codes(G, codes, labels):
    middles = torch.stack([codes[labels == k].mean(dim=0) for k in range(int(labels.max()) + 1)])
    M = geodesics(G, middles[:, None], middles[None, :])
    return torch.where(M > 0, M, matrix(G, codes, labels))


def upper_half(G, codes, labels):
    return matrix(G, codes, labels).triu()


def even_pace(f, a, b, n, power=1, fine=4000):
    s = torch.linspace(0, 1, fine + 1)
    step = f(a + s[:, None] * (b - a)).diff(dim=0).norm(dim=-1) ** power
    run = torch.cat([torch.zeros(1), step.cumsum(0)])
    k = torch.searchsorted(run, torch.linspace(0, 1, n) * run[-1]).clamp(1, fine)
    part = (torch.linspace(0, 1, n) * run[-1] - run[k - 1]) / (run[k] - run[k - 1])
    return a + ((k - 1 + part) / fine)[:, None] * (b - a)


def equal_latent_steps(f, a, b, n):
    return a + torch.linspace(0, 1, n)[:, None] * (b - a)


def the_wrong_way_round(f, a, b, n):
    """Even in the running length, read as a time: slow places get fewer points, not more."""
    s = torch.linspace(0, 1, n)[:, None]
    run = f(a + s * (b - a)).diff(dim=0).norm(dim=-1).cumsum(0)
    share = torch.cat([torch.zeros(1), run / run[-1]])
    return a + share[:, None] * (b - a)


SOLUTIONS = {"8.1": matrix, "8.2": "abc", "8.3": "ace", "8.4": even_pace}

STUBS = {
    "8.1": lambda G, codes, labels: ...,
    "8.2": ...,
    "8.3": None,
    "8.4": lambda f, a, b, n: None,
}

WRONG = {
    "8.1": [latent, straight, with_themselves, of_mean_codes, upper_half],
    "8.2": ["a", "ae", "abe", "d", "abcd"],  # a: the table, taken at its word
    "8.3": ["b", "bd", "af", "ac", "ce"],  # b: the formula of the post
    "8.4": [
        equal_latent_steps,
        the_wrong_way_round,
        lambda f, a, b, n: even_pace(f, a, b, n, power=2),  # energy in place of length
        lambda f, a, b, n: even_pace(f, a, b, n + 1)[:-1],  # never arrives
    ],
}
