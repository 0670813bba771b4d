"""DeLong's tests of AUCs: two models on the same patients, on different patients, and k models at once.

DeLong, DeLong and Clarke-Pearson 1988, from the placements of `roc`; results equal those of pROC's roc.test.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm
from scipy.stats import t as t_distribution

from pipeline.statistics.roc import NO_INTERVAL, Placements, auc_variances, mean_variance

PAIR_COLUMNS = ["auc_a", "auc_b", "difference", "ci_low", "ci_high", "z", "p_value"]
NAN = float("nan")
RANK = 1e-10  # a direction with less than this fraction of the largest variance has none: what remains is rounding


def paired_tests(placed: Placements, *, pairs: Sequence[tuple[int, int]], level: float = 0.95) -> pd.DataFrame:
    """Paired DeLong tests of two models each, one row per pair (a, b) of model indices, in the given order.

    difference = AUC a - AUC b with its Wald interval; z = difference / SE; p two-sided, normal. The variance is that
    of the differences of placements, so that models that rank all patients identically give exactly z = 0 and p = 1.
    z, p and interval are NaN if a class has one patient, or if the AUCs differ without any variance.
    """
    rows = []
    quantile = float(norm.ppf((1 + level) / 2))
    aucs = placed.auc
    for a, b in pairs:
        events, non_events = placed.events[a] - placed.events[b], placed.non_events[a] - placed.non_events[b]
        if not events.any() and not non_events.any():
            rows.append((aucs[a], aucs[b], 0.0, 0.0, 0.0, 0.0, 1.0))
            continue
        difference, variance = float(aucs[a] - aucs[b]), mean_variance(events, non_events)
        if not variance > 0:
            rows.append((aucs[a], aucs[b], difference, *NO_INTERVAL, *NO_INTERVAL))
            continue
        error = variance**0.5
        half, z = quantile * error, difference / error
        p = 2 * float(norm.sf(abs(z)))
        rows.append((aucs[a], aucs[b], difference, difference - half, difference + half, z, p))
    return pd.DataFrame(rows, columns=PAIR_COLUMNS, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class UnpairedTest:
    """Two AUCs on different patients: the difference a - b with its interval, t with its degrees of freedom, p."""

    auc_a: float
    auc_b: float
    difference: float
    ci_low: float
    ci_high: float
    t: float
    df: float
    p_value: float


def unpaired_test(a: Placements, b: Placements, *, level: float = 0.95) -> UnpairedTest:
    """DeLong's test of two AUCs on different patients; `a` and `b` hold one model each.

    t = (AUC a - AUC b) / sqrt(Va + Vb) on (Va + Vb)² / (Va² / (Na - 1) + Vb² / (Nb - 1)) degrees of freedom
    (Satterthwaite; N = patients of both classes), two-sided: pROC's roc.test(paired = FALSE). Interval from the same t.
    If both variances are 0, or one is unknown (a class of one patient), all but the AUCs and their difference are NaN.
    """
    auc_a, auc_b = float(a.auc[0]), float(b.auc[0])
    parts = [
        (float(auc_variances(placed)[0]), placed.events.shape[1] + placed.non_events.shape[1] - 1) for placed in (a, b)
    ]
    difference, variance = auc_a - auc_b, sum(part for part, _ in parts)
    if not variance > 0:
        ends: tuple[float, ...] = (NAN,) * 5
    else:
        df = variance**2 / sum(part**2 / size for part, size in parts)
        t, half = difference / variance**0.5, float(t_distribution.ppf((1 + level) / 2, df)) * variance**0.5
        ends = (difference - half, difference + half, t, df, 2 * float(t_distribution.sf(abs(t), df)))
    low, high, t, df, p = ends
    return UnpairedTest(
        auc_a=auc_a, auc_b=auc_b, difference=difference, ci_low=low, ci_high=high, t=t, df=df, p_value=p
    )


@dataclass(frozen=True, kw_only=True)
class OmnibusTest:
    """An omnibus test of k AUCs: chi-square, its degrees of freedom, p."""

    chi2: float
    df: int
    p_value: float


def omnibus_test(placed: Placements) -> OmnibusTest:
    """Whether the k ≥ 2 models of `placed`, on the same patients, share one AUC (DeLong 1988, equation 5).

    chi2 = δ' V⁺ δ with δ the differences of the AUCs from the first model's and V their DeLong covariance; df = rank
    of V. Models that all rank the patients identically give chi2 0, df 0 and p 1. The test is asymptotic: with 15
    events and 8 equally good models it gives p < 0.05 in about 10 of 100 studies. So chi2 and p are NaN by rule if a
    class has no more than 2 df patients, and if the AUCs differ in a direction without variance.
    """
    events, non_events = placed.events[1:] - placed.events[0], placed.non_events[1:] - placed.non_events[0]
    if not events.any() and not non_events.any():
        return OmnibusTest(chi2=0.0, df=0, p_value=1.0)
    m, n = events.shape[1], non_events.shape[1]
    if min(m, n) < 2:
        return OmnibusTest(chi2=NAN, df=len(events), p_value=NAN)
    covariance = np.atleast_2d(np.cov(events)) / m + np.atleast_2d(np.cov(non_events)) / n
    values, vectors = np.linalg.eigh(covariance)
    kept = values > RANK * values.max() if values.max() > 0 else np.zeros(values.size, dtype=bool)
    along = vectors.T @ events.mean(axis=1)
    df = int(kept.sum())
    if 2 * df >= min(m, n) or np.abs(along[~kept]).max(initial=0.0) > RANK:
        return OmnibusTest(chi2=NAN, df=df, p_value=NAN)
    statistic = float((along[kept] ** 2 / values[kept]).sum())
    return OmnibusTest(chi2=statistic, df=df, p_value=float(chi2.sf(statistic, df)))
