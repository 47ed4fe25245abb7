"""Jacobians: forward mode against a chain of dense layer Jacobians, in one process.

The chain multiplies layer Jacobians from the output inwards, with every activation written out as a
D × D diagonal matrix: the way it is often first coded, and a chapter's exercise to improve. Same
decoder, same points, one thread, medians of repeats.
"""

import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from geokit import jacobian
from geokit.models import MLP

DECODERS = {
    "2-32-64-784 tanh": ([2, 32, 64, 784], nn.Tanh),
    "2-512-784 relu": ([2, 512, 784], nn.ReLU),
}
BATCHES = (1, 10, 100)


def decoder(widths: list[int], activation: type[nn.Module]) -> MLP:
    torch.manual_seed(0)
    layers = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), activation()]
    return MLP(*layers[:-1], nn.Sigmoid()).requires_grad_(False)


def chain(layers: nn.Sequential, z: Tensor) -> Tensor:
    """The Jacobian as a product of dense matrices, from the output to the input."""
    factors, x = [], z
    for layer in layers:
        y = layer(x)
        if isinstance(layer, nn.Linear):
            factors.append(layer.weight.expand(len(z), -1, -1))
        else:
            slopes = {nn.Sigmoid: lambda x, y: y * (1 - y), nn.Tanh: lambda x, y: 1 - y**2}
            slope = slopes.get(type(layer), lambda x, y: (x > 0).to(y))
            factors.append(torch.diag_embed(slope(x, y)))
        x = y
    J = factors[-1]
    for factor in reversed(factors[:-1]):
        J = J @ factor
    return J


def seconds(run: Callable[[], Tensor], repeats: int = 5) -> float:
    """The median of some runs, after one that does not count."""
    run()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    torch.set_num_threads(1)
    head = ("decoder", "points", "chain", "forward mode", "ratio", "explicit", "ratio")
    print("µs per point   {:18s} {:>6s} {:>8s} {:>13s} {:>6s} {:>9s} {:>6s}".format(*head))
    for name, (widths, activation) in DECODERS.items():
        f = decoder(widths, activation)
        for n in BATCHES:
            z = torch.randn(n, 2)
            ways = (
                lambda f=f, z=z: chain(f, z),
                lambda f=f, z=z: jacobian(lambda z: f(z), z),  # a plain function: forward mode
                lambda f=f, z=z: jacobian(f, z),  # asks the MLP
            )
            for other in ways[1:]:
                torch.testing.assert_close(ways[0](), other(), rtol=1e-4, atol=1e-6)
            a, b, c = (1e6 * seconds(way) / n for way in ways)
            times = f"{a:8.0f} {b:13.0f} {a / b:5.0f}× {c:9.0f} {a / c:5.0f}×"
            print(f"               {name:18s} {n:6d} {times}")


if __name__ == "__main__":
    main()
