"""The tables of a run: which images a pair is, the rows of all seeds as one, what they rest on."""

import hashlib
import io
import json
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from ..data import Images, pictures
from ..geodesic import geodesic
from ..pullback import PullbackMetric
from .spec import Spec
from .store import load_model, replace, seed_file

DIGITS = "%.9g"
SHOWN = 2000
"""Of so many test images the codes in the first model are kept, to draw."""


def pairs_of(spec: Spec, n: int) -> Tensor:
    """Indices of the first and the second image of each pair, `(2, P)`, of n images."""
    if 2 * spec.pairs.count > n:
        raise ValueError(
            f"{spec.pairs.count} pairs need {2 * spec.pairs.count} different images; "
            f"the {spec.pairs.split} split of {spec.dataset} has {n}."
        )
    order = torch.randperm(n, generator=torch.Generator().manual_seed(spec.pairs.seed))
    return order[: 2 * spec.pairs.count].reshape(2, spec.pairs.count)


def collect(spec: Spec, out: Path, train: Images, test: Images, device: str) -> pd.DataFrame:
    """One table from the rows of all seeds; the provenance is written last."""
    about = [json.loads(seed_file(out, s, "json").read_text()) for s in spec.all_seeds]
    fine = [a["seed"] for a in about if a["status"] == "ok"]
    if len(fine) < 3:
        raise ValueError(
            f"only {len(fine)} of {len(about)} trainings ended well ({out / 'seeds'} says how); "
            "lower training.learning_rate and start anew: a spread needs at least 3 models."
        )
    seconds = [a.pop("seconds", {}) for a in about]
    table = pd.concat([pd.read_csv(seed_file(out, s, "csv")) for s in fine], ignore_index=True)
    first, second = pairs_of(spec, len(test))
    x = test.pixels.flatten(1).double()
    same = {"ambient": (x[first] - x[second]).norm(dim=-1)}
    if (true := _truth_of(spec, first, second)) is not None:
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
    replace(out / "codes.csv", _codes_of(load_model(out, fine[0]), test))
    replace(out / "pairs.csv", as_text(pairs))
    replace(out / "models.csv", as_text(pd.DataFrame(about)))
    replace(out / "distances.csv", as_text(table))
    provenance = {
        **json.loads((out / "run.json").read_text(encoding="utf-8")),
        "images": {
            "train": train.name,
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
    return read(out)


def _codes_of(model: nn.Module, test: Images) -> str:
    """Where one model puts the first test images: a picture of its latent space, as a table."""
    shown = test.pixels[:SHOWN].flatten(1).double()
    with torch.no_grad():
        z = model.encode(shown).numpy()
    table = pd.DataFrame(z, columns=[f"z{i + 1}" for i in range(z.shape[1])])
    table.insert(0, "label", test.labels[: len(z)].numpy())
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _truth_of(spec: Spec, first: Tensor, second: Tensor) -> Tensor | None:
    """The geodesic distance of the generator that rendered the pictures; None where there is
    none."""
    if spec.dataset != "pictures":
        return None
    u = pictures.factors(spec.pairs.split).double()
    path = geodesic(PullbackMetric(pictures.render), u[first], u[second], tolerance=1e-8)
    return path.length


def as_text(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, float_format=DIGITS, lineterminator="\n")


def read(out: Path) -> pd.DataFrame:
    return pd.read_csv(io.StringIO((out / "distances.csv").read_text(encoding="utf-8")))


def _version() -> str | None:
    try:
        return version("geokit")
    except PackageNotFoundError:  # a copy of the folder runs without being installed
        return None
