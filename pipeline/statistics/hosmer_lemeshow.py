"""Groups of patients of about equal size by predicted risk, and the Hosmer-Lemeshow test."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from pipeline.statistics.calibration import clipped
from pipeline.statistics.proportions import wilson
from pipeline.statistics.roc import as_labels

MIN_BINS = 3
NAN = float("nan")
GROUP_COLUMNS = ["predicted", "observed", "ci_low", "ci_high", "events", "expected", "n"]


def _bins(p: NDArray[np.float64], *, groups: int) -> NDArray[np.int64]:
    """The group of each patient, numbered from 0 without gaps, by unique type-7 quantiles closed on the right."""
    inner = np.unique(np.quantile(p, np.linspace(0, 1, groups + 1)))[1:-1]
    found = np.searchsorted(inner, p, side="left")
    return np.asarray(np.unique(found, return_inverse=True)[1], dtype=np.int64)


def risk_groups(scores: ArrayLike, *, labels: ArrayLike, groups: int = 10, level: float = 0.95) -> pd.DataFrame:
    """One row per group: mean predicted risk, observed fraction with its Wilson interval, events, expected events, n.

    Probabilities and labels have shape (n,). Ties may give fewer groups than requested.
    Raises ValueError as `as_labels` and `clipped`, or if `groups` is below 1.
    """
    if groups < 1:
        raise ValueError(f"groups ({groups}) must be 1 or more")
    positive, p = as_labels(labels), clipped(scores)
    bins = _bins(p, groups=groups)
    sizes, expected, events = (np.bincount(bins, weights=weights) for weights in (None, p, positive))
    rows = [
        (total / n, *wilson(int(count), int(n), level=level), int(count), total, int(n))
        for n, total, count in zip(sizes, expected, events, strict=True)
    ]
    return pd.DataFrame(rows, columns=GROUP_COLUMNS)


class HosmerLemeshow(NamedTuple):
    """Chi-square, its degrees of freedom, p."""

    chi2: float
    df: int
    p_value: float


def hosmer_lemeshow(scores: ArrayLike, *, labels: ArrayLike, groups: int = 10, fitted: bool = True) -> HosmerLemeshow:
    """Sum over `risk_groups` of (O - E)² / (E (1 - E / n)), on bins - 2 degrees of freedom (Hosmer and Lemeshow 1980).

    fitted = False: the model was fitted on other patients and no degree of freedom is used up; df = bins (Hosmer,
    Lemeshow and Sturdivant 2013, section 5.2.2). chi2 and p are NaN by rule if there are fewer than three bins.
    Raises ValueError as `risk_groups`.
    """
    table = risk_groups(scores, labels=labels, groups=groups)
    df = len(table) - 2 if fitted else len(table)
    if len(table) < MIN_BINS:
        return HosmerLemeshow(NAN, max(df, 0), NAN)
    expected, n = table["expected"], table["n"]
    statistic = float(((table["events"] - expected) ** 2 / (expected * (1 - expected / n))).sum())
    return HosmerLemeshow(statistic, df, float(chi2.sf(statistic, df)))
