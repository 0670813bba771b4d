"""Intervals for one AUC: on the log-odds scale (primary), plain (as pROC prints it), score-type if both fail."""

from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from pipeline.statistics.roc import NO_INTERVAL, Interval

EDGE = 1e-12  # a limit other than 0 or 1 is searched for no nearer to 0 or 1 than this


def plain_interval(auc: float, *, variance: float, level: float = 0.95) -> Interval:
    """AUC ± z · SE, truncated to [0, 1], as pROC prints it. Too narrow near 1. NaN if the variance is 0 or unknown."""
    if not variance > 0:
        return NO_INTERVAL
    half = float(norm.ppf((1 + level) / 2)) * variance**0.5
    return max(0.0, auc - half), min(1.0, auc + half)


def logit_interval(auc: float, *, variance: float, level: float = 0.95) -> Interval:
    """expit(logit(AUC) ± z · SE / (AUC · (1 - AUC))): the interval on the log-odds scale, by the delta method.

    NaN if AUC is 0 or 1 or the variance is 0 or unknown. Source: Pepe 2003, section 5.2.
    """
    if not (variance > 0 and 0 < auc < 1):
        return NO_INTERVAL
    half = float(norm.ppf((1 + level) / 2)) * variance**0.5 / (auc * (1 - auc))
    return float(expit(logit(auc) - half)), float(expit(logit(auc) + half))


def score_interval(auc: float, *, n_pos: int, n_neg: int, level: float = 0.95) -> Interval:
    """Newcombe's score-type interval: all t with |AUC - t| ≤ z · sqrt(V(t)); defined for every AUC, 0 and 1 included.

    V(t) = t (1 - t) (1 + N ((1 - t) / (2 - t) + t / (1 + t))) / (n_pos · n_neg), N = (n_pos + n_neg) / 2 - 1: the
    variance of Hanley and McNeil at the AUC t instead of the estimate. It needs only the class sizes, and assumes
    exponentially distributed scores. Source: Newcombe 2006 (Stat Med 25:559), method 5.
    Raises ValueError if the AUC is not between 0 and 1 or a class is empty.
    """
    if not 0 <= auc <= 1:
        raise ValueError(f"auc ({auc}) must be between 0 and 1")
    if min(n_pos, n_neg) < 1:
        raise ValueError(f"n_pos ({n_pos}) and n_neg ({n_neg}) must be 1 or more")
    z2, extra = float(norm.ppf((1 + level) / 2)) ** 2, (n_pos + n_neg) / 2 - 1

    def excess(t: float) -> float:
        variance = t * (1 - t) * (1 + extra * ((1 - t) / (2 - t) + t / (1 + t))) / (n_pos * n_neg)
        return float((auc - t) ** 2 - z2 * variance)

    # The excess is negative at the AUC and positive at both ends; if the AUC is an end, it is negative close to it.
    low = 0.0 if auc == 0 else float(brentq(excess, 0.0, min(auc, 1 - EDGE), xtol=1e-14))
    high = 1.0 if auc == 1 else float(brentq(excess, max(auc, EDGE), 1.0, xtol=1e-14))
    return low, high
