"""What the primary set adds: the numbers of R and of the other tables, and no row if there is no primary set."""

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE
from study import study_predictions
from study_folder import compare_params

from pipeline.compare.added_value import added_value_table
from pipeline.compare.chosen import choose, fold_table
from pipeline.compare.decision_curves import decision_curve_table
from pipeline.compare.delong import delong_table
from pipeline.contracts.reports.compare import ADDED_VALUE, PRIMARY
from pipeline.foundation.errors import TableError
from pipeline.foundation.tables import check_table
from pipeline.predictions.model_scores import model_scores

PARAMS = compare_params()


def compared(predictions, params=PARAMS):
    models = model_scores(predictions, place="p.csv")
    chosen = choose(fold_table(predictions), models, primary=params.primary)
    table = added_value_table(models, chosen=chosen, params=params)
    check_table(table, ADDED_VALUE, place="added value")
    return table.set_index(["evaluation", "measure"]), models, chosen


@pytest.fixture(scope="module")
def predictions():
    return pd.concat(study_predictions().values(), ignore_index=True)


@pytest.fixture(scope="module")
def made(predictions):
    return compared(predictions)


def of_r(**scores):
    """The sets `combined` and `clinical` with the scores of the reference, at threshold 0.25."""
    wide = pd.read_csv(REFERENCE / "models.csv", dtype={"patient_id": "str"})
    own = {"model": "lr", "resample": "final", "evaluation": "external", "threshold": 0.25}
    table = pd.DataFrame({"patient_id": wide["patient_id"], "label": wide["y"]})
    named = {"combined": wide["Fused"], "clinical": wide["Clinical"]} | scores
    return pd.concat(table.assign(feature_set=name, score=values, **own) for name, values in named.items())


def test_numbers_agree_with_r():
    table = compared(of_r())[0].loc["external"]

    # anova(glm(y ~ lo(Clinical), binomial), glm(y ~ lo(Clinical) + lo(Fused), binomial), test = "LRT"), lo = qlogis
    assert table.loc["likelihood_ratio", "statistic"] == pytest.approx(66.0277181274247, abs=1e-7)
    assert table.loc["likelihood_ratio", "df"] == 1
    # Hmisc: improveProb(Clinical, Fused, y)
    expected = {"nri_events": 0.4285714285714286, "nri_non_events": 0.3559322033898305, "idi": 0.129200921307506}
    for measure, value in expected.items():
        assert table.loc[measure, "estimate"] == pytest.approx(value, abs=1e-12)
    curves = pd.read_csv(REFERENCE / "expected" / "dca.csv").set_index(["variable", "threshold"])["net_benefit"]
    for threshold in (0.1, 0.2, 0.3):
        row = table.loc[f"net_benefit_at_{threshold}"]
        assert row["estimate"] == pytest.approx(curves["Fused", threshold] - curves["Clinical", threshold], abs=1e-12)
        assert row["threshold"] == threshold
    assert table.loc["brier", "estimate"] == pytest.approx(0.149480013124016 - 0.182872689909116, abs=1e-5)


def test_the_measures_agree_with_the_other_tables(made):
    table, models, chosen = made
    delong = delong_table(models, chosen=chosen, params=PARAMS)
    primary = delong[delong["family"] == PRIMARY].iloc[0]
    auc = table.loc[("external", "auc")]
    assert tuple(auc[["estimate", "ci_low", "ci_high", "statistic", "p_value"]]) == pytest.approx(
        tuple(primary[["difference", "ci_low", "ci_high", "z", "p_value"]]), abs=1e-15
    )
    curves = decision_curve_table(models, chosen=chosen, params=PARAMS).assign(
        threshold=lambda table: table["threshold"].round(9)
    )
    at = curves[curves["threshold"] == 0.2].set_index(["evaluation", "feature_set"])["net_benefit"]
    assert table.loc[("internal", "net_benefit_at_0.2"), "estimate"] == pytest.approx(
        at["internal", "combined"] - at["internal", "clinical"], abs=1e-12
    )


def test_rows_of_both_test_evaluations_and_their_kind(made):
    table = made[0]
    secondary = {
        f"{name}{part}" for name in ("nri", "idi", "nri_at_threshold") for part in ("", "_events", "_non_events")
    }

    assert set(table.index.get_level_values("evaluation")) == {"internal", "external"}
    for evaluation in ("internal", "external"):
        kinds = table.loc[evaluation, "kind"]
        assert set(kinds[kinds == "secondary"].index) == secondary
        assert {"likelihood_ratio", "auc", "brier"} <= set(kinds[kinds == "primary"].index)
    # No p-value for the measures whose tests are not valid.
    assert table.loc[table["kind"] == "secondary", "p_value"].isna().all()
    has = table.dropna(subset="ci_low")
    assert (has["ci_low"] <= has["estimate"] + 1e-12).all()
    assert (has["estimate"] <= has["ci_high"] + 1e-12).all()


def test_a_copy_of_the_comparator_adds_nothing():
    wide = pd.read_csv(REFERENCE / "models.csv")
    table = compared(of_r(combined=wide["Clinical"]))[0].loc["external"]

    assert tuple(table.loc["likelihood_ratio", ["statistic", "df", "p_value"]]) == (0, 0, 1)
    assert tuple(table.loc["auc", ["estimate", "statistic", "p_value"]]) == (0, 0, 1)
    assert (table["estimate"].dropna() == 0).all()


def test_a_primary_that_separates_has_no_likelihood_ratio():
    wide = pd.read_csv(REFERENCE / "models.csv")
    table = compared(of_r(combined=np.where(wide["y"] == 1, 0.9, 0.1)))[0].loc["external"]

    assert np.isnan(table.loc["likelihood_ratio", ["statistic", "p_value"]].astype(float)).all()
    assert table.loc["idi", "estimate"] > 0.6


def test_no_primary_no_rows_but_a_header(predictions):
    table = compared(predictions, compare_params(primary=None))[0]
    assert len(table) == 0
    assert list(table.reset_index().columns[:2]) == ["evaluation", "measure"]


def test_without_thresholds_nothing_is_reclassified_at_them(predictions):
    table = compared(predictions.assign(threshold=np.nan))[0]
    assert not any("threshold" in measure for _, measure in table.index)


def test_different_patients_are_refused(predictions):
    dropped = (predictions["feature_set"] == "clinical") & (predictions["patient_id"] == "0100")
    with pytest.raises(TableError, match="same patients"):
        compared(predictions[~dropped])


def test_a_useless_set_is_not_significant_too_often():
    rng = np.random.default_rng(5)
    p_values = []
    for _ in range(100):
        clinical = rng.beta(2, 3, size=120)
        label = (rng.uniform(size=120) < clinical).astype(int)
        ids = [f"{number:03d}" for number in range(120)]
        own = {"patient_id": ids, "label": label, "model": "lr", "resample": "final", "evaluation": "external"}
        scores = {"clinical": clinical, "combined": rng.uniform(size=120)}
        table = pd.concat(
            pd.DataFrame(own | {"feature_set": k, "score": v, "threshold": 0.5}) for k, v in scores.items()
        )
        drawn = PARAMS.bootstrap.model_copy(update={"replicates": 0})
        found = compared(table, PARAMS.model_copy(update={"bootstrap": drawn}))[0]
        p_values.append(found.loc[("external", "likelihood_ratio"), "p_value"])
    assert np.mean(np.array(p_values) < 0.05) < 0.12
