"""contributions: the mean over parts, and a background that no held-out row can change."""

import numpy as np
import pandas as pd
import pytest
from contribution_tables import AGE, COMPONENT, PATIENTS, SHAPE, explained, part_model, tables, two_sets
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.benchmark.classifiers import prevalence
from pipeline.benchmark.design_matrices import Design
from pipeline.benchmark.model_files import SavedModel
from pipeline.contracts.reports.explain import TABLES
from pipeline.explain.contributions import explained_set
from pipeline.foundation.errors import PipelineError


def test_a_feature_counts_as_zero_in_a_part_that_did_not_select_it():
    first, _ = two_sets()
    found = first.contributions()

    np.testing.assert_allclose(found[AGE], first.parts[0].found.values[:, 0] / 2)
    np.testing.assert_allclose(
        found[SHAPE], (first.parts[0].found.values[:, 2] + first.parts[1].found.values[:, 1]) / 2
    )
    np.testing.assert_allclose(first.base + found.sum(axis=1), first.outputs())


def test_components_of_two_networks_are_two_features_and_other_names_are_one():
    first, _ = two_sets()

    assert [name for name in first.columns() if "pc001" in name] == [f"{COMPONENT} (part a)", f"{COMPONENT} (part b)"]
    assert first.columns().count(SHAPE) == 1
    assert explained(part_model("all", {COMPONENT: 1.0})).columns() == [COMPONENT]


def test_a_value_is_the_mean_of_the_parts_that_selected_the_feature():
    first, _ = two_sets()

    np.testing.assert_allclose(first.values()[AGE], first.parts[0].X[:, 0])
    np.testing.assert_allclose(first.values()[SHAPE], (first.parts[0].X[:, 2] + first.parts[1].X[:, 1]) / 2)


def test_the_tables_keep_their_contracts_and_a_part_without_features_says_so():
    found = tables(two_sets())

    for name, table in found.items():
        assert TABLES[name].faults(table) == [], name
    models = found["shap_models"].set_index(["feature_set", "part"])
    assert models.loc[("clinical", "b"), "explainer"] == "none"
    assert pd.isna(models.loc[("clinical", "b"), "max_error"])
    assert set(found["shap"]["case"]) == {f"patient #{n + 1}" for n in range(len(PATIENTS))}
    assert not set(found["shap"]["case"]) & set(PATIENTS)
    sums = found["shap"].groupby(["feature_set", "part", "case"])["contribution"].sum()
    own = two_sets()[0].parts[0].found.output
    np.testing.assert_allclose(sums.loc["combined", "a", "patient #1"], own[0])


def test_without_a_set_the_tables_are_empty():
    for name, table in tables([]).items():
        assert list(table.columns) == TABLES[name].names
        assert len(table) == 0


def test_a_set_without_any_feature_has_no_contribution():
    found = tables([explained(part_model("all", {}))])

    assert [len(found[name]) for name in ("shap", "shap_groups", "permutation")] == [0, 0, 0]
    assert list(found["shap_models"]["explainer"]) == ["none"]


rng = np.random.default_rng(4)
ROWS = rng.normal(size=(40, 2))
LABEL = (ROWS[:, 0] + rng.normal(size=40) > 0).astype(np.int64)
HELD_OUT = rng.normal(size=(6, 2))
LOGISTIC = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())]).fit(ROWS, LABEL)
NAMES = ("clinical.age", "clinical.size")


def design(rows=HELD_OUT, *, features=NAMES):
    ids = tuple(f"p{n}" for n in range(len(rows)))
    known = {"resample": "final", "part": "all", "groups": np.arange(40).astype(str), "test_ids": ids}
    return Design(**known, features=features, X=ROWS[:, : len(features)], X_test=rows[:, : len(features)], y=LABEL)


def explain(given, *, features=NAMES, model=LOGISTIC):
    ids = list(given.test_ids)
    saved = SavedModel(card={"file": "lr_all.skops", "model": "lr", "features": list(features)}, model=model)
    roles = {patient: "internal" if patient == "p5" else "external" for patient in ids}
    return explained_set(
        [given],
        {"all": saved},
        feature_set="clinical",
        evaluation="external",
        patients=pd.DataFrame({"patient_id": ids, "group_id": ids, "label": [0, 1] * 3}),
        roles=roles,
        blocks=["clinical"],
        seed=1,
        orders=3,
    )


def test_held_out_rows_never_enter_the_background():
    before, after = explain(design()), explain(design(HELD_OUT * 50 + 3))

    assert before.base == after.base
    assert before.parts[0].found.n_background == 40
    moved = design(HELD_OUT)
    moved.X[:] = moved.X + 1
    try:
        assert explain(moved).base != before.base  # the training rows do
    finally:
        moved.X[:] = moved.X - 1


def test_only_patients_of_the_evaluation_are_explained():
    found = explain(design())

    assert found.patients == ("p0", "p1", "p2", "p3", "p4")
    np.testing.assert_allclose(found.outputs(), LOGISTIC.decision_function(HELD_OUT[:5]))


def test_a_model_of_the_prevalence_has_a_base_and_nothing_else():
    found = explain(design(features=()), features=(), model=prevalence(LABEL))

    assert found.parts[0].found is None
    assert found.base == pytest.approx(np.log(LABEL.mean() / (1 - LABEL.mean())))
    assert list(found.outputs()) == [found.base] * 5


def test_a_model_of_another_table_is_refused():
    with pytest.raises(PipelineError, match="fitted on other features than the reduced table"):
        explain(design(), features=("clinical.age",))
