"""nomogram: the points of a fitted logistic regression sum to the model's own probability."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nomogram_parts import FEATURES, POINT, a_part, fitted, patients

from pipeline.benchmark.classifiers import prevalence, scores
from pipeline.benchmark.model_files import to_bytes, write_model
from pipeline.foundation.errors import PipelineError
from pipeline.reduce.steps.clinical_encoder import EncodedName
from pipeline.report.nomogram import check_nomogram, linear_terms, nomogram_risks, part_nomogram, read_nomogram


def a_study(folder, *, parts=("a", "b")):
    """A folder of models, with its reduced table and predictions."""
    test, tables, raw = patients(n=30, seed=99), [], []
    for seed, part in enumerate(parts):
        train, model = patients(seed=seed), fitted(patients(seed=seed), seed=seed)
        suffix, content = to_bytes(model)
        card = {"feature_set": "combined", "model": "lr", "resample": "final", "part": part, "features": FEATURES}
        card["operating_point"] = dataclasses.asdict(POINT)
        write_model(folder, name=f"lr_{part}", suffix=suffix, content=content, card=card)
        raw.append(scores(model, test.to_numpy()))
        for role, rows in (("train", train), ("internal", test)):
            ids = [f"{role[0]}{n:02d}" for n in range(len(rows))]
            tables.append(rows.assign(resample="final", part=part, patient_id=ids, role=role))
    risks = POINT.recalibrate(np.mean(raw, axis=0))
    ids = [f"i{n:02d}" for n in range(len(test))]
    predictions = pd.DataFrame({"model": "lr", "evaluation": "internal", "patient_id": ids, "score": risks})
    return pd.concat(tables, ignore_index=True), predictions


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 50))
def test_points_sum_to_the_probability_of_the_model_for_any_patient(seed):
    model, nomogram = a_part(seed=seed % 5)
    rows = patients(n=40, seed=100 + seed) * 1.5  # also outside the training range

    total = nomogram.points(rows).sum(axis=1)

    np.testing.assert_allclose(
        nomogram.probability(total), model.predict_proba(rows.to_numpy())[:, 1], rtol=0, atol=1e-12
    )


def test_an_axis_starts_at_0_and_the_widest_spans_100_points():
    _, nomogram = a_part()
    points = nomogram.points(patients())

    assert list(points) == ["age", "sex", "size_mm", "net", "radiomics"]
    np.testing.assert_allclose(points.min(), 0, atol=1e-9)
    assert points.to_numpy().max() == pytest.approx(100)
    assert points.sum(axis=1).min() == pytest.approx(nomogram.min_total)
    assert points.sum(axis=1).max() == pytest.approx(nomogram.max_total)


def test_points_by_hand():
    # log-odds = -1 + 0.02 age + 0.5 (F): age from 30 to 80 spans 1, sex 0.5, so that a point is 0.01.
    train = pd.DataFrame({"clinical.age": [30.0, 80.0], "clinical.sex=F": [1.0, 0.0]})
    coefficients = pd.Series({"clinical.age": 0.02, "clinical.sex=F": 0.5})

    nomogram = part_nomogram("all", intercept=-1.0, coefficients=coefficients, train=train)

    np.testing.assert_allclose(nomogram.points(train), [[0, 50], [100, 0]], atol=1e-9)
    assert (nomogram.at_zero, nomogram.per_point) == pytest.approx((-0.4, 0.01))
    assert nomogram.probability(np.array([40.0]))[0] == pytest.approx(0.5)
    assert nomogram.total(0.5) == pytest.approx(40)
    assert [tick.label for tick in nomogram.axes[0].ticks] == ["30", "80"]
    assert [tick.label for tick in nomogram.axes[1].ticks] == ["F", "not F"]


def test_a_value_that_is_not_known_has_its_own_points():
    _, nomogram = a_part()
    size = next(axis for axis in nomogram.axes if axis.variable == "size_mm")
    unknown = patients().query("`clinical.size_mm_missing` == 1")

    assert [tick.label for tick in size.ticks] == ["not known"]
    np.testing.assert_allclose(size.log_odds(unknown), size.ticks[0].log_odds)


@pytest.mark.parametrize("parts", [("all",), ("a", "b")])
def test_saved_models_give_the_score_of_the_predictions(tmp_path, parts):
    reduced, predictions = a_study(tmp_path, parts=parts)
    nomogram = read_nomogram(tmp_path, reduced=reduced)

    n, apart = check_nomogram(nomogram, reduced=reduced, predictions=predictions)

    assert nomogram.feature_set == "combined"
    assert n == 30
    assert apart < 1e-12
    assert nomogram_risks(nomogram, reduced).between(0, 1).all()


def test_predictions_of_another_model_are_refused(tmp_path):
    reduced, predictions = a_study(tmp_path)
    nomogram = read_nomogram(tmp_path, reduced=reduced)

    for wrong in (predictions.assign(score=predictions["score"] + 2e-6), predictions.iloc[1:]):
        with pytest.raises(PipelineError, match="run benchmark again"):
            check_nomogram(nomogram, reduced=reduced, predictions=wrong)


def test_rows_of_another_model_are_refused(tmp_path):
    reduced, _ = a_study(tmp_path)

    with pytest.raises(PipelineError, match="does not hold the rows of this model"):
        read_nomogram(tmp_path, reduced=reduced.drop(columns="net.pc002"))


def test_no_nomogram_without_a_logistic_regression_or_a_feature(tmp_path):
    assert read_nomogram(tmp_path, reduced=pd.DataFrame()) is None
    reduced, _ = a_study(tmp_path, parts=("all",))
    suffix, content = to_bytes(prevalence(np.array([0, 1])))
    card = {"feature_set": "x", "model": "lr", "resample": "final", "part": "all", "features": []}
    write_model(tmp_path, name="lr_all", suffix=suffix, content=content, card=card)

    assert read_nomogram(tmp_path, reduced=reduced) is None


def test_no_nomogram_if_no_column_changes_the_probability():
    train = pd.DataFrame({"net.pc001": [1.0, 2.0]})

    assert part_nomogram("all", intercept=0.1, coefficients=pd.Series({"net.pc001": 0.0}), train=train) is None


def test_only_a_standardised_logistic_regression_has_linear_terms():
    with pytest.raises(ValueError, match="DummyClassifier"):
        linear_terms(prevalence(np.array([0, 1])), features=[])


def test_clinical_columns_with_an_equals_sign_or_a_missing_in_their_name_are_numbers():
    names = [EncodedName(variable="Ki67 (cut=20)"), EncodedName(variable="size_missing")]
    names += [EncodedName(variable="size"), EncodedName(variable="size", missing=True)]
    names += [EncodedName(variable="grade", level=level) for level in ("a", "b=c")]
    rng = np.random.default_rng(0)
    train = pd.DataFrame(rng.integers(0, 30, (50, 6)).astype(float), columns=[f"clinical.{name}" for name in names])
    train["clinical.size_missing"] = (rng.random(50) < 0.3) * 1.0
    coefficients = pd.Series([0.01, 0.02, 0.03, 0.1, 0.5, 0.2], index=train.columns)
    axes = part_nomogram("all", intercept=0.0, coefficients=coefficients, train=train).axes

    assert [(axis.variable, axis.kind) for axis in axes] == [
        ("Ki67 (cut=20)", "number"),
        ("size_missing", "number"),
        ("size", "number"),
        ("grade", "category"),
    ]
    assert [tick.label for tick in axes[2].ticks] == ["not known"]
    assert [tick.label for tick in axes[3].ticks] == ["a", "b=c"]
