"""One finding of a check, and the table of all findings."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import pandas as pd

from pipeline.consistency.printed_table import Row
from pipeline.contracts.reports.consistency import CONSISTENCY

Severity = Literal["error", "warning", "info"]
ORDER: dict[str, int] = {"error": 0, "warning": 1, "info": 2}


class Finding(NamedTuple):
    """Spreadsheet row numbers, the model if it is one row, the check, its severity, and one sentence."""

    rows: tuple[int, ...]
    model: str | None
    check: str
    severity: Severity
    message: str


def of_row(row: Row, check: str, severity: Severity, message: str) -> Finding:
    """A finding about one row; its message begins with the row."""
    return Finding((row.number,), row.model, check, severity, f"{capital(row.name)}: {message}")


def finding_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """`consistency.csv`: errors first, then by row; numbered from 1."""
    ordered = sorted(findings, key=lambda found: (ORDER[found.severity], found.rows, found.check, found.message))
    rows = [
        (number, ", ".join(str(row) for row in found.rows), *found[1:]) for number, found in enumerate(ordered, start=1)
    ]
    return pd.DataFrame(rows, columns=CONSISTENCY.names)


def capital(text: str) -> str:
    """With a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def in_words(parts: Sequence[str], *, last: str = "and") -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def some(parts: Sequence[str], *, limit: int = 6) -> str:
    """The first `limit` of many, and how many more there are."""
    shown = "; ".join(parts[:limit])
    return f"{shown} and {len(parts) - limit} more" if len(parts) > limit else shown


def of_rows(numbers: Sequence[int]) -> str:
    """`row 2` or `rows 2, 3 and 5`."""
    words = [str(number) for number in numbers]
    return f"row {words[0]}" if len(words) == 1 else f"rows {in_words(words)}"


def percent(low: float, high: float) -> str:
    """A range of fractions as percentages."""
    return f"{100 * low:.1f} %" if high - low < 5e-4 else f"{100 * low:.1f} to {100 * high:.1f} %"
