"""transport.csv: the unpaired test of R, and which models have no row."""

import json

import pandas as pd
import pytest
from places import REFERENCE
from study import study_predictions

from pipeline.compare.chosen import choose, fold_table
from pipeline.compare.transport import transport_table
from pipeline.contracts.reports.compare import TRANSPORT
from pipeline.foundation.tables import check_table
from pipeline.predictions.model_scores import model_scores
from pipeline.statistics.multiplicity import holm

EXPECTED = json.loads((REFERENCE / "expected" / "roc_models.json").read_text())["unpaired_siteA_vs_rest_LR"]
STUDY = pd.concat(study_predictions().values(), ignore_index=True)


def compared(predictions):
    models = model_scores(predictions, place="p.csv")
    found = transport_table(models, chosen=choose(fold_table(predictions), models, primary=None))
    check_table(found, TRANSPORT, place="transport")
    return found


def by_site():
    """Site A as the external, the other sites as the internal patients of one model."""
    table = pd.read_csv(REFERENCE / "models.csv", dtype={"patient_id": "str"})
    table = table.rename(columns={"y": "label", "LR": "score"})[["patient_id", "site", "label", "score"]]
    evaluation = table["site"].map({"A": "external", "B": "internal", "C": "internal"})
    own = {"feature_set": "s", "model": "LR", "resample": "final", "threshold": 0.25}
    return table.drop(columns="site").assign(evaluation=evaluation, **own)


def test_the_test_is_that_of_r():
    # pROC: roc.test(roc at site A, roc at the others, paired = FALSE, method = "delong")
    row = compared(by_site()).iloc[0]

    assert [row["t"], row["df"], row["p_value"]] == pytest.approx(
        [EXPECTED["statistic"], EXPECTED["df"], EXPECTED["p"]], abs=1e-8
    )
    assert [row["auc_a"], row["auc_b"]] == pytest.approx(EXPECTED["estimate"], abs=1e-8)
    assert (row["n_a"], row["n_b"], row["evaluation_a"]) == (137, 183, "external")


def test_each_chosen_model_has_a_row_and_holm_is_over_them():
    found = compared(STUDY)

    assert len(found) == 5  # four sets and one head
    assert found["p_holm"].tolist() == pytest.approx(list(holm(found["p_value"])))


def test_no_row_without_both_evaluations_or_with_a_patient_in_both():
    assert compared(STUDY[STUDY["evaluation"] != "internal"]).empty
    one_class = by_site()
    assert compared(one_class[(one_class["evaluation"] == "external") | (one_class["label"] == 1)]).empty
    table = by_site()
    again = table[table["evaluation"] == "internal"].head(1).assign(evaluation="external", resample="again")
    assert compared(pd.concat([table, again], ignore_index=True)).empty
