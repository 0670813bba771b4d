"""Progressive learning: the published sizes, laws of the schedule, mixup by hand, and what is refused."""

from collections import Counter
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from pipeline.networks.inputs import resized
from pipeline.networks.progressive import ProgressiveParams, stage_numbers_end, stage_of
from pipeline.training.augmentation import mixed
from pipeline.training.trainer import set_dropout

PUBLISHED = ProgressiveParams(stages=4, magnitude=(5, 10), mixup_alpha=(0, 0.3), dropout=(0.0, 0.3))
SIZES = st.integers(64, 1024)  # half of the target is 32 px or more
STAGES = st.integers(1, 20)


def rising(highest):
    return st.tuples(st.floats(0, highest), st.floats(0, highest)).map(lambda pair: tuple(sorted(pair)))


GROWING = st.builds(
    ProgressiveParams, stages=STAGES, magnitude=rising(10), mixup_alpha=rising(10), dropout=rising(0.99)
)


def stages_of(params, *, steps, target_px=300):
    return [stage_of(step, steps=steps, target_px=target_px, params=params) for step in range(steps)]


def test_four_stages_as_published():
    found = stages_of(PUBLISHED, steps=4)

    assert [stage.number for stage in found] == [0, 1, 2, 3]
    assert [stage.size_px for stage in found] == [187, 225, 262, 300]
    assert [stage.magnitude for stage in found] == pytest.approx([5 / 10, 20 / 30, 25 / 30, 1])
    assert [stage.mixup_alpha for stage in found] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [stage.dropout for stage in found] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_stages_end_where_the_steps_divide_best():
    assert stage_numbers_end(10, stages=4) == [2, 5, 7, 10]
    assert [stage.number for stage in stages_of(PUBLISHED, steps=10)] == [0, 0, 1, 1, 1, 2, 2, 3, 3, 3]


def test_fewer_steps_than_stages_leave_stages_out_and_never_the_last():
    assert stage_numbers_end(3, stages=4) == [0, 1, 2, 3]
    assert [stage.number for stage in stages_of(PUBLISHED, steps=3)] == [1, 2, 3]
    assert [stage.number for stage in stages_of(PUBLISHED, steps=1)] == [3]


def test_one_stage_has_the_last_values():
    stage = stage_of(0, steps=5, target_px=300, params=PUBLISHED.model_copy(update={"stages": 1}))

    assert (stage.number, stage.size_px, stage.magnitude, stage.mixup_alpha, stage.dropout) == (0, 300, 1.0, 0.3, 0.3)


def test_without_params_nothing_grows():
    stage = stage_of(3, steps=5, target_px=224, params=None)

    assert (stage.number, stage.size_px, stage.magnitude, stage.mixup_alpha, stage.dropout) == (0, 224, 1.0, 0.0, None)


@given(steps=st.integers(1, 10**9), stages=STAGES)
def test_stages_share_all_steps_evenly(steps, stages):
    ends = stage_numbers_end(steps, stages=stages)
    lengths = [end - start for start, end in zip([0, *ends], ends, strict=False)]

    assert (len(ends), ends[-1], sum(lengths)) == (stages, steps, steps)
    assert min(lengths) >= 0
    assert max(lengths) - min(lengths) <= 1


@given(params=GROWING, steps=st.integers(1, 60), target_px=SIZES)
def test_nothing_falls_and_the_last_step_has_the_last_values(params, steps, target_px):
    found = stages_of(params, steps=steps, target_px=target_px)
    last = found[-1]

    for name in ("number", "size_px", "magnitude", "mixup_alpha", "dropout"):
        values = [getattr(stage, name) for stage in found]
        assert values == pytest.approx(sorted(values), abs=1e-12), name
    assert (last.number, last.size_px) == (params.stages - 1, target_px)
    assert last.magnitude == pytest.approx(params.magnitude[1] / 10)
    assert (last.mixup_alpha, last.dropout) == pytest.approx((params.mixup_alpha[1], params.dropout[1]))


@given(stages=STAGES, steps=st.integers(1, 200))
def test_every_step_lies_before_the_end_of_its_stage_and_after_the_one_before(stages, steps):
    params = PUBLISHED.model_copy(update={"stages": stages})
    found = Counter(stage.number for stage in stages_of(params, steps=steps))
    ends = stage_numbers_end(steps, stages=stages)

    assert [found[number] for number in range(stages)] == [
        end - start for start, end in zip([0, *ends], ends, strict=False)
    ]


@given(stages=STAGES, target_px=SIZES)
def test_size_is_the_formula_in_exact_numbers(stages, target_px):
    params = PUBLISHED.model_copy(update={"stages": stages})
    base = Fraction(target_px, 2)

    for step in range(stages):
        expected = int(base + (target_px - base) * Fraction(step + 1, stages))
        assert stage_of(step, steps=stages, target_px=target_px, params=params).size_px == expected


def test_images_too_small_for_a_stage_are_refused():
    assert stage_of(0, steps=4, target_px=52, params=PUBLISHED).size_px == 32
    with pytest.raises(ValueError, match=r"target_px \(51\) gives stage 0 images of 31 px; 32 is the least"):
        stage_of(0, steps=4, target_px=51, params=PUBLISHED)


@pytest.mark.parametrize("name", ["magnitude", "mixup_alpha", "dropout"])
def test_a_falling_value_is_refused(name):
    with pytest.raises(ValidationError, match=r"must not fall from the first stage to the last; write \[0.1, 0.5\]"):
        ProgressiveParams.model_validate(PUBLISHED.model_dump() | {name: (0.5, 0.1)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stages", 0),
        ("stages", 21),
        ("magnitude", (-1, 5)),
        ("magnitude", (5, 10.1)),
        ("mixup_alpha", (0, 11)),
        ("mixup_alpha", (0, float("nan"))),
        ("dropout", (-0.1, 0.3)),
        ("dropout", (0.1, 1.0)),
        ("dropout", (0.1, 0.2, 0.3)),
    ],
)
def test_a_value_out_of_range_is_refused(name, value):
    with pytest.raises(ValidationError, match=name):
        ProgressiveParams.model_validate(PUBLISHED.model_dump() | {name: value})


def test_mixup_by_hand():
    pixels = torch.tensor([0.0, 10.0, 30.0]).view(3, 1, 1, 1).expand(3, 1, 2, 2)
    torch.manual_seed(3)
    share = float(torch.distributions.Beta(torch.tensor([0.4]), torch.tensor([0.4])).sample())
    torch.manual_seed(3)
    found, labels = mixed(pixels, torch.tensor([0.0, 1.0, 1.0]), alpha=0.4)

    assert 0.01 < share < 0.99
    assert found[:, 0, 0, 0].tolist() == pytest.approx(
        [30 * (1 - share), 10 * share, 30 * share + 10 * (1 - share)], rel=1e-5
    )
    assert labels.tolist() == pytest.approx([1 - share, share, 1.0], rel=1e-5)
    assert found.shape == pixels.shape


@given(alpha=st.floats(0.01, 10), seed=st.integers(0, 2**31), events=st.lists(st.floats(0, 1, width=32), min_size=1))
def test_mixup_keeps_the_mean_and_the_range(alpha, seed, events):
    labels = torch.tensor(events)
    pixels = labels.view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    torch.manual_seed(seed)
    found, soft = mixed(pixels, labels, alpha=alpha)

    assert soft.dtype == labels.dtype
    assert 0 <= float(soft.min()) <= float(soft.max()) <= 1
    torch.testing.assert_close(soft, found[:, 0, 1, 1])  # what is an image's share is its label's
    torch.testing.assert_close(soft.sum(), labels.sum(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 1e-300, 0.0099])
def test_no_mixup_changes_and_draws_nothing(alpha):
    pixels, labels = torch.rand(3, 1, 4, 4), torch.tensor([0.0, 1.0, 1.0])
    before = torch.get_rng_state()
    found = mixed(pixels, labels, alpha=alpha)

    assert found[0] is pixels
    assert found[1] is labels
    assert torch.equal(torch.get_rng_state(), before)


def test_least_mixup_leaves_nearly_all_images_as_they_are():
    torch.manual_seed(0)
    pixels, labels = torch.zeros(2, 1, 1, 1), torch.tensor([0.0, 1.0])
    shares = torch.stack([mixed(pixels, labels, alpha=0.01)[1][1] for _ in range(500)])

    at_half = ((shares > 0.4) & (shares < 0.6)).float().mean()
    assert at_half < 0.02


def test_dropout_is_set_wherever_it_is():
    network = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)))
    set_dropout(network, rate=None)
    assert (network[0].p, network[1][1].p) == (0.5, 0.1)

    set_dropout(network, rate=0.0)
    assert (network[0].p, network[1][1].p) == (0.0, 0.0)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 1, 8, 8), (2, 2, 3, 8, 8)])
def test_resized_keeps_what_is_constant_and_every_other_axis(shape):
    same, smaller = torch.rand(shape), resized(torch.full(shape, 0.25), size_px=5)

    assert resized(same, size_px=8) is same
    torch.testing.assert_close(smaller, torch.full((*shape[:-2], 5, 5), 0.25))


def test_halving_weighs_neighbours_by_their_distance():
    image = torch.tensor([0.0, 0, 1, 0, 0, 0, 0, 0]).expand(1, 8, 8)

    # A triangle about the middle of two pixels weighs four pixels 1, 3, 3, 1; the edge cuts the first one off.
    assert resized(image, size_px=4)[0, 0].tolist() == pytest.approx([1 / 7, 3 / 8, 0, 0])


def test_each_image_of_a_batch_is_resized_alike():
    batch = torch.rand(2, 3, 9, 9)

    torch.testing.assert_close(resized(batch, size_px=6)[1], resized(batch[1], size_px=6))
