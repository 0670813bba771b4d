"""Loading training images: augmented by seed, step and position alone, each process loads its share of a batch."""

from functools import partial

import numpy as np
import torch
from tiny_study import NO_CHANGE, cohort

from pipeline.networks.progressive import ProgressiveParams, stage_of
from pipeline.training.batches import Examples
from pipeline.training.loader import TrainingImages, TrainingLoader

STRENGTHS = NO_CHANGE.model_copy(update={"rotation_deg": 20, "noise_sd": 0.05, "flip": 0.5})
EXAMPLES = cohort().examples(np.arange(48))
BATCHES = [np.array([3, 1, 4]), np.array([1, 5, 9])]
GROWING = ProgressiveParams(stages=2, magnitude=(0, 10), mixup_alpha=(0, 0), dropout=(0, 0))


def images(*, strengths=STRENGTHS, seed=1, params=None, examples=EXAMPLES):
    stage_at = partial(stage_of, steps=2, target_px=64 if params else 32, params=params)
    return TrainingImages(examples, strengths=strengths, stage_at=stage_at, seed=seed)


def loaded(*, processes=0, rank=0, size=1, **given):
    loader = TrainingLoader(images(**given), processes=processes, pinned=False)
    return list(loader.load(BATCHES, first_step=0, rank=rank, size=size))


def test_without_strengths_they_are_the_images():
    rows, grey = loaded(strengths=NO_CHANGE)[0]

    assert rows.tolist() == [3, 1, 4]
    assert torch.equal(grey, torch.from_numpy(EXAMPLES.pixels[[3, 1, 4]]).float() / 255)


def test_augmentation_of_an_image_differs_by_step_position_and_seed():
    made, other = images(), images(seed=2)

    assert torch.equal(made[1, 0, 0], made[1, 0, 0])
    assert not torch.equal(made[1, 0, 0], made[1, 1, 0])
    assert not torch.equal(made[1, 0, 0], made[1, 0, 1])
    assert not torch.equal(made[1, 0, 0], other[1, 0, 0])


def test_the_generator_of_the_network_is_not_used():
    state = torch.random.get_rng_state()
    loaded()

    assert torch.equal(torch.random.get_rng_state(), state)


def test_loader_processes_and_shares_give_the_same_images():
    whole = loaded()
    for (rows, grey), (other_rows, other) in zip(whole, loaded(processes=2), strict=True):
        assert rows.tolist() == other_rows.tolist()
        assert torch.equal(grey, other)
    first, second = loaded(rank=0, size=2), loaded(rank=1, size=2)

    assert [rows.tolist() for rows, _ in first] == [[3, 4], [1, 9]]
    assert [rows.tolist() for rows, _ in second] == [[1], [5]]
    assert torch.equal(first[0][1], whole[0][1][0::2])
    assert torch.equal(second[1][1], whole[1][1][1::2])


def test_a_loader_is_used_for_many_epochs():
    loader = TrainingLoader(images(), processes=1, pinned=False)
    first = [grey for _, grey in loader.load(BATCHES, first_step=0, rank=0, size=1)]
    second = [grey for _, grey in loader.load(BATCHES[:1], first_step=0, rank=0, size=1)]

    assert len(first) == 2
    assert len(second) == 1
    assert torch.equal(first[0], second[0])


def test_stages_set_size_and_strength():
    (_, small), (_, large) = loaded(params=GROWING)

    assert small.shape == (3, 1, 48, 48)
    assert large.shape == (3, 1, 64, 64)
    again = loaded(params=GROWING, seed=5)
    # Magnitude 0 keeps only the flip, magnitude 10 has all: each image of the first step is one of two.
    assert all(
        torch.equal(one, two) or torch.equal(one, two.flip(-1)) for one, two in zip(small, again[0][1], strict=True)
    )
    assert not torch.equal(large, again[1][1])


def test_each_view_is_augmented_on_its_own():
    pixels = np.stack([EXAMPLES.pixels[:3], EXAMPLES.pixels[:3]], axis=1)  # both views are the same image
    pairs = Examples(
        pixels=pixels,
        labels=EXAMPLES.labels[:3],
        patients=EXAMPLES.patients[:3],
        groups=EXAMPLES.groups[:3],
        present=np.ones((3, 2), dtype=bool),
    )
    found = images(examples=pairs)[0, 0, 0]

    assert found.shape == (2, 1, 32, 32)
    assert not torch.equal(found[0], found[1])
