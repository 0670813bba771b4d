"""The subgroups: the columns that the params name, and the patients in each of their levels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field

from pipeline.foundation.errors import PipelineError, listed
from pipeline.foundation.params import Params
from pipeline.report.tables.patient_groups import MAX_LEVELS, Variable, recorded

MEDIAN = "median"
MISSING = "missing"


class SubgroupColumn(Params):
    """One column, and the cut of a number: at a value, or at the median of the training patients."""

    column: str = Field(min_length=1)
    cut: Annotated[float, Field(allow_inf_nan=False)] | Literal["median"] | None = None


class SubgroupParams(Params):
    """`subgroups` in `params/report.yaml`."""

    columns: tuple[SubgroupColumn, ...] | None = Field(default=None, description="None = site and every clinical one")
    min_patients: int = Field(default=5, ge=2, le=1000, description="minimum with the event, and without it")


@dataclass(frozen=True, kw_only=True)
class Subgroups:
    """The levels of one column: membership of each patient, by patient_id. `cut` is NaN for a category."""

    name: str
    levels: Mapping[str, pd.Series]
    cut: float


def subgroups(patients: pd.DataFrame, *, role: pd.Series, params: SubgroupParams) -> list[Subgroups]:
    """The subgroups of the params, in their order; `role` by patient_id.

    A number is divided into below the cut, and the cut or more. Patients without a value form the level `missing`, if
    there are any. Without named columns: the site and every clinical column except text with many values.
    Raises PipelineError, listing every fault, if a column does not exist or cannot form subgroups.
    """
    train = patients["patient_id"].map(role) == "train"
    known = {one.name: one for one in recorded(patients)}
    if params.columns is None:
        usable = [one for one in known.values() if one.kind != "many" and one.values.nunique() > 1]
        usable = [one for one in usable if one.kind == "category" or one.values[train].notna().any()]
        return [_split(one, cut=MEDIAN, patients=patients, train=train) for one in usable]
    faults = [fault for column in params.columns for fault in _faults(column, known=known, train=train)]
    names = [column.column for column in params.columns]
    faults += [f"column '{name}' is named twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if len(faults) == 1:
        raise PipelineError(f"params/report.yaml: key 'subgroups.columns': {faults[0]}")
    if faults:
        raise PipelineError(
            listed(faults, heading="params/report.yaml: key 'subgroups.columns' does not fit these data")
        )
    return [
        _split(known[column.column], cut=MEDIAN if column.cut is None else column.cut, patients=patients, train=train)
        for column in params.columns
    ]


def _faults(column: SubgroupColumn, *, known: Mapping[str, Variable], train: pd.Series) -> list[str]:
    if column.column not in known:
        columns = ", ".join(known) or "none"
        return [f"column '{column.column}' is not in the patients table; its columns are: {columns}"]
    one = known[column.column]
    kind = one.kind
    if kind == "many":
        return [f"column '{column.column}' is text with more than {MAX_LEVELS} different values"]
    if kind == "category" and column.cut is not None:
        return [f"column '{column.column}' is a category and has no cut; remove its cut"]
    if kind == "number" and not isinstance(column.cut, float) and one.values[train].isna().all():
        return [f"column '{column.column}' has no value in the training patients, and so no median; give a cut"]
    return []


def _split(one: Variable, *, cut: float | str, patients: pd.DataFrame, train: pd.Series) -> Subgroups:
    values = one.values.set_axis(patients["patient_id"])
    if one.kind == "number":
        numbers = values.astype("float64")
        place = float(one.values[train].astype("float64").median()) if isinstance(cut, str) else cut
        levels = {f"below {place:g}": numbers < place, f"{place:g} or more": numbers >= place}
    else:
        place, levels = float("nan"), {level: values == level for level in one.levels}
    missing = {MISSING: values.isna()} if values.isna().any() else {}
    return Subgroups(name=one.name, levels=levels | missing, cut=place)
