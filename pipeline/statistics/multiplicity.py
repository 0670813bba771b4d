"""Adjusted p-values of one family of tests; a test without a p-value stays NaN and does not count in the family."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


def _checked(p_values: ArrayLike) -> tuple[Numbers, NDArray[np.bool_]]:
    given = np.asarray(p_values, dtype=np.float64)
    present = ~np.isnan(given)
    if ((given[present] < 0) | (given[present] > 1)).any():
        raise ValueError("a p-value is not between 0 and 1")
    return given, present


def holm(p_values: ArrayLike) -> Numbers:
    """Holm's step-down p-values (Holm 1979), shape (n,): control the family-wise error rate without assumptions."""
    given, present = _checked(p_values)
    p = given[present]
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, np.maximum.accumulate((p.size - np.arange(p.size)) * p[order]))
    adjusted = np.full(given.shape, np.nan)
    adjusted[np.flatnonzero(present)[order]] = stepped
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> Numbers:
    """Benjamini and Hochberg's p-values (1995), shape (n,): control the false discovery rate."""
    given, present = _checked(p_values)
    p = given[present]
    order = np.argsort(p, kind="stable")[::-1]
    stepped = np.minimum(1.0, np.minimum.accumulate(p.size / np.arange(p.size, 0, -1) * p[order]))
    adjusted = np.full(given.shape, np.nan)
    adjusted[np.flatnonzero(present)[order]] = stepped
    return adjusted
