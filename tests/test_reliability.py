"""How well models agree: the coefficient of variation, and the comparison of two distances."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy.stats import binomtest, spearmanr, t, ttest_rel, variation
from torch.testing import assert_close

from geokit import coefficient_of_variation, compare
from geokit.reliability import NOT_MEASURED, bias, cv_standard_error, power
from geokit.reliability.variation import over_models, resampled_cv

NAMES = ("euclidean", "chord", "geodesic")


def tidy(**distances):
    """The table of a few arrays (model, pair)."""
    models, pairs = np.indices(next(iter(distances.values())).shape)
    columns = {"model": models.ravel(), "pair": pairs.ravel()}
    columns |= {name: np.asarray(x, dtype=float).ravel() for name, x in distances.items()}
    return pd.DataFrame(columns | {"resolved": True})


def lognormal(rng, models, shared, own, *, correlation=0.5):
    """Distances log d = τ u_m + σ_p e_mp, (distance, model, pair), and their true CVs.

    u, shared by a model's pairs, and e are standard normal, correlated between the distances;
    `shared` holds τ (distance), `own` σ (distance, pair); CV = √(exp(τ² + σ²) − 1).
    """
    shared, own = np.asarray(shared)[:, None, None], np.asarray(own)[:, None, :]

    def normal(*shape):
        common = rng.standard_normal(shape)
        each = rng.standard_normal((len(own), *shape))
        return correlation**0.5 * common + (1 - correlation) ** 0.5 * each

    values = np.exp(shared * normal(models, 1) + own * normal(models, own.shape[-1]))
    return values, np.sqrt(np.expm1(shared**2 + own**2))[:, 0]


def draw(seed=0, models=12, pairs=8):
    rng = np.random.default_rng(seed)
    own = np.array([[0.3], [0.15], [0.2]]) * rng.uniform(0.5, 1.5, (3, pairs))
    values, _ = lognormal(rng, models, [0.2, 0.1, 0.05], own)
    return tidy(**dict(zip(NAMES, values * rng.uniform(1, 9, pairs), strict=True)))


def square(table, name):
    return table.pivot(index="model", columns="pair", values=name).to_numpy()


# --- the coefficient of variation


def test_it_is_std_over_mean_with_one_degree_of_freedom_taken():
    x = torch.rand(30, 100, dtype=torch.float64) + 0.5
    assert_close(coefficient_of_variation(x), torch.tensor(variation(x.numpy(), axis=0, ddof=1)))
    assert_close(coefficient_of_variation(x.T, dim=1), coefficient_of_variation(x))


def test_it_is_not_the_ratio_upside_down():
    x = torch.tensor([9.0, 10.0, 11.0])
    assert_close(coefficient_of_variation(x).item(), 0.1)


def test_it_has_no_unit():
    x = torch.rand(10, 5, dtype=torch.float64) + 0.1
    assert_close(coefficient_of_variation(1000 * x), coefficient_of_variation(x))


def test_it_recovers_the_spread_of_a_known_law():
    x = np.random.default_rng(0).gamma(shape=25.0, size=(200_000, 1))
    assert coefficient_of_variation(torch.tensor(x)).item() == pytest.approx(1 / 5, rel=0.01)


@pytest.mark.parametrize("bad", [0.0, -1.0, torch.nan, torch.inf])
def test_what_is_not_a_distance_is_refused(bad):
    with pytest.raises(ValueError, match="not positive and finite"):
        coefficient_of_variation(torch.tensor([1.0, bad, 2.0]))


def test_it_takes_numbers_in_any_form():
    assert_close(coefficient_of_variation([9, 10, 11]).item(), 0.1)
    assert_close(coefficient_of_variation(np.array([9, 10, 11])).item(), 0.1)


def test_one_model_has_no_spread():
    with pytest.raises(ValueError, match="at least two"):
        coefficient_of_variation(torch.ones(1, 5))


@pytest.mark.parametrize("models", [5, 10, 30])
@pytest.mark.parametrize("cv", [0.02, 0.2])
def test_the_standard_error_is_the_spread_of_estimates_from_normal_values(models, cv):
    x = 1 + cv * np.random.default_rng(1).standard_normal((models, 40_000))
    estimates = coefficient_of_variation(x)
    # var(log s) has terms beyond 1/(2(M − 1)): 10 % at M = 5
    assert estimates.std().item() == pytest.approx(
        cv_standard_error(cv, models), rel=0.5 / (models - 1)
    )


def test_the_standard_error_at_30_models_is_13_per_cent_of_the_cv():
    assert cv_standard_error(0.1, 30) / 0.1 == pytest.approx(0.13, abs=0.005)
    with pytest.raises(ValueError, match="at least two"):
        cv_standard_error(0.1, 1)


# --- the comparison


def test_closed_form_of_a_constructed_table():
    """Values 1 − c, 1, 1 + c have CV c: every number of the table is known by hand."""
    steps = np.array([[-1.0], [0.0], [1.0]])
    a, b = np.array([0.2, 0.4, 0.1]), np.array([0.1, 0.1, 0.2])
    found = compare(tidy(euclidean=1 + a * steps, geodesic=5 * (1 + b * steps)))
    row = found.table.loc["geodesic"]
    assert row["mean_cv"] == pytest.approx(0.4 / 3)
    assert row["median_cv"] == pytest.approx(0.1)
    assert row["ratio"] == pytest.approx((0.5 * 0.25 * 2) ** (1 / 3))
    assert row["improved"] == pytest.approx(2 / 3)
    np.testing.assert_allclose(found.cv, np.stack([a, b], axis=1))


def test_the_paired_tests_are_those_of_scipy():
    table = draw(pairs=9)
    found = compare(table)
    base, cv = found.cv["euclidean"], found.cv["geodesic"]
    row = found.tests.loc["geodesic"]
    for name, x, y in (("cv", cv, base), ("log", np.log(cv), np.log(base))):
        both, less = ttest_rel(x, y), ttest_rel(x, y, alternative="less")
        assert row[f"t_{name}"] == pytest.approx(both.statistic)
        assert row[f"p_{name}"] == pytest.approx(both.pvalue)
        assert row[f"p_{name}_less"] == pytest.approx(less.pvalue)
        assert row["df_pairs"] == both.df == 8
    np.testing.assert_allclose(cv, variation(square(table, "geodesic"), axis=0, ddof=1))


def test_the_interval_is_the_spread_over_models_drawn_again_one_by_one():
    """A plain loop over resamples, with other random numbers, gives the same interval."""
    table, rng = draw(), np.random.default_rng(5)
    x, y = square(table, "euclidean"), square(table, "geodesic")
    again = []
    for _ in range(1500):
        who = rng.integers(len(x), size=len(x))
        log_cv = [np.log(variation(d[who], axis=0, ddof=1)) for d in (x, y)]
        again.append(((log_cv[1] - log_cv[0]).mean(), np.log(np.exp(log_cv[1]).mean())))
    ratio_error, mean_error = np.std(again, axis=0) * np.sqrt(12 / 11)
    row = compare(table, resamples=4000).table.loc["geodesic"]
    margin = t.ppf(0.975, len(x) - 1)
    for name, error in (("ratio", ratio_error), ("mean_cv", mean_error)):
        width = np.log(row[f"{name}_high"] / row[f"{name}_low"])
        assert width == pytest.approx(2 * margin * error, rel=0.07)
    assert row["ratio_low"] * row["ratio_high"] == pytest.approx(row["ratio"] ** 2)


def test_resampled_cvs_are_those_of_the_repeated_models():
    values = np.random.default_rng(0).uniform(1, 2, (2, 6, 4))
    found = resampled_cv(values, 50, np.random.default_rng(3))
    counts = np.random.default_rng(3).multinomial(6, np.full(6, 1 / 6), size=50)
    for k, count in enumerate(counts):
        repeated = np.repeat(values, count, axis=1)
        np.testing.assert_allclose(found[:, k], variation(repeated, axis=1, ddof=1))


def test_repeated_models_shrink_each_cv_by_the_same_factor_which_the_interval_does_not_see():
    """E* s² = s² (M − 1)/M exactly: a bias of the level, not of the spread of the logarithm."""
    values = np.random.default_rng(0).uniform(1, 2, (1, 10, 40))
    scaled = values / values.mean(axis=1, keepdims=True)  # the resampled mean is then near 1
    again = resampled_cv(1e6 + scaled, 20_000, np.random.default_rng(1)) * 1e6
    shrunk = (again**2).mean(axis=(1, 2)) / scaled.var(axis=1, ddof=1).mean()
    assert shrunk.item() == pytest.approx(0.9, abs=0.005)


def test_a_resample_of_one_model_alone_is_left_out():
    values = np.random.default_rng(0).uniform(1, 2, (1, 3, 5))
    again = resampled_cv(values, 3000, np.random.default_rng(0))
    assert again.shape[1] == pytest.approx(3000 * (1 - 3 / 27), rel=0.03)
    assert (again > 0).all()


COVERED = {
    "models differ most in scale": ([0.15, 0.08], 0.6),
    "models differ most pair by pair": ([0.03, 0.03], 0.6),
    "no effect": ([0.1, 0.1], 1.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", COVERED)
def test_the_interval_over_models_holds_the_truth_in_90_to_97_per_cent(case):
    """30 models, 100 pairs, nominal 95 %; 1500 repeats: chance moves this by 1.3 %."""
    shared, ratio = COVERED[case]
    rng = np.random.default_rng(list(COVERED).index(case))
    own = 0.1 * np.exp(0.3 * rng.standard_normal((2, 100))) * np.array([[1.0], [ratio]])
    margin, errors, repeats = t.ppf(0.975, 29), [], 1500
    for _ in range(repeats):
        values, cv = lognormal(rng, 30, shared, own)
        found = over_models(values, 300, rng)
        ratio_miss = found.ratio[1] - np.log(cv[1] / cv[0]).mean()
        mean_miss = np.log(found.mean_centre / cv.mean(-1))
        errors.append([ratio_miss / found.ratio_error[1], *mean_miss / found.mean_error])
    held = (np.abs(errors) < margin).sum(axis=0)
    band = binomtest(int(held[0]), repeats).proportion_ci(0.95)
    assert band.low > 0.90, held / repeats
    assert band.high < 0.97, held / repeats
    # the mean CV's interval is a little short where all pairs move together: 91 % was measured
    assert (held[1:] / repeats > 0.89).all(), held / repeats
    assert (held[1:] / repeats < 0.97).all(), held / repeats


def test_the_paired_t_test_sees_effects_that_are_not_there():
    """Models that differ in scale: of two distances equally reliable, P − 1 df choose one."""
    rng = np.random.default_rng(3)
    own = np.full((2, 100), 0.05)
    by_pairs, by_models = 0, 0
    for seed in range(200):
        values, _ = lognormal(rng, 30, [0.1, 0.1], own)
        row = compare(tidy(euclidean=values[0], geodesic=values[1]), resamples=200, seed=seed)
        by_pairs += row.tests.loc["geodesic", "p_log"] < 0.05
        by_models += row.tests.loc["geodesic", "p_models"] < 0.05
    assert by_pairs > 100  # of 200; 10 are promised
    assert by_models < 24


def test_the_ratio_is_below_one_when_models_agree_better_and_one_sided_p_says_so():
    found = compare(draw(models=30), baseline="euclidean")
    row, tests = found.table.loc["geodesic"], found.tests.loc["geodesic"]
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"] < 1
    assert max(tests["p_cv_less"], tests["p_log_less"], tests["p_models_less"]) < 0.01
    back = compare(draw(models=30), baseline="geodesic")
    turned = back.table.loc["euclidean"]
    assert turned["ratio"] == pytest.approx(1 / row["ratio"])
    assert turned["improved"] == pytest.approx(1 - row["improved"])
    assert back.tests.loc["euclidean", "p_models_less"] > 0.99
    # the order of the columns moves nothing but the last digits
    assert turned["ratio_low"] == pytest.approx(1 / row["ratio_high"])


def test_a_scale_for_each_model_is_seen_by_euclidean_and_not_by_euclidean_scaled():
    x = square(draw(), "euclidean")
    scales = np.random.default_rng(1).uniform(0.5, 2, (len(x), 1))

    def cvs(x):
        return compare(tidy(euclidean=x, euclidean_scaled=x / x.mean(axis=1, keepdims=True))).cv

    np.testing.assert_allclose(cvs(scales * x)["euclidean_scaled"], cvs(x)["euclidean_scaled"])
    assert (cvs(scales * x)["euclidean"] > 1.2 * cvs(x)["euclidean"]).mean() > 0.7


def test_units_change_nothing():
    table = draw()
    scaled = table.assign(geodesic=0.01 * table["geodesic"], euclidean=255 * table["euclidean"])
    for part in ("table", "tests", "cv"):
        assert_frame_equal(getattr(compare(scaled), part), getattr(compare(table), part))


def test_the_order_of_rows_models_and_pairs_changes_nothing():
    table = draw()
    shuffled = table.sample(frac=1, random_state=0)
    assert_frame_equal(compare(shuffled).table, compare(table).table)
    renamed = table.assign(pair=table["pair"].max() - table["pair"])
    assert_frame_equal(compare(renamed).table, compare(table).table)
    # other names draw other resamples: equal up to their noise
    other = compare(table.assign(model=99 - table["model"]), resamples=10_000).table
    assert_frame_equal(other, compare(table, resamples=10_000).table, rtol=0.02)


def test_the_seed_determines_the_intervals():
    assert_frame_equal(compare(draw(), seed=4).table, compare(draw(), seed=4).table)
    assert not compare(draw(), seed=4).table.equals(compare(draw(), seed=5).table)


@pytest.mark.parametrize("factor", [1, 3.7])
def test_a_column_against_itself_has_ratio_one_and_no_test(factor):
    table = draw()
    found = compare(tidy(**{n: factor**i * square(table, "chord") for i, n in enumerate(NAMES)}))
    np.testing.assert_allclose(found.table[["ratio", "ratio_low", "ratio_high"]], 1, rtol=1e-12)
    assert found.tests.filter(regex="^[tp]_").isna().all(axis=None)


def test_a_distance_that_no_model_disputes_has_ratio_zero_and_no_interval():
    table = draw().assign(ambient=lambda x: 3.7 + x["pair"])
    assert "ambient" in NOT_MEASURED
    assert "ambient" not in compare(table).table.index
    found = compare(table, distances=["ambient"])
    row = found.table.loc["ambient"]
    assert (row["mean_cv"], row["ratio"], row["improved"]) == (0, 0, 1)
    assert row[["ratio_low", "ratio_high"]].isna().all()
    assert found.tests.loc["ambient", ["t_log", "t_models"]].isna().all()
    assert found.tests.loc["ambient", "t_cv"] < 0


@settings(max_examples=50, deadline=None)
@given(
    st.integers(3, 7),
    st.integers(2, 5),
    st.floats(1e-3, 1e3),
    st.integers(0, 2**16),
)
def test_any_table_of_distances_has_ordered_finite_intervals(models, pairs, unit, seed):
    x = unit * np.random.default_rng(seed).uniform(0.1, 1, (2, models, pairs))
    found = compare(tidy(euclidean=x[0], geodesic=x[1]), resamples=100).table
    assert np.isfinite(found).all(axis=None)
    for name in ("ratio", "mean_cv"):
        assert (found[f"{name}_low"] <= found[name]).all()
        assert (found[name] <= found[f"{name}_high"]).all()


# --- what is left out, and what is refused


def test_a_pair_that_some_model_did_not_resolve_is_left_out_of_every_distance():
    table = draw()
    table.loc[(table["pair"] == 3) & (table["model"] == 7), "resolved"] = False
    found = compare(table)
    assert found.left_out_pairs == (3,)
    assert_frame_equal(found.table, compare(table[table["pair"] != 3]).table)
    assert "1 pairs left out as unresolved: 3" in str(found)
    kept = compare(table, keep_unresolved=True)
    assert kept.left_out_pairs == ()
    assert_frame_equal(kept.table, compare(table.assign(resolved=True)).table)
    compare(table.drop(columns="resolved"), keep_unresolved=True)


def test_a_diverged_model_is_left_out_by_name():
    table = draw()
    why = "diverged in epoch 7"
    models = pd.DataFrame({"seed": range(12), "status": "ok"})
    models.loc[[2, 5], "status"] = why
    without = table[~table["model"].isin([2, 5])]
    for rows in (table, without):  # whether its rows are there or not
        found = compare(rows, models=models)
        assert found.left_out_models == {2: why, 5: why}
        assert 2 not in found.models
        assert_frame_equal(found.table, compare(without).table)
    assert "2 models left out: 2 (diverged in epoch 7)" in str(found)
    # a pair that only a diverged model left unresolved stays
    table.loc[(table["model"] == 2) & (table["pair"] == 0), "resolved"] = False
    assert compare(table, models=models).left_out_pairs == ()


def spoilt(column, value):
    table = draw()
    table[column] = table[column].astype(object if isinstance(value, str) else float)
    table.loc[5, column] = value
    return table


OK = pd.DataFrame({"seed": range(12), "status": "ok"})


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        (draw().drop(columns="model"), {}, "no column model"),
        (draw().drop(columns="resolved"), {}, "no column resolved"),
        (draw().assign(resolved="False"), {}, "no column resolved of True and False"),
        (draw(), {"baseline": "ambient"}, "no column ambient; it has model, pair, euclidean"),
        (draw(), {"distances": ["lenght"]}, "no column lenght"),
        (draw(), {"distances": "geodesic"}, "give a list of columns"),
        (draw(), {"distances": ["euclidean"]}, "no distance besides euclidean"),
        (draw().assign(note="x"), {}, "note does not hold numbers"),
        (draw().query("model < 2"), {}, "2 models remain"),
        (draw().query("pair < 1"), {}, "1 pairs remain"),
        (draw().assign(resolved=lambda x: x["pair"] == 0), {}, "1 pairs remain"),
        (pd.concat([draw(), draw().head(1)]), {}, "Model 0 has pair 0 more than once"),
        (draw().drop(index=10), {}, "1 of 96 .* are missing, .* model 1, pair 2"),
        (spoilt("geodesic", 0.0), {}, "geodesic is not positive and finite for model 0, pair 5"),
        (spoilt("geodesic", -1.0), {}, "geodesic is not positive"),
        (spoilt("chord", np.nan), {}, "chord is not positive"),
        (spoilt("euclidean", np.inf), {}, "euclidean is not positive"),
        (draw().assign(euclidean=1.0), {}, "same euclidean for some pair"),
        (draw(), {"resamples": 10}, "at least 100"),
        (draw(), {"level": 95.0}, "strictly between 0 and 1"),
        (draw(), {"models": OK.drop(columns="status")}, "no column status"),
        (draw(), {"models": OK.head(11)}, "Model 11 has distances but no line"),
        (draw().query("model < 11"), {"models": OK}, "8 of 96 .* model 11, pair 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(table, options, says):
    with pytest.raises(ValueError, match=says):
        compare(table, **options)


def test_printed_it_names_every_distance_and_its_ratio():
    found = compare(draw())
    text = str(found)
    assert "12 models, 8 pairs, against euclidean." in text
    for name in NAMES:
        assert name in text
        assert f"{found.table.loc[name, 'ratio']:.3g}" in text
    assert max(map(len, text.splitlines())) < 80


# --- power


def experiment(ratio, models=30):
    rng = np.random.default_rng(11)
    own = 0.1 * np.exp(0.3 * rng.standard_normal((2, 40))) * np.array([[1.0], [ratio]])
    values, _ = lognormal(rng, models, [0.05, 0.05 * ratio], own)
    return tidy(euclidean=values[0], geodesic=values[1])


def test_power_grows_with_the_models_and_with_the_effect():
    weak, strong = (
        power(experiment(r), sizes=(3, 6, 12), draws=100, resamples=200) for r in (0.8, 0.5)
    )
    for found in (weak, strong):
        assert found["found"].is_monotonic_increasing
        assert found["found"].iloc[-1] > found["found"].iloc[0] + 0.2
        assert (found["ratio_high"] / found["ratio_low"]).is_monotonic_decreasing
        assert (found["contradicted"] <= 0.05).all()
    assert (strong["found"] > weak["found"]).all()
    assert strong["found"].iloc[-1] > 0.95


def test_power_at_all_models_is_the_verdict_of_the_comparison():
    table = experiment(0.7)
    row, whole = power(table, sizes=(30,)).loc[30], compare(table).table.loc["geodesic"]
    assert row["ratio_low"] == row["ratio_high"] == pytest.approx(whole["ratio"])
    assert row["found"] == 1
    assert whole["ratio_high"] < 1
    turned = power(table, "euclidean", baseline="geodesic", sizes=(30,)).loc[30]
    assert (turned["found"], turned["contradicted"]) == (1, 0)
    assert turned["ratio_low"] == pytest.approx(1 / row["ratio_low"])


def test_power_is_determined_by_the_seed_and_refuses_what_is_not_a_size():
    options = {"sizes": (4, 8), "draws": 20, "resamples": 100}
    assert_frame_equal(power(experiment(0.8), **options), power(experiment(0.8), **options))
    for size in (2, 31):
        with pytest.raises(ValueError, match="between 3 and the 30 models"):
            power(experiment(0.8), sizes=(size,))
    with pytest.raises(ValueError, match="is zero"):
        power(experiment(0.8).assign(geodesic=1.0), sizes=(3,))


# --- agreement with the truth


def test_bias_and_rank_of_a_known_error():
    true = np.array([1.0, 2.0, 3.0, 4.0])
    table = tidy(
        true=np.tile(true, (3, 1)),
        euclidean=np.tile(true[::-1], (3, 1)),
        geodesic=true * np.array([[1.0], [1.1], [1.2]]),
        chord=true * np.tile([0.9, 0.9, 0.5, 0.5], (3, 1)),
    )
    found = bias(table)
    expected = pd.DataFrame(
        {
            "bias": [np.nan, 0.1, -0.3],
            "bias_spread": [np.nan, 0, np.sqrt(4 * 0.2**2 / 3)],
            "bias_largest": [np.nan, 0.1, 0.5],
            "rank": [-1, 1, spearmanr(true, true * [0.9, 0.9, 0.5, 0.5]).statistic],
        },
        index=pd.Index(["euclidean", "geodesic", "chord"], name="distance"),
    )
    assert_frame_equal(found.drop(columns="rank_least"), expected, atol=1e-12)


def test_agreement_is_not_truth():
    """Every model makes the same error: CV near zero, ratio near zero, and wrong by a half."""
    rng = np.random.default_rng(0)
    true = np.tile(rng.uniform(1, 2, 20), (10, 1))
    table = tidy(
        true=true,
        euclidean=true * rng.uniform(0.8, 1.2, true.shape),
        chord=true / 2 * rng.uniform(0.999, 1.001, true.shape),
        geodesic=true * rng.uniform(0.9, 1.1, true.shape),
    )
    assert compare(table).table["ratio"].idxmin() == "chord"
    assert bias(table)["bias_largest"].idxmax() == "chord"
    assert bias(table).loc["chord", "bias"] == pytest.approx(-0.5, abs=1e-3)


def test_the_rank_is_the_mean_over_models_and_the_least_is_one_of_them():
    table = draw().assign(true=lambda x: 1.0 + x["pair"] ** 2)
    ranks = [spearmanr(row, 1.0 + np.arange(8) ** 2).statistic for row in square(table, "chord")]
    row = bias(table).loc["chord"]
    assert row["rank"] == pytest.approx(np.mean(ranks))
    assert row["rank_least"] == pytest.approx(min(ranks))


def test_bias_needs_one_truth_for_all_models():
    with pytest.raises(ValueError, match="no column true"):
        bias(draw())
    with pytest.raises(ValueError, match="true differs between models"):
        bias(draw().assign(true=lambda x: 1.0 + x["model"]))
    assert bias(draw().assign(true=1.0))["rank"].isna().all()
