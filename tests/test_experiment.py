"""The experiment as a whole: one table from a spec, whatever stops it on the way."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from geokit import data, experiment
from geokit.experiment import measure, runs, spec, store

SMALL = {
    "name": "small",
    "dataset": "digits",
    "model": {"kind": "VAE", "latent": 2, "hidden": [16, 8]},
    "training": {"epochs": 3, "learning_rate": 3e-3},
    "seeds": {"first": 5, "count": 4, "together": 2},
    "pairs": {"count": 5, "seed": 1},
    "geometry": {"tolerance": 1e-3, "graph": 100},
}
TOML = """
dataset = "digits"
model = {kind = "VAE", latent = 2, hidden = [16, 8]}
training = {epochs = 3, learning_rate = 3e-3}
seeds = {first = 5, count = 4, together = 2}
pairs = {count = 5, seed = 1}
geometry = {tolerance = 1e-3, graph = 100}
"""
TABLES = ("distances.csv", "models.csv", "pairs.csv")


def changed(**parts):
    """The small spec with some values replaced, `part={key: value}` or `key=value`."""
    new = {key: dict(v) if isinstance(v, dict) else v for key, v in SMALL.items()}
    for key, value in parts.items():
        new[key] = {**new.get(key, {}), **value} if isinstance(value, dict) else value
    return new


def tables(out):
    return {name: (Path(out) / name).read_bytes() for name in TABLES}


def assert_close_tables(table, expected):
    """Equal but for what rounding in another order of sums does to a short training."""
    same = ["model", "pair", "ambient", "euclidean", "chord", "straight", "geodesic"]
    pd.testing.assert_frame_equal(table[same], expected[same], rtol=2e-3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing has stopped."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("whole")
    return out, experiment.run(SMALL, out=out, progress=False)


def test_a_row_for_each_model_and_pair_sorted(whole):
    out, table = whole
    assert table[["model", "pair"]].values.tolist() == [
        [m, p] for m in range(5, 9) for p in range(5)
    ]
    assert list(table) == [
        "model", "pair", "ambient", "euclidean", "euclidean_scaled", "chord", "straight",
        "geodesic", "defect", "resolved", "iterations",
    ]  # fmt: skip
    assert table.resolved.dtype == bool
    pd.testing.assert_frame_equal(table, pd.read_csv(out / "distances.csv"))


def test_the_chord_is_no_longer_than_the_geodesic_nor_that_than_the_straight_line(whole):
    _, table = whole
    assert (table.chord <= table.geodesic * (1 + 1e-3)).all()
    assert (table.geodesic <= table.straight * (1 + 1e-3)).all()
    assert (table.geodesic > 0).all()


def test_numbers_have_nine_digits(whole):
    out, _ = whole
    words = (out / "distances.csv").read_text().split("\n")[1].split(",")
    assert max(len(word.split("e")[0].replace(".", "").lstrip("0")) for word in words) == 9


def test_ambient_is_the_distance_of_the_images_and_the_pairs_are_all_different(whole):
    out, table = whole
    pairs = pd.read_csv(out / "pairs.csv")
    test = data.load("digits", "test")
    x = test.pixels.flatten(1).double()
    first, second = (torch.tensor(pairs[name].tolist()) for name in ("first", "second"))
    expected = (x[first] - x[second]).norm(dim=-1)
    for _, rows in table.groupby("model"):
        np.testing.assert_allclose(rows.ambient, expected, rtol=1e-8)
    assert len({*pairs["first"], *pairs["second"]}) == 10
    assert test.labels[first].tolist() == pairs.label_first.tolist()
    assert test.labels[second].tolist() == pairs.label_second.tolist()


def test_the_rows_follow_from_the_weights_that_are_kept(whole):
    """Every distance once more, from the model itself and one pair at a time."""
    from geokit import PullbackMetric, StraightLine, geodesic, length

    out, table = whole
    pairs = pd.read_csv(out / "pairs.csv")
    x = data.load("digits", "test").pixels.flatten(1).double()
    for seed in (5, 8):
        model = experiment.load_model(out, seed)
        codes = model.encode(x)
        rows = table[table.model == seed].reset_index()
        for p in range(5):
            a, b = codes[pairs["first"][p]], codes[pairs["second"][p]]
            G = PullbackMetric(model.mean)
            assert rows.euclidean[p] == pytest.approx((a - b).norm().item(), rel=1e-8)
            gaps = torch.pdist(codes).square().mean().sqrt()
            assert rows.euclidean_scaled[p] * gaps == pytest.approx(rows.euclidean[p], rel=1e-6)
            chord = (model.mean(a) - model.mean(b)).norm()
            assert rows.chord[p] == pytest.approx(chord.item(), rel=1e-8)
            straight = length(G, StraightLine(a, b))
            assert rows.straight[p] == pytest.approx(straight.item(), rel=1e-6)
            path = geodesic(G, a, b, tolerance=1e-3)
            if path.resolved and rows.resolved[p]:
                assert rows.geodesic[p] <= path.length.item() * (1 + 2e-3)


def test_models_are_described_by_what_they_do_to_test_images(whole):
    out, _ = whole
    about = pd.read_csv(out / "models.csv").set_index("seed")
    x = data.load("digits", "test").pixels.flatten(1).double()
    model = experiment.load_model(out, 6)
    rmse = (model.mean(model.encode(x)) - x).square().mean().sqrt()
    assert about.rmse[6] == pytest.approx(rmse.item(), rel=1e-8)
    assert (about.status == "ok").all()
    assert (about.smallest_singular_value > 0).all()
    assert about.elbo_test[6] == pytest.approx(
        model.elbo(x, torch.Generator().manual_seed(0)).mean().item(), rel=1e-8
    )


def test_models_are_those_of_fit_with_their_seed(whole):
    from geokit.models import VAE
    from geokit.training import fit

    out, _ = whole
    x = data.load("digits", "train").pixels.flatten(1)
    torch.manual_seed(7)
    vae = VAE(64, 2, hidden=(16, 8))
    fit(vae, x, epochs=3, learning_rate=3e-3, seed=7, progress=False)
    mine = experiment.load_model(out, 7).state_dict()
    for key, value in vae.state_dict().items():
        torch.testing.assert_close(mine[key], value.double(), rtol=1e-3, atol=1e-4)


def test_provenance_says_what_was_run_where_and_for_how_long(whole):
    out, table = whole
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["spec"]["model"] == SMALL["model"]
    assert provenance["seeds"] == [5, 6, 7, 8]
    assert provenance["resolved"] == int(table.resolved.sum())
    assert {"code", "torch", "device", "threads", "seconds", "images", "date"} <= provenance.keys()
    assert provenance["seconds"].keys() == {"training", "measuring"}


def test_a_second_run_does_nothing(whole, monkeypatch):
    out, table = whole
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    monkeypatch.setattr(runs, "_unit", lambda *_: pytest.fail("it worked"))
    pd.testing.assert_frame_equal(experiment.run(SMALL, out=out), table)
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"training": {"epochs": 4}}, "training.epochs"),
        ({"model": {"latent": 3}}, "model.latent"),
        ({"seeds": {"count": 5}}, "seeds.count"),
        ({"pairs": {"seed": 2}}, "pairs.seed"),
        ({"classes": [1, 2]}, "classes"),
    ],
)
def test_a_changed_spec_never_mixes_with_old_rows(whole, change, named):
    out, _ = whole
    before = tables(out)
    with pytest.raises(ValueError, match=rf"differs in {named};") as refused:
        experiment.run(changed(**change), out=out)
    assert "resume=False" in str(refused.value)
    assert tables(out) == before


def test_other_code_never_mixes_with_old_rows(whole, monkeypatch):
    out, _ = whole
    monkeypatch.setattr(store, "code_version", lambda: "another")
    with pytest.raises(ValueError, match="differs in the version of code"):
        experiment.run(SMALL, out=out)


def test_the_version_of_the_code_is_a_hash_of_the_geometry(monkeypatch, tmp_path):
    for name in ("metric.py", "check/rules.py"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("a = 1\n")
    monkeypatch.setattr(store, "PACKAGE", tmp_path)
    version = store.code_version.__wrapped__  # not what was remembered of the real package
    before = version()
    (tmp_path / "check/rules.py").write_text("a = 2\n")
    assert version() == before  # no number of an experiment comes from there
    (tmp_path / "metric.py").write_text("a = 2\n")
    assert version() != before


def test_resume_false_starts_anew_and_touches_no_other_file(tmp_path):
    few = changed(seeds={"count": 3, "together": 3}, training={"epochs": 1}, pairs={"count": 2})
    experiment.run(few, out=tmp_path, progress=False)
    (tmp_path / "mine.txt").write_text("kept")
    other = {**few, "pairs": {"count": 3, "seed": 1}}
    table = experiment.run(other, out=tmp_path, resume=False, progress=False)
    assert table.pair.nunique() == 3
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_a_table_of_unknown_origin_is_not_overwritten(tmp_path):
    (tmp_path / "distances.csv").write_text("precious\n")
    with pytest.raises(ValueError, match="a table but not the run it came from"):
        experiment.run(SMALL, out=tmp_path)
    assert (tmp_path / "distances.csv").read_text() == "precious\n"


def started(out, spec_file):
    return subprocess.Popen(
        [sys.executable, "-m", "geokit.experiment", spec_file, "--out", out, "--quiet"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("sign", ["run.json", "seeds/005.safetensors", "seeds/006.csv"])
def test_a_killed_run_resumes_and_ends_with_the_same_bytes(whole, sign, tmp_path):
    """Killed before the first training ends, after it, and between two models of the second."""
    spec_file = tmp_path / "small.toml"
    spec_file.write_text(TOML)
    out = tmp_path / "out"
    process = started(out, spec_file)
    while not (out / sign).exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "distances.csv").exists()
    if sign == "run.json":  # by the command once more, else from Python
        again = started(out, spec_file)
        said, complaint = again.communicate()
        assert again.returncode == 0, complaint
        assert "4 models, 5 pairs" in said
    else:
        experiment.run(spec_file, out=out, progress=False)
    assert tables(out) == tables(whole[0])


def test_a_full_disk_loses_nothing(whole, tmp_path, monkeypatch):
    """The third weights file does not fit; with room again, the run ends with the same bytes."""
    write, count = store.Path.write_bytes, 0

    def no_room(self, content):
        nonlocal count
        count += ".safetensors" in self.name
        if count == 3:
            write(self, content[: len(content) // 2])
            raise OSError(28, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(store.Path, "write_bytes", no_room)
    with pytest.raises(OSError, match=r"could not be written \(No space left on device\)"):
        experiment.run(SMALL, out=tmp_path, progress=False)
    assert not list(tmp_path.rglob("*.part"))
    monkeypatch.undo()
    experiment.run(SMALL, out=tmp_path, progress=False)
    assert tables(tmp_path) == tables(whole[0])


def test_a_diverged_training_is_named_and_the_rest_is_kept(whole, tmp_path, monkeypatch):
    def broken(self, shape):
        model = build(self, shape)
        if torch.initial_seed() == 6:
            with torch.no_grad():
                model.mean_head.bias.fill_(float("nan"))
        return model

    build = spec.Spec.build
    monkeypatch.setattr(spec.Spec, "build", broken)
    with pytest.warns(Warning, match="training of seed 6 diverged"):
        table = experiment.run(SMALL, out=tmp_path, progress=False)
    monkeypatch.undo()
    about = pd.read_csv(tmp_path / "models.csv").set_index("seed")
    assert about.status.to_dict() == {5: "ok", 6: "diverged in epoch 1", 7: "ok", 8: "ok"}
    assert sorted(table.model.unique()) == [5, 7, 8]
    assert json.loads((tmp_path / "provenance.json").read_text())["diverged"] == [6]
    _, expected = whole
    expected = expected[expected.model != 6].reset_index(drop=True)
    assert_close_tables(table, expected)  # the stack was a smaller one
    with pytest.raises(ValueError, match="no finished model of seed 6"):
        experiment.load_model(tmp_path, 6)


def test_when_too_few_models_are_left_the_run_says_so(tmp_path):
    hopeless = changed(training={"learning_rate": 1e30})
    for _ in range(2):  # and says it again, without training anew
        with pytest.raises(ValueError, match="only 0 of 4 trainings ended well"):
            experiment.run(hopeless, out=tmp_path, progress=False)


def test_out_of_memory_is_answered_by_smaller_parts_and_said(whole, tmp_path, monkeypatch, capsys):
    def geodesic(G, a, b, **options):
        if len(a) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return find(G, a, b, **options)

    def fit_many(models, *arguments, **options):
        if len(models) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return fit(models, *arguments, **options)

    find, fit = measure.geodesic, runs.fit_many
    monkeypatch.setattr(measure, "geodesic", geodesic)
    monkeypatch.setattr(runs, "fit_many", fit_many)
    table = experiment.run(SMALL, out=tmp_path, progress=False)
    said = capsys.readouterr().out
    assert "out of memory with 5 geodesics at a time; going on with 3." in said
    assert "out of memory with 2 models at a time; going on with 1." in said
    assert_close_tables(table, whole[1])


def test_out_of_memory_with_one_item_is_no_longer_answered():
    def work(items):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        measure.in_smaller_parts(work, [1, 2, 3], "things", lambda _: None)


@pytest.mark.filterwarnings("ignore")  # those of distributed are its own
def test_several_processes_share_the_work_and_one_may_be_killed(whole, tmp_path):
    """A real cluster on this machine; a worker is killed as soon as it has begun."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):
        assert all("127.0.0.1" in worker for worker in client.scheduler_info()["workers"])
        pids = client.run(os.getpid)
        killed = []

        def kill():
            while not list(tmp_path.glob("seeds/*")):
                time.sleep(0.01)
            busy = next(w for w, tasks in client.processing().items() if tasks)
            os.kill(pids[busy], signal.SIGKILL)
            killed.append(pids[busy])

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        experiment.run(SMALL, out=tmp_path, executor=client.get_executor())
        killer.join(timeout=60)
        assert killed
        assert killed[0] not in client.run(os.getpid).values()
    assert tables(tmp_path) == tables(whole[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": {"count": 2}}, "2 models and 5 pairs; a spread needs at least 3 models"),
        ({"pairs": {"count": 1}}, "4 models and 1 pairs; .* at least 2 pairs"),
        ({"pairs": {"split": "train"}}, "models know those images by heart"),
        ({"pairs": {"count": 300}}, "need 600 different images; the test split of digits has 450"),
        ({"pairs": {"split": "valid"}}, "no split 'valid' in digits"),
        ({"training": {"epoch": 3}}, "unknown key training.epoch; known there: epochs,"),
        ({"modle": 3}, "unknown key modle; known there: name, dataset,"),
        ({"model": {"widths": [3]}}, "unknown key model.widths; VAE takes latent, hidden"),
        ({"model": {"kind": "GAN"}}, "model.kind is 'GAN'; choose one of .*VAE"),
        ({"model": {"kind": "ConvDecoder"}}, "model.kind is 'ConvDecoder'; choose"),
        ({"training": {"epochs": "3"}}, "training.epochs is '3'; it must be of type int"),
        ({"training": {"epochs": True}}, "training.epochs is True; it must be of type int"),
        ({"training": 3}, r"training is 3; it must be a table, \[training\]"),
        ({"training": {"precision": "half"}}, "training.precision is 'half'"),
        ({"training": {"batch_size": 0}}, "each must be at least 1"),
        ({"seeds": {"together": 0}}, "a stack has at least 1 model"),
        ({"geometry": {"tolerance": 2}}, "geometry.tolerance is 2.0"),
        ({"name": "../up"}, "the name of a spec becomes a folder"),
        ({"dataset": "imagenet"}, "There is no data set 'imagenet'"),
        ({"classes": [1, 77]}, "classes asks for"),
    ],
)
def test_a_spec_that_will_not_do_is_refused_before_anything_is_trained(change, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        experiment.run(changed(**change), out=tmp_path / "out")
    assert not (tmp_path / "out" / "seeds").exists()


@pytest.mark.parametrize("key", ["dataset", "model"])
def test_a_spec_lacks_what_it_needs(key, tmp_path):
    missing = {k: v for k, v in SMALL.items() if k != key}
    with pytest.raises(ValueError, match=f"the spec lacks {key}"):
        experiment.run(missing, out=tmp_path)


@pytest.mark.parametrize("text", ["dataset = ", "\xff", None])
def test_a_file_that_is_no_spec_is_refused_by_name(text, tmp_path):
    path = tmp_path / "x.toml"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"x\.toml cannot be read as a spec"):
        experiment.read_spec(path)


def test_a_spec_from_a_file_is_named_after_it(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(TOML)
    assert experiment.read_spec(path) == experiment.read_spec(SMALL)


def test_a_device_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no device 'warp' here"):
        experiment.run(SMALL, out=tmp_path, device="warp")


SPECS = sorted((Path(__file__).parents[1] / "notebooks/specs").glob("*.toml"))


@pytest.mark.parametrize("path", SPECS, ids=[p.stem for p in SPECS])
def test_every_shipped_spec_can_be_read_and_its_model_built(path):
    one = experiment.read_spec(path)
    shapes = {
        "digits": (1, 8, 8),
        "cifar-10": (3, 32, 32),
        "celeba": (3, 64, 64),
        "pictures": (1, 24, 24),
    }
    shape = shapes.get(one.dataset, (1, 28, 28))
    model = one.build(shape)
    with torch.no_grad():
        x = torch.rand(8, shape[0] * shape[1] * shape[2])
        assert model.encode(x).shape == (8, one.model["latent"])
        assert model.mean(model.encode(x)).shape == x.shape


def test_the_command_says_in_one_sentence_what_is_wrong(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(TOML.replace("epochs", "epoch"))
    process = started(tmp_path / "out", path)
    said, complaint = process.communicate()
    assert (process.returncode, said) == (1, "")
    assert complaint.count("\n") == 1
    assert "unknown key training.epoch" in complaint


BARE = """
import importlib.metadata, re, runpy, sys

def name_of(requirement):
    # as packages are compared: lower case, hyphens
    return re.sub("[-_.]+", "-", re.match(r"[\\w.-]+", requirement)[0]).lower()


allowed, left = set(), ["torch", "numpy", "scipy", "scikit-learn", "pandas", "safetensors", "zuko"]
while left:
    name = left.pop()
    if name in allowed:
        continue
    allowed.add(name)
    try:
        needs = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        continue  # needed on another platform only
    left += [name_of(n) for n in needs if "extra ==" not in n]
modules = importlib.metadata.packages_distributions()
foreign = {m for m, owners in modules.items() if not allowed & set(map(name_of, owners))}


class Few:
    # a finder that does not see what is foreign

    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in foreign - {"geokit"}:
            return None
        return self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)


sys.meta_path[:] = [Few(finder) for finder in sys.meta_path]
for gone in ("jaxtyping", "tqdm", "matplotlib", "PIL", "pooch", "IPython", "distributed"):
    assert gone in foreign, gone
sys.argv = sys.argv[1:]
runpy.run_module("geokit.experiment", run_name="__main__")
"""


@pytest.mark.parametrize("kind", ["VAE", "ManifoldFlow"])
def test_a_box_with_few_packages_suffices(whole, kind, tmp_path):
    """Nothing is imported but torch, numpy, scipy, scikit-learn, pandas, safetensors, zuko and what
    these need."""
    path = tmp_path / "small.toml"
    path.write_text(
        TOML.replace("VAE", kind).replace("[16, 8]", "[16]" if kind != "VAE" else "[16, 8]")
    )
    out = tmp_path / "out"
    process = subprocess.run(
        [sys.executable, "-c", BARE, "experiment", path, "--out", out],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.returncode == 0, process.stderr
    assert "4 models, 5 pairs" in process.stdout
    assert "s left" in process.stderr  # lines in place of a bar
    if kind == "VAE":
        assert tables(out) == tables(whole[0])


@pytest.mark.nightly  # a minute
@pytest.mark.data
def test_faces_in_celebas_layout_run_end_to_end(tmp_path, monkeypatch):
    """The user's own copy: official size, list and folder, here filled with portraits."""
    from PIL import Image

    from geokit.data.idx import read_idx

    shared = Path(os.environ["GEOKIT_DATA"]) / "portraits-64"
    portraits = read_idx(shared / "faces-64x64-rgb-idx4-ubyte.gz", ndim=4)[:40]
    own = tmp_path / "data/celeba/img_align_celeba"
    own.mkdir(parents=True)
    lines = []
    for i, portrait in enumerate(portraits):
        name = f"{i + 1:06d}.jpg"
        picture = Image.new("RGB", (178, 218))
        picture.paste(Image.fromarray(portrait).resize((148, 148)), (15, 35))
        picture.save(own / name, "JPEG", quality=95)
        lines.append(f"{name} {0 if i < 24 else 1 if i < 32 else 2}\n")
    (own.parent / "list_eval_partition.txt").write_text("".join(lines))
    monkeypatch.setenv("GEOKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GEOKIT_CACHE", str(tmp_path / "cache"))
    faces = experiment.read_spec(SPECS[[p.stem for p in SPECS].index("celeba-cnn")]).as_dict()
    faces["model"] |= {"thin": 8, "decoders": 2, "latent": 2}
    faces["training"] |= {"epochs": 1, "batch_size": 12}
    faces["seeds"] |= {"count": 3, "together": 3}
    faces["pairs"] |= {"count": 2}
    faces["geometry"] |= {"tolerance": 1e-2, "graph": 0}
    table = experiment.run(faces, out=tmp_path / "out", progress=False)
    assert len(table) == 6
    assert table.resolved.all()
    provenance = json.loads((tmp_path / "out/provenance.json").read_text())
    assert provenance["images"]["train"] == "celeba (subset: 24 of 162770)"


def test_an_ensemble_is_measured_by_its_mean_metric_and_member_by_member(tmp_path):
    from geokit import PullbackMetric, geodesic, mean_pullback_metric

    ensemble = changed(
        model={"kind": "EnsembleVAE", "decoders": 3},
        seeds={"count": 3, "together": 3},
        pairs={"count": 2},
        geometry={"graph": 0},
    )
    table = experiment.run(ensemble, out=tmp_path, progress=False)
    assert "members" in table
    pairs = pd.read_csv(tmp_path / "pairs.csv")
    x = data.load("digits", "test").pixels.flatten(1).double()
    model = experiment.load_model(tmp_path, 6)
    a, b = (model.encode(x[pairs[name].tolist()]) for name in ("first", "second"))
    rows = table[table.model == 6]
    lengths = [geodesic(PullbackMetric(f), a, b, tolerance=1e-3).length for f in model.decoders]
    np.testing.assert_allclose(rows.members, sum(lengths) / 3, rtol=1e-6)
    joint = geodesic(mean_pullback_metric(model.decoders), a, b, tolerance=1e-3).length
    np.testing.assert_allclose(rows.geodesic, joint, rtol=1e-6)
    apart = torch.stack([(f(a) - f(b)).norm(dim=-1) for f in model.decoders])
    np.testing.assert_allclose(rows.chord, apart.square().mean(dim=0).sqrt(), rtol=1e-8)


def test_a_damaged_weights_file_is_refused_by_name(tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds/003.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"003\.safetensors cannot be read as a model of a run"):
        experiment.load_model(tmp_path, 3)


def measured_again(whole, out, device):
    """The same weights, measured by a run of its own."""
    import shutil

    (out / "seeds").mkdir(parents=True)
    for path in (whole[0] / "seeds").glob("*.safetensors"):
        shutil.copy(path, out / "seeds")
    return experiment.run(SMALL, out=out, device=device, progress=False)


def assert_equal_to_six_digits(table, expected):
    numbers = ["ambient", "euclidean", "euclidean_scaled", "chord", "straight", "geodesic"]
    pd.testing.assert_frame_equal(table[numbers], expected[numbers], rtol=1e-6)
    assert (table.resolved == expected.resolved).all()


def test_measuring_on_two_threads_gives_the_same_to_six_digits(whole, tmp_path):
    torch.set_num_threads(2)
    try:
        assert_equal_to_six_digits(measured_again(whole, tmp_path, "cpu"), whole[1])
    finally:
        torch.set_num_threads(1)


@pytest.mark.gpu
def test_measuring_on_a_gpu_gives_the_same_to_six_digits(whole, tmp_path):
    assert_equal_to_six_digits(measured_again(whole, tmp_path, "cuda"), whole[1])


@pytest.mark.gpu
def test_a_run_on_a_gpu_ends_with_nearly_the_same_table(whole, tmp_path):
    table = experiment.run(SMALL, out=tmp_path, device="cuda", progress=False)
    assert_close_tables(table, whole[1])


def test_codes_in_far_clusters_still_make_one_graph():
    """Ten neighbours leave two islands; more of them do not, and every pair has a way."""
    from geokit import LatentGraph, PullbackMetric
    from geokit.surfaces import Plane

    draws = torch.Generator().manual_seed(0)
    cloud = 0.01 * torch.randn(2, 40, 2, generator=draws, dtype=torch.float64)
    islands = (cloud + torch.tensor([[[0.0, 0.0]], [[5.0, 0.0]]])).flatten(0, 1)
    G = PullbackMetric(Plane())
    assert LatentGraph.from_codes(G, islands).components == 2
    graph = measure.connected(G, islands)
    assert graph.components == 1
    assert graph.shortest_path(islands[:1], islands[-1:]).isfinite().all()


def test_a_graph_that_cannot_be_joined_is_done_without():
    """The decoder is infinite between the islands: no edge crosses."""
    from geokit import PullbackMetric

    def torn(z):
        return torch.where((z - 2.5).abs().amax(dim=-1, keepdim=True) < 2, torch.inf, z)

    draws = torch.Generator().manual_seed(0)
    cloud = 0.01 * torch.randn(2, 12, 2, generator=draws, dtype=torch.float64)
    islands = (cloud + torch.tensor([[[0.0, 0.0]], [[5.0, 5.0]]])).flatten(0, 1)
    assert measure.connected(PullbackMetric(torn), islands) is None
