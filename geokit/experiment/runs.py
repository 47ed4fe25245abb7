"""From a spec to a table, unit by unit; whatever stops it, nothing is lost."""

import hashlib
import io
import json
import platform
import time
import warnings
from concurrent.futures import Executor, as_completed
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from .. import data
from ..geodesic import geodesic
from ..progress import progress as bar_over
from ..pullback import PullbackMetric
from ..training import DivergedTraining, fit_many
from .measure import describe, distances, in_smaller_parts
from .spec import Spec, read_spec
from .store import replace, settle

DIGITS = "%.9g"
SHOWN = 2000
"""Of so many test images the codes in the first model are kept, to draw."""


def run(
    spec: Spec | Path | str | dict,
    *,
    device: str = "cpu",
    out: Path | str,
    executor: Executor | None = None,
    resume: bool = True,
    progress: bool = True,
) -> pd.DataFrame:
    """Train the models of a spec, measure the pairs in each, and write one table.

    In `out` it leaves `distances.csv`, a row for each model and pair; `models.csv`, a row a model;
    `pairs.csv`, which test images a pair is; `codes.csv`, the codes of some test images in the
    first model; `provenance.json`; and in `seeds/` the weights and
    rows of each seed. Called again with the same spec and code it goes on where it was stopped, and
    does nothing when all is done.

    Columns of `distances.csv`, sorted by model and pair, with 9 significant digits:

    * `model`: the seed. `pair`: from 0.
    * `ambient`: ‖x₁ − x₂‖ of the two images. `true`: the geodesic distance of the known generator,
      for the data set "pictures" only.
    * `euclidean`: ‖z₁ − z₂‖ of the codes; `euclidean_scaled`: divided by the root mean square
      distance of the model's test codes.
    * `chord`: ‖f(z₁) − f(z₂)‖; `straight`: the length of the latent line; `geodesic`: that of the
      shortest curve found. For an ensemble by the mean of its decoders' metrics, and `members` is
      the mean of the decoders' own geodesic distances.
    * `defect`, `resolved`, `iterations`: of the geodesic, as in `geokit.Geodesic`.

    A model whose training diverges has no rows there; `models.csv` says in which epoch.

    Args:
        spec: a TOML file, its contents, or a `Spec`.
        device: "cpu", "cuda", "cuda:1", …
        out: a folder; with an executor, one that all its workers see.
        executor: of `concurrent.futures`, or what `dask.distributed.Client.get_executor` gives: it
            takes units of `seeds.together` models each. None: here, one after the other.
        resume: False deletes what an earlier run left in `out`.
        progress: show bars with the time left.

    Raises:
        ValueError: a spec that will not do (`read_spec`); an `out` that holds another run; more
            pairs than there are images; or no device of that name.
        OSError: the disk is full. What is finished is kept.

    Source: Syrota et al. (2025) for the experiment.
    """
    spec, out = read_spec(spec), Path(out)
    _require_device(device)
    first, second = _pairs(spec)
    if settle(out, spec, resume):
        return _read(out)
    seeds = spec.all_seeds
    missing = [seed for seed in seeds if not (out / f"seeds/{_name(seed)}.json").exists()]
    size = spec.seeds.together
    units = [[s for s in seeds[i : i + size] if s in missing] for i in range(0, len(seeds), size)]
    tasks = [(spec.as_dict(), seeds[i * size : (i + 1) * size]) for i, u in enumerate(units) if u]
    if executor is None:
        for task in tasks:
            _unit(*task, str(out), device, progress)
    else:
        futures = [executor.submit(_unit, *task, str(out), device, False) for task in tasks]
        for future in as_completed(futures):
            future.result()
    return _collect(spec, out, first, second, device)


def load_model(out: Path | str, seed: int) -> nn.Module:
    """A trained model of a run, in eval mode and double precision; needs no images.

    Raises:
        ValueError: there is no finished model of that seed in `out`, or its file is damaged.
    """
    path = Path(out) / f"seeds/{_name(seed)}.safetensors"
    if not path.exists():
        raise ValueError(f"{path} is not there: no finished model of seed {seed}.")
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
        spec = read_spec(json.loads(about["spec"]))
        model = spec.build(tuple(json.loads(about["shape"])))
        model.load_state_dict(load_file(path))
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{path} cannot be read as a model of a run ({reason}); "
            "delete it and run the experiment again."
        ) from error
    return model.double().eval().requires_grad_(False)


def _unit(spec: dict, seeds: list[int], out: str, device: str, progress: bool) -> None:
    """Train the models of some seeds as one stack, then measure one after the other; what is done
    already is left alone."""
    spec, folder = read_spec(spec), Path(out) / "seeds"
    train = data.load(spec.dataset, "train", spec.classes)
    test = data.load(spec.dataset, spec.pairs.split, spec.classes)
    left = [s for s in seeds if not (folder / f"{_name(s)}.json").exists()]
    if any(not (folder / f"{_name(s)}.safetensors").exists() for s in left):
        in_smaller_parts(
            lambda some: _train(spec, list(some), train.pixels, folder, device, progress),
            seeds,
            "models",
        )
    for seed in bar_over(left, unit="model", label="measuring", show=progress):
        path = folder / f"{_name(seed)}.safetensors"
        if path.exists():  # a diverged model has no weights, and has been noted
            _measure(spec, seed, train.pixels, test.pixels, folder, device)


def _train(
    spec: Spec, seeds: list[int], pixels: Tensor, folder: Path, device: str, progress: bool
) -> None:
    """Train these models; write the weights of each, or the epoch in which it diverged."""
    started = time.perf_counter()
    dtype = getattr(torch, spec.training.precision)
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(spec.build(tuple(pixels.shape[1:])).to(dtype))
    checkpoint = folder / f"training-{_name(seeds[0])}-{_name(seeds[-1])}.safetensors"
    with warnings.catch_warnings():
        warnings.simplefilter("always", DivergedTraining)
        history = fit_many(
            models,
            pixels.flatten(1).to(dtype),
            seeds=seeds,
            epochs=spec.training.epochs,
            batch_size=spec.training.batch_size,
            learning_rate=spec.training.learning_rate,
            decay=spec.training.decay,
            kl_warm_up=spec.training.kl_warm_up,
            device=device,
            checkpoint=checkpoint,
            progress=progress,
        )
    seconds = round((time.perf_counter() - started) / len(seeds), 1)
    for seed, model, elbo in zip(seeds, models, history, strict=True):
        if len(elbo) < spec.training.epochs or not pd.notna(elbo[-1]):
            about = {"seed": seed, "status": f"diverged in epoch {len(elbo)}"}
            replace(folder / f"{_name(seed)}.json", json.dumps(about) + "\n")
            continue
        weights = {key: value.cpu().contiguous() for key, value in model.state_dict().items()}
        about = {
            "spec": json.dumps(spec.as_dict()),
            "shape": json.dumps(list(pixels.shape[1:])),
            "history": json.dumps(elbo),
            "seconds": str(seconds),
        }
        replace(folder / f"{_name(seed)}.safetensors", save(weights, about))
    checkpoint.unlink(missing_ok=True)


def _measure(spec: Spec, seed: int, train: Tensor, test: Tensor, folder: Path, device: str) -> None:
    """The rows of one model, and what there is to say about it; the latter comes last."""
    started = time.perf_counter()
    path = folder / f"{_name(seed)}.safetensors"
    with safe_open(path, framework="pt") as file:
        trained = file.metadata()
    model = load_model(folder.parent, seed).to(device)
    images = test.flatten(1).to(device, torch.float64)
    about, codes = describe(model, images)
    first, second = _pairs(spec)
    nodes = None
    if spec.geometry.graph:
        some = torch.linspace(0, len(train) - 1, min(spec.geometry.graph, len(train))).long()
        with torch.no_grad():
            nodes = model.encode(train[some].flatten(1).to(device, torch.float64)).unique(dim=0)
    rows = distances(
        model,
        codes[first],
        codes[second],
        scale=about["scale"],
        nodes=nodes,
        geometry=spec.geometry,
    )
    rows.insert(0, "model", seed)
    replace(folder / f"{_name(seed)}.csv", _text(rows))
    history = json.loads(trained["history"])
    about = {"seed": seed, "status": "ok", "elbo_train": history[-1], **about}
    about["seconds"] = {
        "training": float(trained["seconds"]),
        "measuring": round(time.perf_counter() - started, 1),
    }
    replace(folder / f"{_name(seed)}.json", json.dumps(about) + "\n")


def _collect(spec: Spec, out: Path, first: Tensor, second: Tensor, device: str) -> pd.DataFrame:
    """One table from the rows of all seeds; the provenance is written last."""
    about = [json.loads((out / f"seeds/{_name(s)}.json").read_text()) for s in spec.all_seeds]
    fine = [a["seed"] for a in about if a["status"] == "ok"]
    if len(fine) < 3:
        raise ValueError(
            f"only {len(fine)} of {len(about)} trainings ended well ({out / 'seeds'} says how); "
            "lower training.learning_rate and start anew: a spread needs at least 3 models."
        )
    seconds = [a.pop("seconds", {}) for a in about]
    table = pd.concat([pd.read_csv(out / f"seeds/{_name(s)}.csv") for s in fine], ignore_index=True)
    test = data.load(spec.dataset, spec.pairs.split, spec.classes)
    x = test.pixels.flatten(1).double()
    same = {"ambient": (x[first] - x[second]).norm(dim=-1)}
    if (true := _truth(spec, first, second)) is not None:
        same["true"] = true
    for k, (name, value) in enumerate(same.items()):
        table.insert(2 + k, name, value.numpy()[table.pair])
    pairs = pd.DataFrame(
        {
            "pair": range(len(first)),
            "first": first,
            "second": second,
            "label_first": test.labels[first],
            "label_second": test.labels[second],
        }
    )
    replace(out / "codes.csv", _codes(load_model(out, fine[0]), test))
    replace(out / "pairs.csv", _text(pairs))
    replace(out / "models.csv", _text(pd.DataFrame(about)))
    replace(out / "distances.csv", _text(table))
    provenance = {
        **json.loads((out / "run.json").read_text(encoding="utf-8")),
        "images": {
            "train": data.load(spec.dataset, "train", spec.classes).name,
            "test": test.name,
            "test_sha256": hashlib.sha256(test.pixels.numpy().tobytes()).hexdigest(),
        },
        "seeds": spec.all_seeds,
        "diverged": [a["seed"] for a in about if a["status"] != "ok"],
        "geodesics": len(table),
        "resolved": int(table.resolved.sum()),
        "seconds": {
            key: round(sum(s.get(key, 0) for s in seconds)) for key in ("training", "measuring")
        },
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else platform.machine(),
        "threads": torch.get_num_threads(),
        "geokit": _version(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    replace(out / "provenance.json", json.dumps(provenance, indent=2) + "\n")
    return _read(out)


def _codes(model: nn.Module, test: data.Images) -> str:
    """Where one model puts the first test images: a picture of its latent space, as a table."""
    shown = test.pixels[:SHOWN].flatten(1).double()
    with torch.no_grad():
        z = model.encode(shown).numpy()
    table = pd.DataFrame(z, columns=[f"z{i + 1}" for i in range(z.shape[1])])
    table.insert(0, "label", test.labels[: len(z)].numpy())
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _truth(spec: Spec, first: Tensor, second: Tensor) -> Tensor | None:
    """The geodesic distance of the generator that rendered the pictures; None where there is
    none."""
    if spec.dataset != "pictures":
        return None
    u = data.pictures.factors(spec.pairs.split).double()
    path = geodesic(PullbackMetric(data.pictures.render), u[first], u[second], tolerance=1e-8)
    return path.length


def _pairs(spec: Spec) -> Tensor:
    """Indices of the first and the second image of each pair, `(2, P)`."""
    n = len(data.load(spec.dataset, spec.pairs.split, spec.classes))
    if 2 * spec.pairs.count > n:
        raise ValueError(
            f"{spec.pairs.count} pairs need {2 * spec.pairs.count} different images; "
            f"the {spec.pairs.split} split of {spec.dataset} has {n}."
        )
    order = torch.randperm(n, generator=torch.Generator().manual_seed(spec.pairs.seed))
    return order[: 2 * spec.pairs.count].reshape(2, spec.pairs.count)


def _require_device(device: str) -> None:
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"there is no device {device!r} here ({str(error).splitlines()[0]}); "
            'use device="cpu", or a machine that has it.'
        ) from error


def _version() -> str | None:
    try:
        return version("geokit")
    except PackageNotFoundError:  # a copy of the folder runs without being installed
        return None


def _text(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, float_format=DIGITS, lineterminator="\n")


def _read(out: Path) -> pd.DataFrame:
    return pd.read_csv(io.StringIO((out / "distances.csv").read_text(encoding="utf-8")))


def _name(seed: int) -> str:
    return f"{seed:03d}"
