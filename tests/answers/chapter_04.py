"""Answers to the exercises of chapter 4."""

import torch

from geokit import PullbackMetric, volume_element


def middles(low, high, n=200):
    t = (torch.arange(n) + 0.5) / n
    return torch.cartesian_prod(
        *(a + (b - a) * t for a, b in zip(low.tolist(), high.tolist(), strict=True))
    )


def area(f, low, high):
    z = middles(low, high)
    return volume_element(PullbackMetric(f), z).mean() * (high - low).prod()


def without_the_root(f, low, high):
    G = PullbackMetric(f)(middles(low, high))
    return torch.linalg.det(G).mean() * (high - low).prod()


def at_the_centre(f, low, high):
    return volume_element(PullbackMetric(f), (low + high) / 2) * (high - low).prod()


SOLUTIONS = {"4.1": area, "4.2": "ad", "4.3": 1 / 32}

STUBS = {"4.1": lambda f, low, high: ..., "4.2": ..., "4.3": None}

WRONG = {
    "4.1": [
        without_the_root,
        at_the_centre,
        lambda f, low, high: (high - low).prod(),  # the latent area
        lambda f, low, high: volume_element(PullbackMetric(f), middles(low, high)).mean(),
    ],
    "4.2": ["e", "ac", "bd", "b"],  # e: both claims of the post
    "4.3": [32, 1 / 2, 1 / 4, 1 / 1024],
}
