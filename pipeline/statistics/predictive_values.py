"""PPV and NPV at a prevalence other than that in the data, such as a clinic's, from sensitivity and specificity."""

import math

from scipy.special import expit
from scipy.stats import norm

from pipeline.statistics.confusion import Confusion
from pipeline.statistics.proportions import Proportion

NAN = float("nan")


def predictive_values(counts: Confusion, *, prevalence: float, level: float = 0.95) -> tuple[Proportion, Proportion]:
    """PPV and NPV by Bayes' rule at `prevalence`, between 0 and 1, with logit intervals (Mercaldo, Lau and Zhou 2007).

    PPV = Se p / (Se p + (1 - Sp)(1 - p)), NPV = Sp (1 - p) / (Sp (1 - p) + (1 - Se) p); the variance on the log-odds
    scale is (1 - Se) / (Se n₁) + Sp / ((1 - Sp) n₀), and for NPV Se / ((1 - Se) n₁) + (1 - Sp) / (Sp n₀). If a count
    is 0, the interval is the adjusted logit one (z² / 2 added to each count, so z² to each class), widened to include
    the estimate. The prevalence is treated as known. All NaN if no patient is called positive (PPV) or negative (NPV),
    or if a class has no patient. Raises ValueError if the prevalence is not between 0 and 1.
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence ({prevalence}) must lie between 0 and 1")
    cells = (counts.tp, counts.fn, counts.tn, counts.fp)
    if counts.tp + counts.fn == 0 or counts.tn + counts.fp == 0:
        return Proportion(NAN, NAN, NAN), Proportion(NAN, NAN, NAN)
    tp, fn, tn, fp = (float(cell) for cell in cells)
    odds = prevalence / (1 - prevalence)
    ppv = _value(right=tp, missed=fn, wrong=fp, kept=tn, odds=odds, level=level)
    npv = _value(right=tn, missed=fp, wrong=fn, kept=tp, odds=1 / odds, level=level)
    return ppv, npv


def _value(*, right: float, missed: float, wrong: float, kept: float, odds: float, level: float) -> Proportion:
    """The predictive value of one call, with `right` and `missed` in its class, `wrong` and `kept` in the other."""
    hit, alarm = right / (right + missed) * odds, wrong / (wrong + kept)
    if hit + alarm == 0:
        return Proportion(NAN, NAN, NAN)
    estimate = hit / (hit + alarm)
    z = float(norm.ppf((1 + level) / 2))
    if min(right, missed, wrong, kept) == 0:
        right, missed, wrong, kept = (cell + z**2 / 2 for cell in (right, missed, wrong, kept))
    own, other = right + missed, wrong + kept
    middle = math.log((right / own) / (wrong / other) * odds)
    half = z * (missed / (right * own) + kept / (wrong * other)) ** 0.5
    low, high = float(expit(middle - half)), float(expit(middle + half))
    return Proportion(estimate, min(low, estimate), max(high, estimate))
