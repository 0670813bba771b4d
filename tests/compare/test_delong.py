"""delong.csv and omnibus.csv: which models are tested together, in which order, on whom."""

import numpy as np
import pandas as pd
import pytest
from study import STRENGTH, study_predictions
from study_folder import compare_params

from pipeline.compare.chosen import choose, fold_table
from pipeline.compare.delong import delong_table, omnibus_table
from pipeline.contracts.reports.compare import OMNIBUS
from pipeline.foundation.errors import TableError
from pipeline.foundation.tables import check_table
from pipeline.predictions.model_scores import check_same_patients, model_scores
from pipeline.statistics.auc_tests import omnibus_test
from pipeline.statistics.roc import placements

PARAMS = compare_params().model_copy(update={"all_pairs": True})
PREDICTIONS = pd.concat(study_predictions().values(), ignore_index=True)
MODELS = model_scores(PREDICTIONS, place="p.csv")
CHOSEN = choose(fold_table(PREDICTIONS), MODELS, primary=PARAMS.primary)


def test_families_hold_the_pairs_they_name():
    delong = delong_table(MODELS, chosen=CHOSEN, params=PARAMS)
    sizes = delong[delong["evaluation"] == "external"].groupby("family").size().to_dict()

    assert sizes.pop("primary comparison") == 1
    assert sizes.pop("sets at their CV-chosen classifier") == 10  # four sets and one head
    assert sizes.pop("all pairs") == 13 * 12 / 2
    assert sizes == {f"classifiers within {name}": 3 for name in STRENGTH}
    assert "primary comparison" not in set(delong.loc[delong["evaluation"] != "external", "family"])
    between = delong[delong["family"] == "sets at their CV-chosen classifier"]
    assert (between.loc[between["set_b"] == "combined"]).empty  # differences read "primary minus other"
    primary = delong[delong["family"] == "primary comparison"].iloc[0]
    assert (primary["set_a"], primary["set_b"]) == ("combined", "clinical")
    assert primary["p_holm"] == primary["p_value"]
    assert primary["difference"] == primary["auc_a"] - primary["auc_b"]


def test_families_of_three_or_more_are_tested_as_a_whole():
    omnibus = omnibus_table(MODELS, chosen=CHOSEN, params=PARAMS)
    check_table(omnibus, OMNIBUS, place="omnibus")
    external = omnibus[omnibus["evaluation"] == "external"].set_index("family")

    assert external["n_models"].to_dict() == {
        "sets at their CV-chosen classifier": 5,
        "all pairs": 13,
        **{f"classifiers within {name}": 3 for name in STRENGTH},
    }
    assert np.isnan(external.loc["all pairs", "p_value"])  # 12 events are too few for 12 differences
    clinical = [m for m in MODELS if (m.feature_set, m.evaluation) == ("clinical", "external")]
    direct = omnibus_test(placements([m.scores for m in clinical], labels=clinical[0].labels))
    row = external.loc["classifiers within clinical"]
    assert (row["chi2"], row["df"], row["p_value"]) == (direct.chi2, direct.df, direct.p_value)


def test_other_patients_refuse_a_paired_test():
    short = PREDICTIONS.drop(PREDICTIONS[(PREDICTIONS["model"] == "rf") & (PREDICTIONS["patient_id"] == "0100")].index)
    group = [m for m in model_scores(short, place="p.csv") if m.evaluation == "external"]

    with pytest.raises(TableError, match="same patients") as error:
        check_same_patients(group)
    assert "such as 0100" in str(error.value)


def test_one_class_is_tested_nowhere():
    models = model_scores(PREDICTIONS[PREDICTIONS["label"] == 0], place="p.csv")

    assert delong_table(models, chosen=CHOSEN, params=PARAMS).empty
    assert omnibus_table(models, chosen=CHOSEN, params=PARAMS).empty
