"""Answers to the exercises of chapter 9."""

import torch
from torch import nn

from geokit import RBFPrecision


def trained(codes, std, penalty: float, steps: int = 500):
    """A network z ↦ log σ: right at the codes, and with a penalty where it is small elsewhere."""
    torch.manual_seed(0)
    d, D = codes.shape[-1], std.shape[-1]
    layers = [nn.Linear(d, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, D)]
    net = nn.Sequential(*layers)
    low, high = codes.amin(dim=0) - 1.2, codes.amax(dim=0) + 1.2
    empty = low + (high - low) * torch.rand(1000, d)
    empty = empty[torch.cdist(empty, codes).amin(dim=-1) > 0.4]
    goal = (12 * std.amax(dim=0)).log()
    adam = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(steps):
        adam.zero_grad()
        here = (net(codes) - std.log()).square().mean()
        nowhere = (goal - net(empty)).relu().square().mean()
        (here + penalty * nowhere).backward()
        adam.step()
    return net


def field(codes, std):
    net = trained(codes, std, penalty=1.0)
    return lambda z: net(z).exp()


def no_penalty(codes, std):
    net = trained(codes, std, penalty=0.0)
    return lambda z: net(z).exp()


def logarithm(codes, std):
    return trained(codes, std, penalty=1.0)


def variance(codes, std):
    net = trained(codes, std, penalty=1.0)
    return lambda z: (2 * net(z)).exp()


def precision(codes, std):
    return RBFPrecision.fit(codes, std, centres=32, curvature=2.0).precision


def cliff(codes, std, radius=0.35, high=20):
    """Right at the codes, large elsewhere, and never with a slope."""

    def σ(z):
        way = z.reshape(-1, 1, z.shape[-1]) - codes
        distance, nearest = way.norm(dim=-1).min(dim=-1)
        values = torch.where(distance[:, None] > radius, high * std.amax(dim=0), std[nearest])
        return values.reshape(*z.shape[:-1], -1)

    return σ


def by_cases(codes, std):
    """A cliff so near that only a way which begins at a code can see it."""
    return cliff(codes, std, radius=0.01, high=12)


def cut_off(codes, std):
    """Smooth, and not to be differentiated."""
    σ = field(codes, std)
    return lambda z: σ(z).detach()


def values(codes, std):
    return field(codes, std)(codes)


def one_pixel(codes, std):
    σ = field(codes, std)
    return lambda z: σ(z).mean(dim=-1)


SOLUTIONS = {"9.1": 17, "9.2": field, "9.3": 28 * (10 - 50.01**-0.5), "9.4": "abcdf"}

STUBS = {"9.1": ..., "9.2": lambda codes, std: ..., "9.3": None, "9.4": ...}

WRONG = {
    "9.1": [9, 5, 69, 197, 41],  # variance one; no σ; the Jacobian of σ² with it and with three
    "9.2": [
        no_penalty,
        logarithm,
        variance,
        precision,
        cliff,
        by_cases,
        cut_off,
        values,
        one_pixel,
    ],
    "9.3": [9.9, 280, 7729.1, 2799.4, 552.1],  # no √D; from zero; D; variances; there and back
    "9.4": ["abcd", "abcdef", "e", "ab", "acdf"],
}
