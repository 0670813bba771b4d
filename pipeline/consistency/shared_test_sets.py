"""Rows that claim one test set must agree on it: its size, its classes, its fraction of patients with the event."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.consistency.findings import Finding, Severity, capital, in_words, of_rows, percent
from pipeline.consistency.identities import agreed_prevalence
from pipeline.consistency.printed_table import Row
from pipeline.consistency.verdicts import Verdict

Pair = tuple[int, int]


def claims(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows that claim each test set; one group named '' of all rows if the table names none."""
    if not any(row.test_set for row in rows):
        return {"": list(rows)}
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.test_set:
            groups.setdefault(row.test_set, []).append(row)
    return groups


def shared_set_findings(verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """Findings on the class sizes and the prevalence of the rows that claim one test set."""
    by_number = {verdict.row.number: verdict for verdict in verdicts}
    for name, rows in claims([verdict.row for verdict in verdicts]).items():
        if len(rows) > 1:
            group = [by_number[row.number] for row in rows]
            yield from _prevalence(group, name=name)
            yield from _one_size(group, name=name)


def _severity(name: str) -> Severity:
    return "error" if name else "warning"


def _claim(rows: Sequence[Row], *, name: str) -> str:
    if not name:
        return "The table names no test sets; if all rows are of one, they"
    return f"{capital(of_rows([row.number for row in rows]))} claim one test set ({name}), but"


def _prevalence(group: Sequence[Verdict], *, name: str) -> Iterator[Finding]:
    """The two rows whose prevalences are furthest apart, if their ranges do not overlap."""
    found = []
    for verdict in group:
        doubted = {metric for fit in verdict.best for metric in fit.left_out}
        own = agreed_prevalence(verdict.row, without=tuple(sorted(doubted)))
        if own is not None:
            found.append((own, verdict.row))
    if len(found) < 2:
        return
    low, lowest = min(found, key=lambda entry: entry[0][1])
    high, highest = max(found, key=lambda entry: entry[0][0])
    if low[1] + 1e-12 >= high[0]:
        return
    rows = [verdict.row for verdict in group]
    message = f"{_claim(rows, name=name)} differ in the fraction of patients with the event: {lowest.name} implies "
    message += f"{percent(*low)}, {highest.name} {percent(*high)}. Models are only comparable on the same patients."
    yield Finding(tuple(row.number for row in rows), None, "prevalence", _severity(name), message)


def _one_size(group: Sequence[Verdict], *, name: str) -> Iterator[Finding]:
    """Class sizes that fit every row, or the sizes that fit most rows and those that the other rows need."""
    fitting = {verdict.row.number: pairs for verdict in group if (pairs := _pairs(verdict))}
    declared = all(verdict.sizes.pair for verdict in group)
    if len(fitting) < 2 or (declared and len(set.union(*fitting.values())) == 1):
        return
    votes = Counter(pair for pairs in fitting.values() for pair in pairs)
    most = max(votes.values())
    best = sorted((pair for pair, number in votes.items() if number == most), key=lambda pair: (sum(pair), pair))
    numbers = tuple(fitting)
    if most == len(fitting):
        shown = in_words([f"{a + b} ({a} with the event, {b} without)" for a, b in best[:3]], last="or")
        more = f" (further sizes: {len(best) - 3})" if len(best) > 3 else ""
        message = f"{capital(of_rows(numbers))} fit one test set of {shown}{more}."
        yield Finding(numbers, None, "one_test_set", "info", message)
        return
    a, b = best[0]
    agreed = [number for number in numbers if best[0] in fitting[number]]
    others = [
        f"row {number} needs {_nearest(fitting[number], to=best[0])}" for number in numbers if number not in agreed
    ]
    message = f"{_claim([verdict.row for verdict in group], name=name)} cannot have the same patients: {a} with the "
    message += f"event and {b} without fit {of_rows(agreed)}; {'; '.join(others)}."
    yield Finding(numbers, None, "one_test_set", _severity(name), message)


def _pairs(verdict: Verdict) -> set[Pair]:
    """The class sizes of the best fits of a row; empty if it has no metric at a threshold."""
    return {pair for fit in verdict.best for pair in fit.cohorts.pairs()} if verdict.metrics else set()


def _nearest(pairs: set[Pair], *, to: Pair) -> str:
    """The sizes that another row needs: of the same total if possible, else the smallest."""
    same = sorted(pair for pair in pairs if sum(pair) == sum(to))
    a, b = same[0] if same else min(pairs, key=lambda pair: (sum(pair), pair))
    return f"{a} and {b}" + (f" of the same {a + b} patients" if same else f" (or other sizes, from {a + b} patients)")
