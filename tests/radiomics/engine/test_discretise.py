"""discretise: the levels of PyRadiomics' binImage, voxel by voxel."""

import numpy as np
import pytest
from radiomics.imageoperations import binImage

from pipeline.radiomics.engine.discretise import levels_of

DRAW = np.random.default_rng(3)
VALUES = {
    "normal": DRAW.normal(size=500) * 100,
    "small": DRAW.random(300) * 1e-3,
    "large": DRAW.random(300) * 1e9,
    "float32": (DRAW.normal(size=300) * 50).astype(np.float32),
    "whole numbers": DRAW.integers(-60, 200, 300),
    "on the edges": np.arange(-4.0, 5.0) * 25,
    "flat on an edge": np.full(5, 50.0),
    "flat": np.full(5, 13.7),
    "one voxel": np.array([-2.5]),
}


@pytest.mark.parametrize(
    "rule", [{"binCount": 1}, {"binCount": 2}, {"binCount": 32}, {"binWidth": 25}, {"binWidth": 0.1}]
)
@pytest.mark.parametrize("name", VALUES)
def test_levels_are_those_of_pyradiomics(name, rule):
    values = VALUES[name]
    if "binWidth" in rule and np.ptp(values) > 1e6:
        rule = {"binWidth": 1e7}
    expected = binImage(values, np.ones(values.shape, dtype=bool), **rule)[0]
    found = levels_of(values, bin_width=rule.get("binWidth"), bin_count=rule.get("binCount"))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


def test_the_maximum_is_in_the_last_bin_and_a_width_starts_a_new_one():
    assert levels_of(np.array([0.0, 4.9, 5.0, 10.0]), bin_width=None, bin_count=2).tolist() == [1, 1, 2, 2]
    assert levels_of(np.array([30.0, 49.9, 50.0, 75.0]), bin_width=25, bin_count=None).tolist() == [1, 1, 2, 3]


def test_what_cannot_be_discretised_is_refused():
    with pytest.raises(ValueError, match="values is empty"):
        levels_of(np.array([]), bin_width=1, bin_count=None)
    with pytest.raises(ValueError, match="one of them is required"):
        levels_of(np.array([1.0]), bin_width=None, bin_count=None)
