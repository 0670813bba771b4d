"""Features outside the usual range: fractions by hand, views, halves, and limits from held-out patients."""

import numpy as np
import pandas as pd
import pytest

from pipeline.foundation.errors import PipelineError
from pipeline.predict.outside_range import (
    BlockRanges,
    Ranges,
    fit_ranges,
    fractions_of,
    fractions_outside,
    held_out_fractions,
    ranges_of,
)
from pipeline.reduce.blocks import Block

N = 120
IDS = [f"p{number:03d}" for number in range(N)]
RANGES = Ranges(block="one", part="all", features=("a", "b"), low=(0.0, 0.0), high=(1.0, 1.0))


def block(frame, *, name="radiomics", indicators=()):
    return Block(name=name, kind="radiomics", indicators=indicators, frame=lambda _resample, _part: frame)


def features(p=100, seed=0):
    values = np.random.default_rng(seed).normal(size=(N, p))
    return pd.DataFrame(values, index=IDS, columns=[f"f{number:03d}" for number in range(p)])


def splits(*, halves=False):
    rows = []
    for resample, fold in (("cv-1-1", 0), ("cv-1-2", 1), ("cv-1-3", 2), ("final", None)):
        for number, patient in enumerate(IDS):
            role = "cv" if number % 3 == fold else "train"
            rows.append((resample, patient, role, "ab"[number // 3 % 2] if halves and role == "train" else None))
    return pd.DataFrame(rows, columns=["resample", "patient_id", "role", "half"])


def test_fractions_by_hand():
    frame = pd.DataFrame({"a": [0.5, 2.0, np.nan, np.nan], "b": [1.0, 0.5, -1.0, np.nan]})

    assert fractions_outside(RANGES, frame).fillna(-1).to_list() == [0.0, 0.5, 1.0, -1.0]


def test_the_usual_range_reaches_twice_as_far_as_the_percentiles():
    frame = pd.DataFrame({"even": np.arange(101.0), "flag": (np.arange(101) == 3) * 1.0})
    found = ranges_of(frame, block=block(frame), part="all")

    assert (found.low[0], found.high[0]) == pytest.approx((50 - 2 * 45, 50 + 2 * 45))
    assert (found.low[1], found.high[1]) == (0.0, 1.0)  # percentiles equal to the median: lowest and highest


def test_quantiles_ignore_missing_values():
    values = features(5)
    holes = values.mask(np.random.default_rng(1).random(values.shape) < 0.3)
    found = ranges_of(holes, block=block(holes), part="all")

    expected = holes.quantile([0.05, 0.5, 0.95])
    low = expected.loc[0.5] - 2 * (expected.loc[0.5] - expected.loc[0.05])
    assert found.low == pytest.approx(low.to_list())


def test_a_view_of_few_patients_and_indicators_are_not_kept():
    frame = features(2).assign(**{"rare@trans": [1.0, 2.0] + [np.nan] * (N - 2), "missing@trans": 1.0})

    found = ranges_of(frame, block=block(frame, indicators=("missing@trans",)), part="all")
    assert found.features == ("f000", "f001")


def test_new_patients_are_flagged_at_about_the_nominal_rate_and_other_features_are():
    # Half of the spread of all features is common: a patient far out is so in many features at once.
    rates = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        frame = features(seed=seed) + random.normal(size=(N, 1))
        found = fit_ranges([block(frame)], splits=splits(), parts=["all"])
        new = pd.DataFrame(random.normal(size=(400, 100)) + random.normal(size=(400, 1)), columns=frame.columns)
        limits, far = found.limits["radiomics"], new.head(20) * 4
        usual, wrong = (fractions_of(found, {("radiomics", "all"): one})["fraction"] for one in (new, far))
        rates.append(
            [np.mean(usual > limits.unusual), np.mean(usual > limits.outside), np.mean(wrong > limits.outside)]
        )

    unusual, outside, wrong = np.mean(rates, axis=0)
    assert unusual == pytest.approx(0.05, abs=0.025)
    assert outside == pytest.approx(0.01, abs=0.01)
    assert wrong > 0.8


def test_a_part_is_fitted_on_the_half_that_its_network_was_not_trained_on():
    frame = pd.DataFrame({"f": [float(number // 3 % 2) for number in range(N)]}, index=IDS)  # the half itself

    found = fit_ranges([block(frame)], splits=splits(halves=True), parts=["a", "b"])
    assert [(one.part, one.low, one.high) for one in found.ranges] == [("a", (1.0,), (1.0,)), ("b", (0.0,), (0.0,))]


def test_held_out_rows_do_not_widen_their_own_range():
    frame = features(1)
    frame.iloc[::3] = 1e6  # those held out in cv-1-1

    found = held_out_fractions(block(frame), splits=splits(), parts=["all"])
    assert found["cv-1-1"].to_list() == [1.0] * (N // 3)
    assert len(found) == N


def test_the_clinical_block_is_not_among_them():
    found = fit_ranges([block(features(3), name="clinical")], splits=splits(), parts=["all"])

    assert found == BlockRanges(ranges=(), limits={})
    assert fractions_of(found, {}).empty


def test_missing_blocks_and_features_are_refused():
    references = BlockRanges(ranges=(RANGES,), limits={})

    with pytest.raises(PipelineError, match="block one, part all: its raw features are missing"):
        fractions_of(references, {})
    with pytest.raises(PipelineError, match="1 of 2 features are missing, first b"):
        fractions_of(references, {("one", "all"): pd.DataFrame({"a": [1.0]})})


@pytest.mark.parametrize(
    ("changes", "words"), [({"low": (0.0,)}, "differ in number"), ({"low": (0.0, 2.0)}, "is above its highest")]
)
def test_wrong_shapes_are_refused(changes, words):
    with pytest.raises(PipelineError, match=words):
        Ranges.from_json(RANGES.model_copy(update=changes).to_json())
