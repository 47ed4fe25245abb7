"""The notebooks that made the shipped models still train: two epochs, on the real images."""

import json
import subprocess
import sys
from pathlib import Path

import jupytext
import pandas as pd
import pytest

from geokit import pretrained

pytestmark = [pytest.mark.data, pytest.mark.nightly]
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def retrain(name: str, folder: Path, **parameters: object) -> None:
    """Run a notebook's text by papermill, such that all it writes goes to `folder`."""
    source = folder / "source.ipynb"
    jupytext.write(jupytext.read(NOTEBOOKS / f"{name}.md"), source)
    given = {"retrain": 1, "folder": folder, "epochs": 2, **parameters}
    options = [text for key, value in given.items() for text in ("-p", key, str(value))]
    where = ["--cwd", NOTEBOOKS, "--kernel", "python3", "--no-progress-bar"]
    command = [sys.executable, "-m", "papermill", source, folder / "out.ipynb", *options, *where]
    subprocess.run(command, check=True, capture_output=True)


def committed(name: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (NOTEBOOKS / "results" / name).iterdir()}


def test_the_map_of_mnist_is_trained_and_measured(tmp_path):
    before = committed("train-mnist")
    retrain("train-mnist", tmp_path, models=1, pairs=1)
    one = pretrained.load("mnist", tmp_path)
    assert one.about["epochs"] == 2
    assert len(one.codes) == 10_000
    models = pd.read_csv(tmp_path / "models.csv")
    assert list(models.activation) == ["tanh", "relu"]
    assert (models.elbo_test > -190).all()  # an untrained one has −550
    table = pd.read_csv(tmp_path / "distances.csv")
    assert len(table) == 2 * 55
    slack = 1 + 2e-3  # the lengths are asked for to 1e-3
    assert (table.chord <= table.geodesic * slack).all()
    assert (table.geodesic <= table.straight * slack).all()
    assert json.loads((tmp_path / "provenance.json").read_text())["parameters"]["epochs"] == 2
    assert committed("train-mnist") == before


def test_the_map_of_garments_is_trained_and_measured(tmp_path):
    before = committed("oddity")
    retrain("oddity", tmp_path, epochs_others=1, pairs=2, resolution=12, tolerance=0.02)
    one = pretrained.load("fashion-oddity", tmp_path)
    assert one.about["epochs"] == 2
    assert one.model.std(one.codes).min() >= 0.1
    bumps = pd.read_csv(tmp_path / "bumps.csv")
    assert {0.25, 0.5, 1, 1.25, 2, 3} <= set(bumps.curvature)
    assert {16, 32, 64, 96, 128} <= set(bumps.centres)
    assert committed("oddity") == before
