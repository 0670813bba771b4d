"""Standardised mean difference (SMD): the difference between groups in standard deviations, whatever their size.

Absolute values; with several groups, the maximum over all pairs. About 0.1 or less is small (Austin 2009, Stat Med
28:3083).
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAN = float("nan")
Numbers = NDArray[np.float64]


def number_smd(groups: Sequence[ArrayLike]) -> float:
    """|mean a - mean b| / sqrt((SD a² + SD b²) / 2), the maximum over all pairs of groups.

    0 if the means are equal. NaN if fewer than two groups have two values, or if means differ and both SDs are 0.
    Raises ValueError if a value is NaN or infinite.
    """
    found = [np.asarray(group, dtype=np.float64).ravel() for group in groups]
    if not all(np.isfinite(group).all() for group in found):
        raise ValueError("a value is missing or infinite; exclude missing values beforehand")
    return _largest([group for group in found if group.size > 1], of=_of_numbers)


def _of_numbers(a: Numbers, b: Numbers) -> float:
    difference, variance = abs(float(a.mean() - b.mean())), float(a.var(ddof=1) + b.var(ddof=1)) / 2
    if difference == 0:
        return 0.0
    return difference / variance**0.5 if variance > 0 else NAN


def category_smd(counts: ArrayLike) -> float:
    """The same for categories, from `counts`, shape (groups, categories): sqrt((p - q)' S⁻¹ (p - q)).

    p and q are the fractions of all categories but one in the two groups, S the mean of their multinomial covariances:
    for two categories |p - q| / sqrt((p (1 - p) + q (1 - q)) / 2). Source: Yang and Dalton 2012 (SAS Global Forum,
    paper 335). The maximum over all pairs of groups; a category absent from both groups of a pair is excluded. 0 if
    the fractions are equal, NaN if S is singular (the groups share no category) or fewer than two groups have patients.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all() or (table < 0).any():
        raise ValueError("counts must be numbers of 0 or more in a table of groups and categories")
    return _largest([row for row in table if row.sum() > 0], of=_of_categories)


def _of_categories(a: Numbers, b: Numbers) -> float:
    present = a + b > 0
    p, q = a[present] / a.sum(), b[present] / b.sum()
    if np.array_equal(p, q):
        return 0.0
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    apart, inner = (p - q)[1:], covariance[1:, 1:]
    if np.linalg.matrix_rank(inner) < len(inner):
        return NAN
    return float(np.sqrt(apart @ np.linalg.solve(inner, apart)))


def _largest(groups: Sequence[Numbers], *, of: Callable[[Numbers, Numbers], float]) -> float:
    """The maximum over all pairs; NaN if it is undefined for a pair, since the maximum is then unknown."""
    found = [of(a, b) for a, b in combinations(groups, 2)]
    return NAN if not found or np.isnan(found).any() else max(found)
