"""Tests of one characteristic between groups of patients: numeric variables in two or more groups, and categories.

A rule, stated in each function, selects the test, and the result carries the test's name. Fisher's exact test is for
a table of counts of any size (Fisher 1935; Freeman and Halton 1951).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import gammaln

Numbers = NDArray[np.float64]
ALPHA = 0.05  # below this p, normality or equality of variances is rejected
SHAPIRO = (3, 5000)  # range of sample sizes for which Shapiro and Wilk's test is defined
FEW_EXPECTED = 5  # an expected count below this requires an exact test
EXACT_UNTIL = 50  # R's wilcox.test is exact below this many values in each group, if none are tied
NAN = float("nan")
Counts = NDArray[np.int64]
MAX_TABLES = 300_000  # up to so many tables with the same sums are enumerated; beyond that, tables are simulated
DRAWS = 100_000
SEED = 1
# Tables whose probability exceeds the given one's by no more than this fraction count as equally likely, as in R.
SAME = 1e-7


@dataclass(frozen=True, kw_only=True)
class GroupTest:
    """The name of a test, its statistic with degrees of freedom, and its two-sided p; undefined values are NaN."""

    test: str
    statistic: float
    df: float
    p_value: float


NO_TEST = GroupTest(test="", statistic=NAN, df=NAN, p_value=NAN)


def as_groups(groups: Sequence[ArrayLike]) -> list[Numbers]:
    """The groups as float64, shape (n_i,) each. Raises ValueError if a value is NaN or infinite."""
    found = [np.asarray(group, dtype=np.float64).ravel() for group in groups]
    if not all(np.isfinite(group).all() for group in found):
        raise ValueError("a value is missing or infinite; exclude missing values beforehand")
    return found


def looks_normal(values: ArrayLike) -> bool:
    """Whether a normal distribution is not rejected: Shapiro-Wilk p ≥ 0.05 (R: shapiro.test).

    Above 5,000 values, D'Agostino and Pearson's test instead. False for fewer than 3 values, or if all are equal.
    """
    (found,) = as_groups([values])
    if found.size < SHAPIRO[0] or np.ptp(found) == 0:
        return False
    result = stats.shapiro(found) if found.size <= SHAPIRO[1] else stats.normaltest(found)
    return bool(result.pvalue >= ALPHA)


def number_test(groups: Sequence[ArrayLike]) -> GroupTest:
    """Whether a numeric variable differs between groups; empty groups are excluded.

    Two groups: if normality is rejected in neither (`looks_normal`), Student's t, or Welch's t if Levene's test about
    the medians (Brown-Forsythe; R: car::leveneTest) gives p < 0.05; otherwise Mann-Whitney. More groups:
    Kruskal-Wallis. No test if fewer than two groups have a value, or if all values are equal. t is that of the first
    group minus the second. Raises ValueError as `as_groups`.
    """
    found = [group for group in as_groups(groups) if group.size]
    if len(found) < 2 or np.ptp(np.concatenate(found)) == 0:
        return NO_TEST
    if len(found) > 2:
        return kruskal_wallis(found)
    if not all(looks_normal(group) for group in found):
        return mann_whitney(*found)
    equal = stats.levene(*found, center="median").pvalue >= ALPHA
    return t_test(*found, equal_variances=bool(equal))


def t_test(a: ArrayLike, b: ArrayLike, *, equal_variances: bool) -> GroupTest:
    """Student's t (R: t.test(var.equal = TRUE)) or Welch's t of the means of a minus b, two-sided."""
    result = stats.ttest_ind(*as_groups([a, b]), equal_var=equal_variances)
    name = "Student's t" if equal_variances else "Welch's t"
    return GroupTest(test=name, statistic=float(result.statistic), df=float(result.df), p_value=float(result.pvalue))


def mann_whitney(a: ArrayLike, b: ArrayLike) -> GroupTest:
    """Mann and Whitney's U of `a` (R: W of wilcox.test), two-sided.

    As in R: exact if both groups have fewer than 50 values and none are tied, otherwise the normal approximation with
    corrections for ties and for continuity.
    """
    first, second = as_groups([a, b])
    both = np.concatenate([first, second])
    exact = max(first.size, second.size) < EXACT_UNTIL and np.unique(both).size == both.size
    result = stats.mannwhitneyu(first, second, method="exact" if exact else "asymptotic", use_continuity=True)
    name = "Mann-Whitney (exact)" if exact else "Mann-Whitney"
    return GroupTest(test=name, statistic=float(result.statistic), df=NAN, p_value=float(result.pvalue))


def kruskal_wallis(groups: Sequence[ArrayLike]) -> GroupTest:
    """Kruskal and Wallis' H of k groups, corrected for ties; chi-square on k - 1 df (R: kruskal.test)."""
    found = as_groups(groups)
    result = stats.kruskal(*found)
    return GroupTest(
        test="Kruskal-Wallis", statistic=float(result.statistic), df=len(found) - 1.0, p_value=float(result.pvalue)
    )


def category_test(counts: ArrayLike) -> GroupTest:
    """Whether categories differ between groups, from `counts`, shape (groups, categories); empty ones are excluded.

    Pearson's chi-square without Yates' correction (R: chisq.test(correct = FALSE)); Fisher's test (`fisher_p`) if an
    expected count is below 5. No test if fewer than two groups or categories have patients.
    Raises ValueError if a count is negative or not whole.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all() or (table < 0).any() or (table != np.floor(table)).any():
        raise ValueError("counts must be whole numbers of 0 or more in a table of groups and categories")
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return NO_TEST
    with warnings.catch_warnings():  # scipy warns of small counts, which this rule handles itself
        warnings.simplefilter("ignore", RuntimeWarning)
        result = stats.chi2_contingency(table, correction=False)
    if (result.expected_freq < FEW_EXPECTED).any():
        p, exact = fisher_p(table.astype(int))
        return GroupTest(test="Fisher's exact" if exact else "Fisher's (simulated)", statistic=NAN, df=NAN, p_value=p)
    return GroupTest(
        test="Chi-square", statistic=float(result.statistic), df=float(result.dof), p_value=float(result.pvalue)
    )


def fisher_p(counts: ArrayLike, *, max_tables: int = MAX_TABLES) -> tuple[float, bool]:
    """The two-sided p and whether it is exact, for `counts`, shape (r, c), whole numbers.

    p = the probability, given all row and column sums, of the tables that are at most as likely as this one
    (R: fisher.test). If more than `max_tables` tables have these sums, p = (1 + tables at most as likely) / (1 +
    100,000) over tables drawn at random with a fixed seed (R: fisher.test(simulate.p.value = TRUE)).
    Raises ValueError if a row or a column has no patient.
    """
    table = np.asarray(counts, dtype=np.int64)
    if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any():
        raise ValueError("a row or a column of the table sums to 0")
    if table.shape[0] < table.shape[1]:
        table = table.T  # few columns to fill row by row
    own = -float(gammaln(table + 1.0).sum())  # log probability up to a constant of the sums
    logs = _all_tables(table, max_tables=max_tables)
    if logs is not None:
        chances = np.exp(logs - logs.max())
        return float(chances[logs <= own + np.log1p(SAME)].sum() / chances.sum()), True
    rng = np.random.default_rng(SEED)
    drawn = stats.random_table(table.sum(axis=1), table.sum(axis=0)).rvs(DRAWS, random_state=rng)
    logs = -gammaln(drawn + 1.0).sum(axis=(1, 2))
    return float((1 + (logs <= own + np.log1p(SAME)).sum()) / (1 + DRAWS)), False


def _all_tables(table: Counts, *, max_tables: int) -> NDArray[np.float64] | None:
    """The log probability, up to a constant, of every table with the sums of `table`; None if there are too many."""
    left, logs = table.sum(axis=0)[None, :], np.zeros(1)
    for size in table.sum(axis=1)[:-1]:
        filled = _rows(left, size=int(size), maximum=max_tables)
        if filled is None:
            return None
        origin, row = filled
        left = left[origin] - row
        logs = logs[origin] - gammaln(row + 1.0).sum(axis=1)
    return np.asarray(logs - gammaln(left + 1.0).sum(axis=1))


def _rows(left: Counts, *, size: int, maximum: int) -> tuple[Counts, Counts] | None:
    """Every row of `size` patients that fits the remaining column sums `left`, shape (k, c), with their index."""
    origin = np.arange(len(left))
    row = np.zeros((len(left), 0), dtype=np.int64)
    rest = np.full(len(left), size)
    for column in range(left.shape[1]):
        later = left[origin, column + 1 :].sum(axis=1)
        low, high = np.maximum(0, rest - later), np.minimum(rest, left[origin, column])
        options = high - low + 1
        if options.sum() > maximum:
            return None
        parent = np.repeat(np.arange(len(origin)), options)
        value = low[parent] + np.arange(len(parent)) - np.repeat(np.cumsum(options) - options, options)
        origin, row, rest = origin[parent], np.column_stack([row[parent], value]), rest[parent] - value
    return origin, row
