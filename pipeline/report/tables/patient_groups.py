"""The cohort of each patient, the recorded characteristics, and the check that every column sums to its total."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.contracts.data.cohort import NOT_CLINICAL
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.errors import PipelineError, listed

ALL = "all"
GROUPS = ("train", "internal", "external")
EVENT, NO_EVENT = "event", "no event"
MAX_LEVELS = 8  # a text column with more levels is only counted
_MISSING = re.compile(r"missing( \(value\))*")
OWN_NAMES = ("patients", "outcome", ALL)  # names of rows that no clinical column may take


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One characteristic: its values in the order of the patients table.

    kind: number (numeric, more than two values), category (at most `MAX_LEVELS` levels, as text), or many.
    """

    name: str
    values: pd.Series
    kind: Literal["number", "category", "many"]
    levels: tuple[str, ...] = ()


def roles(splits: pd.DataFrame) -> pd.Series:
    """train, internal or external by patient_id, from resample `final`."""
    final = splits[splits["resample"] == FINAL]
    return final.set_index("patient_id")["role"]


def cohort_groups(patients: pd.DataFrame, *, role: pd.Series) -> dict[str, pd.Series]:
    """All patients, and each cohort that has patients. `role` by patient_id."""
    own = patients["patient_id"].map(role)
    found = {ALL: pd.Series(True, index=patients.index)} | {name: own == name for name in GROUPS}
    return {name: inside for name, inside in found.items() if inside.any()}


def outcome_groups(patients: pd.DataFrame) -> dict[str, pd.Series]:
    """Patients with the event, and without."""
    event = patients["label"].astype(float) == 1
    return {EVENT: event, NO_EVENT: ~event}


def outcome(patients: pd.DataFrame) -> Variable:
    """The outcome as a characteristic."""
    values = patients["label"].astype(float).map({1.0: EVENT, 0.0: NO_EVENT})
    return Variable(name="outcome", values=values, kind="category", levels=(EVENT, NO_EVENT))


def recorded(patients: pd.DataFrame) -> list[Variable]:
    """The site if known, and every clinical column, in table order; columns without any value included."""
    clinical = [name for name in patients.columns if name not in NOT_CLINICAL]
    site = [variable("site", patients["site"])] if patients["site"].notna().any() else []
    return site + [variable(name, patients[name]) for name in clinical]


def variable(name: str, values: pd.Series) -> Variable:
    """A column as a characteristic. Numbers with at most two values are a category; infinite values are missing."""
    shown = f"{name} (column)" if name in OWN_NAMES else name
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        given = values.astype("float64")
        values = given.where(np.isfinite(given))
        if values.nunique() > 2:
            return Variable(name=shown, values=values, kind="number")
    texts = values.astype("object").where(values.notna(), None).map(_level)
    levels = tuple(sorted(texts.dropna().unique()))
    return Variable(name=shown, values=texts, kind="category" if len(levels) <= MAX_LEVELS else "many", levels=levels)


def _level(value: object) -> str | None:
    if value is None:
        return None
    level = f"{value:g}" if isinstance(value, float | np.number) and not isinstance(value, bool) else str(value)
    # The tables have a row `missing` of their own, for patients without a value.
    return f"{level} (value)" if _MISSING.fullmatch(level) else level


def check_sums(sums: Mapping[str, tuple[float, float]], *, table: str) -> None:
    """Refuse a table with wrong totals: `sums` has the sum of the parts and the whole, by what is summed.

    Raises PipelineError, listing every fault, if any sum differs from its whole.
    """
    faults = [
        f"{what}: the parts sum to {parts:g}, not {whole:g}" for what, (parts, whole) in sums.items() if parts != whole
    ]
    if faults:
        raise PipelineError(listed(faults, heading=f"{table}: sums do not hold; please report this as a fault"))
