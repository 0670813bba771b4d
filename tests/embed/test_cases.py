"""One network: its seed, its card, its probabilities, its checkpoint."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from tiny_study import TINY, TinyNet, cohort, plan, recipe, splits

from pipeline.embed.cases import describe_case, load_described, save_described
from pipeline.embed.strategy import Job, plan_jobs
from pipeline.embed.work_plan import Case, Place, normalisation_of
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.networks.inputs import RoiInputs
from pipeline.networks.weights import WeightsParams

STUDY = cohort()


def jobs(strategy="crossfit"):
    return {job.name: job for job in plan_jobs(splits(), strategy=strategy)}


def run(job, *, study=STUDY, **changes):
    case = Case(job=job, rows=study.inputs.rows_of(job.described))
    return describe_case(case, plan=plan(study=study, **changes), place=Place(device="cpu"))


def test_card_says_who_trained_the_network():
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


def test_ids_hash_tells_the_halves_apart():
    hashes = {name: run(job).card["trained_ids_sha256"] for name, job in jobs().items()}

    assert len(set(hashes.values())) == 6


def test_other_images_of_untrained_patients_change_nothing_in_the_network():
    job = jobs()["final_a"]
    pixels = STUDY.inputs.pixels.copy()
    others = [row for row, patient in enumerate(STUDY.inputs.patient_ids) if patient not in job.trained]
    pixels[others] = 255 - pixels[others]
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
    trained, described = sorted(job.trained)[0], sorted(job.scored)[0]
    groups = dict(STUDY.groups) | {described: STUDY.groups[trained]}
    with pytest.raises(AssertionError, match="leak"):
        run(job, study=dataclasses.replace(STUDY, groups=groups))


def test_probabilities_follow_the_prevalence_not_the_class_weights():
    study = cohort(120)
    job = Job(
        resample="r",
        part="a",
        trained=frozenset(list(study.labels)[:90]),
        described=frozenset(list(study.labels)[90:]),
        scored=frozenset(),
    )
    # A network that has learned nothing yet says the prevalence, whatever the classes weigh.
    balanced, plain = (
        run(job, study=study, epochs=1, learning_rate=1e-9, class_weights=how) for how in ("balanced", "none")
    )

    odds = balanced.probabilities / (1 - balanced.probabilities)
    np.testing.assert_allclose(odds, 0.5 * plain.probabilities / (1 - plain.probabilities), rtol=1e-6)


def test_patients_without_an_image_are_on_the_card():
    inputs = STUDY.inputs
    job = jobs()["final_a"]
    gone = sorted(job.scored)[0]
    kept = [row for row, patient in enumerate(inputs.patient_ids) if patient != gone]
    fewer = RoiInputs(
        image_ids=tuple(inputs.image_ids[row] for row in kept),
        patient_ids=tuple(inputs.patient_ids[row] for row in kept),
        views=tuple(inputs.views[row] for row in kept),
        pixels=inputs.pixels[kept],
    )
    assert run(job, study=dataclasses.replace(STUDY, inputs=fewer)).card["scored_without_image"] == [gone]


def test_a_checkpoint_gives_back_the_same_bytes(tmp_path):
    store = CheckpointStore(tmp_path / "embed", key="k")
    done = run(jobs()["final_a"])
    assert load_described(store, done.case) is None
    save_described(store, done)
    again = load_described(store, done.case)

    assert np.array_equal(again.embeddings, done.embeddings)
    assert np.array_equal(again.probabilities, done.probabilities)
    assert again.embeddings.dtype == np.float32
    assert again.card == done.card
    assert again.losses == done.losses
    assert all(torch.equal(again.weights[name], done.weights[name]) for name in done.weights)


class Mad(TinyNet):
    """A network that says nothing when it is asked, though its training went well."""

    def forward(self, x):
        logits, embedding = super().forward(x)
        return logits, embedding if self.training else embedding * torch.nan


def test_values_that_are_no_numbers_stop_the_stage_with_the_name_of_the_network():
    mad = dataclasses.replace(TINY, architecture=dataclasses.replace(TINY.architecture, build=Mad))
    with pytest.raises(PipelineError, match=r"^network tiny, resample final, part a: gives values that are no numbers"):
        run(jobs()["final_a"], network=mad)


def test_a_training_that_diverges_is_named():
    with pytest.raises(PipelineError, match=r"^network tiny, resample final, part a: the training has diverged"):
        run(jobs()["final_a"], optimiser="sgd", learning_rate=1.0, epochs=60)


def test_auto_normalisation_follows_the_weights():
    given = dataclasses.replace(
        TINY, settings=TINY.settings.model_copy(update={"weights": WeightsParams(source="torchvision", name="V1")})
    )

    assert normalisation_of(TINY, recipe()) == "image"
    assert normalisation_of(given, recipe()) == "imagenet"


def test_hash_of_the_cohort_sees_every_change():
    changed = [
        dataclasses.replace(STUDY, labels=dict(STUDY.labels) | {"P000": 0}),
        dataclasses.replace(STUDY, groups=dict(STUDY.groups) | {"P000": "x"}),
        dataclasses.replace(STUDY, inputs=dataclasses.replace(STUDY.inputs, pixels=STUDY.inputs.pixels + 1)),
    ]

    assert cohort().sha256() == STUDY.sha256()
    assert len({STUDY.sha256(), *(study.sha256() for study in changed)}) == 4
