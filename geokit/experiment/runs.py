"""From a spec to a table, unit by unit; whatever stops it, nothing is lost."""

import json
import time
import warnings
from concurrent.futures import Executor, as_completed
from pathlib import Path

import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from .. import data
from ..progress import progress as bar_over
from ..training import DivergedTraining, fit_many
from .measure import describe, distances, in_smaller_parts
from .spec import Spec, read_spec
from .store import load_model, replace, seed_file, settle
from .tables import as_text, collect, pairs_of, read


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
    test = data.load(spec.dataset, spec.pairs.split, spec.classes)
    pairs_of(spec, len(test))  # too many are told before any work
    if settle(out, spec, resume):
        return read(out)
    train = data.load(spec.dataset, "train", spec.classes)
    seeds = spec.all_seeds
    missing = [seed for seed in seeds if not seed_file(out, seed, "json").exists()]
    size = spec.seeds.together
    units = [[s for s in seeds[i : i + size] if s in missing] for i in range(0, len(seeds), size)]
    tasks = [(spec.as_dict(), seeds[i * size : (i + 1) * size]) for i, u in enumerate(units) if u]
    if executor is None:
        for task in tasks:
            _unit(*task, str(out), device, progress, (train, test))
    else:
        futures = [executor.submit(_unit, *task, str(out), device, False) for task in tasks]
        for future in as_completed(futures):
            future.result()
    return collect(spec, out, train, test, device)


def _unit(
    spec: dict,
    seeds: list[int],
    out: str,
    device: str,
    progress: bool,
    images: tuple[data.Images, data.Images] | None = None,
) -> None:
    """Train the models of some seeds as one stack, then measure one after the other; what is done
    already is left alone. Another process loads the images for itself."""
    spec = read_spec(spec)
    train, test = images or (
        data.load(spec.dataset, split, spec.classes) for split in ("train", spec.pairs.split)
    )
    left = [s for s in seeds if not seed_file(out, s, "json").exists()]
    if any(not seed_file(out, s, "safetensors").exists() for s in left):
        in_smaller_parts(
            lambda some: _train(spec, list(some), train.pixels, out, device, progress),
            seeds,
            "models",
        )
    for seed in bar_over(left, unit="model", label="measuring", show=progress):
        if seed_file(out, seed, "safetensors").exists():  # a diverged one has no weights
            _measure(spec, seed, train.pixels, test.pixels, out, device)


def _train(
    spec: Spec, seeds: list[int], pixels: Tensor, out: str, device: str, progress: bool
) -> None:
    """Train these models; write the weights of each, or the epoch in which it diverged."""
    started = time.perf_counter()
    dtype = getattr(torch, spec.training.precision)
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(spec.build(tuple(pixels.shape[1:])).to(dtype))
    checkpoint = Path(out) / f"seeds/training-{seeds[0]:03d}-{seeds[-1]:03d}.safetensors"
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
            replace(seed_file(out, seed, "json"), json.dumps(about) + "\n")
            continue
        weights = {key: value.cpu().contiguous() for key, value in model.state_dict().items()}
        about = {
            "spec": json.dumps(spec.as_dict()),
            "shape": json.dumps(list(pixels.shape[1:])),
            "history": json.dumps(elbo),
            "seconds": str(seconds),
        }
        replace(seed_file(out, seed, "safetensors"), save(weights, about))
    checkpoint.unlink(missing_ok=True)


def _measure(spec: Spec, seed: int, train: Tensor, test: Tensor, out: str, device: str) -> None:
    """The rows of one model, and what there is to say about it; the latter comes last."""
    started = time.perf_counter()
    with safe_open(seed_file(out, seed, "safetensors"), framework="pt") as file:
        trained = file.metadata()
    model = load_model(out, seed).to(device)
    images = test.flatten(1).to(device, torch.float64)
    about, codes = describe(model, images)
    first, second = pairs_of(spec, len(test))
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
    replace(seed_file(out, seed, "csv"), as_text(rows))
    history = json.loads(trained["history"])
    about = {"seed": seed, "status": "ok", "elbo_train": history[-1], **about}
    about["seconds"] = {
        "training": float(trained["seconds"]),
        "measuring": round(time.perf_counter() - started, 1),
    }
    replace(seed_file(out, seed, "json"), json.dumps(about) + "\n")


def _require_device(device: str) -> None:
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"there is no device {device!r} here ({str(error).splitlines()[0]}); "
            'use device="cpu", or a machine that has it.'
        ) from error
