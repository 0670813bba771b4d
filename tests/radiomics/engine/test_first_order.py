"""first_order: equal to PyRadiomics' class, in its order."""

import numpy as np
import pytest
from texture_oracle import by_pyradiomics, differing

from pipeline.radiomics.engine.discretise import levels_of
from pipeline.radiomics.engine.first_order import NAMES, first_order, percentiles, values_at

DRAW = np.random.default_rng(11)
VALUES = {
    "normal": DRAW.normal(size=1001) * 40 + 3,
    "skewed": np.exp(DRAW.normal(size=700) * 3),
    "whole numbers": DRAW.integers(0, 9, 331).astype(float),
    "three": np.array([1.0, 2.0, 9.0]),
    "two": np.array([1.0, 4.5]),
    "flat": np.full(8, 3.0),
    "one": np.array([7.0]),
}


@pytest.mark.parametrize("array_shift", [0, 2000])
@pytest.mark.parametrize("name", VALUES)
def test_values_are_those_of_pyradiomics(name, array_shift):
    values = VALUES[name]
    levels = levels_of(values, bin_width=5, bin_count=None)
    ours = first_order(values, levels=levels, voxel_volume_mm3=1.0, array_shift=array_shift)
    theirs = by_pyradiomics(
        "firstorder", values[None], np.ones((1, values.size)), binWidth=5, voxelArrayShift=array_shift
    )
    assert differing("firstorder", ours, theirs) == {}


def test_the_volume_enters_total_energy_only_and_names_are_obeyed():
    values, levels = np.array([1.0, 2.0, 3.0]), np.array([1, 2, 3], dtype=np.int32)
    names = ("TotalEnergy", "StandardDeviation", "Energy")
    found = first_order(values, levels=levels, voxel_volume_mm3=0.5, array_shift=0, names=names)
    assert found == pytest.approx({"TotalEnergy": 7.0, "StandardDeviation": (2 / 3) ** 0.5, "Energy": 14.0})
    assert list(found) == list(names)
    assert "StandardDeviation" not in NAMES


def test_a_flat_roi_has_neither_skewness_nor_kurtosis():
    values = np.full(5, 0.1)  # its mean is not 0.1 but for rounding
    found = first_order(values, levels=np.ones(5, dtype=np.int32), voxel_volume_mm3=1, array_shift=0)
    assert {name for name, value in found.items() if np.isnan(value)} == {"Skewness", "Kurtosis"}


@pytest.mark.parametrize("n", [1, 2, 11, 31, 100, 331, 30_000])
def test_percentiles_are_bit_for_bit_those_of_numpy(n):
    x = np.random.default_rng(n).normal(size=n)
    assert percentiles(x, (0.1, 0.25, 0.5, 0.9)) == np.percentile(x, [10, 25, 50, 90]).tolist()


def test_an_empty_roi_and_an_unknown_name_are_refused():
    with pytest.raises(ValueError, match="at least 1 voxel"):
        first_order(np.array([]), levels=np.array([], dtype=np.int32), voxel_volume_mm3=1, array_shift=0)
    with pytest.raises(ValueError, match="firstorder has no feature Mode"):
        first_order(np.ones(2), levels=np.ones(2, dtype=np.int32), voxel_volume_mm3=1, array_shift=0, names=("Mode",))


@pytest.mark.parametrize("kind", ["normal", "skewed", "equal", "huge"])
def test_values_are_found_without_sorting_all(kind):
    x = np.random.default_rng(2).normal(size=40_000)
    x = {"normal": x, "skewed": np.exp(9 * x), "equal": np.full_like(x, 2.0), "huge": x * 4e307}[kind]
    positions = np.array([0, 1, 20_000, 39_998, 39_999, 20_000])
    assert values_at(x, positions).tolist() == np.sort(x)[positions].tolist()
