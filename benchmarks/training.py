"""Training many models: one stack against one model after the other, in one process.

Same models, same images, same batches and noise: the two end with the same objective. Alternating
runs, medians. `python benchmarks/training.py cuda` does it on a GPU, with thirty models.
"""

import copy
import statistics
import sys
import time

import torch
from torch import nn

from geokit.models import VAE, BernoulliVAE, ConvVAE
from geokit.training import fit, fit_many

KINDS = {
    "VAE 784-64-32-2, batch 128": (lambda: VAE(784, 2, hidden=(64, 32)), 128),
    "VAE 64-128-64-2, batch 128": (lambda: VAE(64, 2, hidden=(128, 64)), 128),
    "BernoulliVAE 784-512-2, batch 128": (lambda: BernoulliVAE(784, 2), 128),
    "ConvVAE.fashion, 8 decoders, batch 256": (ConvVAE.fashion, 256),
}


def made(make, count: int) -> list[nn.Module]:
    models = []
    for seed in range(count):
        torch.manual_seed(seed)
        models.append(make())
    return models


def race(make, batch_size: int, count: int, device: str, repeats: int = 3) -> tuple[float, float]:
    """Seconds of the loop and of the stack, for the same work: ten batches of each model."""
    pixels = made(make, 1)[0].mean(torch.zeros(1, made(make, 1)[0].latent)).shape[-1]
    x = torch.rand(10 * batch_size, pixels, generator=torch.Generator().manual_seed(0)).to(device)
    models = [model.to(device) for model in made(make, count)]
    options = {"epochs": 1, "batch_size": batch_size, "device": device, "progress": False}

    def loop() -> list[float]:
        ones = copy.deepcopy(models)
        return [fit(m, x, seed=seed, **options)[-1] for seed, m in enumerate(ones)]

    def stack() -> list[float]:
        return [history[-1] for history in fit_many(copy.deepcopy(models), x, **options)]

    apart, together = torch.tensor(loop()), torch.tensor(stack())  # the first does not count
    assert ((together - apart) / apart).abs().max() < 1e-5, "not the same work"
    times = {loop: [], stack: []}
    for _ in range(repeats):
        for run in (loop, stack):
            started = time.perf_counter()
            run()
            times[run].append(time.perf_counter() - started)
    return tuple(statistics.median(t) for t in times.values())


def main(device: str = "cpu") -> None:
    torch.set_num_threads(1)
    print("\n| model | models | loop, s | stack, s | ratio |\n|---|---|---|---|---|")
    for name, (make, batch_size) in KINDS.items():
        count = 30 if device != "cpu" or "Conv" not in name else 3
        apart, together = race(make, batch_size, count, device)
        print(f"| {name} | {count} | {apart:.3g} | {together:.3g} | {apart / together:.2f}× |")


if __name__ == "__main__":
    main(*sys.argv[1:])
