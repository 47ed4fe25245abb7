"""The committed tables of the experiment: whole, of the spec they say, and true to the weights that
are shipped with them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from geokit import PullbackMetric, StraightLine, data, experiment, geodesic, length
from geokit.experiment.measure import decoded_by

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
RUNS = sorted(
    path.parent
    for path in NOTEBOOKS.glob("results/*/provenance.json")
    if "spec" in json.loads(path.read_text())
)
DOWNLOADED = {"mnist", "fashion-mnist", "cifar-10", "celeba"}
ROWS = 5


def marked(run):
    """The run as a parameter; where its images are not built in, they must be at hand."""
    name = json.loads((run / "provenance.json").read_text())["spec"]["dataset"]
    return pytest.param(run, id=run.name, marks=[pytest.mark.data] * (name in DOWNLOADED))


def of(run):
    """Its distances, models, pairs and provenance."""
    tables = [pd.read_csv(run / f"{name}.csv") for name in ("distances", "models", "pairs")]
    return *tables, json.loads((run / "provenance.json").read_text())


def test_the_runs_that_a_processor_can_do_are_here():
    for name in ("digits", "fashion-mnist-d2", "fashion-mnist-d8", "mnist-flow", "pictures"):
        run = NOTEBOOKS / "results" / name
        table = pd.read_csv(run / "distances.csv")
        assert (table.model.nunique(), table.pair.nunique()) == (30, 100)
        assert list(run.glob("seeds/*.safetensors"))  # some weights, to compute rows anew


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_the_spec_is_the_one_that_is_shipped(run):
    spec = json.loads((run / "provenance.json").read_text())["spec"]
    assert experiment.read_spec(spec) == experiment.read_spec(NOTEBOOKS / f"specs/{run.name}.toml")


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_the_table_is_whole_and_agrees_with_its_provenance(run):
    table, models, pairs, provenance = of(run)
    fine = models[models.status == "ok"].seed.tolist()
    expected = [[m, p] for m in fine for p in pairs.pair]
    assert table[["model", "pair"]].values.tolist() == expected
    assert models.seed.tolist() == provenance["seeds"]
    assert provenance["diverged"] == sorted(set(models.seed) - set(fine))
    assert (provenance["geodesics"], provenance["resolved"]) == (len(table), table.resolved.sum())
    same = [name for name in ("ambient", "true") if name in table]
    assert (table.groupby("pair")[same].nunique() == 1).all().all()


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_chord_geodesic_and_straight_line_are_in_order(run):
    table, models, _, provenance = of(run)
    slack = 1 + provenance["spec"]["geometry"]["tolerance"]
    sure = table[table.resolved]
    assert (sure.chord <= sure.geodesic * slack).all()
    assert (table.geodesic <= table.straight * slack).all()
    assert (sure.defect <= provenance["spec"]["geometry"]["tolerance"]).all()
    scale = table.model.map(models.set_index("seed").scale)
    np.testing.assert_allclose(table.euclidean_scaled * scale, table.euclidean, rtol=1e-7)


@pytest.mark.parametrize("run", [marked(run) for run in RUNS if (run / "seeds").exists()])
def test_rows_follow_from_the_shipped_weights(run):
    """Five rows of each shipped model, computed anew, one pair at a time."""
    table, models, pairs, provenance = of(run)
    spec = provenance["spec"]
    test = data.load(spec["dataset"], spec["pairs"]["split"], spec["classes"])
    x = test.pixels.flatten(1).double()
    for path in sorted(run.glob("seeds/*.safetensors")):
        seed = int(path.stem)
        model = experiment.load_model(run, seed)
        about = models.set_index("seed").loc[seed]
        G = decoded_by(model)
        rows = table[table.model == seed].set_index("pair")
        for p in np.linspace(0, len(pairs) - 1, ROWS).astype(int):
            first, second = int(pairs["first"][p]), int(pairs["second"][p])
            row = rows.loc[p]
            a, b = model.encode(x[first]), model.encode(x[second])
            assert row.ambient == pytest.approx((x[first] - x[second]).norm().item(), rel=1e-8)
            assert row.euclidean == pytest.approx((a - b).norm().item(), rel=1e-6)
            assert row.chord == pytest.approx((G.f(a) - G.f(b)).norm().item(), rel=1e-6)
            straight = length(G, StraightLine(a, b)).item()
            assert row.straight == pytest.approx(straight, rel=1e-6)
            path = geodesic(G, a, b, tolerance=spec["geometry"]["tolerance"])
            if path.resolved and row.resolved:  # the table's may have had a better start too
                assert row.geodesic <= path.length.item() * (1 + 2e-4)
            assert (test.labels[first], test.labels[second]) == (
                pairs.label_first[p],
                pairs.label_second[p],
            )
        some = model.encode(x[:2000])
        rmse = (model.mean(some) - x[:2000]).square().mean().sqrt().item()
        assert about.rmse == pytest.approx(rmse, rel=0.1)  # of all test images


def test_the_true_distances_follow_from_the_renderer():
    table, _, pairs, _ = of(NOTEBOOKS / "results/pictures")
    u = data.pictures.factors("test").double()
    true = table.groupby("pair").true.first()
    G = PullbackMetric(data.pictures.render)
    for p in np.linspace(0, 99, ROWS).astype(int):
        a, b = u[int(pairs["first"][p])], u[int(pairs["second"][p])]
        path = geodesic(G, a, b, tolerance=1e-6)
        assert path.resolved
        assert true[p] == pytest.approx(path.length.item(), rel=1e-6)
        assert torch.dist(data.pictures.render(a), data.pictures.render(b)) <= true[p]
