"""McNemar's test: two models' calls on the same patients, and the difference of their proportions correct."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from pipeline.statistics.proportions import wilson

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class PairedProportions:
    """Patients that only model a, or only b, calls correctly; the difference a - b with its interval; p; n patients."""

    only_a: int
    only_b: int
    difference: float
    ci_low: float
    ci_high: float
    p_value: float
    n: int


def mcnemar(right_a: ArrayLike, right_b: ArrayLike, *, level: float = 0.95) -> PairedProportions:
    """McNemar's exact test of `right_a` against `right_b`, shape (n,): whether each patient's call is correct.

    p is two-sided, from the binomial distribution (one half) of the discordant patients, as R's
    binom.test(only_a, only_a + only_b), and 1 if there are none. The difference of the two proportions has
    Newcombe's square-and-add interval (1998, Stat Med 17:2635, method 10), built from two Wilson intervals and the
    correlation of the pairs. All NaN if n is 0. Raises ValueError if the shapes differ.
    """
    a, b = np.asarray(right_a, dtype=bool), np.asarray(right_b, dtype=bool)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"right_a {a.shape} and right_b {b.shape} must be of one shape (n,)")
    both, only_a, only_b = int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum())
    n = a.size
    if n == 0:
        return PairedProportions(only_a=0, only_b=0, difference=NAN, ci_low=NAN, ci_high=NAN, p_value=NAN, n=0)
    low, high = _square_and_add(both, only_a, only_b, n - both - only_a - only_b, level=level)
    p = min(1.0, 2 * float(binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)))
    return PairedProportions(
        only_a=only_a, only_b=only_b, difference=(only_a - only_b) / n, ci_low=low, ci_high=high, p_value=p, n=n
    )


def _square_and_add(both: int, only_a: int, only_b: int, neither: int, *, level: float) -> tuple[float, float]:
    n = both + only_a + only_b + neither
    a, b = wilson(both + only_a, n, level=level), wilson(both + only_b, n, level=level)
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    product = both * neither - only_a * only_b
    # Newcombe's continuity correction of the correlation, if it is positive.
    numerator = max(product - n / 2, 0.0) if product > 0 else float(product)
    phi = numerator / margins**0.5 if margins else 0.0
    down_a, up_a = a.estimate - a.ci_low, a.ci_high - a.estimate
    down_b, up_b = b.estimate - b.ci_low, b.ci_high - b.estimate
    difference = (only_a - only_b) / n
    low = difference - max(0.0, down_a**2 - 2 * phi * down_a * up_b + up_b**2) ** 0.5
    high = difference + max(0.0, up_a**2 - 2 * phi * up_a * down_b + down_b**2) ** 0.5
    return max(-1.0, low), min(1.0, high)
