"""One case: its seed, its card, its probabilities, its checkpoint."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score
from tiny_study import TINY, TinyNet, cohort, embedded, plan, splits

from pipeline.embed.cases import embed_case
from pipeline.embed.strategy import Job, plan_jobs
from pipeline.embed.work_plan import Case, Place, Plan
from pipeline.foundation.errors import PipelineError
from pipeline.networks.inputs import RoiInputs

STUDY = cohort()


def jobs(strategy="crossfit"):
    return {job.name: job for job in plan_jobs(splits(), strategy=strategy)}


def run(job, *, study=STUDY, **changes):
    case = Case(job=job, rows=study.inputs.rows_of(job.embedded))
    return embed_case(case, plan=plan(study=study, **changes), place=Place(device="cpu"))


def test_card_records_the_training_patients():
    job = jobs()["cv-1-1_a"]
    card = run(job).card

    assert card["n_patients"] == len(job.trained)
    assert card["n_events"] == sum(STUDY.labels[patient] for patient in job.trained)
    assert card["prevalence"] == card["n_events"] / card["n_patients"]
    assert card["n_images"] == 2 * len(job.trained)
    assert card["epochs_run"] == 2
    assert card["embedding_width"] == 4
    assert card["parameters"] == (32 * 32 + 1) * 4 + 5
    assert card["trained_on"] is None
    assert card["device"] == "cpu"
    assert json.loads(json.dumps(card)) == card


def test_ids_hash_differs_between_the_halves():
    hashes = {name: run(job).card["trained_ids_sha256"] for name, job in jobs().items()}

    assert len(set(hashes.values())) == 6


def test_other_images_of_untrained_patients_change_nothing_in_the_network():
    job = jobs()["final_a"]
    pixels = STUDY.inputs.pixels.copy()
    untrained = [row for row, patient in enumerate(STUDY.inputs.patient_ids) if patient not in job.trained]
    pixels[untrained] = 255 - pixels[untrained]
    garbage = dataclasses.replace(STUDY, inputs=dataclasses.replace(STUDY.inputs, pixels=pixels))
    first, second = run(job), run(job, study=garbage)

    assert first.weights
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)
    assert not np.array_equal(first.embeddings, second.embeddings)


def test_weights_are_kept_of_final_or_of_all():
    assert not run(jobs()["cv-1-1_a"]).weights
    assert run(jobs()["cv-1-1_a"], keep_weights="all").weights
    assert run(jobs()["final_b"]).weights


def test_a_test_patient_of_a_training_group_stops_the_training():
    job = jobs()["cv-1-1_a"]
    trained, test = sorted(job.trained)[0], sorted(job.scored)[0]
    groups = dict(STUDY.groups) | {test: STUDY.groups[trained]}
    with pytest.raises(AssertionError, match="leak"):
        run(job, study=dataclasses.replace(STUDY, groups=groups))


def test_probabilities_follow_the_prevalence_not_the_class_weights():
    study = cohort(120)
    job = Job(
        resample="r",
        part="a",
        trained=frozenset(list(study.labels)[:90]),
        embedded=frozenset(list(study.labels)[90:]),
        scored=frozenset(),
    )
    # An untrained network predicts the prevalence, whatever the class weights.
    balanced, plain = (
        run(job, study=study, epochs=1, learning_rate=1e-9, class_weights=how) for how in ("balanced", "none")
    )

    odds = balanced.probabilities / (1 - balanced.probabilities)
    np.testing.assert_allclose(odds, 0.5 * plain.probabilities / (1 - plain.probabilities), rtol=1e-6)


def test_patients_without_an_image_are_on_the_card():
    inputs = STUDY.inputs
    job = jobs()["final_a"]
    missing = sorted(job.scored)[0]
    kept = [row for row, patient in enumerate(inputs.patient_ids) if patient != missing]
    fewer = RoiInputs(
        image_ids=tuple(inputs.image_ids[row] for row in kept),
        patient_ids=tuple(inputs.patient_ids[row] for row in kept),
        views=tuple(inputs.views[row] for row in kept),
        pixels=inputs.pixels[kept],
    )
    assert run(job, study=dataclasses.replace(STUDY, inputs=fewer)).card["scored_without_image"] == [missing]


class Broken(TinyNet):
    """A network whose embeddings are NaN in inference, though its training went well."""

    def forward(self, x):
        logits, embedding = super().forward(x)
        return logits, embedding if self.training else embedding * torch.nan


def test_values_that_are_not_finite_stop_the_stage_with_the_name_of_the_network():
    broken = dataclasses.replace(TINY, architecture=dataclasses.replace(TINY.architecture, build=Broken))
    with pytest.raises(PipelineError, match=r"^network tiny, resample final, part a: gives values that are not finite"):
        run(jobs()["final_a"], network=broken)


def test_a_training_that_diverges_is_named():
    with pytest.raises(PipelineError, match=r"^network tiny, resample final, part a: the training has diverged"):
        run(jobs()["final_a"], optimiser="sgd", learning_rate=1.0, epochs=60)


def training_auc(strategy, folder):
    """AUC of the head over the training patients it embeds, and over the test patients, mean of resamples."""
    study, table = cohort(120), splits(120)
    role = table.set_index(["resample", "patient_id"])["role"]
    rows = [
        (result.case.job.resample, study.inputs.patient_ids[row], probability)
        for result in embedded(strategy, folder, study=study, table=table, epochs=40)
        for row, probability in zip(result.case.rows, result.probabilities, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["resample", "patient_id", "score"])
    frame["train"] = [role[key] == "train" for key in zip(frame["resample"], frame["patient_id"], strict=True)]
    frame["label"] = [study.labels[patient] for patient in frame["patient_id"]]
    by_role = frame.groupby(["train", "resample"]).apply(lambda g: roc_auc_score(g["label"], g["score"]))
    return by_role.loc[True].mean(), by_role.loc[False].mean()


def test_a_network_that_memorises_reveals_insample_and_not_crossfit(tmp_path):
    crossfit, insample = training_auc("crossfit", tmp_path / "c"), training_auc("insample", tmp_path / "i")

    assert insample[0] > 0.99
    assert 0.4 < crossfit[0] < 0.6
    assert 0.35 < insample[1] < 0.65
    assert 0.35 < crossfit[1] < 0.65


def test_late_fusion_of_two_that_memorise_finds_nothing_in_noise(tmp_path):
    study, table = cohort(120), splits(120)
    alone = plan("crossfit", study=study, epochs=40).members[0]
    other = dataclasses.replace(alone, network=dataclasses.replace(alone.network, name="other"))
    both = Plan(name="both", members=(alone, other), settings=alone.network.settings, combine="late")
    found = []
    for result in embedded("crossfit", tmp_path, table=table, made=both):
        rows = [row for row in result.case.rows if study.inputs.patient_ids[row] in result.case.job.scored]
        labels = [study.labels[study.inputs.patient_ids[row]] for row in rows]
        scores = dict(zip(result.case.rows, result.probabilities, strict=True))
        found.append(roc_auc_score(labels, [scores[row] for row in rows]))

    assert len(found) == 6
    assert 0.4 < np.mean(found) < 0.6
