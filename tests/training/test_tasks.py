"""The task of the outcome: rows of an epoch, weights, and the loss by hand."""

import math

import numpy as np
import pytest
import torch
from tiny_study import STOPPING, TinyNet, cohort, training_params

from pipeline.networks.progressive import Stage
from pipeline.training.inference import Encoder
from pipeline.training.mask_task import MaskTask
from pipeline.training.params import EarlyStoppingParams
from pipeline.training.tasks import OutcomeTask, Step

TASK = OutcomeTask(params=training_params())


def test_an_epoch_has_every_row_once_in_an_order_of_its_own():
    rows = np.array([3, 5, 8, 9, 20])
    first, second = (TASK.epoch_rows(rows, order=np.random.default_rng(seed)) for seed in (1, 2))

    assert sorted(first) == sorted(second) == rows.tolist()
    assert first.tolist() != second.tolist()


def test_weights_and_held_out_rows_follow_the_params():
    labels = np.array([1, 0, 0, 0], dtype=np.float32)
    stopping = EarlyStoppingParams.model_validate(STOPPING)
    examples = cohort().examples(np.arange(48))

    assert TASK.weight_ratio(labels) == 3
    assert OutcomeTask(params=training_params(class_weights="none")).weight_ratio(labels) == 1
    assert not TASK.held(examples, params=stopping, order=np.random.default_rng(0)).size


def test_the_loss_of_a_network_that_knows_nothing_is_that_of_chance():
    examples, network = cohort().examples(np.arange(8)), TinyNet(None)
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    encoder = Encoder(network=network, normalise="image", device=torch.device("cpu"), batch_size=8)
    step = Step(
        network=network,
        shared=network,
        encoder=encoder,
        examples=examples,
        rows=np.arange(8),
        planes=torch.from_numpy(examples.pixels).float() / 255,
        stage=Stage(number=0, size_px=32, magnitude=1.0, mixup_alpha=0.0, dropout=None),
        mixed_precision=False,
        ratio=1.0,
        remaining=1.0,
    )

    assert TASK.loss(step).item() == pytest.approx(math.log(2))
    held = TASK.validation_loss(encoder, examples, np.arange(8), 1.0)
    assert held.item() == pytest.approx(math.log(2))


def test_each_task_names_the_file_of_its_settings():
    assert (OutcomeTask.settings, MaskTask.settings) == ("params/embed.yaml", "params/segment.yaml")
