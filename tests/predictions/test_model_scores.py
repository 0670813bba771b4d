"""Scores of a model: which predictions contradict each other, which patients, which models are network heads."""

import numpy as np
import pandas as pd
import pytest
from study import study_predictions

from pipeline.foundation.errors import TableError
from pipeline.predictions.model_scores import check_same_patients, is_head, model_scores, picked
from pipeline.predictions.model_scores import tested as both_classes_tested

PREDICTIONS = pd.concat(study_predictions().values(), ignore_index=True)


@pytest.fixture
def predictions():
    return PREDICTIONS


@pytest.mark.parametrize(
    ("feature_set", "model", "expected"),
    [
        ("net", "net_head", True),
        ("net", "net_head_long", True),
        ("net", "net_headlong", False),
        ("net", "other_head", False),
        ("net_head", "net_head", False),
        ("net", "lr", False),
    ],
)
def test_heads_are_recognised_by_the_name_of_their_network(feature_set, model, expected):
    assert is_head(feature_set, model) is expected


def test_other_patients_refuse_a_paired_test():
    short = PREDICTIONS.drop(PREDICTIONS[(PREDICTIONS["model"] == "rf") & (PREDICTIONS["patient_id"] == "0100")].index)
    group = [m for m in model_scores(short, place="p.csv") if m.evaluation == "external"]

    with pytest.raises(TableError, match="same patients") as error:
        check_same_patients(group)
    assert "such as 0100" in str(error.value)


def test_contradictions_are_listed_together(predictions):
    wrong = predictions.copy()
    external = wrong.index[wrong["evaluation"] == "external"]
    wrong.loc[external[0], "label"] = 1 - wrong.loc[external[0], "label"]
    wrong.loc[external[1], "threshold"] = 0.99
    again = wrong.loc[[external[2]]].assign(resample="final-2")

    with pytest.raises(TableError) as error:
        model_scores(pd.concat([wrong, again]), place="p.csv")
    assert "has the label 0 in one row and 1 in another" in str(error.value)
    assert "2 thresholds" in str(error.value)
    assert "scored twice" in str(error.value)


def test_a_patient_of_the_cross_validation_cannot_test_the_model(predictions):
    trained = predictions.loc[predictions["evaluation"] == "cv", "patient_id"].iloc[0]
    leaked = predictions[predictions["evaluation"] == "external"].drop_duplicates(["feature_set", "model"])

    label = int(predictions.loc[predictions["patient_id"] == trained, "label"].iloc[0])
    with pytest.raises(TableError, match=rf"a test patient \(1 of them, first {trained}\) is in evaluation cv"):
        model_scores(pd.concat([predictions, leaked.assign(patient_id=trained, label=label)]), place="p.csv")


def test_a_threshold_is_given_for_all_patients_or_none(predictions):
    external = predictions[predictions["evaluation"] == "external"]
    first = external["patient_id"] == external["patient_id"].iloc[0]
    partly = external.assign(threshold=external["threshold"].mask(first))

    with pytest.raises(TableError, match=r"has a threshold in \d+ of its \d+ rows of evaluation external; all or none"):
        model_scores(partly, place="p.csv")
    assert all(model.threshold is None for model in model_scores(external.assign(threshold=np.nan), place="p.csv"))


def test_tested_and_picked_models_have_both_classes_in_a_test_evaluation():
    chosen = pd.DataFrame({"feature_set": ["clinical"], "model": ["rf"]})
    internal_events = (PREDICTIONS["evaluation"] == "internal") & (PREDICTIONS["label"] == 1)
    models, one_class = (model_scores(table, place="p.csv") for table in (PREDICTIONS, PREDICTIONS[~internal_events]))

    assert {model.evaluation for model in both_classes_tested(models)} == {"internal", "external"}
    assert {model.evaluation for model in both_classes_tested(one_class)} == {"external"}
    found = [(model.feature_set, model.model, model.evaluation) for model in picked(models, chosen=chosen)]
    assert found == [("clinical", "rf", "external"), ("clinical", "rf", "internal")]
