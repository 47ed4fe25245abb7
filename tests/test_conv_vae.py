"""The convolutional VAE with several decoders: the paper's three layouts, its bound, its
geometry."""

import os
from io import BytesIO
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from examples import as_users_call
from PIL import Image
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence
from torch.func import functional_call, grad_and_value, stack_module_state, vmap
from torch.testing import assert_close

from geokit import PullbackMetric, data, geodesic, jacobian, length
from geokit.curves import StraightLine
from geokit.data.idx import read_idx
from geokit.ensemble import disagreement, mean_pullback_metric
from geokit.models import ConvVAE
from geokit.models.conv_vae import Step
from geokit.solvers import lbfgs
from geokit.training import fit


def small(seed=0, **options):
    """A layout of a few hundred weights for 1×6×6: 8×8 is decoded, and its middle kept."""
    torch.manual_seed(seed)
    layout = {"channels": (4, 8), "stem": 8, "steps": ((4, 1), (4,), (1,)), "decoders": 3}
    return ConvVAE((1, 6, 6), options.pop("latent", 3), **{**layout, **options})


def blobs(n=300, seed=0):
    """Pictures of 6×6 pixels with a bright spot at a random place."""
    where = 5 * torch.rand(n, 2, generator=torch.Generator().manual_seed(seed))
    grid = torch.arange(6.0)
    y, x = ((-0.3 * (grid - w[:, None]).square()).exp() for w in where.T)
    return (y[:, :, None] * x[:, None, :]).flatten(1)


# ---------------------------------------------------------------- the layouts, from the table

LAYOUTS = {
    # convolutions as (channels in, channels out, kernel, side of the output)
    "fashion": {
        "shape": (1, 28, 28),
        "latent": 16,
        "encoder": [
            (1, 16, 3, 14),
            (16, 32, 3, 7),
            (32, 64, 3, 4),
            (64, 128, 3, 2),
            (128, 256, 3, 1),
        ],
        "flat": 256,
        "stem": 1024,
        "decoder": [
            (256, 128, 3, 4),
            (128, 64, 3, 4),
            (64, 32, 3, 8),
            (32, 16, 3, 16),
            (16, 1, 3, 32),
        ],
    },
    "cifar": {
        "shape": (3, 32, 32),
        "latent": 64,
        "encoder": [
            (3, 16, 3, 16),
            (16, 32, 3, 8),
            (32, 64, 3, 4),
            (64, 128, 3, 2),
            (128, 512, 3, 1),
        ],
        "flat": 512,
        "stem": 1024,
        "decoder": [(256, 64, 2, 2), (64, 32, 3, 4), (32, 16, 3, 8), (16, 8, 3, 16), (8, 3, 3, 32)],
    },
    "celeba": {
        "shape": (3, 64, 64),
        "latent": 64,
        "encoder": [
            (3, 32, 3, 32),
            (32, 64, 3, 16),
            (64, 128, 3, 8),
            (128, 256, 3, 4),
            (256, 512, 3, 2),
        ],
        "flat": 2048,
        "stem": 2048,
        "decoder": [
            (512, 256, 3, 2),
            (256, 128, 3, 4),
            (128, 64, 3, 8),
            (64, 32, 3, 16),
            (32, 16, 3, 32),
            (16, 8, 3, 64),
            (8, 3, 3, 64),
        ],
    },
}


def seen(model, call) -> list[tuple[int, int, int, int]]:
    """The convolutions that a call runs through: channels in and out, kernel, side."""
    met = []

    def note(layer, arguments, y):
        assert y.shape[-1] == y.shape[-2]
        assert y.shape[1] == layer.out_channels
        met.append((arguments[0].shape[1], y.shape[1], layer.kernel_size[0], y.shape[-1]))

    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    hooks = [m.register_forward_hook(note) for m in convolutions]
    call()
    for hook in hooks:
        hook.remove()
    return met


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_layers_are_those_of_the_paper(name):
    """Every convolution's channels, kernel and output, in the order in which they run."""
    layout, model = LAYOUTS[name], getattr(ConvVAE, name)()
    assert (model.shape, model.latent, len(model.decoders)) == (
        layout["shape"],
        layout["latent"],
        8,
    )
    x, z = torch.rand(2, prod(layout["shape"])), torch.randn(2, layout["latent"])
    assert seen(model, lambda: model.encode(x)) == layout["encoder"]
    for f in model.decoders:
        assert seen(f, lambda f=f: f(z)) == layout["decoder"]


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_number_of_parameters_is_the_tables(name):
    """An independent count: every convolution, the two heads, and eight decoders with their
    stems."""
    layout = LAYOUTS[name]
    d, flat, stem = layout["latent"], layout["flat"], layout["stem"]

    def convolutions(rows):
        return sum(out * (into * kernel**2 + 1) for into, out, kernel, _ in rows)

    heads = 2 * d * (flat + 1)
    decoder = stem * (d + 1) + convolutions(layout["decoder"])
    expected = convolutions(layout["encoder"]) + heads + 8 * decoder
    model = getattr(ConvVAE, name)()
    assert sum(p.numel() for p in model.parameters()) == expected


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_thin_layout_has_the_same_layers_with_fewer_channels(name):
    layout, model = LAYOUTS[name], getattr(ConvVAE, name)(5, thin=8, decoders=2)
    x = torch.rand(2, prod(layout["shape"]))
    c, z = layout["shape"][0], model.encode(x)
    assert z.shape == (2, 5)
    for met, rows in (
        (seen(model, lambda: model.encode(x)), layout["encoder"]),
        (seen(model, lambda: model.decoders[0](z)), layout["decoder"]),
    ):
        thinned = [tuple(n if n == c else n // 8 for n in row[:2]) + row[2:] for row in rows]
        assert met == thinned


def test_a_decoder_is_its_layers_written_out():
    """Repeat, pad with zeros, convolve; the middle of 8×8 is the image of 6×6. By plain loops."""
    model = small(steps=((4, 1, 2), (1, 4)), activation=nn.Tanh).double()
    f, z = model.decoders[1], torch.randn(3, dtype=torch.float64)
    weights = dict(f.named_parameters())
    first, one, two = ((w, b) for w, b in zip(*[iter(weights.values())] * 2, strict=True))
    x = (first[0] @ z + first[1]).tanh().reshape(8, 2, 2)

    def convolved(x, W, b):
        side, k = x.shape[-1], W.shape[-1]
        low = (k - 1) // 2
        padded = torch.zeros(x.shape[0], side + k - 1, side + k - 1, dtype=x.dtype)
        padded[:, low : low + side, low : low + side] = x
        y = torch.empty(W.shape[0], side, side, dtype=x.dtype)
        for i in range(side):
            for j in range(side):
                y[:, i, j] = (W * padded[:, i : i + k, j : j + k]).sum(dim=(1, 2, 3)) + b
        return y

    x = convolved(x, *one).tanh()
    x = torch.stack(
        [torch.stack([x[:, i // 4, j // 4] for j in range(8)], -1) for i in range(8)], 1
    )
    x = convolved(x, *two).sigmoid()[:, 1:7, 1:7]
    assert_close(f(z), x.flatten())


# ---------------------------------------------------------------- the bound


@pytest.mark.parametrize("n", [12, 13, 2])
def test_elbo_is_log_likelihood_minus_kl_with_an_equal_share_for_each_decoder(n):
    model, x = small(std=0.3).double(), blobs(n).double()
    h = model.encoder(x)
    q = Independent(Normal(model.encoder_mean(h), model.encoder_log_std(h).exp()), 1)
    ε = torch.randn(n, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    z = q.base_dist.loc + q.base_dist.scale * ε
    prior = Independent(Normal(torch.zeros_like(z), torch.ones_like(z)), 1)
    sizes = torch.tensor([n // 3 + (k < n % 3) for k in range(3)])
    owner = torch.arange(3).repeat_interleave(sizes)
    mean = torch.stack([f(z) for f in model.decoders])[owner, torch.arange(n)]
    likelihood = Independent(Normal(mean, torch.full_like(mean, 0.3)), 1)
    fit_part, kl = likelihood.log_prob(x), kl_divergence(q, prior)
    drawn = model.elbo(x, torch.Generator().manual_seed(5))
    assert_close(drawn, fit_part - kl, rtol=1e-10, atol=1e-10)
    assert torch.equal(model.elbo(x, noise=ε), drawn)
    assert_close(model.elbo(x, noise=ε, kl_weight=0.3), fit_part - 0.3 * kl, rtol=1e-10, atol=1e-10)


def test_with_std_1_it_is_the_authors_loss_and_a_constant():
    """−ELBO = ½‖x̂ − x‖² + KL + D/2 log 2π: differences between images are the loss's."""
    model, x, ε = small(std=1.0, decoders=1).double(), blobs(7).double(), torch.randn(7, 3).double()
    h = model.encoder(x)
    m, s = model.encoder_mean(h), model.encoder_log_std(h).exp()
    kl = kl_divergence(Normal(m, s), Normal(torch.zeros_like(m), torch.ones_like(m))).sum(dim=-1)
    loss = 0.5 * (model.decoders[0](m + s * ε) - x).square().sum(dim=-1) + kl
    off = -model.elbo(x, noise=ε) - loss
    assert_close(off, torch.full((7,), 18 * np.log(2 * np.pi)).double())


class Loss(nn.Module):
    """What is minimised, as a forward pass: what `functional_call` calls."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, noise, kl_weight):
        return -self.model.elbo(x, noise=noise, kl_weight=kl_weight).mean()


@pytest.mark.parametrize("n", [12, 13])
def test_three_models_stacked_have_the_losses_and_gradients_of_each_alone(n):
    models = [Loss(small(seed)) for seed in range(3)]
    x = torch.stack([blobs(n, seed) for seed in range(3)])
    noise = torch.randn(3, n, 3, generator=torch.Generator().manual_seed(1))
    stacked, _ = stack_module_state(models)

    def loss(weights, x, noise):
        return functional_call(models[0], weights, (x, noise, 0.7))

    slopes, losses = vmap(grad_and_value(loss))(stacked, x, noise)
    for k, model in enumerate(models):
        alone = model(x[k], noise[k], 0.7)
        alone.backward()
        assert_close(losses[k], alone.detach(), rtol=1e-5, atol=0)
        for name, weight in model.named_parameters():
            scale = weight.grad.abs().max()
            assert scale > 0
            assert_close(slopes[name][k], weight.grad, rtol=1e-5, atol=1e-5 * scale.item())


@pytest.mark.slow
def test_training_lowers_the_error_and_makes_the_decoders_agree_on_the_data():
    model, x = small(latent=2), blobs()
    spread = (x - x.mean(dim=0)).square().mean()
    history = fit(model, x, epochs=40, batch_size=48, learning_rate=2e-2, progress=False)
    assert history[-1] > history[0] + 2
    z = model.encode(x).detach()
    for f in model.decoders:
        assert (f(z) - x).square().mean() < 0.5 * spread
    V = disagreement(model.decoders, z).median()
    assert 0 < 2 * V < disagreement(model.decoders, 4 * z).median()


# ---------------------------------------------------------------- maps, and their geometry


@pytest.mark.parametrize("batch", [(), (4,), (2, 3), (0,), (2, 0)])
def test_leading_axes_stay_as_they_are(batch):
    """One at a time or together: the same codes and images, the mean among them."""
    model = small().double()
    x, z = torch.rand(*batch, 36).double(), torch.randn(*batch, 3).double()
    for f, points, width in (
        (model.encode, x, 3),
        (model.mean, z, 36),
        (model.decoders[2], z, 36),
    ):
        y = f(points)
        assert y.shape == (*batch, width)
        for index in np.ndindex(batch):
            assert_close(y[index], f(points[index]), rtol=1e-12, atol=1e-14)
    assert_close(model.mean(z), sum(f(z) for f in model.decoders) / 3)
    assert ((model.mean(z) > 0) & (model.mean(z) < 1)).all()


def test_the_jacobian_is_that_of_central_differences():
    f, z = ConvVAE.fashion(thin=8).double().decoders[0], torch.randn(3, 16).double()
    h = 1e-6
    columns = [(f(z + h * e) - f(z - h * e)) / (2 * h) for e in torch.eye(16).double()]
    assert_close(jacobian(f, z), torch.stack(columns, dim=-1), rtol=0, atol=1e-9)


def bent(activation) -> ConvVAE:
    """16 latent coordinates, pictures of 10×10, and weights so large that the decoders bend their
    shortest curves."""
    torch.manual_seed(0)
    layers = {"channels": (4,), "stem": 8, "steps": ((8, 1), (4,), (1,)), "decoders": 2}
    model = ConvVAE((1, 10, 10), 16, **layers, activation=activation).double()
    model.requires_grad_(False)
    for f in model.decoders:
        for layer in f.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.weight.mul_(2)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("activation", [nn.ELU, nn.Softplus])
@pytest.mark.parametrize("members", [1, 2])
def test_geodesics_in_16_dimensions_are_resolved_and_shorter_than_straight_lines(
    members, activation
):
    """With a kink in every activation, too: no shorter than the chord, and as long as measured."""
    model = bent(activation)
    decoders = list(model.decoders)[:members]
    G = PullbackMetric(decoders[0]) if members == 1 else mean_pullback_metric(model.decoders)
    a, b = torch.randn(2, 2, 16, generator=torch.Generator().manual_seed(2)).double()
    path = geodesic(G, a, b, solver=lbfgs, tolerance=1e-3)
    assert path.resolved.all()
    assert (path.length < 0.99 * length(G, StraightLine(a, b))).all()
    chord = torch.stack([(f(a) - f(b)).square().sum(dim=-1) for f in decoders]).mean(dim=0).sqrt()
    assert (path.length > chord).all()
    z = path(torch.linspace(0, 1, 2001).double())
    x = torch.stack([f(z) for f in decoders]) / members**0.5
    steps = (x[..., 1:, :] - x[..., :-1, :]).square().sum(dim=(0, -1)).sqrt()
    assert_close(path.length, steps.sum(dim=-1), rtol=2e-3, atol=0)


def test_an_elu_bends_a_decoder_abruptly_where_softplus_does_not():
    """The second derivative jumps; the slope does not. On a line along which one unit of the stem
    crosses 0."""

    def across(activation):
        torch.manual_seed(0)
        f = small(activation=activation).double().requires_grad_(False).decoders[0]
        linear = f.first[0]
        unit = linear.weight[0] / linear.weight[0].norm()
        z0 = -unit * linear.bias[0] / linear.weight[0].norm()
        return lambda t: f(z0 + t * unit)

    def jumps(g):
        slope = torch.func.jacfwd(g)
        bend = torch.func.jacfwd(slope)
        before, after = (torch.tensor(t).double() for t in (-1e-7, 1e-7))
        return [(h(after) - h(before)).abs().max() / h(after).abs().max() for h in (slope, bend)]

    slope, bend = jumps(across(nn.ELU))
    assert slope < 1e-5
    assert bend > 0.1
    slope, bend = jumps(across(nn.Softplus))
    assert max(slope, bend) < 1e-5


# ---------------------------------------------------------------- faces


@pytest.mark.data
def test_a_thin_layout_for_faces_takes_a_step_on_portraits(tmp_path, monkeypatch):
    """Portraits written in CelebA's layout, loaded, trained on for one step and encoded."""
    shared = Path(os.environ["GEOKIT_DATA"]) / "portraits-64"
    portraits = read_idx(shared / "faces-64x64-rgb-idx4-ubyte.gz", ndim=4)[:16]
    own = tmp_path / "celeba"
    (own / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06}.jpg" for number in range(1, 17)]
    for name, portrait in zip(names, portraits, strict=True):
        canvas = np.zeros((218, 178, 3), np.uint8)
        large = Image.fromarray(portrait).resize((148, 148), Image.Resampling.BICUBIC)
        canvas[35:183, 15:163] = large
        packed = BytesIO()
        Image.fromarray(canvas).save(packed, "JPEG", quality=100, subsampling=0)
        (own / "img_align_celeba" / name).write_bytes(packed.getvalue())
    (own / "list_eval_partition.txt").write_text("".join(f"{name} 0\n" for name in names))
    monkeypatch.setenv("GEOKIT_DATA", str(tmp_path))
    monkeypatch.setenv("GEOKIT_CACHE", str(tmp_path / "cache"))
    x = data.load("celeba").pixels.flatten(1)

    torch.manual_seed(0)
    model, noise = ConvVAE.celeba(thin=8), torch.zeros(16, 64)
    before = model.elbo(x, noise=noise).mean()
    fit(model, x, epochs=1, batch_size=16, learning_rate=1e-3, progress=False)
    assert model.elbo(x, noise=noise).mean() > before + 1
    z = model.encode(x)
    assert z.shape == (16, 64)
    assert z.isfinite().all()
    assert model.mean(z).shape == x.shape


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decoders": 0}, "decoders is 0; give at least one layer of each kind and one decoder"),
        ({"channels": ()}, r"channels are \(\).* at least one layer"),
        ({"steps": ()}, r"steps \(\).* at least one layer"),
        ({"channels": (4, 0)}, "sizes of at least 1"),
        ({"latent": 0}, "latent 0.* sizes of at least 1"),
        ({"stem": 0}, "stem 0.* sizes of at least 1"),
        ({"steps": ((4, 0), (1,))}, "sizes of at least 1"),
        ({"steps": ((4,), (1, 1, 0))}, "sizes of at least 1"),
        ({"steps": ((4,), (3,))}, r"the last step makes 3 channels .* \(1, 6, 6\) has 1"),
        ({"steps": ((4,), (4,), Step(1))}, "enlarge by 8, more than a side of the 6×6 picture"),
        ({"std": 0.0}, "std is 0.0; give a positive number"),
        ({"std": float("nan")}, "std is nan"),
    ],
)
def test_a_layout_that_makes_no_picture_is_refused(options, message):
    with as_users_call(), pytest.raises(ValueError, match=message):
        small(**options)


@pytest.mark.parametrize("shape", [(1, 6), (1, 6, 0), (0, 6, 6), (1, 6, 6, 6)])
def test_a_shape_that_is_no_pictures_is_refused(shape):
    with as_users_call(), pytest.raises(ValueError, match=r"give a shape \(c, h, w\)"):
        ConvVAE(shape, 2, channels=(4,), stem=4, steps=((1,),))


@pytest.mark.parametrize(
    ("make", "thin"),
    [(ConvVAE.fashion, 0), (ConvVAE.fashion, 3), (ConvVAE.cifar, 16), (ConvVAE.celeba, 16)],
)
def test_channels_that_cannot_be_thinned_are_refused(make, thin):
    with as_users_call(), pytest.raises(ValueError, match=f"thin is {thin}; .* divides"):
        make(thin=thin)
