"""Draw the picture of the README, which is beside this file."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch

from geokit import PullbackMetric, StraightLine, data, geodesic, plotting
from geokit.models import VAE
from geokit.training import fit

ASSETS = Path(__file__).parent


def main() -> None:
    mpl.use("agg")
    plt.style.use(ASSETS.parent / "style.mplstyle")
    torch.set_default_dtype(torch.float64)
    train, test = data.load("digits"), data.load("digits", split="test")
    torch.manual_seed(0)
    vae = VAE(pixels=64, latent=2)
    fit(vae, train.pixels.flatten(1).double(), epochs=200, learning_rate=3e-3)
    vae.requires_grad_(False)

    z = vae.encode(test.pixels.flatten(1).double())
    G = PullbackMetric(vae.mean)
    first, second = torch.randperm(len(z), generator=torch.Generator().manual_seed(8))[:12].view(
        2, 6
    )
    path, line = geodesic(G, z[first], z[second]), StraightLine(z[first], z[second])
    bent = ((path(torch.tensor(0.5)) - line(torch.tensor(0.5))).norm(dim=-1)).argmax()

    figure = plt.figure(figsize=(11, 4.2), facecolor="white")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
    plotting.volume_element(G, extent=(-3, 3, -3, 3), ax=left)
    plotting.curve(line, ax=left, label="straight", **{**plotting.STRAIGHT, "color": "white"})
    plotting.curve(path, ax=left, label="geodesic", **{**plotting.GEODESIC, "color": "white"})
    left.set(xlim=(-3, 3), ylim=(-3, 3), title="a decoder's metric, and shortest paths")
    left.legend(labelcolor="white", loc="upper left")

    t = torch.linspace(0, 1, 7)
    strips = [vae.mean(c(t)[bent]).reshape(7, 8, 8) for c in (line, path)]
    plotting.images(torch.stack(strips), ax=right)
    right.set_title("along the straight line (above) and the geodesic")
    figure.savefig(ASSETS / "overview.png", dpi=100)


if __name__ == "__main__":
    main()
