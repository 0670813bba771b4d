"""A user's CSV as text, with the row numbers that a spreadsheet shows."""

import csv
import difflib
from pathlib import Path

import pandas as pd

from pipeline.foundation.errors import CohortError, listed

SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")


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


def other_table(path: Path) -> str:
    """What lies in the folder in place of a table that does not exist: a spreadsheet, or a similar name; or ""."""
    try:
        names = sorted(child.name for child in path.parent.iterdir() if not child.name.startswith((".", "~")))
    except OSError:
        return ""
    if sheets := [name for name in names if name.lower().endswith(SPREADSHEETS)]:
        own = [name for name in sheets if Path(name).stem.casefold() == path.stem.casefold()]
        return f"; the folder holds {(own or sheets)[0]}: export it as CSV ('CSV UTF-8', with commas)"
    tables = {name.casefold(): name for name in names if name.lower().endswith((".csv", ".tsv", ".txt"))}
    near = difflib.get_close_matches(path.name.casefold(), tables, n=1, cutoff=0.6)
    return f"; did you mean {tables[near[0]]}?" if near else ""


def _records(path: Path) -> list[list[str]]:
    if path.suffix.lower() in SPREADSHEETS and path.is_file():
        raise CohortError(f"{path}: is a spreadsheet; export it as CSV ('CSV UTF-8', with commas) and name that file")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return [[cell.strip() for cell in record] for record in csv.reader(stream, strict=True)]
    except FileNotFoundError as error:
        raise CohortError(f"{path}: there is no such table{other_table(path)}") from error
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
