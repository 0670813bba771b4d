"""Spearman's rho against scipy, and which of two correlated columns is kept."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from pipeline.reduce.steps.spearman_pruning import SpearmanPruning, spearman

GENERATOR = np.random.default_rng(5)
BASE = GENERATOR.normal(size=(60, 4))


def test_rho_is_that_of_scipy_with_ties():
    values = np.round(BASE, 0)

    assert spearman(values) == pytest.approx(spearmanr(values).statistic, abs=1e-12)


def test_the_first_of_a_chain_is_kept():
    a, b = BASE[:, 0], BASE[:, 1]
    X = pd.DataFrame({"first": a, "cubed": a**3, "other": b, "turned": -np.exp(a), "last": BASE[:, 2]})

    assert SpearmanPruning(max_abs_rho=0.9).fit(X).kept_.tolist() == ["first", "other", "last"]


def test_a_dropped_column_drops_no_other():
    # b is close to a and to c, c is not close to a: b is dropped, c is kept.
    a = np.arange(20.0)
    b = a.copy()
    b[[0, 1, 2, 3]] = b[[3, 2, 1, 0]]
    c = b.copy()
    c[[-1, -2, -3, -4, -5, -6]] = c[[-6, -5, -4, -3, -2, -1]]
    X = pd.DataFrame({"a": a, "b": b, "c": c})
    rho = X.corr("spearman")
    level = float(rho.loc["a", "c"]) + 1e-3
    assert rho.loc["a", "b"] > level
    assert rho.loc["b", "c"] > level

    assert SpearmanPruning(max_abs_rho=level).fit(X).kept_.tolist() == ["a", "c"]


@settings(max_examples=30, deadline=None)
@given(level=st.floats(0.05, 0.99), seed=st.integers(0, 1000))
def test_kept_columns_are_apart_and_every_dropped_one_is_close_to_an_earlier_kept(level, seed):
    mixed = np.random.default_rng(seed)
    X = pd.DataFrame(mixed.normal(size=(30, 3)) @ mixed.normal(size=(3, 8)) + mixed.normal(size=(30, 8)))
    rho = np.abs(spearmanr(X).statistic)
    kept = list(SpearmanPruning(max_abs_rho=level).fit(X).kept_)

    assert all(rho[i, j] <= level + 1e-9 for i in kept for j in kept if i != j)
    assert all(any(rho[i, j] > level - 1e-9 for i in kept if i < j) for j in X.columns if j not in kept)
