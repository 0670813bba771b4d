"""Columns and rows that look like copies of each other."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from pipeline.consistency.findings import Finding, capital, in_words, of_rows
from pipeline.consistency.matrices import METRICS
from pipeline.consistency.printed_table import Interval, Row
from pipeline.consistency.rounding import Printed
from pipeline.consistency.verdicts import Verdict

COMPARED = (*METRICS, "AUC")


def column_findings(verdicts: Sequence[Verdict], *, equal_rows: int) -> Iterator[Finding]:
    """Pairs of columns with the same printed number in `equal_rows` rows or more.

    Ignored: 0 and 1, which are common, and rows whose matrix at declared sizes explains the equality. An error if most
    of these rows have no matrix with both columns; else a warning.
    """
    for a, b in combinations(COMPARED, 2):
        same = [verdict for verdict in verdicts if _equal(verdict.row, a, b)]
        same = [verdict for verdict in same if not (verdict.complete and verdict.sizes.pair)]
        if len(same) < equal_rows:
            continue
        broken = [verdict for verdict in same if not verdict.complete]
        severity = "error" if 2 * len(broken) > len(same) else "warning"
        numbers = [verdict.row.number for verdict in same]
        message = f"Columns {a} and {b} are equal in {of_rows(numbers)}: is one a copy of the other?"
        if broken:
            message += f" No confusion matrix fits {of_rows([verdict.row.number for verdict in broken])}."
        yield Finding(tuple(numbers), None, "copied_columns", "error" if severity == "error" else "warning", message)


def row_findings(verdicts: Sequence[Verdict], *, equal_columns: int) -> Iterator[Finding]:
    """Pairs of rows with the same printed numbers, other than 0 and 1.

    If they are of one test set, or both have a matrix at declared sizes: in all columns and intervals, including the
    AUC, since equal counts alone are common in small test sets. Else: in `equal_columns` columns or more.
    """
    for first, second in combinations(verdicts, 2):
        a, b = first.row, second.row
        shared = [name for name in COMPARED if name in a.values and name in b.values]
        same = [name for name in shared if _same(a.values[name], b.values[name])]
        if len(same) < equal_columns:
            continue
        one_set = a.test_set == b.test_set
        explained = all(own.complete and own.sizes.pair for own in (first, second))
        apart = any(_differ(a.intervals.get(name), b.intervals.get(name)) for name in shared)
        if (one_set or explained) and (same != shared or "AUC" not in same or apart):
            continue
        message = f"{capital(a.name)} and {b.name} have the same {in_words(same)}"
        message += ": is one a copy of the other?" if one_set else ", but are of different test sets; is one a copy?"
        yield Finding((a.number, b.number), None, "copied_rows", "warning", message)


def _equal(row: Row, a: str, b: str) -> bool:
    return a in row.values and b in row.values and _same(row.values[a], row.values[b])


def _differ(a: Interval | None, b: Interval | None) -> bool:
    """Whether two rows print the same interval differently."""
    pairs = zip(a, b, strict=True) if a and b else ()
    return any(one is not None and other is not None and one.value != other.value for one, other in pairs)


def _same(a: Printed, b: Printed) -> bool:
    """The same fraction with the same decimals, and neither 0 nor 1."""
    return (a.units, a.decimals) == (b.units, b.decimals) and 0 < a.value < 1
