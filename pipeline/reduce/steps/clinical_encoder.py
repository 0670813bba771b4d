"""Clinical columns as numbers: medians for missing values, one column per level, all learned on the training rows."""

import re
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

MISSING = "_missing"
_WITH_LEVEL = re.compile(r"((?:[^\\=]|\\.)*)=(.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class EncodedName:
    """What an encoded column is: a number (`level` None), a level of a category, or the indicator of missing values."""

    variable: str
    level: str | None = None
    missing: bool = False

    def __str__(self) -> str:
        """`age`, `sex=F`, `age_missing`.

        A backslash precedes each \\ and = of the variable's own name, and a `_missing` at its end. Hence no two
        columns collide, and `of` finds the parts again, whatever the names in the table.
        """
        name = re.sub(r"[\\=]", r"\\\g<0>", self.variable)
        if name.endswith(MISSING):
            name = f"{name.removesuffix(MISSING)}\\{MISSING}"
        return f"{name}{MISSING}" if self.missing else name if self.level is None else f"{name}={self.level}"

    @classmethod
    def of(cls, column: str) -> Self:
        """The parts of the name of an encoded column."""
        if found := _WITH_LEVEL.fullmatch(column):
            return cls(variable=_plain(found[1]), level=found[2])
        name = column.removesuffix(MISSING)
        marked = (len(name) - len(name.rstrip("\\"))) % 2 == 1
        missing = name != column and not marked
        return cls(variable=_plain(name if missing else column), missing=missing)


def _plain(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name, flags=re.DOTALL)


class ClinicalEncoder(BaseEstimator):
    """Numbers stay as they are, missing ones become the training median; categories become one 0/1 column per level.

    A column is numeric if all its training values are numbers. Levels are those of the training rows: any other
    level, and a missing category, are 0 in all of the level columns. `<column>_missing` (0/1) is added if a training
    value is missing. The names are those of `EncodedName`. Columns without any training value are dropped, as are
    those that are constant over the training rows. Learned: `medians_` (by numeric column), `levels_` (by category),
    `indicators_`, `kept_` (column names).
    """

    def fit(self, X: pd.DataFrame, _y: Any = None) -> Self:
        """Learn from the clinical columns X (n, p), numbers or text as read from the table."""
        self.medians_: dict[str, float] = {}
        self.levels_: dict[str, list[str]] = {}
        for name in [name for name in X.columns if X[name].notna().any()]:
            numbers = _numbers(X[name])
            if numbers.notna().sum() == X[name].notna().sum():
                self.medians_[name] = float(numbers.median())
            else:
                self.levels_[name] = sorted(_texts(X[name]).dropna().unique())
        learned = [*self.medians_, *self.levels_]
        self.indicators_ = [name for name in X.columns if name in learned and X[name].isna().any()]
        encoded = self._encoded(X)
        self.kept_ = [name for name in encoded if encoded[name].nunique() > 1]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """X (m, p) as numbers without missing values, columns in the order of the table."""
        return self._encoded(X)[self.kept_]

    def unseen(self, X: pd.DataFrame) -> list[str]:
        """What X holds that the training rows did not, one sentence each: unknown levels, texts among numbers."""
        notes = []
        for name, levels in self.levels_.items():
            new = sorted(set(_texts(X[name]).dropna()) - set(levels))
            notes += [f"{name}: level '{level}' is not in the training rows, taken as no known level" for level in new]
        for name in self.medians_:
            wrong = int((X[name].notna() & _numbers(X[name]).isna()).sum())
            if wrong:
                notes.append(f"{name}: {wrong} values are not numbers, unlike in the training rows, taken as missing")
        return notes

    def _encoded(self, X: pd.DataFrame) -> pd.DataFrame:
        columns: dict[str, np.ndarray] = {}
        for name in X.columns:
            if name in self.medians_:
                numbers = _numbers(X[name])
                columns[str(EncodedName(variable=str(name)))] = numbers.fillna(self.medians_[name]).to_numpy()
                missing = numbers.isna()
            elif name in self.levels_:
                texts = _texts(X[name])
                columns |= {
                    str(EncodedName(variable=str(name), level=level)): (texts == level).to_numpy() * 1.0
                    for level in self.levels_[name]
                }
                missing = texts.isna()
            if name in self.indicators_:
                columns[str(EncodedName(variable=str(name), missing=True))] = missing.to_numpy() * 1.0
        return pd.DataFrame(columns, index=X.index, dtype=np.float64)


def _numbers(values: pd.Series) -> pd.Series:
    """Finite numbers, NaN where a value is missing or not one; True and False are categories, not numbers."""
    plain = values.astype("object").where(~values.map(lambda value: isinstance(value, bool | np.bool_)), "")
    numbers = pd.to_numeric(plain, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


def _texts(values: pd.Series) -> pd.Series:
    return values.astype("object").where(values.notna(), None).map(lambda v: None if v is None else str(v).strip())
