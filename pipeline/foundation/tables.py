"""Data contracts: what each CSV holds, checked on every read and every write.

Common format: UTF-8, comma, header, no index column, key columns first, rows sorted by key, ids as text,
missing = empty, numbers in full precision, fractions between 0 and 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.foundation.errors import TableError, listed
from pipeline.foundation.files import whole_file

Kind = Literal["text", "integer", "number", "fraction", "binary", "any"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its name, its allowed values, whether values may be empty and the column absent."""

    name: str
    kind: Kind = "text"
    required: bool = True  # no empty values
    optional: bool = False  # the column itself may be absent
    choices: tuple[str, ...] = ()


def text(name: str, *, required: bool = True, choices: tuple[str, ...] = ()) -> Column:
    """A column of text; `required` = no empty values."""
    return Column(name=name, required=required, choices=choices)


def number(name: str, *, required: bool = True) -> Column:
    """A column of finite numbers."""
    return Column(name=name, kind="number", required=required)


def integer(name: str, *, required: bool = True) -> Column:
    """A column of whole numbers."""
    return Column(name=name, kind="integer", required=required)


def fraction(name: str, *, required: bool = True) -> Column:
    """A column of numbers between 0 and 1."""
    return Column(name=name, kind="fraction", required=required)


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One table: its key, its columns, and the kind of any further columns (None = no further columns)."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    extra: Kind | None = None
    unique_key: bool = True
    text_columns: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        texts = frozenset(c.name for c in self.columns if c.kind == "text")
        object.__setattr__(self, "text_columns", texts)

    @property
    def names(self) -> list[str]:
        """The column names in order, without optional columns."""
        return [column.name for column in self.columns if not column.optional]

    def empty(self) -> pd.DataFrame:
        """A table with these columns and no rows."""
        return pd.DataFrame(columns=self.names)

    def faults(self, table: pd.DataFrame) -> list[str]:
        """Every violation of this contract in `table`, as sentences."""
        found: list[str] = []
        known = {column.name for column in self.columns}
        for column in self.columns:
            if column.name in table:
                found += _column_faults(table[column.name], column)
            elif not column.optional:
                found.append(f"column '{column.name}' is missing")
        others = [name for name in table.columns if name not in known]
        if self.extra == "number" and _all_numbers(table[others]):
            others = []
        for name in others:
            if self.extra is None:
                found.append(f"column '{name}' is not known; the columns are {', '.join(sorted(known))}")
            else:
                found += _column_faults(table[name], Column(name=str(name), kind=self.extra, required=False))
        return found + self._key_faults(table)

    def _key_faults(self, table: pd.DataFrame) -> list[str]:
        if not self.unique_key or not set(self.key) <= set(table.columns):
            return []
        repeated = table.loc[table.duplicated(list(self.key), keep=False), list(self.key)].drop_duplicates()
        return [f"more than one row for {_keys(self.key, row)}" for row in repeated.itertuples(index=False)]


def _all_numbers(table: pd.DataFrame) -> bool:
    """Whether every value is a finite number or empty, asked of all columns at once: a table may have thousands."""
    kinds = {kind.kind for kind in table.dtypes if isinstance(kind, np.dtype)}
    if not kinds <= set("fiu") or not all(isinstance(kind, np.dtype) for kind in table.dtypes):
        return False
    return not np.isinf(table.to_numpy(dtype=np.float64)).any()


def _keys(names: Sequence[str], values: Sequence[object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))


def _column_faults(values: pd.Series, column: Column) -> list[str]:
    found = []
    empty = values.isna() | (values.astype("object") == "")
    if column.required and empty.any():
        found.append(f"column '{column.name}': {int(empty.sum())} empty values, first in row {_first_row(empty)}")
    present = values[~empty]
    if column.choices:
        wrong = ~present.astype(str).isin(column.choices)
        rule = f"one of {', '.join(column.choices)}"
    else:
        wrong, rule = _wrong(present, column.kind)
    if wrong.any():
        row = _first_row(wrong.reindex(values.index, fill_value=False))
        example = present[wrong].iloc[0]
        found.append(
            f"column '{column.name}': {int(wrong.sum())} values are not {rule}, first '{example}' in row {row}"
        )
    return found


def _wrong(present: pd.Series, kind: Kind) -> tuple[pd.Series, str]:
    if kind in ("text", "any"):
        return pd.Series(False, index=present.index), "text"
    numbers = pd.to_numeric(present, errors="coerce")
    bad = ~np.isfinite(numbers.astype(float))
    if kind == "integer":
        return bad | (numbers != np.floor(numbers.astype(float))), "whole numbers"
    if kind == "fraction":
        return bad | (numbers < 0) | (numbers > 1), "between 0 and 1"
    if kind == "binary":
        return bad | ~numbers.isin([0, 1]), "0 or 1"
    return bad, "finite numbers"


def _first_row(mask: pd.Series) -> int:
    """The row of the first True in spreadsheet numbering (the header is row 1)."""
    return int(np.flatnonzero(mask.to_numpy())[0]) + 2


def header_of(path: Path) -> list[str]:
    """The names of the columns of a CSV. Raises TableError as `read_csv` does."""
    try:
        return [str(name) for name in pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns]
    except FileNotFoundError as error:
        raise TableError(f"{path}: there is no such table") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: not readable as a UTF-8 comma-separated table ({error})") from error


def read_csv(path: Path, *, text_columns: Sequence[str] = (), columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read any CSV in the common format, without a contract; `text_columns` keep 007 as 007; `columns` None = all.

    Raises TableError if the file is missing, empty or not a UTF-8 CSV, or lacks one of `columns`.
    """
    header = header_of(path)
    try:
        if absent := [name for name in columns or () if name not in header]:
            raise TableError(f"{path}: column '{absent[0]}' is missing")
        texts = {name: "str" for name in header if name in set(text_columns)}
        return pd.read_csv(
            path,
            dtype=texts,
            usecols=None if columns is None else list(columns),
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
            low_memory=False,
        )
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: not readable as a UTF-8 comma-separated table ({error})") from error


def check_table(table: pd.DataFrame, contract: Contract, *, place: str) -> None:
    """Raise one TableError that lists every violation of `contract`; `place` names the table in the message."""
    faults = contract.faults(table)
    if faults:
        raise TableError(listed(faults, heading=f"{place}: {len(faults)} faults against the {contract.name} table"))


def read_table(path: Path, contract: Contract) -> pd.DataFrame:
    """Read a table and check it against its contract (key and text columns stay text).

    Raises TableError with all faults at once.
    """
    table = read_csv(path, text_columns=sorted(contract.text_columns))
    check_table(table, contract, place=str(path))
    return table


def write_table(table: pd.DataFrame, path: Path, contract: Contract) -> None:
    """Write a table under its contract: key columns first, rows sorted by key, full precision, atomically.

    Raises TableError with all faults at once, before anything is written.
    """
    check_table(table, contract, place=str(path))
    named = [c.name for c in contract.columns if c.name in table and c.name not in contract.key]
    rest = [name for name in table.columns if name not in contract.key and name not in named]
    ordered = table[[*contract.key, *named, *rest]]
    # A stable sort keeps the order of rows that share a key (audit findings).
    ordered = ordered.sort_values(list(contract.key), kind="stable") if contract.key else ordered
    write_csv(ordered, path)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write `table` in the common format, atomically through a temporary file beside it.

    A carriage return inside a text or a column name is written as a line feed: unquoted, it would end the row.
    Raises OSError with the name of the file if the disk is full or cannot be written.
    """
    with whole_file(path) as stream:
        _with_line_feeds(table).to_csv(stream, index=False, lineterminator="\n", encoding="utf-8")


def _with_line_feeds(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with every line break inside a text or a column name as one line feed."""
    texts = [place for place, kind in enumerate(table.dtypes) if not isinstance(kind, np.dtype) or kind.kind == "O"]
    changed = {}
    for place in texts:
        values = table.iloc[:, place]
        if values.map(lambda value: isinstance(value, str) and "\r" in value).any():
            changed[place] = values.map(lambda value: _line_feeds(value) if isinstance(value, str) else value)
    if not changed and not any("\r" in str(name) for name in table.columns):
        return table
    columns = [changed.get(place, table.iloc[:, place]) for place in range(table.shape[1])]
    renamed = [_line_feeds(name) if isinstance(name, str) else name for name in table.columns]
    return pd.concat(columns, axis=1).set_axis(renamed, axis=1)


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
