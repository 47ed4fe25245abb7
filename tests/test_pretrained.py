"""The decoders that come with the package, and the convolutional one among them."""

import shutil

import pytest
import torch
from examples import as_users_call
from torch.testing import assert_close

from geokit import data, jacobian, pretrained
from geokit.models import VAE, ConvDecoder

DIGITS = ("digits", "digits-jagged")


@pytest.fixture(scope="module")
def digits():
    """The images, float64, in the order of the codes, and their labels."""
    parts = [data.load("digits"), data.load("digits", split="test")]
    x = torch.cat([pretrained.digit_pixels(part.pixels.double()) for part in parts])
    return x, torch.cat([part.labels for part in parts])


@pytest.mark.parametrize("name", pretrained.NAMES)
def test_a_model_comes_ready_to_use(name):
    one = pretrained.load(name)
    assert not any(module.training for module in one.model.modules())
    assert not any(p.requires_grad for p in one.model.parameters())
    assert {p.dtype for p in one.model.parameters()} == {one.codes.dtype} == {torch.float32}
    assert one.codes.isfinite().all()
    assert name in repr(one)


@pytest.mark.parametrize("name", pretrained.NAMES)
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_the_mean_keeps_leading_axes_and_stays_within_zero_and_one(name, batch):
    one = pretrained.load(name)
    d, D = (32, 3072) if name == "random-cnn" else (2, 784)
    z = one.codes[: max(1, torch.Size(batch).numel())].reshape(*batch, d)
    x = one.model.mean(z)
    assert x.shape == (*batch, D)
    assert 0 < x.min() < x.max() < 1


@pytest.mark.parametrize("name", [*DIGITS, "digits-ensemble"])
def test_codes_are_what_the_encoder_says_of_the_digits(name, digits):
    one, (x, labels) = pretrained.load(name), digits
    assert_close(one.model.double().encode(x), one.codes.double(), rtol=0, atol=1e-4)
    assert torch.equal(one.labels, labels)


@pytest.mark.parametrize("name", DIGITS)
def test_recorded_figures_come_out_again(name, digits):
    one, (x, _) = pretrained.load(name), digits
    model, recorded = one.model.double(), one.about["figures"]
    n = len(data.load("digits"))
    error = (model.mean(one.codes.double()) - x).square().mean(dim=-1)
    assert error[:n].mean().item() == pytest.approx(recorded["error_train"], abs=2e-5)
    assert error[n:].mean().item() == pytest.approx(recorded["error_test"], abs=2e-5)
    if name == "digits":  # the jagged one never saw its ELBO
        elbo = model.elbo(x[:n], torch.Generator().manual_seed(0)).mean().item()
        assert elbo == pytest.approx(recorded["elbo_train"], abs=0.02)


@pytest.mark.data
def test_the_garments_codes_and_figures_come_out_again():
    one = pretrained.load("fashion-oddity")
    every, recorded = one.about["codes_every"], one.about["figures"]
    train = data.load("fashion-mnist", classes=[0, 1, 7])
    x, model = train.pixels.flatten(1).double(), one.model.double()
    assert_close(model.encode(x[::every]), one.codes.double(), rtol=0, atol=1e-4)
    assert torch.equal(train.labels[::every], one.labels)
    error = (model.mean(model.encode(x)) - x).square().mean().item()
    assert error == pytest.approx(recorded["error_train"], abs=2e-5)
    elbo = model.elbo(x, torch.Generator().manual_seed(0)).mean().item()
    assert elbo == pytest.approx(recorded["elbo_train"], abs=0.02)


def test_the_garments_sigma_is_what_was_recorded():
    one = pretrained.load("fashion-oddity")
    σ = one.model.double().std(one.codes.double())
    assert σ.mean().item() == pytest.approx(one.about["figures"]["std_codes"], abs=2e-5)
    assert σ.min() >= 0.1


def test_the_ensembles_recorded_figures_are_those_of_its_worst_member(digits):
    one, (x, _) = pretrained.load("digits-ensemble"), digits
    model, n = one.model.double(), len(data.load("digits"))
    z = one.codes.double()
    errors = torch.stack([(f(z) - x).square().mean(dim=-1) for f in model.decoders])
    for name, part in (("error_train", errors[:, :n]), ("error_test", errors[:, n:])):
        worst = part.mean(dim=-1).max().item()
        assert worst == pytest.approx(one.about["figures"][name], abs=2e-5)


def test_the_smooth_decoder_reconstructs_better_than_the_mean_digit(digits):
    x, _ = digits
    spread = (x - x.mean(dim=0)).square().mean().item()
    assert pretrained.load("digits").about["figures"]["error_test"] < 0.6 * spread


def test_the_random_decoder_is_drawn_from_its_recorded_seed():
    one = pretrained.load("random-cnn")
    again = ConvDecoder(32).randomise(one.about["seed"], gain=one.about["gain"])
    for name, value in again.state_dict().items():
        assert_close(one.model.state_dict()[name], value)
    draws = torch.Generator().manual_seed(one.about["seed"])
    codes = torch.randn(500, 32, generator=draws, dtype=torch.float64)
    assert_close(one.codes, codes.float())
    assert one.labels is None
    spread = one.model.mean(one.codes).std(dim=0).mean().item()
    assert spread == pytest.approx(one.about["figures"]["pixel_std"], abs=2e-5)


@pytest.mark.parametrize("name", pretrained.NAMES)
def test_a_file_is_small_and_says_how_it_was_made(name):
    path = pretrained.ASSETS / f"{name}.safetensors"
    assert path.stat().st_size < 2_000_000
    about = pretrained.load(name).about
    wanted = {"name", "made", "data", "seed", "precision", "parameters", "figures"}
    wanted |= {"geokit", "torch", "python", "date"}
    wanted |= {"gain"} if name == "random-cnn" else {"epochs", "learning_rate", "batch_size"}
    assert wanted <= about.keys()
    assert about["name"] == name
    model = pretrained.load(name).model
    assert about["parameters"] == sum(p.numel() for p in model.parameters()) < 1_000_000


def test_two_calls_give_two_models():
    a, b = pretrained.load("random-cnn"), pretrained.load("random-cnn")
    a.model.double()
    assert b.model.first.weight.dtype == torch.float32


def test_what_is_saved_comes_back(tmp_path):
    torch.manual_seed(0)
    vae, codes = VAE(784, 2, hidden=(64, 32)).double(), torch.randn(7, 2, dtype=torch.float64)
    pretrained.save("digits", vae, codes, torch.arange(7), {"made": "für β"}, tmp_path)
    one = pretrained.load("digits", tmp_path)
    assert one.about == {"name": "digits", "made": "für β"}
    assert_close(one.codes, codes.float())
    assert_close(one.model.mean(one.codes), vae.mean(codes).float())
    assert [path.name for path in tmp_path.iterdir()] == ["digits.safetensors"]


def test_an_unknown_name_is_refused_with_the_names_there_are(tmp_path):
    with pytest.raises(ValueError, match="choose one of digits, digits-jagged, random-cnn"):
        pretrained.load("tulips")
    with pytest.raises(ValueError, match="no pretrained 'tulips'"):
        pretrained.save("tulips", ConvDecoder(), torch.zeros(1, 32), None, {}, tmp_path)


@pytest.mark.parametrize("damage", ["missing", "cut", "garbled", "another", "empty"])
def test_a_damaged_file_is_named_in_one_sentence(tmp_path, damage):
    path = tmp_path / "digits.safetensors"
    whole = (pretrained.ASSETS / path.name).read_bytes()
    if damage == "another":
        shutil.copy(pretrained.ASSETS / "random-cnn.safetensors", path)
    elif damage != "missing":
        garbled = b"\xff" * 8 + whole[8:]
        path.write_bytes({"cut": whole[:-100], "garbled": garbled, "empty": b""}[damage])
    with pytest.raises(ValueError, match=r"digits\.safetensors cannot be read") as caught:
        pretrained.load("digits", tmp_path)
    assert "install geokit again" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def small_cnn():
    return ConvDecoder(5, (4, 2)).randomise(3, gain=1.5).double().requires_grad_(False)


@pytest.mark.parametrize("batch", [(), (4,), (2, 3), (0,)])
def test_a_convolutional_decoder_treats_every_leading_index_alone(small_cnn, batch):
    z = torch.randn(*batch, 5, dtype=torch.float64)
    x = small_cnn(z)
    C, h, w = small_cnn.shape
    assert (C, h, w) == (3, 16, 16)
    assert x.shape == (*batch, C * h * w)
    alone = [small_cnn(point) for point in z.reshape(-1, 5)]
    assert_close(x.reshape(-1, 768), torch.stack(alone) if alone else x.reshape(-1, 768))


def test_its_jacobian_equals_finite_differences(small_cnn):
    z, h = torch.randn(3, 5, dtype=torch.float64), 1e-5
    columns = [(small_cnn(z + h * e) - small_cnn(z - h * e)) / (2 * h) for e in torch.eye(5).to(z)]
    assert_close(jacobian(small_cnn, z), torch.stack(columns, dim=-1), rtol=0, atol=1e-9)


def test_its_mean_is_the_decoder_itself(small_cnn):
    assert small_cnn.mean is small_cnn


def test_a_larger_gain_bends_the_map_more():
    """The straight line's decoded midpoint lies farther from the middle of the decoded ends."""
    z = torch.randn(2, 50, 32, generator=torch.Generator().manual_seed(0))

    def bend(gain):
        f = ConvDecoder(32).randomise(0, gain=gain)
        a, m, b = f(z[0]), f(z.mean(dim=0)), f(z[1])
        return ((m - (a + b) / 2).norm(dim=-1) / (b - a).norm(dim=-1)).mean()

    assert bend(0.5) < 0.5 * bend(1.5)


@pytest.mark.parametrize(("latent", "channels"), [(0, (4,)), (3, ()), (3, (4, 0))])
def test_a_decoder_without_size_is_refused(latent, channels):
    with as_users_call(), pytest.raises(ValueError, match="at least one number of channels"):
        ConvDecoder(latent, channels)


def test_a_model_is_float32_whatever_the_default_dtype_is():
    """The chapters work in float64 throughout."""
    torch.set_default_dtype(torch.float64)
    try:
        one = pretrained.load("digits")
    finally:
        torch.set_default_dtype(torch.float32)
    assert {p.dtype for p in one.model.parameters()} == {torch.float32}
    assert one.codes.dtype == torch.float32
