"""A patient's score by hand: images within a view, then views, then parts."""

import numpy as np
import pandas as pd
import pytest
from tiny_study import cohort, embedded, plan, splits

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.embed.heads import head_predictions, patient_scores, predictions_table
from pipeline.foundation.tables import check_table
from pipeline.predictions.thresholds import YOUDEN

STUDY = cohort()


def test_mean_within_a_view_then_over_views():
    found = patient_scores(
        np.array([0.2, 0.4, 0.9, 0.5]),
        patients=["p1", "p1", "p1", "p2"],
        views=["long", "long", "trans", "long"],
        prevalence=0.25,
        scored=["p3", "p1", "p2"],
    )

    assert list(found.index) == ["p1", "p2", "p3"]
    assert found.tolist() == pytest.approx([0.6, 0.5, 0.25])  # p3 has no image


def test_patients_that_are_not_scored_are_excluded():
    found = patient_scores(np.array([0.2, 0.4]), patients=["a", "b"], views=["m", "m"], prevalence=0.5, scored=["b"])

    assert found.to_dict() == {"b": 0.4}


def series(**scores):
    return pd.Series(scores)


def test_parts_are_averaged_and_the_test_rows_frozen():
    train = [f"p{number}" for number in range(8)]
    labels = {patient: int(number >= 4) for number, patient in enumerate(train)} | {"q1": 0, "q2": 1}
    roles = [("cv-1-1", p, "cv", None) for p in train[::2]] + [("cv-1-2", p, "cv", None) for p in train[1::2]]
    roles += [("final", "q1", "internal", None), ("final", "q2", "external", None)]
    splits = pd.DataFrame(roles, columns=["resample", "patient_id", "role", "half"])
    values = {"p0": 0.1, "p1": 0.3, "p2": 0.2, "p3": 0.6, "p4": 0.5, "p5": 0.7, "p6": 0.8, "p7": 0.9}
    part = {
        "cv-1-1": series(**{p: values[p] for p in train[::2]}),
        "cv-1-2": series(**{p: values[p] for p in train[1::2]}),
        "final": series(q1=0.15, q2=0.85),
    }
    scores = {resample: [one - 0.05, one + 0.05] for resample, one in part.items()}
    found = head_predictions(scores, feature_set="net", model="net_head", splits=splits, labels=labels, rule=YOUDEN)
    check_table(found, PREDICTIONS, place="head")
    cv, final = found[found["evaluation"] == "cv"], found[found["evaluation"] != "cv"].set_index("patient_id")

    assert dict(zip(cv["patient_id"], cv["score"], strict=True)) == pytest.approx(values)
    assert cv["threshold"].isna().all()
    assert set(found["model"]) == {"net_head"}
    assert set(found["feature_set"]) == {"net"}
    assert final["threshold"].nunique() == 1
    assert final.loc["q1", "score"] < final.loc["q1", "threshold"] <= final.loc["q2", "score"]
    assert final["evaluation"].to_dict() == {"q1": "internal", "q2": "external"}
    assert final["label"].to_dict() == {"q1": 0, "q2": 1}


def test_no_head_is_a_header():
    found = head_predictions({}, feature_set="net", model="net_head", splits=pd.DataFrame(), labels={}, rule=YOUDEN)
    check_table(found, PREDICTIONS, place="head")

    assert found.empty


def test_every_test_patient_has_a_head_score(tmp_path):
    results = embedded("crossfit", tmp_path)
    found = predictions_table(results, plan=plan(study=STUDY), splits=splits(), rule=YOUDEN)
    test = splits().query("role != 'train'")

    assert set(zip(found["resample"], found["patient_id"], found["evaluation"], strict=True)) == set(
        zip(test["resample"], test["patient_id"], test["role"], strict=True)
    )


def test_a_frozen_network_has_no_head(tmp_path):
    assert predictions_table(embedded("frozen", tmp_path), plan=plan(study=STUDY), splits=splits(), rule=YOUDEN).empty
