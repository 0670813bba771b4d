"""Whether the AUC of one model differs between groups of patients that have nobody in common (interaction)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from pipeline.statistics.auc_tests import unpaired_test
from pipeline.statistics.roc import Placements, auc_variances

UNPAIRED, HETEROGENEITY = "DeLong, unpaired", "Chi-square of heterogeneity"
NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class InteractionTest:
    """The name of the test, its statistic with degrees of freedom, and p; NaN what is undefined."""

    test: str
    statistic: float
    df: float
    p_value: float


def interaction_test(groups: Sequence[Placements]) -> InteractionTest:
    """Whether k ≥ 2 independent groups, each with the placements of one model, have one AUC in common.

    Two groups: DeLong's unpaired test (`auc_tests.unpaired_test`). More: Cochran's chi-square of heterogeneity,
    Q = Σ (AUC i - mean)² / V i, with the mean weighted by 1 / V i, V the DeLong variances; df = k - 1. All equal
    AUCs give Q 0. The statistic and p are NaN where a variance is 0 or unknown; in two groups only where both are 0 or
    one is unknown. Raises ValueError for fewer than two groups. Source: Cochran 1954 (Biometrics 10:101).
    """
    if len(groups) < 2:
        raise ValueError(f"{len(groups)} groups; two or more are needed")
    if len(groups) == 2:
        two = unpaired_test(*groups)
        return InteractionTest(test=UNPAIRED, statistic=two.t, df=two.df, p_value=two.p_value)
    aucs = np.array([placed.auc[0] for placed in groups])
    variances = np.array([auc_variances(placed)[0] for placed in groups])
    df = len(groups) - 1.0
    if not (variances > 0).all():
        return InteractionTest(test=HETEROGENEITY, statistic=NAN, df=df, p_value=NAN)
    mean = float((aucs / variances).sum() / (1 / variances).sum())
    statistic = float(((aucs - mean) ** 2 / variances).sum())
    return InteractionTest(test=HETEROGENEITY, statistic=statistic, df=df, p_value=float(chi2.sf(statistic, df)))
