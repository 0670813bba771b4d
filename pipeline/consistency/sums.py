"""Counts that must add up: within a row, between rows of one test set, and to a row of totals."""

import math
from collections.abc import Iterator, Sequence

from pipeline.consistency.findings import Finding, of_row, of_rows
from pipeline.consistency.matrices import measures
from pipeline.consistency.printed_table import Row
from pipeline.consistency.shared_test_sets import claims

PARTS = {"n": ("n_pos", "n_neg"), "n_pos": ("tp", "fn"), "n_neg": ("tn", "fp")}
CELLS = ("tp", "fn", "tn", "fp")
SIZES = ("n_pos", "n_neg", "n")
TOTALS = frozenset({"total", "all", "overall", "whole", "entire", "sum"})


def sum_findings(row: Row) -> Iterator[Finding]:
    """Counts of a row that do not add up, a prevalence or metrics that its counts do not give."""
    counts = row.counts
    for whole, (a, b) in PARTS.items():
        if {whole, a, b} <= set(counts) and counts[a] + counts[b] != counts[whole]:
            total = counts[a] + counts[b]
            message = f"{a} {counts[a]} and {b} {counts[b]} make {total}, but {whole} is {counts[whole]}."
            yield of_row(row, "sums", "error", message)
    prevalence, n_pos = row.values.get("prevalence"), counts.get("n_pos")
    n = counts.get("n") or (n_pos + counts["n_neg"] if n_pos is not None and "n_neg" in counts else None)
    if prevalence and n and n_pos is not None and not _prints(n_pos / n, prevalence.span()):
        message = f"the prevalence is printed as {prevalence.text}, but {n_pos} of {n} is {n_pos / n:.3f}."
        yield of_row(row, "sums", "error", message)
    if set(CELLS) <= set(counts):
        found = measures(**{name: counts[name] for name in CELLS})
        wrong = [
            f"{name} {row.values[name].text} (the counts give {value:.3f})"
            for name, value in found.items()
            if name in row.values and not _prints(0.0 if math.isnan(value) else value, row.values[name].span())
        ]
        if wrong:
            yield of_row(row, "sums", "error", f"its four counts do not give {', '.join(wrong)}.")


def size_findings(rows: Sequence[Row]) -> Iterator[Finding]:
    """Rows that claim one named test set with different sizes, and totals that are not the sum of the sets."""
    named = {name: own for name, own in claims(rows).items() if name}
    for name, group in named.items():
        for size in SIZES:
            declared = {row.number: row.counts[size] for row in group if size in row.counts}
            if len(set(declared.values())) > 1:
                shown = ", ".join(f"{value} in row {number}" for number, value in declared.items())
                message = f"The test set {name} has different {size}: {shown}."
                yield Finding(tuple(declared), None, "sums", "error", message)
    yield from _totals(rows)


def _totals(rows: Sequence[Row]) -> Iterator[Finding]:
    """A row called total, all or overall against the sum of the other rows, one per test set."""
    whole = [row for row in rows if _called(row).lower() in TOTALS]
    parts: dict[str, Row] = {}
    for row in rows:
        if row not in whole:
            parts.setdefault(_called(row), row)
    if len(whole) != 1 or len(parts) < 2 or "" in parts:
        return
    for size in SIZES:
        if size not in whole[0].counts or not all(size in row.counts for row in parts.values()):
            continue
        total = sum(row.counts[size] for row in parts.values())
        if total != whole[0].counts[size]:
            numbers = tuple(row.number for row in parts.values())
            message = f"{size} of {of_rows(numbers)} add up to {total}, but row {whole[0].number} has "
            message += f"{whole[0].counts[size]}."
            yield Finding((*numbers, whole[0].number), None, "sums", "error", message)


def _called(row: Row) -> str:
    return row.cohort or row.test_set or row.model or ""


def _prints(value: float, span: tuple[float, float]) -> bool:
    return span[0] - 1e-12 <= value <= span[1] + 1e-12
