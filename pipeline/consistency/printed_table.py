"""Read a published table as printed: text cells become numbers with their decimals."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipeline.consistency.column_names import COUNTS, FRACTIONS, INTERVAL, Meaning, meanings
from pipeline.consistency.rounding import Printed
from pipeline.foundation.errors import TableError, listed

EMPTY = frozenset({"", "-", "–", "—", "na", "n/a", "nan", "none", "nr"})
NUMBER = r"-?(?:\d+\.?\d*|\.\d+)"
CELL = re.compile(rf"({NUMBER})(?:[(\[]:?({NUMBER})(?:[-,;]|to)({NUMBER})[)\]])?")
RANGE = re.compile(rf"[(\[]?({NUMBER})(?:[-,;]|to)({NUMBER})[)\]]?")
DECIMALS = 9  # more of them carry no information and would overflow the integers of the search
Interval = tuple[Printed | None, Printed | None]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table: its spreadsheet row number, its names, fractions, intervals and counts."""

    number: int
    model: str | None = None
    cohort: str | None = None
    test_set: str | None = None  # the test set that the row claims; None if the table names none
    values: Mapping[str, Printed] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the row in messages."""
        names = " in ".join(dict.fromkeys(text for text in (self.model, self.cohort) if text))
        return f"row {self.number} ({names})" if names else f"row {self.number}"


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows, the cells that could not be read as (row, model, check, message), and the unknown columns."""

    rows: tuple[Row, ...]
    faults: tuple[tuple[int, str | None, str, str], ...]
    ignored: tuple[str, ...]


def read_rows(table: pd.DataFrame, *, place: str) -> Table:
    """The rows of a table whose cells are all text.

    A cell may be a fraction or a percentage, with or without a sign, and may hold its interval: `0.87 (0.80-0.93)`.
    A column of which at least half the values are above 1 is in percent. Cells that are not numbers are ignored and
    reported. `place` names the table in the messages. Raises TableError if no column is known, or two mean the same.
    """
    known = meanings([str(name) for name in table.columns])
    if not any(meaning.name in (*FRACTIONS, *COUNTS) for meaning in known.values()):
        wanted = ", ".join(FRACTIONS[:7])
        raise TableError(f"{place}: none of the columns {wanted} is there; name at least one of them in the first row")
    if not len(table):
        raise TableError(f"{place}: the table has a header and no rows; add one row per model")
    _refuse_twins(known, place=place)
    texts = {column: table[column].fillna("").astype(str).str.strip().tolist() for column in known}
    percents = _percent_columns(texts, known=known)
    faults: list[tuple[int, str | None, str, str]] = []
    rows = []
    for index in range(len(table)):
        cells = {column: texts[column][index] for column in known}
        row, unread = _row(cells, number=index + 2, known=known, percents=percents)
        faults += [(row.number, row.model, check, f"R{row.name[1:]}: {message}") for check, message in unread]
        rows.append(row)
    ignored = tuple(str(name) for name in table.columns if name not in known)
    return Table(rows=tuple(rows), faults=tuple(faults), ignored=ignored)


def printed_fraction(text: str, *, percent: bool) -> Printed:
    """`87.8` in percent or `.878` as the fraction it stands for, with its decimals; more than nine are rounded off."""
    whole, _, decimals = text.partition(".")
    if len(decimals) > DECIMALS:
        whole, _, decimals = f"{float(text):.{DECIMALS}f}".partition(".")
    units = int(f"{whole}{decimals}" if whole not in ("", "-") else f"{whole}0{decimals}")
    return Printed(text=text, units=units, decimals=len(decimals) + (2 if percent else 0))


def _refuse_twins(known: Mapping[str, Meaning], *, place: str) -> None:
    by_meaning: dict[tuple[str, str], list[str]] = {}
    for column, meaning in known.items():
        by_meaning.setdefault((meaning.name, meaning.part), []).append(column)
    faults = [
        f"columns {' and '.join(repr(column) for column in columns)} both mean {name}; rename or delete one"
        for (name, _), columns in by_meaning.items()
        if len(columns) > 1
    ]
    if faults:
        raise TableError(listed(faults, heading=f"{place}: columns that mean the same"))


def _plain(text: str) -> str:
    """A cell in ASCII, without blanks, percent signs and `95% CI`; a decimal comma as a point."""
    text = INTERVAL.sub("", text)
    for sign, plain in (("·", "."), ("−", "-"), ("–", "-"), ("—", "-"), ("%", ""), ("\u00a0", "")):
        text = text.replace(sign, plain)
    text = re.sub(r"\s+", "", text).lower()
    return text.replace(",", ".") if re.fullmatch(r"\d+,\d+", text) else text


def _parts(text: str, *, part: str) -> tuple[str | None, str | None, str | None] | None:
    """(value, low, high) of a cell; None if it is not a number."""
    if part == "interval":
        found = RANGE.fullmatch(_plain(text))
        return (None, found[1], found[2]) if found else None
    found = CELL.fullmatch(_plain(text))
    if found is None:
        return None
    if part == "value":
        return found[1], found[2], found[3]
    return (None, found[1], None) if part == "low" else (None, None, found[1])


def _percent_columns(texts: Mapping[str, list[str]], *, known: Mapping[str, Meaning]) -> set[str]:
    """The fractions, by name, that the table gives in percent: a header or a cell says so, or half are above 1."""
    numbers: dict[str, list[float]] = {}
    found = set()
    for column, meaning in known.items():
        if meaning.name not in FRACTIONS:
            continue
        if meaning.percent or any("%" in INTERVAL.sub("", text) for text in texts[column]):
            found.add(meaning.name)
        for text in texts[column]:
            parts = None if text.lower() in EMPTY else _parts(text, part=meaning.part)
            numbers.setdefault(meaning.name, []).extend(float(part) for part in parts or () if part is not None)
    return found | {name for name, own in numbers.items() if own and 2 * sum(one > 1 for one in own) >= len(own)}


def _row(
    cells: Mapping[str, str], *, number: int, known: Mapping[str, Meaning], percents: set[str]
) -> tuple[Row, list[tuple[str, str]]]:
    """One row, and its unreadable cells as (check, message)."""
    names: dict[str, Any] = {}
    values: dict[str, Printed] = {}
    limits: dict[str, dict[str, Printed]] = {}
    counts: dict[str, int] = {}
    unread: list[tuple[str, str]] = []
    for column, text in cells.items():
        meaning = known[column]
        if meaning.name in ("model", "cohort", "test_set"):
            names[meaning.name] = text or None
        elif text.lower() in EMPTY:
            continue
        elif meaning.name in COUNTS:
            count = re.sub(r"[,\s]", "", text)
            if re.fullmatch(r"\d+(\.0+)?", count):
                counts[meaning.name] = int(float(count))
            else:
                unread.append(("unreadable", f"'{text}' in column {column} is not a whole number and is ignored."))
        else:
            found, fault = _fractions(text, meaning=meaning, column=column, percent=meaning.name in percents)
            unread += [fault] if fault else []
            if "value" in found:
                values[meaning.name] = found.pop("value")
            limits.setdefault(meaning.name, {}).update(found)
    intervals = {name: (own.get("low"), own.get("high")) for name, own in limits.items() if own}
    names["test_set"] = names.get("test_set") or names.get("cohort")
    return Row(number=number, **names, values=values, intervals=intervals, counts=counts), unread


def _fractions(
    text: str, *, meaning: Meaning, column: str, percent: bool
) -> tuple[dict[str, Printed], tuple[str, str] | None]:
    """Value, low and high of a cell, and a fault as (check, message)."""
    parts = _parts(text, part=meaning.part)
    if parts is None:
        return {}, ("unreadable", f"'{text}' in column {column} is not one number and is ignored.")
    given = {name: part for name, part in zip(("value", "low", "high"), parts, strict=True) if part is not None}
    # A fraction with decimals among percentages: 0.95 is far more likely 95 % than 1 %.
    mixed = (
        percent
        and "%" not in INTERVAL.sub("", text)
        and all(float(part) <= 1 and len(part) > 3 for part in given.values())
    )
    found = {name: printed_fraction(part, percent=percent and not mixed) for name, part in given.items()}
    if "value" in found and not 0 <= found["value"].units <= 10 ** found["value"].decimals:
        return {}, ("range", f"{column} is printed as {text}, but must lie between 0 and 1 (or 100 %); ignored.")
    if mixed:
        return found, ("units", f"{column} is printed as {text} among percentages, and is read as a fraction.")
    return found, None
