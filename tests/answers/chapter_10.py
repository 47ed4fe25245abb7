"""Answers to the exercises of chapter 10."""

import torch

from geokit import coefficient_of_variation
from geokit.ensemble import ensemble_energy


def decoded(decoders, points, pick):
    return torch.stack([decoders[int(s)](z) for s, z in zip(pick, points, strict=True)])


def one_energy(decoders, points, draws):
    n = len(points)
    pick = torch.randint(len(decoders), (n,), generator=draws)
    return (n - 1) * decoded(decoders, points, pick).diff(dim=0).square().sum()


def points_for_segments(decoders, points, draws):
    """The published factor: n in place of n − 1."""
    n = len(points)
    return n / (n - 1) * one_energy(decoders, points, draws)


def one_member_a_curve(decoders, points, draws):
    s = int(torch.randint(len(decoders), (), generator=draws))
    return (len(points) - 1) * decoders[s](points).diff(dim=0).square().sum()


def without_replacement(decoders, points, draws):
    """Neighbours never share a member: their differences are too large on average."""
    S, n = len(decoders), len(points)
    jumps = torch.randint(1, S, (n,), generator=draws)
    return (n - 1) * decoded(decoders, points, jumps.cumsum(0) % S).diff(dim=0).square().sum()


def a_fresh_pair_each_step(decoders, points, draws):
    """The same mean, but inner points are decoded twice."""
    n = len(points)
    a, b = torch.randint(len(decoders), (2, n - 1), generator=draws)
    steps = decoded(decoders, points[1:], b) - decoded(decoders, points[:-1], a)
    return (n - 1) * steps.square().sum()


def squared_length(decoders, points, draws):
    pick = torch.randint(len(decoders), (len(points),), generator=draws)
    return decoded(decoders, points, pick).diff(dim=0).norm(dim=-1).sum() ** 2


def enough(lengths, tolerance):
    return (coefficient_of_variation(lengths) / tolerance).square().ceil().clamp(min=1)


SOLUTIONS = {"10.1": one_energy, "10.2": 209, "10.3": enough, "10.4": "abd"}

STUBS = {
    "10.1": lambda decoders, points, draws: ...,
    "10.2": None,
    "10.3": lambda lengths, tolerance: None,
    "10.4": ...,
}

WRONG = {
    "10.1": [
        points_for_segments,
        one_member_a_curve,
        without_replacement,
        a_fresh_pair_each_step,
        squared_length,
        lambda decoders, points, draws: ensemble_energy(decoders, points),  # nothing is drawn
        lambda decoders, points, draws: one_energy(decoders, points, draws) / 2,
    ],
    "10.2": [9, 200, 109, 11, 3, 211.1],  # 109: one V a step; 11: 2NV; 211.1: n for N
    "10.3": [
        lambda lengths, tolerance: (coefficient_of_variation(lengths) / tolerance).ceil(),
        lambda lengths, tolerance: (lengths.std(dim=0) / tolerance).square().ceil(),
        lambda lengths, tolerance: (coefficient_of_variation(lengths) / tolerance).square(),
        lambda lengths, tolerance: enough(lengths, tolerance).max(),
        lambda lengths, tolerance: enough(lengths.mT, tolerance),
    ],
    "10.4": ["abde", "e", "c", "abcd", "ab"],  # e: the report's own conclusion
}
