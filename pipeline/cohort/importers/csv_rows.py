"""A user's CSV as text, with the row numbers that a spreadsheet shows."""

import csv
from pathlib import Path

import pandas as pd

from pipeline.foundation.errors import CohortError, listed


def read_rows(path: Path, *, header: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Every cell of a comma-separated UTF-8 file as text without surrounding blanks; empty cells are "".

    The index is the row number as a spreadsheet counts it (a header is row 1); rows without any entry are dropped.
    `header` names the columns of a file that has no header line. A byte-order mark is tolerated. Raises CohortError
    if the file is missing, is not such a table, or has rows longer than its header (all of them listed).
    """
    records = _records(path)
    _check_first_row(records[0] if records else [], path)
    names = list(header) if header else records.pop(0)
    _check_names(names, path)
    first = 1 if header else 2
    numbered = {n: record for n, record in enumerate(records, start=first) if any(record)}
    faults = [
        f"row {n} has {len(record)} fields, the table has {len(names)} columns"
        for n, record in numbered.items()
        if len(record) > len(names)
    ]
    if faults:
        raise CohortError(listed(faults, heading=f"{path}: {len(faults)} rows are longer than the header"))
    padded = [[*record, *[""] * (len(names) - len(record))] for record in numbered.values()]
    return pd.DataFrame(padded, columns=names, index=list(numbered), dtype="str")


def _records(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return [[cell.strip() for cell in record] for record in csv.reader(stream, strict=True)]
    except FileNotFoundError as error:
        raise CohortError(f"{path}: there is no such table") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CohortError(
            f"{path}: not readable as a UTF-8 comma-separated table; save it as 'CSV UTF-8' ({error})"
        ) from error


def _check_first_row(cells: list[str], path: Path) -> None:
    if not cells:
        raise CohortError(f"{path}: the table is empty")
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) == 1 and mark in cells[0]:
            raise CohortError(f"{path}: the columns are separated by {word}; save the table with commas")


def _check_names(names: list[str], path: Path) -> None:
    if repeated := sorted({name or "(no name)" for name in names if names.count(name) > 1}):
        raise CohortError(f"{path}: the columns {', '.join(repeated)} occur more than once; name each column once")


def row_list(rows: pd.Index) -> str:
    """`row 3`, or `rows 3, 7 and 9`; the first ten and how many more."""
    numbers = [str(row) for row in rows]
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    if len(numbers) > 10:
        return f"rows {', '.join(numbers[:10])} and {len(numbers) - 10} more"
    return f"rows {', '.join(numbers[:-1])} and {numbers[-1]}"
