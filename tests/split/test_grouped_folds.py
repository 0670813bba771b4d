"""Dealing groups into folds and drawing them: by hand, and the properties that hold for any cohort."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.split.grouped_folds import deal_groups, draw_groups

rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 15)), min_size=1, max_size=60)


def arrays(pairs):
    return np.array([label for label, _ in pairs]), np.array([f"g{group:02d}" for _, group in pairs])


def single(labels):
    return np.asarray(labels), np.array([f"p{place:03d}" for place in range(len(labels))])


@given(pairs=rows, folds=st.integers(2, 6), seed=st.integers(0, 99))
def test_a_group_is_never_split(pairs, folds, seed):
    labels, groups = arrays(pairs)
    fold = deal_groups(labels, groups, folds=folds, generator=np.random.default_rng(seed))

    assert ((fold >= 0) & (fold < folds)).all()
    assert all(len(set(fold[groups == name])) == 1 for name in set(groups))


@given(labels=st.lists(st.integers(0, 1), min_size=1, max_size=80), folds=st.integers(2, 6), seed=st.integers(0, 99))
def test_single_patients_are_balanced_to_within_one(labels, folds, seed):
    values, groups = single(labels)
    fold = deal_groups(values, groups, folds=folds, generator=np.random.default_rng(seed))

    for label in (0, 1):
        counts = np.bincount(fold[values == label], minlength=folds)
        assert counts.max() - counts.min() <= 1
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= 1


@settings(max_examples=25)
@given(pairs=rows, seed=st.integers(0, 99))
def test_order_of_the_rows_does_not_matter(pairs, seed):
    labels, groups = arrays(pairs)
    fold = deal_groups(labels, groups, folds=3, generator=np.random.default_rng(seed))
    reversed_fold = deal_groups(labels[::-1], groups[::-1], folds=3, generator=np.random.default_rng(seed))

    assert (reversed_fold[::-1] == fold).all()


def test_a_large_group_counts_with_all_its_patients():
    labels = np.array([1, 1, 1, 1, 1, 1])
    groups = np.array(["big", "big", "big", "x", "y", "z"])
    fold = deal_groups(labels, groups, folds=2, generator=np.random.default_rng(0))

    assert np.bincount(fold).tolist() == [3, 3]


def test_draw_takes_the_fraction_of_each_class():
    labels, groups = single([1] * 20 + [0] * 60)
    drawn = draw_groups(labels, groups, fraction=0.25, generator=np.random.default_rng(1))

    assert labels[drawn].sum() == 5
    assert drawn.sum() == 20


def test_draw_of_nothing():
    labels, groups = single([1, 0, 1, 0])

    assert not draw_groups(labels, groups, fraction=0, generator=np.random.default_rng(1)).any()


@given(pairs=rows, fraction=st.floats(0, 0.5), seed=st.integers(0, 99))
def test_draw_keeps_groups_whole_and_never_exceeds_the_fraction(pairs, fraction, seed):
    labels, groups = arrays(pairs)
    drawn = draw_groups(labels, groups, fraction=fraction, generator=np.random.default_rng(seed))

    assert all(len(set(drawn[groups == name])) == 1 for name in set(groups))
    for label in (0, 1):
        assert drawn[labels == label].sum() <= round(fraction * int((labels == label).sum()))
