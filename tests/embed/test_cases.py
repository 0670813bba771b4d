"""One case: its seed, its card, its probabilities, its checkpoint."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from places import ROOT
from sklearn.metrics import roc_auc_score
from tiny_study import TINY, TinyNet, cohort, embedded, plan, splits

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.embed import cases as cases_module
from pipeline.embed.cases import embed_case, load_embedded, ran_all_epochs, save_embedded
from pipeline.embed.embeddings import contract_of, embeddings_table, write_network
from pipeline.embed.heads import predictions_table
from pipeline.embed.params import EmbedParams
from pipeline.embed.strategy import Job, plan_jobs
from pipeline.embed.work_plan import Case, Place, Plan
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import write_table
from pipeline.networks.inputs import RoiInputs
from pipeline.predictions.thresholds import YOUDEN
from pipeline.training.state import TrainingState

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


def test_a_checkpoint_gives_back_the_same_bytes(tmp_path):
    store = CheckpointStore(tmp_path / "embed", key="k")
    done = run(jobs()["final_a"])
    assert load_embedded(store, done.case) is None
    save_embedded(store, done)
    again = load_embedded(store, done.case)

    assert np.array_equal(again.embeddings, done.embeddings)
    assert np.array_equal(again.probabilities, done.probabilities)
    assert again.embeddings.dtype == np.float32
    assert again.card == done.card
    assert again.losses == done.losses
    assert all(torch.equal(again.weights[name], done.weights[name]) for name in done.weights)


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


def files(results, folder, *, made=None):
    """Everything the stage writes, as bytes by name."""
    made = made or plan(study=STUDY)
    write_table(embeddings_table(results, plan=made), folder / "features.csv", contract_of(made))
    heads = predictions_table(results, plan=made, splits=splits(), rule=YOUDEN)
    write_table(heads, folder / "heads.csv", PREDICTIONS)
    write_network(results, plan=made, folder=folder / "network")
    found = [file for file in sorted(folder.rglob("*")) if file.is_file() and "embed" not in file.parts]
    return {str(file.relative_to(folder)): file.read_bytes() for file in found}


def test_one_and_two_workers_write_the_same_bytes(tmp_path):
    first = files(embedded("crossfit", tmp_path / "1"), tmp_path / "1")
    second = files(embedded("crossfit", tmp_path / "2", workers=2), tmp_path / "2")

    assert first == second
    assert {"features.csv", "heads.csv", "network/losses.csv", "network/final_a.safetensors"} <= set(first)


def test_resume_computes_only_what_is_missing(tmp_path, monkeypatch):
    whole = files(embedded("crossfit", tmp_path / "a"), tmp_path / "a")
    half_way = embedded("crossfit", tmp_path / "b")
    store = CheckpointStore(tmp_path / "b" / "embed", key="k")
    for result in half_way[:2]:
        store.path(result.case.name).unlink()
    computed = []

    class Watched(cases_module.Trainer):
        def fit(self, *args, **kwargs):
            computed.append(kwargs["seed"])
            return super().fit(*args, **kwargs)

    monkeypatch.setattr(cases_module, "Trainer", Watched)
    again = files(embedded("crossfit", tmp_path / "b"), tmp_path / "b")

    assert len(computed) == 2
    assert again == whole


def test_a_killed_training_resumes_after_its_last_epoch(tmp_path, monkeypatch):
    whole = files(embedded("crossfit", tmp_path / "a"), tmp_path / "a")
    save, seen = TrainingState.save, []

    def save_and_die(self, content):
        save(self, content)
        seen.append(len(content["history"]))
        if len(seen) == 3:  # two epochs of the first network, one of the second
            raise KeyboardInterrupt

    monkeypatch.setattr(TrainingState, "is_due", lambda _: True)
    with monkeypatch.context() as patch:
        patch.setattr(TrainingState, "save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            embedded("crossfit", tmp_path / "b")
    left = list((tmp_path / "b").rglob("*.epoch"))
    again = files(embedded("crossfit", tmp_path / "b"), tmp_path / "b")

    assert seen == [1, 2, 1]
    assert len(left) == 1
    assert again == whole
    assert not list((tmp_path / "b").rglob("*.epoch"))


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


@pytest.mark.parametrize(
    ("enabled", "held", "message"), [(True, [0, 9, 0], "2 of 3 networks"), (True, [9, 9], None), (False, [0], None)]
)
def test_early_stopping_that_did_not_take_place_is_reported(enabled, held, message):
    training = load_params(ROOT / "params/embed.yaml", EmbedParams).training
    training = training.model_copy(
        update={"early_stopping": training.early_stopping.model_copy(update={"enabled": enabled})}
    )
    case = SimpleNamespace(job=SimpleNamespace(trained=frozenset({"p1"})))
    results = [SimpleNamespace(case=case, card={"n_validation_patients": number}) for number in held]
    sentence = ran_all_epochs(results, training=training)

    assert (sentence is None) if message is None else sentence.startswith(message)
