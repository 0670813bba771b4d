"""Fisher's exact test of a table of counts of any size (Fisher 1935; Freeman and Halton 1951)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import gammaln

Counts = NDArray[np.int64]
MOST_TABLES = 300_000  # tables with the same sums that are counted one by one; beyond, tables are drawn
DRAWS = 100_000
SEED = 1
SAME = (
    1e-7  # tables whose chance is above the given one's by no more than this fraction count as equally likely, as in R
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
