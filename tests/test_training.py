"""The trainer: learns, repeats itself, stops in time, refuses patients it must not see."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from tiny_study import NO_CHANGE, STOPPING, TinyNet, cohort, training_params
from torch import nn

from pipeline.augmentation import augmentation
from pipeline.errors import PipelineError
from pipeline.networks.carnet import CarNetParams
from pipeline.networks.densenet import DenseNet121Params
from pipeline.networks.registry import ARCHITECTURES, build_network
from pipeline.training import Trainer, device_named, reproducible

CPU = torch.device("cpu")
STRENGTHS = NO_CHANGE.model_copy(update={"rotation_deg": 10, "noise_sd": 0.05, "flip": 0.5})


def trainer(network=None, *, strengths=NO_CHANGE, **params):
    return Trainer(
        network or TinyNet(None),
        params=training_params(**params),
        augment=augmentation(strengths),
        normalise="image",
        device=CPU,
    )


def fitted(seed, *, study=None, **params):
    study = study or cohort()
    rows = np.arange(len(study.inputs.image_ids))
    with reproducible(seed=seed, threads=1, device=CPU):
        made = trainer(strengths=STRENGTHS, **params)
        record = made.fit(study.examples(rows), forbidden=frozenset(), seed=seed)
        return made, record, made.describe(study.inputs.pixels)


def test_same_seed_same_weights_and_another_seed_others():
    first, second, other = (fitted(seed)[2] for seed in (1, 1, 2))

    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[1], other[1])


def test_settings_of_torch_are_put_back():
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    fitted(1)

    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


def test_embeddings_are_float32_and_bfloat16_training_differs():
    _, record, (logits, embeddings) = fitted(1)
    mixed = fitted(1, precision="bfloat16")[2]

    assert embeddings.dtype == np.float32
    assert logits.shape == (48,)
    assert embeddings.shape == (48, 4)
    assert mixed[1].dtype == np.float32
    assert not np.array_equal(mixed[1], embeddings)
    assert [epoch.epoch for epoch in record.epochs] == [1, 2]


def test_a_forbidden_group_is_refused():
    study = cohort()
    examples = study.examples(np.arange(48))
    with pytest.raises(AssertionError, match="leak"):
        trainer().fit(examples, forbidden=frozenset({"GP003"}), seed=1)


def test_early_stopping_keeps_the_best_epoch():
    study = cohort(150)  # noise: the loss on the held-out part soon rises
    stopping = STOPPING | {"enabled": True}
    made, record, _ = fitted(3, study=study, epochs=60, learning_rate=0.05, early_stopping=stopping)
    losses = [epoch.validation_loss for epoch in record.epochs]

    assert record.n_validation_patients == 30
    assert len(losses) < 60
    assert len(losses) - 1 - int(np.argmin(losses)) == 3  # patience
    assert record.epochs[-1].train_loss < record.epochs[0].train_loss
    assert made.network is not None


def test_best_weights_are_those_described():
    study = cohort(150)
    rows = np.arange(300)
    with reproducible(seed=3, threads=1, device=CPU):
        made = trainer(epochs=40, learning_rate=0.05, early_stopping=STOPPING | {"enabled": True})
        record = made.fit(study.examples(rows), forbidden=frozenset(), seed=3)
        order = np.random.default_rng(3)
        from pipeline.training_batches import validation_rows

        held = validation_rows(study.examples(rows), params=made.params.early_stopping, order=order)
        again = made._validation_loss(study.examples(rows), held, ratio=record.weight_ratio)

    assert again == min(epoch.validation_loss for epoch in record.epochs)


def test_few_events_run_all_epochs():
    _, record, _ = fitted(1, epochs=4, early_stopping=STOPPING | {"enabled": True})

    assert len(record.epochs) == 4
    assert record.n_validation_patients == 0
    assert all(epoch.validation_loss is None for epoch in record.epochs)


@pytest.mark.parametrize(
    "change",
    [
        {"optimiser": "sgd", "learning_rate": 0.1},
        {"loss": "focal"},
        {"gradient_clip_norm": 0.01},
        {"ema_decay": 0.9},
        {"schedule": "step", "step_epochs": 1},
    ],
)
def test_every_way_to_train_does_something_and_repeats_itself(change):
    plain, first, second = (fitted(1, **one)[2][1] for one in ({}, change, change))

    assert np.array_equal(first, second)
    assert not np.array_equal(first, plain)


def test_first_loss_is_that_of_a_coin():
    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1, 1))

        def forward(self, x):
            return self.weight.expand(len(x), 1).squeeze(1), self.weight.expand(len(x), 1)

    study = cohort()
    record = trainer(Blind(), epochs=1, learning_rate=1e-9).fit(
        study.examples(np.arange(48)), forbidden=frozenset(), seed=1
    )

    assert record.epochs[0].train_loss == pytest.approx(math.log(2), abs=1e-6)


def test_device_that_is_not_here_is_one_sentence():
    assert device_named("cpu") == CPU
    with pytest.raises(PipelineError, match=r"FUSION_DEVICE \(gpu0\) cannot be used here"):
        device_named("gpu0")


SETTINGS = {
    "densenet121": DenseNet121Params(layer="gap1024", weights={"source": "none"}),
    "carnet": CarNetParams(depth=18, ca_reduction=32, ca_stages=(1, 2, 3, 4), weights={"source": "none"}),
}


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_networks_learn_an_easy_task(name):
    study, unseen = cohort(20, planted=60.0), cohort(20, seed=1, planted=60.0)
    with reproducible(seed=0, threads=1, device=CPU):
        made = trainer(build_network(ARCHITECTURES[name], SETTINGS[name]), epochs=4, learning_rate=1e-3)
        # 39 images in batches of 2: the single one left over must not stop batch norm.
        made.fit(study.examples(np.arange(39)), forbidden=frozenset(), seed=0)
        logits, embeddings = made.describe(unseen.inputs.pixels)
    labels = [unseen.labels[patient] for patient in unseen.inputs.patient_ids]

    assert roc_auc_score(labels, logits) > 0.9
    assert np.isfinite(embeddings).all()
