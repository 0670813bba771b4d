"""The task of masks: which rows an epoch has, what is held out, and a training that is resumed."""

import numpy as np
import pytest
import torch
from drawn_nodules import drawing, segment_params
from tiny_study import NO_CHANGE

from pipeline.foundation.errors import PipelineError
from pipeline.networks.mask_registry import build_mask_network
from pipeline.training.batches import Examples
from pipeline.training.device import reproducible
from pipeline.training.inference import Encoder
from pipeline.training.mask_task import MaskTask
from pipeline.training.state import TrainingState
from pipeline.training.tasks import Step
from pipeline.training.trainer import Trainer

CPU, LESIONS, GLANDS = torch.device("cpu"), 6, 20
PARAMS = segment_params(training={"epochs": 4}, augmentation={"noise_sd": 0.05})


def drawn():
    """Six images with a lesion (two of a group, the first with a gland too), one of them with the gland alone."""
    planes = np.zeros((LESIONS + GLANDS, 3, 32, 32), dtype=np.uint8)
    for row in range(len(planes)):
        grey, nodule, gland = drawing(row, side=32)
        planes[row] = grey, nodule * 255 * (row < LESIONS), gland * 255 * (row >= LESIONS or row == 0)
    groups = [f"G{row // 2}" if row < LESIONS else f"B{row // 4}" for row in range(len(planes))]
    groups[LESIONS] = "G0"  # a patient with a lesion has an image of the gland alone, too
    names = tuple(f"P{row}" for row in range(len(planes)))
    return Examples(pixels=planes, labels=np.zeros(len(planes), np.float32), patients=names, groups=tuple(groups))


def task(*, params=PARAMS):
    rows = np.arange(LESIONS + GLANDS)
    return MaskTask(
        has_lesion=rows < LESIONS,
        has_gland=(rows >= LESIONS) | (rows == 0),
        area=np.where(rows < LESIONS, 0.09, 0).astype(np.float32),
        loss_params=params.loss_params,
    )


def epoch(number, *, glands=GLANDS):
    rows = np.arange(LESIONS + glands)
    return task().epoch_rows(rows, order=np.random.default_rng([1, number]))


def test_an_epoch_has_every_lesion_once_and_as_many_glands():
    first, second = epoch(1), epoch(2)

    for rows in (first, second):
        assert sorted(rows[::2]) == list(range(LESIONS))
        assert len(rows) == 2 * LESIONS
        assert len(set(rows[1::2])) == LESIONS  # none twice while there are enough
        assert min(rows[1::2]) >= LESIONS
    assert first.tolist() == epoch(1).tolist()


def test_glands_are_drawn_anew_and_paired_anew():
    partners = {row: {int(one[1 + 2 * list(one[::2]).index(row)]) for one in map(epoch, range(30))} for row in range(6)}

    assert all(len(found) > 10 for found in partners.values())
    assert {gland for found in partners.values() for gland in found} == set(range(LESIONS, LESIONS + GLANDS))


def test_few_glands_come_again_and_none_leave_the_lesions_alone():
    few = epoch(1, glands=2)

    assert sorted(few[1::2]) == [6, 6, 6, 7, 7, 7]
    assert sorted(epoch(1, glands=0)) == list(range(LESIONS))


def test_held_out_groups_are_whole_and_never_trained_on():
    stopping = PARAMS.training.early_stopping.model_copy(update={"enabled": True, "validation_fraction": 0.3})
    held = task().held(drawn(), params=stopping, order=np.random.default_rng(5))
    of_group = {name: [row for row, own in enumerate(drawn().groups) if own == name] for name in ("G0", "G1", "G2")}

    assert held.tolist() in of_group.values()
    assert of_group["G0"] == [0, 1, LESIONS]
    assert not task().held(drawn(), params=PARAMS.training.early_stopping, order=np.random.default_rng(5)).size
    # G0 is held out: its image of the gland alone must be, too.
    orders = ((seed, np.random.default_rng(seed)) for seed in range(20))
    seed = next(seed for seed, order in orders if 0 in task().held(drawn(), params=stopping, order=order))
    training = PARAMS.training.model_copy(update={"early_stopping": stopping, "epochs": 1})
    assert fitted(seed=seed, params=PARAMS.model_copy(update={"training": training}))[0].n_validation_patients == 3


def trainer(network, *, params=PARAMS):
    return Trainer(
        network,
        params=params.training,
        strengths=params.augmentation,
        normalise="image",
        device=CPU,
        task=task(params=params),
    )


def fitted(*, seed=1, params=PARAMS, state=None, name="trfe"):
    with reproducible(seed=seed, threads=1, device=CPU):
        made = trainer(build_mask_network(name, params=params.network), params=params)
        record = made.fit(drawn(), forbidden=frozenset(), seed=seed, state=state)
    return record, made.weights()


def same(one, other):
    return one[0] == other[0] and all(torch.equal(value, other[1][name]) for name, value in one[1].items())


@pytest.mark.parametrize("schedule", ["constant", "trfe_published"])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(schedule, tmp_path, monkeypatch):
    training = {"epochs": 3, "schedule": schedule, "optimiser": "sgd"}
    monkeypatch.setattr("pipeline.training.trainer.PUBLISHED_EPOCHS", 2)
    params = segment_params(training=training, augmentation={"noise_sd": 0.05})
    whole, save = fitted(params=params), TrainingState.save

    def save_and_stop(self, content):
        save(self, content)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrainingState, "save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            fitted(params=params, state=TrainingState(tmp_path / "a.epoch", every_s=0))

    assert same(fitted(params=params, state=TrainingState(tmp_path / "a.epoch")), whole)


def test_a_new_optimiser_forgets_its_momentum(monkeypatch):
    params = segment_params(training={"epochs": 3, "schedule": "trfe_published", "optimiser": "sgd"})
    often = fitted(params=params)
    monkeypatch.setattr("pipeline.training.trainer.PUBLISHED_EPOCHS", 2)

    assert not same(fitted(params=params), often)


def test_a_forbidden_group_is_refused_whether_lesion_or_gland():
    for group in ("G1", "B3"):
        with pytest.raises(AssertionError, match="leak"):
            trainer(build_mask_network("trfe", params=PARAMS.network)).fit(
                drawn(), forbidden=frozenset({group}), seed=1
            )


def test_each_image_teaches_what_it_has():
    examples, made = drawn(), task()
    for rows in (np.array([1, 2]), np.array([8, 9])):  # two with a lesion, two with a gland
        network = build_mask_network("mtnet", params=PARAMS.network)
        encoder = Encoder(network=network, normalise="image", device=CPU, batch_size=4)
        planes = torch.from_numpy(examples.pixels[rows]).float() / 255
        step = Step(
            network=network,
            shared=network,
            encoder=encoder,
            examples=examples,
            rows=rows,
            planes=planes,
            stage=None,
            mixed_precision=False,
            ratio=1.0,
            remaining=1.0,
        )
        made.loss(step).backward()
        norms = {name: 0.0 if p.grad is None else float(p.grad.norm()) for name, p in network.named_parameters()}
        of_gland = sum(value for name, value in norms.items() if "gland" in name)
        of_nodule = sum(value for name, value in norms.items() if "nodule" in name)
        assert (of_nodule > 0) == (rows[0] == 1)
        assert (of_gland > 0) == (rows[0] == 8)


def test_the_validation_loss_is_without_augmentation():
    rows, found = np.array([1, 2, 3]), task()
    encoder = Encoder(
        network=build_mask_network("unet", params=PARAMS.network), normalise="image", device=CPU, batch_size=2
    )
    one, other = (float(found.validation_loss(encoder, drawn(), rows, 1.0)) for _ in range(2))

    assert one == other
    assert 0.5 < one < 3
    assert found.augmentation(NO_CHANGE) is not None


def test_errors_name_the_file_of_the_settings():
    params = PARAMS.model_copy(update={"training": PARAMS.training.model_copy(update={"learning_rate": 1.0})})
    network = build_mask_network("unet", params=params.network)
    with torch.no_grad():
        next(network.parameters()).fill_(torch.nan)

    with pytest.raises(PipelineError, match=r"training.gradient_clip_norm in params/segment.yaml$"):
        trainer(network, params=params).fit(drawn(), forbidden=frozenset(), seed=1)
