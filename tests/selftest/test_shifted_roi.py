"""selftests.shifted_roi: the moved outline has the same shape, lies beside the lesion and inside the image."""

import numpy as np
import pandas as pd
import pytest
from places import ROOT

from pipeline.foundation.params import load_params
from pipeline.radiomics.features import RadiomicsParams
from pipeline.selftest.shifted_roi import drawn_cases, original_settings, shifted, shifted_check


def disc(shape=(60, 70), centre=(20, 25), radius=8):
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def test_same_shape_beside_the_lesion():
    mask = disc()
    moved = shifted(mask, random=np.random.default_rng(1))

    assert moved.sum() == mask.sum()
    assert not (moved & mask).any()
    rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
    original = mask[np.ix_(mask.any(axis=1), mask.any(axis=0))]
    assert np.array_equal(moved[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], original)


def test_volumes_move_within_their_slices():
    mask = np.zeros((4, 40, 40), dtype=bool)
    mask[1:3] = disc((40, 40), (12, 12), 6)
    moved = shifted(mask, random=np.random.default_rng(2))

    assert np.array_equal(moved.any(axis=(1, 2)), mask.any(axis=(1, 2)))
    assert not (moved & mask).any()


def test_a_lesion_that_fills_the_image_has_no_place():
    assert shifted(disc((20, 20), (10, 10), 9), random=np.random.default_rng(1)) is None


def test_it_is_the_same_place_every_time():
    first, second = (shifted(disc(), random=np.random.default_rng(4)) for _ in range(2))

    assert np.array_equal(first, second)


def test_settings_have_no_filters_and_no_shape():
    params = load_params(ROOT / "params" / "radiomics.yaml", RadiomicsParams)
    settings = original_settings(params).settings

    assert settings["imageType"] == {"Original": {}}
    assert "glcm" in settings["featureClass"]
    assert not any(name.startswith("shape") for name in settings["featureClass"])


def test_one_image_of_each_training_patient():
    cohort = pd.DataFrame(
        {
            "image_id": ["a2", "a1", "b1", "c1", "d1"],
            "patient_id": ["a", "a", "b", "c", "d"],
            "view": "main",
            "mask": ["m", "m", "m", None, "m"],
        }
    )
    drawn = drawn_cases(cohort, training={"a", "b", "c"}, limit=10, seed=1)

    assert list(drawn["image_id"]) == ["a1", "b1"]
    assert len(drawn_cases(cohort, training={"a", "b", "d"}, limit=2, seed=1)) == 2


@pytest.mark.parametrize(
    ("auc", "interval", "real", "light"),
    [
        (0.55, (0.42, 0.68), 0.9, "green"),
        (0.70, (0.60, 0.80), 0.9, "green"),  # something, but the lesion says clearly more
        (0.85, (0.75, 0.95), 0.88, "amber"),
        (1.0, (float("nan"), float("nan")), 1.0, "amber"),  # every fold is perfect: no interval, and no doubt
        (float("nan"), (float("nan"), float("nan")), 0.9, "grey"),
    ],
)
def test_lights(auc, interval, real, light):
    assert shifted_check(auc, interval=interval, real=real, n_images=30, n_without=0).light == light
