"""Tests of one characteristic between groups of patients: numbers in two or more groups, and counts of categories.

Which test is made is a rule, written at each function, and the result carries the name of its test. Fisher's exact test
is of a table of counts of any size (Fisher 1935; Freeman and Halton 1951).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import gammaln

Numbers = NDArray[np.float64]
ALPHA = 0.05  # below this, a test of normality or of equal variances decides against it
SHAPIRO = (3, 5000)  # numbers of values that Shapiro and Wilk's test is made for
FEW_EXPECTED = 5  # an expected count below this asks for an exact test
EXACT_UNTIL = 50  # R's wilcox.test is exact below this many values in each group, where none are tied
NAN = float("nan")
Counts = NDArray[np.int64]
MOST_TABLES = 300_000  # tables with the same sums that are counted one by one; beyond, tables are drawn
DRAWS = 100_000
SEED = 1
# Tables whose chance is above the given one's by no more than this fraction count as equally likely, as in R.
SAME = 1e-7


@dataclass(frozen=True, kw_only=True)
class GroupTest:
    """The name of a test, its statistic with degrees of freedom, and its two-sided p; NaN what is undefined."""

    test: str
    statistic: float
    df: float
    p_value: float


NO_TEST = GroupTest(test="", statistic=NAN, df=NAN, p_value=NAN)


def as_groups(groups: Sequence[ArrayLike]) -> list[Numbers]:
    """The groups as float64, shape (n_i,) each. Raises ValueError where a value is NaN or infinite."""
    found = [np.asarray(group, dtype=np.float64).ravel() for group in groups]
    if not all(np.isfinite(group).all() for group in found):
        raise ValueError("a value is missing or infinite; leave missing values out beforehand")
    return found


def looks_normal(values: ArrayLike) -> bool:
    """Whether nothing speaks against a normal distribution: Shapiro-Wilk p ≥ 0.05 (R: shapiro.test).

    Over 5000 values D'Agostino and Pearson's test instead. False for fewer than 3 values, or where all are equal.
    """
    (found,) = as_groups([values])
    if found.size < SHAPIRO[0] or np.ptp(found) == 0:
        return False
    result = stats.shapiro(found) if found.size <= SHAPIRO[1] else stats.normaltest(found)
    return bool(result.pvalue >= ALPHA)


def number_test(groups: Sequence[ArrayLike]) -> GroupTest:
    """Whether a number differs between groups; empty groups are left out.

    Two groups: where both look normal (`looks_normal`), Student's t, or Welch's t where Levene's test about the
    medians (Brown-Forsythe; R: car::leveneTest) says p < 0.05; otherwise Mann-Whitney. More groups: Kruskal-Wallis.
    No test where fewer than two groups have a value, or where all values are equal. t is that of the first group
    minus the second. Raises ValueError as `as_groups`.
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

    As in R: exact where both groups have fewer than 50 values and none are tied, otherwise the normal approximation
    with corrections for ties and for continuity.
    """
    first, second = as_groups([a, b])
    both = np.concatenate([first, second])
    exact = max(first.size, second.size) < EXACT_UNTIL and np.unique(both).size == both.size
    result = stats.mannwhitneyu(first, second, method="exact" if exact else "asymptotic", use_continuity=True)
    name = "Mann-Whitney (exact)" if exact else "Mann-Whitney"
    return GroupTest(test=name, statistic=float(result.statistic), df=NAN, p_value=float(result.pvalue))


def kruskal_wallis(groups: Sequence[ArrayLike]) -> GroupTest:
    """Kruskal and Wallis' H of k groups, corrected for ties, chi-square on k - 1 (R: kruskal.test)."""
    found = as_groups(groups)
    result = stats.kruskal(*found)
    return GroupTest(
        test="Kruskal-Wallis", statistic=float(result.statistic), df=len(found) - 1.0, p_value=float(result.pvalue)
    )


def category_test(counts: ArrayLike) -> GroupTest:
    """Whether categories differ between groups, from `counts`, shape (groups, categories); empty ones are left out.

    Pearson's chi-square without Yates' correction (R: chisq.test(correct = FALSE)); Fisher's test (`fisher_p`) where an
    expected count is below 5. No test where fewer than two groups or categories have patients.
    Raises ValueError where a count is negative or not whole.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all() or (table < 0).any() or (table != np.floor(table)).any():
        raise ValueError("counts must be whole numbers of 0 or more in a table of groups and categories")
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return NO_TEST
    with warnings.catch_warnings():  # scipy speaks of small counts, which this rule looks at itself
        warnings.simplefilter("ignore", RuntimeWarning)
        result = stats.chi2_contingency(table, correction=False)
    if (result.expected_freq < FEW_EXPECTED).any():
        p, exact = fisher_p(table.astype(int))
        return GroupTest(test="Fisher's exact" if exact else "Fisher's (simulated)", statistic=NAN, df=NAN, p_value=p)
    return GroupTest(
        test="Chi-square", statistic=float(result.statistic), df=float(result.dof), p_value=float(result.pvalue)
    )


def fisher_p(counts: ArrayLike, *, most_tables: int = MOST_TABLES) -> tuple[float, bool]:
    """The two-sided p and whether it is exact, for `counts`, shape (r, c), whole numbers.

    p = the chance, with all row and column sums given, of the tables that are at most as likely as this one
    (R: fisher.test). Where more than `most_tables` tables have these sums, p = (1 + tables at most as likely) / (1 +
    100,000) over tables drawn at random with a fixed seed (R: fisher.test(simulate.p.value = TRUE)).
    Raises ValueError where a row or a column has no patient.
    """
    table = np.asarray(counts, dtype=np.int64)
    if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any():
        raise ValueError("a row or a column of the table sums to 0")
    if table.shape[0] < table.shape[1]:
        table = table.T  # few columns to fill row by row
    own = -float(gammaln(table + 1.0).sum())  # log chance but for a constant of the sums
    logs = _all_tables(table, most_tables=most_tables)
    if logs is not None:
        chances = np.exp(logs - logs.max())
        return float(chances[logs <= own + np.log1p(SAME)].sum() / chances.sum()), True
    rng = np.random.default_rng(SEED)
    drawn = stats.random_table(table.sum(axis=1), table.sum(axis=0)).rvs(DRAWS, random_state=rng)
    logs = -gammaln(drawn + 1.0).sum(axis=(1, 2))
    return float((1 + (logs <= own + np.log1p(SAME)).sum()) / (1 + DRAWS)), False


def _all_tables(table: Counts, *, most_tables: int) -> NDArray[np.float64] | None:
    """The log chance, but for a constant, of every table with the sums of `table`; None where there are too many."""
    left, logs = table.sum(axis=0)[None, :], np.zeros(1)
    for size in table.sum(axis=1)[:-1]:
        filled = _rows(left, size=int(size), most=most_tables)
        if filled is None:
            return None
        origin, row = filled
        left = left[origin] - row
        logs = logs[origin] - gammaln(row + 1.0).sum(axis=1)
    return np.asarray(logs - gammaln(left + 1.0).sum(axis=1))


def _rows(left: Counts, *, size: int, most: int) -> tuple[Counts, Counts] | None:
    """Every row of `size` patients that fits into the column sums `left`, shape (k, c), with the index of its sums."""
    origin = np.arange(len(left))
    row = np.zeros((len(left), 0), dtype=np.int64)
    rest = np.full(len(left), size)
    for column in range(left.shape[1]):
        later = left[origin, column + 1 :].sum(axis=1)
        low, high = np.maximum(0, rest - later), np.minimum(rest, left[origin, column])
        options = high - low + 1
        if options.sum() > most:
            return None
        parent = np.repeat(np.arange(len(origin)), options)
        value = low[parent] + np.arange(len(parent)) - np.repeat(np.cumsum(options) - options, options)
        origin, row, rest = origin[parent], np.column_stack([row[parent], value]), rest[parent] - value
    return origin, row
