"""Progressive learning: the published sizes, properties of the schedule, and what is refused."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.networks.progressive import ProgressiveParams, stage_numbers_end, stage_of

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


def test_fewer_steps_than_stages_skip_stages_but_never_the_last():
    assert stage_numbers_end(3, stages=4) == [0, 1, 2, 3]
    assert [stage.number for stage in stages_of(PUBLISHED, steps=3)] == [1, 2, 3]
    assert [stage.number for stage in stages_of(PUBLISHED, steps=1)] == [3]


def test_one_stage_has_the_last_values():
    stage = stage_of(0, steps=5, target_px=300, params=PUBLISHED.model_copy(update={"stages": 1}))

    assert (stage.number, stage.size_px, stage.magnitude, stage.mixup_alpha, stage.dropout) == (0, 300, 1.0, 0.3, 0.3)


def test_without_params_nothing_is_scheduled():
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
    with pytest.raises(ValueError, match=r"target_px \(51\) gives stage 0 images of 31 px; 32 is the minimum"):
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
