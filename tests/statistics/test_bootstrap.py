"""Bootstrap samples of patients: their sizes, their seed, and intervals with a known answer."""

import numpy as np
import pytest

from pipeline.statistics import bootstrap
from pipeline.statistics.bootstrap import bootstrap_intervals, mean_intervals, percentile_interval, stratified_counts

LABELS = np.arange(30) < 12


def test_each_sample_has_the_sizes_of_the_classes():
    counts = np.concatenate(list(stratified_counts(LABELS, replicates=50, seed=1)))

    assert counts.shape == (50, 30)
    assert (counts[:, LABELS].sum(axis=1) == 12).all()
    assert (counts[:, ~LABELS].sum(axis=1) == 18).all()
    # A patient is drawn once on average, and is absent from about exp(-1) of the samples.
    assert counts.mean() == 1
    assert (counts == 0).mean() == pytest.approx((1 - 1 / 12) ** 12 * 0.4 + (1 - 1 / 18) ** 18 * 0.6, abs=0.03)


def test_the_samples_depend_on_the_seed_alone():
    one, same, other = (np.concatenate(list(stratified_counts(LABELS, replicates=20, seed=seed))) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_many_patients_come_in_blocks(monkeypatch):
    monkeypatch.setattr(bootstrap, "CELLS", 300)
    blocks = [len(block) for block in stratified_counts(LABELS, replicates=25, seed=1)]

    assert blocks == [10, 10, 5]


def test_interval_of_a_mean_is_about_that_of_the_normal():
    # The mean of the events (values 0 … 11) has the SD sqrt(143 / 12) / sqrt(12).
    values = np.where(LABELS, np.arange(30), 0.0)
    found = bootstrap_intervals(lambda counts: {"mean": counts @ values / 12}, labels=LABELS, replicates=4000, seed=3)[
        "mean"
    ]

    assert found == pytest.approx((5.5 - 1.96 * 0.9965, 5.5 + 1.96 * 0.9965), abs=0.1)


def test_undefined_samples_are_excluded_and_constant_values_have_no_interval():
    assert percentile_interval([np.nan, *np.arange(101)]) == pytest.approx((2.5, 97.5))
    assert percentile_interval(np.arange(101), level=0.9) == pytest.approx((5, 95))
    assert np.isnan(percentile_interval([np.nan, np.nan])).all()
    assert np.isnan(percentile_interval([1.0, 1.0])).all()


def test_no_replicates_give_no_intervals():
    assert bootstrap_intervals(lambda counts: {"n": counts.sum(axis=1)}, labels=LABELS, replicates=0, seed=1) == {}


def test_means_of_columns_have_the_intervals_of_each_mean():
    values = np.random.default_rng(4).normal(size=(30, 3))
    together = mean_intervals(values, labels=LABELS, replicates=300, seed=5)
    shared = {"labels": LABELS, "replicates": 300, "seed": 5}
    alone = [bootstrap_intervals(lambda counts, v=v: {"m": counts @ v / 30}, **shared)["m"] for v in values.T]

    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-12)
    # The mean of a value that is constant within each class does not vary: the classes keep their sizes.
    assert np.isnan(mean_intervals(LABELS[:, np.newaxis], **shared)).all()
    assert np.isnan(mean_intervals(values, labels=LABELS, replicates=0, seed=5)).all()
