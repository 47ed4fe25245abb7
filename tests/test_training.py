"""Many trainings as one: the same models come out, whatever stops them."""

import json
import math
import subprocess
import sys
import time
import warnings

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from geokit.models import VAE, BernoulliVAE, EnsembleVAE
from geokit.training import DivergedTraining, fit, fit_many

X = torch.rand(96, 20, generator=torch.Generator().manual_seed(0))


def made(kind, seeds, dtype=torch.float32, **options):
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(kind(20, 2, hidden=(16, 8), **options).to(dtype))
    return models


def weights(models):
    return [p.detach().clone() for model in models for p in model.parameters()]


KINDS = [VAE, BernoulliVAE, EnsembleVAE]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_stacked_training_equals_separate_trainings_after_100_steps(kind):
    seeds, options = [3, 0, 7], {"epochs": 34, "batch_size": 32, "progress": False}
    together, apart = made(kind, seeds), made(kind, seeds)
    history = fit_many(together, X, seeds=seeds, **options)
    for model, seed, mine in zip(apart, seeds, history, strict=True):
        theirs = fit(model, X, seed=seed, **options)
        assert max(abs(a - b) / abs(b) for a, b in zip(mine, theirs, strict=True)) <= 1e-5


def test_in_double_precision_the_weights_agree_to_rounding():
    seeds, options = [1, 2], {"epochs": 10, "batch_size": 40, "kl_warm_up": 0.5, "progress": False}
    x = X.double()
    together, apart = made(VAE, seeds, x.dtype), made(VAE, seeds, x.dtype)
    fit_many(together, x, seeds=seeds, **options)
    for model, seed in zip(apart, seeds, strict=True):
        fit(model, x, seed=seed, **options)
    for a, b in zip(weights(together), weights(apart), strict=True):
        assert_close(a, b, rtol=1e-9, atol=1e-10)


def test_a_model_does_not_depend_on_the_others_in_its_stack():
    alone, company = made(VAE, [5]), made(VAE, [4, 5, 6])
    options = {"epochs": 5, "batch_size": 32, "progress": False}
    mine = fit_many(alone, X, seeds=[5], **options)[0]
    theirs = fit_many(company, X, seeds=[4, 5, 6], **options)[1]
    assert max(abs(a - b) / abs(b) for a, b in zip(mine, theirs, strict=True)) <= 1e-5


class Quadratic(nn.Module):
    """−‖w − mean of x‖²: no noise, and it diverges for a step that is too long."""

    def __init__(self, at: float):
        super().__init__()
        self.w = nn.Parameter(torch.full((20,), at))

    def elbo(self, x, generator=None):
        return -(self.w - x).square().sum(dim=-1)


def test_models_without_noise_draw_none_and_keep_the_order_of_fit():
    options = {"epochs": 4, "batch_size": 32, "progress": False}
    one, many = Quadratic(0.0), [Quadratic(0.0), Quadratic(1.0)]
    history = fit_many(many, X, seeds=[2, 3], **options)
    assert_close(torch.tensor(history[0]), torch.tensor(fit(one, X, seed=2, **options)))


def test_a_diverged_model_is_stopped_and_named_and_the_others_go_on():
    models = [Quadratic(0.0), Quadratic(math.inf), Quadratic(1.0)]
    with pytest.warns(DivergedTraining, match="the training of seed 11 diverged"):
        history = fit_many(models, X, seeds=[10, 11, 12], epochs=6, progress=False)
    assert [len(h) for h in history] == [6, 1, 6]
    assert not math.isfinite(history[1][0])
    assert models[1].w.isnan().all()
    alone = Quadratic(1.0)
    assert_close(history[2], fit_many([alone], X, seeds=[12], epochs=6, progress=False)[0])
    assert_close(models[2].w, alone.w)


def test_when_all_diverge_the_training_ends():
    with pytest.warns(DivergedTraining, match="seed 0, 1 diverged"):
        history = fit_many([Quadratic(math.nan)] * 2, X, epochs=50, progress=False)
    assert [len(h) for h in history] == [1, 1]


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [1, 4, 7], ids=["in epoch 1", "in epoch 2", "in epoch 3"])
def test_a_training_that_was_stopped_ends_with_the_same_bits(kind, after, tmp_path, monkeypatch):
    options = {"epochs": 4, "batch_size": 32, "progress": False, "seeds": [3, 1]}
    whole = made(kind, [3, 1])
    history = fit_many(whole, X, **options)

    from geokit.training import many

    steps = 0

    def counted(*arguments):
        nonlocal steps
        write(*arguments)
        steps += 1
        if steps == after:
            raise Interrupted

    write = many.write
    monkeypatch.setattr(many, "write", counted)
    file = tmp_path / "half.safetensors"
    with pytest.raises(Interrupted):
        fit_many(made(kind, [3, 1]), X, checkpoint=file, every=0.0, **options)
    monkeypatch.undo()
    resumed = made(kind, [8, 9])  # whatever the weights are: the checkpoint has them
    assert fit_many(resumed, X, checkpoint=file, **options) == history
    for a, b in zip(weights(resumed), weights(whole), strict=True):
        assert torch.equal(a, b)


def test_a_finished_checkpoint_is_read_and_not_trained_again(tmp_path):
    options = {"epochs": 3, "checkpoint": tmp_path / "c", "progress": False}
    first, again = made(VAE, [0, 1]), made(VAE, [0, 1])
    history = fit_many(first, X, **options)
    started = time.perf_counter()
    assert fit_many(again, X, **options) == history
    assert time.perf_counter() - started < 60  # and it ends
    assert all(map(torch.equal, weights(first), weights(again)))


def test_divergence_survives_a_checkpoint(tmp_path):
    options = {"seeds": [1, 2], "checkpoint": tmp_path / "c", "progress": False, "epochs": 3}
    for _ in range(2):
        with pytest.warns(DivergedTraining, match="seed 2"):
            history = fit_many([Quadratic(0.0), Quadratic(math.nan)], X, **options)
        assert [len(h) for h in history] == [3, 1]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"epochs": 9}, "epochs"),
        ({"seeds": [0, 2]}, "seeds"),
        ({"learning_rate": 1e-4}, "learning_rate"),
        ({"batch_size": 16}, "batch_size"),
        ({"decay": False}, "decay"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(change, word, tmp_path):
    options = {"epochs": 2, "checkpoint": tmp_path / "c", "progress": False}
    fit_many(made(VAE, [0, 1]), X, **options)
    kept = (tmp_path / "c").read_bytes()
    with pytest.raises(ValueError, match=rf"belongs to another training: it differs in {word};"):
        fit_many(made(VAE, [0, 1]), X, **{**options, **change})
    assert (tmp_path / "c").read_bytes() == kept


def test_a_checkpoint_of_other_images_is_refused(tmp_path):
    options = {"epochs": 2, "checkpoint": tmp_path / "c", "progress": False}
    fit_many(made(VAE, [0, 1]), X, **options)
    with pytest.raises(ValueError, match="differs in images"):
        fit_many(made(VAE, [0, 1]), X.flip(0), **options)


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_checkpoint_is_refused_and_kept(damage, tmp_path):
    file = tmp_path / "c"
    fit_many(made(VAE, [0]), X, epochs=1, checkpoint=file, progress=False)
    broken = file.read_bytes()[:-7] if damage is None else damage
    file.write_bytes(broken)
    with pytest.raises(ValueError, match="cannot be read as a checkpoint"):
        fit_many(made(VAE, [0]), X, epochs=1, checkpoint=file, progress=False)
    assert file.read_bytes() == broken


FULL_DISK = """
import json, resource, signal, sys, torch
from geokit.models import VAE
from geokit.training import fit_many
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
x = torch.rand(96, 20, generator=torch.Generator().manual_seed(0))
torch.manual_seed(0)
models = [VAE(20, 2, hidden=(16, 8))]
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    fit_many(models, x, epochs=2, checkpoint=sys.argv[1], every=0.0, progress=False)
except OSError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_checkpoint(tmp_path):
    file = tmp_path / "c"
    fit_many(made(VAE, [0]), X, epochs=2, checkpoint=file, progress=False)
    file.rename(tmp_path / "kept")
    (tmp_path / "c").unlink(missing_ok=True)
    said = subprocess.run(
        [sys.executable, "-c", FULL_DISK, file], capture_output=True, text=True, check=True
    ).stdout
    assert "could not be written" in said
    assert "make room on the disk" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept"]  # no half of a file


@pytest.mark.parametrize(
    ("models", "seeds", "message"),
    [
        ([], None, "got 0 models"),
        ([VAE(20, 2)], [1, 2], "each a seed of its own"),
        ([VAE(20, 2), VAE(20, 2)], [1, 1], "each a seed of its own"),
        ([VAE(20, 2), VAE(20, 3)], None, "model 1 is not built like model 0"),
        ([VAE(20, 2), BernoulliVAE(20, 2)], None, "model 1 is not built like model 0"),
    ],
)
def test_what_cannot_be_stacked_is_refused(models, seeds, message):
    with pytest.raises(ValueError, match=message):
        fit_many(models, X, seeds=seeds, epochs=1, progress=False)


@pytest.mark.parametrize("options", [{"epochs": 0}, {"batch_size": 0}, {"kl_warm_up": 1.5}])
def test_what_fit_refuses_is_refused(options):
    for train in (lambda **o: fit(VAE(20, 2), X, **o), lambda **o: fit_many([VAE(20, 2)], X, **o)):
        with pytest.raises(ValueError, match=r"must be at least 1|share of the epochs"):
            train(progress=False, **options)


def test_a_checkpoint_says_in_plain_text_what_it_is(tmp_path):
    from safetensors import safe_open

    fit_many(made(VAE, [4]), X, seeds=[4], epochs=1, checkpoint=tmp_path / "c", progress=False)
    with safe_open(tmp_path / "c", framework="pt") as file:
        schedule = json.loads(file.metadata()["about"])["schedule"]
    assert schedule["seeds"] == [4]
    assert schedule["epochs"] == 1


def test_nothing_is_said_of_a_training_that_went_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_many(made(VAE, [0, 1]), X, epochs=1, progress=False)
