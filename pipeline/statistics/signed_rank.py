"""Wilcoxon's signed-rank test of paired numbers, with the matched-pairs rank-biserial correlation as effect size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, rankdata, wilcoxon

NAN = float("nan")
EXACT_UNTIL = 50  # R's wilcox.test is exact below this many pairs, if no difference is 0 and none are tied
DECIMALS = 12  # differences are rounded, so that 0.3 - 0.2 and 0.2 - 0.1 are tied


@dataclass(frozen=True, kw_only=True)
class SignedRank:
    """The test of a minus b over `n` pairs, of which `n_zero` do not differ; undefined values are NaN."""

    n: int
    n_zero: int
    median_difference: float
    p_value: float
    effect_size: float


def signed_rank_test(a: ArrayLike, b: ArrayLike) -> SignedRank:
    """Two-sided test that the differences a - b, shape (n,) each, are symmetric about 0 (Wilcoxon 1945).

    Differences of 0 by Pratt (1959): they are ranked with the others and their ranks then dropped, so that many pairs
    without a difference count against one. Exact below 50 pairs if no difference is 0 and none are tied (R:
    wilcox.test(paired = TRUE)); otherwise the normal approximation with correction for ties and without one for
    continuity (R: coin::wilcoxsign_test). Effect size: (R+ - R-) / (R+ + R-), R+ and R- the sums of the ranks of
    positive and negative differences (Kerby 2014): 1 = a is larger in every pair that differs. If no pair differs, p is
    1 and the effect size 0; without pairs both are NaN. Raises ValueError if the shapes differ or a value is missing.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(f"a {first.shape} and b {second.shape} must be two lists of one length")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a value is missing or infinite; exclude missing values beforehand")
    difference = np.round(first - second, DECIMALS)
    size, differs = difference.size, difference != 0
    middle = float(np.median(difference)) if size else NAN
    if not differs.any():
        p, effect = (1.0, 0.0) if size else (NAN, NAN)
        return SignedRank(n=size, n_zero=size, median_difference=middle, p_value=p, effect_size=effect)
    ranks = rankdata(np.abs(difference))[differs]
    signed = np.where(difference[differs] > 0, ranks, -ranks)
    exact = size < EXACT_UNTIL and differs.all() and np.unique(ranks).size == size
    if exact:
        p = float(wilcoxon(difference, method="exact").pvalue)
    else:
        # The rank of a pair adds to R+ with probability 1/2: variance of R+ - R- = sum of squared ranks.
        p = float(2 * norm.sf(abs(signed.sum()) / float((ranks**2).sum()) ** 0.5))
    return SignedRank(
        n=size,
        n_zero=size - int(differs.sum()),
        median_difference=middle,
        p_value=p,
        effect_size=float(signed.sum() / ranks.sum()),
    )
