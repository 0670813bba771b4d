"""Families of tests: which pairs of models each holds, in which order, and which evaluations have any."""

import pandas as pd
from study import STRENGTH, study_predictions
from study_folder import compare_params

from pipeline.compare.chosen import choose, fold_table
from pipeline.compare.delong import delong_table
from pipeline.compare.families import evaluation_groups, places
from pipeline.predictions.model_scores import model_scores

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


def test_an_evaluation_of_one_class_or_one_model_has_no_group():
    groups = list(evaluation_groups(MODELS))
    one_class = model_scores(PREDICTIONS[PREDICTIONS["label"] == 0], place="p.csv")

    assert [group[0].evaluation for group in groups] == ["cv", "internal", "external"]
    assert all(places(group)[model.feature_set, model.model] == i for group in groups for i, model in enumerate(group))
    assert list(evaluation_groups(one_class)) == []
    assert list(evaluation_groups(MODELS[:1])) == []
