"""Decision curves: agreement with R, treat all and none, the band, the grid of thresholds."""

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE, ROOT
from study import study_predictions
from study_folder import compare_params

from pipeline.compare.chosen import choose, fold_table
from pipeline.compare.decision_curves import decision_curve_table, threshold_grid
from pipeline.contracts.reports.compare import DECISION_CURVES
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import check_table
from pipeline.plan.comparison import CompareParams, DecisionParams
from pipeline.predictions.model_scores import model_scores

SHIPPED = ROOT / "params" / "compare.yaml"
CURVES = pd.read_csv(REFERENCE / "expected" / "dca.csv")


def curves(predictions, params=None):
    params = params or compare_params()
    models = model_scores(predictions, place="p.csv")
    chosen = choose(fold_table(predictions), models, primary=params.primary)
    table = decision_curve_table(models, chosen=chosen, params=params)
    check_table(table, DECISION_CURVES, place="decision curves")
    return table, chosen


@pytest.fixture(scope="module")
def predictions():
    return pd.concat(study_predictions().values(), ignore_index=True)


@pytest.fixture(scope="module")
def made(predictions):
    return curves(predictions)


def test_numbers_agree_with_r():
    wide = pd.read_csv(REFERENCE / "models.csv", dtype={"patient_id": "str"})
    long = wide.melt(id_vars=["patient_id", "y"], value_vars=["LR", "MLP", "Clinical", "Fused"], value_name="score")
    long = long.rename(columns={"y": "label", "variable": "model"}).assign(
        feature_set=lambda table: table["model"], resample="final", evaluation="external", threshold=np.nan
    )
    table, _ = curves(long, compare_params(primary=None))

    names = {"treat_all": "all", "treat_none": "none"}
    ours = table.assign(variable=table["model"].replace(names), threshold=table["threshold"].round(9))
    both = ours.merge(CURVES, on=["variable", "threshold"], suffixes=("", "_r"))
    assert len(both) == len(CURVES[CURVES["threshold"] >= 0.05])
    assert both["net_benefit"].to_numpy() == pytest.approx(both["net_benefit_r"].to_numpy(), abs=1e-12)


def test_chosen_models_beside_all_and_none_in_test_evaluations(made):
    table, chosen = made
    expected = set(zip(chosen["feature_set"], chosen["model"], strict=True))
    expected |= {("all patients", "treat_all"), ("all patients", "treat_none")}

    assert set(table["evaluation"]) == {"internal", "external"}
    for _, part in table.groupby("evaluation"):
        assert set(zip(part["feature_set"], part["model"], strict=True)) == expected
    none = table[table["model"] == "treat_none"]
    assert none["net_benefit"].eq(0).all()
    assert table.loc[table["feature_set"] == "all patients", ["ci_low", "ci_high"]].isna().all().all()


def test_the_band_holds_the_curve(made):
    has = made[0].dropna(subset="ci_low")
    assert len(has) > 100
    assert (has["ci_low"] <= has["net_benefit"] + 1e-12).all()
    assert (has["net_benefit"] <= has["ci_high"] + 1e-12).all()


def test_the_seed_determines_the_band_and_no_replicates_give_none(predictions, made):
    pd.testing.assert_frame_equal(curves(predictions.sample(frac=1, random_state=1))[0], made[0], check_exact=True)
    for drawn in ({"replicates": 0, "seed": 1}, {"replicates": 200, "seed": 2}):
        params = compare_params()
        bootstrap = params.bootstrap.model_copy(update=drawn)
        other = curves(predictions, params.model_copy(update={"bootstrap": bootstrap}))[0]
        assert other["net_benefit"].equals(made[0]["net_benefit"])
        assert other["ci_low"].isna().all() == (drawn["replicates"] == 0)
        assert not other["ci_low"].equals(made[0]["ci_low"])


@pytest.mark.parametrize(
    ("low", "high", "step", "expected"),
    [
        (0.1, 0.3, 0.1, [0.1, 0.2, 0.3]),
        (0.05, 0.6, 0.05, [0.05 * k for k in range(1, 13)]),
        (0.2, 0.35, 0.1, [0.2, 0.3]),
    ],
)
def test_grid(low, high, step, expected):
    grid = threshold_grid(DecisionParams(low=low, high=high, step=step, at=()))
    assert grid == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("low: 0.05", "low: 0.7", "must be below high"), ("[0.1, 0.2, 0.3]", "[0.1, 0.1]", "names a threshold twice")],
)
def test_wrong_thresholds_are_refused(tmp_path, old, new, message):
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "compare.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ParamsError, match=message):
        load_params(tmp_path / "compare.yaml", CompareParams)


def test_an_evaluation_of_one_class_has_no_curve(predictions):
    one = predictions[(predictions["evaluation"] != "internal") | (predictions["label"] == 0)]
    assert set(curves(one)[0]["evaluation"]) == {"external"}
