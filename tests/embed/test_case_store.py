"""The store of cases: what is kept comes back to the byte, and only what is missing is computed."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from places import ROOT
from tiny_study import cohort, embedded, plan, splits

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.embed import cases as cases_module
from pipeline.embed.case_store import load_embedded, ran_all_epochs, save_embedded, store_key
from pipeline.embed.cases import embed_case
from pipeline.embed.embeddings import contract_of, embeddings_table, write_network
from pipeline.embed.heads import predictions_table
from pipeline.embed.params import EmbedParams
from pipeline.embed.strategy import plan_jobs
from pipeline.embed.work_plan import Case, Place, plan_of
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import write_table
from pipeline.predictions.thresholds import YOUDEN
from pipeline.training.state import TrainingState

STUDY = cohort()


def jobs(strategy="crossfit"):
    return {job.name: job for job in plan_jobs(splits(), strategy=strategy)}


def run(job, *, study=STUDY, **changes):
    case = Case(job=job, rows=study.inputs.rows_of(job.embedded))
    return embed_case(case, plan=plan(study=study, **changes), place=Place(device="cpu"))


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


@pytest.mark.parametrize("content", [None, b"", b"\0" * 9])
def test_a_case_without_its_tensors_is_trained_again(tmp_path, content):
    store = CheckpointStore(tmp_path / "embed", key="k")
    done = run(jobs()["final_a"])
    save_embedded(store, done)
    tensors = store.path(done.case.name, suffix=".safetensors")
    tensors.unlink() if content is None else tensors.write_bytes(content)

    assert load_embedded(store, done.case) is None
    assert store.count() == 0


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


def test_the_key_of_a_store_follows_the_settings_of_its_own_network():
    params = load_params(ROOT / "params" / "embed.yaml", EmbedParams)
    table = pd.DataFrame({"patient_id": sorted(STUDY.labels), "label": 0}).assign(group_id="g")
    plan = plan_of(params, net="carnet", seed=1, patients=table, read=lambda **_: STUDY.inputs)
    deeper = params.model_copy(update={"carnet": params.carnet.model_copy(update={"depth": 50})})
    flatter = params.model_copy(update={"vit": params.vit.model_copy(update={"image_size_px": 96})})
    keys = [store_key(one, plan=plan, splits=splits(), device="cpu") for one in (params, deeper, flatter)]

    assert keys[0] == keys[2] != keys[1]
