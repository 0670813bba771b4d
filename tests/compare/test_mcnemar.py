"""mcnemar.csv: the counts and p-values of R on the reference models, families, Holm, what has no rows."""

import json

import pandas as pd
import pytest
from places import REFERENCE
from study import STRENGTH, study_predictions
from study_folder import compare_params

from pipeline.compare.chosen import choose, fold_table
from pipeline.compare.mcnemar import mcnemar_table
from pipeline.contracts.reports.compare import MCNEMAR
from pipeline.foundation.tables import check_table
from pipeline.predictions.model_scores import model_scores
from pipeline.statistics.multiplicity import holm

R = json.loads((REFERENCE / "expected" / "tables_tests.json").read_text())["mcnemar"]


def compared(predictions, *, primary=None):
    params = compare_params(primary=primary)
    models = model_scores(predictions, place="p.csv")
    chosen = choose(fold_table(predictions), models, primary=params.primary)
    return mcnemar_table(models, chosen=chosen, params=params)


def reference(threshold=0.25):
    wide = pd.read_csv(REFERENCE / "models.csv", dtype={"patient_id": "str"}).rename(columns={"y": "label"})
    long = wide.melt(
        id_vars=["patient_id", "label"], value_vars=["Clinical", "LR"], var_name="model", value_name="score"
    )
    return long.assign(feature_set=long["model"], resample="final", evaluation="external", threshold=threshold)


@pytest.mark.parametrize(
    ("measure", "name"),
    [("accuracy", "accuracy_LR_vs_Clinical_thr0.25"), ("sensitivity", "sensitivity"), ("specificity", "specificity")],
)
def test_counts_and_p_are_those_of_r(measure, name):
    # R: binom.test(b, b + c)$p.value of LR against Clinical at 0.25
    primary = {"feature_set": "LR", "comparator": "Clinical", "evaluation": "external"}
    table = compared(reference(), primary=primary).set_index(["family", "measure"])
    row = table.loc[("primary comparison", measure)]

    assert (row["only_a_right"], row["only_b_right"]) == (R[name]["b"], R[name]["c"])
    assert row["p_value"] == pytest.approx(R[name]["p_exact"], abs=1e-8)
    assert row["p_holm"] == row["p_value"]
    assert row["difference"] == pytest.approx((R[name]["b"] - R[name]["c"]) / row["n"])
    assert row["ci_low"] < row["difference"] < row["ci_high"]


@pytest.fixture(scope="module")
def table():
    predictions = pd.concat(study_predictions().values(), ignore_index=True)
    return compared(
        predictions, primary={"feature_set": "combined", "comparator": "clinical", "evaluation": "external"}
    )


def test_families_are_the_primary_comparison_and_the_sets(table):
    sizes = table.groupby(["evaluation", "family", "measure"]).size().unstack("measure")
    pairs = (len(STRENGTH) + 1) * len(STRENGTH) // 2  # the sets and one head

    assert set(table["evaluation"]) == {"internal", "external"}
    assert (sizes.loc[("external", "primary comparison")] == 1).all()
    for evaluation in ("internal", "external"):
        assert (sizes.loc[(evaluation, "sets at their CV-chosen classifier")] == pairs).all()
    assert set(table.loc[table["measure"] == "sensitivity", "n"]) == {9, 12}
    check_table(table, MCNEMAR, place="mcnemar")


def test_holm_is_within_evaluation_family_and_measure(table):
    for _, family in table.groupby(["evaluation", "family", "measure"]):
        assert family["p_holm"].tolist() == pytest.approx(list(holm(family["p_value"])))


def test_without_thresholds_there_are_no_rows():
    none = compared(reference(threshold=None))

    assert none.empty
    check_table(none, MCNEMAR, place="mcnemar")
