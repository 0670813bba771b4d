import json

import numpy as np
import pytest
from scipy.special import expit, logit
from small_bundle import patients, small_bundle, write_study

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.tables import read_table, write_table
from pipeline.predict.bundle import load_bundle
from pipeline.predict.bundle_files import write_bundle
from pipeline.predict.model_card import card_text
from pipeline.predict.study_bundle import bundle_files, recalibrations


def test_a_study_becomes_a_bundle_with_the_same_bytes_each_time(tmp_path):
    study = write_study(tmp_path)
    files = bundle_files(study, feature_set="clinical")
    write_bundle(files, tmp_path / "b.zip")

    assert bundle_files(write_study(tmp_path / "again"), feature_set="clinical") == files
    found = load_bundle(tmp_path / "b.zip").about
    assert (found.classifier, found.chosen_by, found.parts, found.blocks) == (
        "lr",
        "cross-validation",
        ("all",),
        ("clinical",),
    )
    assert found.clinical == {"age": "number", "sex": "text"}
    assert found.point.slope == 0.8
    counts = {name: (row.n, row.events) for name, row in found.facts.patients.items()}
    assert counts == {"internal": (10, 5), "train": (50, 25)}
    assert found.facts.compared_patients == 10
    text = b"".join(files.values()).decode("utf-8", errors="replace")
    assert not any(patient in text for patient in patients()["patient_id"])
    assert str(tmp_path) not in text


@pytest.mark.parametrize(("source", "whole"), [("manifest", True), ("ddti", False)])
def test_whole_images_are_those_of_a_manifest_alone(source, whole, tmp_path):
    study = write_study(tmp_path)
    path = study.params / "cohort.yaml"
    text = path.read_text(encoding="utf-8").replace("roi: mask ", "roi: full ")
    path.write_text(text.replace("source: manifest ", f"source: {source} ", 1), encoding="utf-8")

    about = json.loads(bundle_files(study, feature_set="clinical")["bundle.json"])

    assert about["whole_images"] is whole


def test_fitted_steps_of_another_run_are_refused(tmp_path):
    study = write_study(tmp_path)
    path = study.data / "predictions" / "clinical.csv"
    table = read_table(path, PREDICTIONS)
    table.loc[table["evaluation"] == "internal", "score"] += 1e-6
    write_table(table, path, PREDICTIONS)

    with pytest.raises(PipelineError, match=r"differ from the scores of the study by 1e-06, .* run dvc repro"):
        bundle_files(study, feature_set="clinical")


def test_a_study_with_a_red_light_has_no_bundle(tmp_path):
    study = write_study(tmp_path)
    lights = read_table(study.tables / "selftest.csv", SELFTEST)
    write_table(lights.assign(light="red"), study.tables / "selftest.csv", SELFTEST)

    with pytest.raises(PipelineError, match=r"(?s)a red light.*Shuffled outcomes"):
        bundle_files(study, feature_set="clinical")


def test_a_classifier_that_holds_rows_needs_leave(tmp_path):
    study = write_study(tmp_path, classifier="knn")

    with pytest.raises(PipelineError, match="the classifier is knn, whose file holds the reduced rows"):
        bundle_files(study, feature_set="clinical")


@pytest.mark.parametrize(
    ("fusion", "given", "sentence"),
    [
        ("clinical: [clinical]", {"feature_set": "other"}, "there is no set 'other'; the sets are clinical"),
        ("clinical: [clinical, habitat]", {}, "block 'habitat' cannot be computed for a new patient yet"),
        ("clinical: [clinical]", {"classifier": "rf"}, "there is no such model; .* has lr"),
        ("none: [clinical]", {}, "there is no set 'clinical'; the sets are none"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(fusion, given, sentence, tmp_path):
    study = write_study(tmp_path)
    text = f"sets: {{{fusion}}}\nmatch_parts: true\n"
    (study.params / "fusion.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(PipelineError, match=sentence):
        bundle_files(study, **({"feature_set": "clinical"} | given))


def test_a_missing_reducer_is_one_sentence(tmp_path):
    study = write_study(tmp_path)
    (study.data / "reducers" / "clinical" / "clinical_all.safetensors").unlink()

    with pytest.raises(PipelineError, match="no such fitted reducer; run dvc repro"):
        bundle_files(study, feature_set="clinical")


def test_the_bootstrap_of_the_recalibration_lies_around_the_recalibration(tmp_path):
    study = write_study(tmp_path)

    lines = np.array(recalibrations(study, feature_set="clinical", model="lr", replicates=60))

    assert lines.shape == (60, 2)
    assert (lines[:, 1] > 0).all()
    drawn = expit(lines[:, 0] + lines[:, 1] * logit(0.5))
    assert 0.3 < np.median(drawn) < 0.7
    assert drawn.std() > 0.01
    again = recalibrations(study, feature_set="clinical", model="lr", replicates=60)
    np.testing.assert_array_equal(again, lines)


def test_the_card_says_who_when_and_what_for():
    text = card_text(small_bundle().about)

    assert "research only" in text
    assert "| train | 50 | 25 |" in text
    assert "- age: median 55 (48 to 62); missing 1" in text
    assert "- sex: F 26, M fewer than 5; missing 0" in text
    assert "- internal: auc 0.800 (0.700 to 0.900), brier 0.200" in text
    assert "No row of a patient;" in text
    assert "holds reduced rows" in card_text(small_bundle(classifier="knn").about)
