"""delong.csv and omnibus.csv: which models are tested together, and what is not tested."""

import numpy as np
import pandas as pd
from study import STRENGTH, study_predictions
from study_folder import compare_params

from pipeline.compare.chosen import choose, fold_table
from pipeline.compare.delong import delong_table, omnibus_table
from pipeline.contracts.reports.compare import OMNIBUS
from pipeline.foundation.tables import check_table
from pipeline.predictions.model_scores import model_scores
from pipeline.statistics.auc_tests import omnibus_test
from pipeline.statistics.roc import placements

PARAMS = compare_params().model_copy(update={"all_pairs": True})
PREDICTIONS = pd.concat(study_predictions().values(), ignore_index=True)
MODELS = model_scores(PREDICTIONS, place="p.csv")
CHOSEN = choose(fold_table(PREDICTIONS), MODELS, primary=PARAMS.primary)


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


def test_one_class_is_not_tested():
    models = model_scores(PREDICTIONS[PREDICTIONS["label"] == 0], place="p.csv")

    assert delong_table(models, chosen=CHOSEN, params=PARAMS).empty
    assert omnibus_table(models, chosen=CHOSEN, params=PARAMS).empty
