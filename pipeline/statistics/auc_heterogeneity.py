"""Tests of interaction: whether an AUC, or a difference of two AUCs, differs between disjoint groups of patients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from pipeline.statistics.auc_tests import unpaired_test
from pipeline.statistics.roc import Placements, auc_variances, mean_variance

UNPAIRED, HETEROGENEITY = "DeLong, unpaired", "Chi-square of heterogeneity"
NAN = float("nan")
ROUNDING = 1e-24  # a smaller variance is rounding of 0; even the variance of one patient among 10,000 is larger


@dataclass(frozen=True, kw_only=True)
class InteractionTest:
    """The name of the test, its statistic with degrees of freedom, and p; undefined values are NaN."""

    test: str
    statistic: float
    df: float
    p_value: float


def interaction_test(groups: Sequence[Placements]) -> InteractionTest:
    """Whether k ≥ 2 independent groups, each with the placements of one model, share one AUC.

    Two groups: DeLong's unpaired test (`auc_tests.unpaired_test`). More: Cochran's chi-square of heterogeneity
    (`cochran_q`) with the DeLong variances. Equal AUCs give 0. The statistic and p are NaN if a variance is 0
    or unknown; with two groups only if both are 0 or one is unknown. Raises ValueError for fewer than two groups.
    """
    if len(groups) < 2:
        raise ValueError(f"groups ({len(groups)}) must be two or more")
    if len(groups) == 2:
        two = unpaired_test(*groups)
        return InteractionTest(test=UNPAIRED, statistic=two.t, df=two.df, p_value=two.p_value)
    return cochran_q([placed.auc[0] for placed in groups], variances=[auc_variances(placed)[0] for placed in groups])


def difference_interaction(groups: Sequence[Placements]) -> tuple[InteractionTest, int]:
    """Whether the difference of AUCs, model 0 minus model 1, is the same in independent groups; exploratory.

    Each group holds the placements of both models on its own patients. Cochran's Q (`cochran_q`) on the differences
    with the DeLong variances of the paired differences. A group whose difference has no variance (both models rank its
    patients identically, the difference does not vary, or a class has one patient) is excluded. The second value is
    the number of groups tested; with fewer than two, all values are NaN.
    """
    apart = [(placed.events[0] - placed.events[1], placed.non_events[0] - placed.non_events[1]) for placed in groups]
    found = [(float(events.mean()), mean_variance(events, non_events)) for events, non_events in apart]
    tested = [(difference, variance) for difference, variance in found if variance > ROUNDING]
    if len(tested) < 2:
        return InteractionTest(test=HETEROGENEITY, statistic=NAN, df=NAN, p_value=NAN), len(tested)
    differences, variances = zip(*tested, strict=True)
    return cochran_q(differences, variances=variances), len(tested)


def cochran_q(estimates: ArrayLike, *, variances: ArrayLike) -> InteractionTest:
    """Whether k ≥ 2 independent estimates, shape (k,), share one value.

    Q = Σ (estimate i - mean)² / V i, with the mean weighted by 1 / V i, on k - 1 degrees of freedom: the QE of R's
    metafor::rma(method = "FE"). The statistic and p are NaN if a variance is 0 or unknown.
    Source: Cochran 1954 (Biometrics 10:101).
    """
    values, spread = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    df = len(values) - 1.0
    if not (spread > 0).all():
        return InteractionTest(test=HETEROGENEITY, statistic=NAN, df=df, p_value=NAN)
    mean = float((values / spread).sum() / (1 / spread).sum())
    statistic = float(((values - mean) ** 2 / spread).sum())
    return InteractionTest(test=HETEROGENEITY, statistic=statistic, df=df, p_value=float(chi2.sf(statistic, df)))
