"""Which patients train and which are held out: grouped, stratified splits, written once and used by every later step.

A resample is one division into training and held-out patients: a fold (`cv-<repeat>-<fold>`), or `final`. Only
patient_id, group_id, label and cohort are read (and date, for `holdout: latest`, and fold, for `folds: given`), so that
no feature can affect where a patient is assigned.
"""

from math import ceil
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from pipeline.contracts.data.cohort import DATE, FOLD
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.errors import CohortError, listed
from pipeline.foundation.params import Params
from pipeline.split.given_folds import given_folds
from pipeline.split.grouped_folds import deal_groups, draw_groups
from pipeline.split.latest import latest_groups

HALVES = np.array(["a", "b"])
GIVEN = "given"  # folds that the source gives
# The purpose of a random draw, part of its seed: a draw never depends on how many were made before it.
_HOLDOUT, _FOLDS, _HALVES = 0, 1, 2


class SplitParams(Params):
    """`params/split.yaml`."""

    folds: int | str
    repeats: int = Field(ge=1, le=100)
    holdout_fraction: float = Field(ge=0, le=0.5)
    holdout: Literal["random", "latest"] = "random"

    @field_validator("folds", mode="before")
    @classmethod
    def _number_or_given(cls, folds: Any) -> Any:
        whole = isinstance(folds, int) and not isinstance(folds, bool) and 2 <= folds <= 20
        if not whole and folds != GIVEN:
            raise ValueError(f"It must be a whole number from 2 to 20, or {GIVEN}")
        return folds

    @model_validator(mode="after")
    def _given_folds_are_not_redrawn(self) -> Self:
        if self.folds == GIVEN and self.repeats > 1:
            raise ValueError(
                f"key 'repeats' has the value {self.repeats}, and given folds are not redrawn; set it to 1"
            )
        return self


def split_table(patients: pd.DataFrame, *, params: SplitParams, seed: int) -> pd.DataFrame:
    """The splits: one row per resample and patient, with role and half.

    `patients` has patient_id, group_id, label (0/1), cohort, date if dates are known, and fold if folds are given.
    Cohorts are used as given; if none is given, `holdout_fraction` of the patients becomes the cohort internal: a
    stratified draw of groups (holdout random), or the groups of the latest dates (holdout latest). Resamples
    `cv-<repeat>-<fold>` hold the training cohort (role train or cv), `final` holds every patient (train, internal,
    external). In each resample the training rows are dealt into halves a and b. Raises CohortError if only some
    patients have a cohort, if a group lies in two cohorts, if a fold or a half would hold one class only,
    and as `latest_groups` and `given_folds` do.
    """
    read = [name for name in ("patient_id", "group_id", "label", "cohort", DATE, FOLD) if name in patients]
    ordered = patients[read].sort_values("patient_id", ignore_index=True)
    ordered["cohort"] = _cohorts(ordered, params=params, seed=seed)
    _check_cohorts(ordered)
    training = ordered[ordered["cohort"] == "train"]
    resamples, faults = [], []
    for repeat in range(params.repeats):
        fold = _folds(training, params=params, seed=[seed, _FOLDS, repeat])
        count = int(fold.max()) + 1
        for number in range(count):
            name = f"cv-{_padded(repeat + 1, params.repeats)}-{_padded(number + 1, count)}"
            resamples.append(training.assign(resample=name, role=np.where(fold == number, "cv", "train")))
    resamples.append(ordered.assign(resample=FINAL, role=ordered["cohort"]))
    for place, resample in enumerate(resamples):
        resample["half"] = _halves(resample, seed=[seed, _HALVES, place])
        faults += _one_class(resample)
    if faults:
        drawn = bool(patients["cohort"].isna().all())
        raise CohortError(_too_few(training, faults, params=params, drawn=drawn))
    table = pd.concat(resamples, ignore_index=True)
    return table[["resample", "patient_id", "role", "half"]]


def _padded(number: int, largest: int) -> str:
    return str(number).zfill(len(str(largest)))


def _cohorts(patients: pd.DataFrame, *, params: SplitParams, seed: int) -> pd.Series:
    given = patients["cohort"].notna()
    if given.all():
        return patients["cohort"]
    if given.any():
        absent = patients.loc[~given, "patient_id"]
        raise CohortError(
            f"patients.csv: {len(absent)} of {len(patients)} patients have no cohort, first {absent.iloc[0]}; "
            "give every patient one (train, internal, external), or none, to have them split by params/split.yaml"
        )
    generator = np.random.default_rng([seed, _HOLDOUT])
    if params.holdout == "latest":
        drawn = latest_groups(patients, fraction=params.holdout_fraction, generator=generator)
    else:
        drawn = draw_groups(*_arrays(patients), fraction=params.holdout_fraction, generator=generator)
    return pd.Series(np.where(drawn, "internal", "train"), index=patients.index)


def _check_cohorts(patients: pd.DataFrame) -> None:
    cohorts = patients.groupby("group_id")["cohort"].unique()
    shared = cohorts[cohorts.map(len) > 1]
    if len(shared):
        faults = [
            f"group {group} ({', '.join(patients.loc[patients['group_id'] == group, 'patient_id'])}) lies in "
            f"{' and '.join(sorted(names))}"
            for group, names in shared.items()
        ]
        heading = "patients.csv: patients that share an image must be in one cohort; assign them to one or exclude them"
        raise CohortError(listed(faults, heading=heading))
    if not (patients["cohort"] == "train").any():
        raise CohortError("patients.csv: no patient is in the cohort train, so that nothing can be fitted")


def _arrays(patients: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    labels = patients["label"].to_numpy().astype(np.int64)
    return labels, patients["group_id"].to_numpy().astype(np.str_)


def _deal(patients: pd.DataFrame, folds: int, *, seed: list[int]) -> NDArray[np.int64]:
    return deal_groups(*_arrays(patients), folds=folds, generator=np.random.default_rng(seed))


def _folds(training: pd.DataFrame, *, params: SplitParams, seed: list[int]) -> NDArray[np.int64]:
    return given_folds(training) if params.folds == GIVEN else _deal(training, int(params.folds), seed=seed)


def _halves(resample: pd.DataFrame, *, seed: list[int]) -> pd.Series:
    train = resample[resample["role"] == "train"]
    halves = pd.Series(HALVES[_deal(train, 2, seed=seed)], index=train.index)
    return halves.reindex(resample.index)


def _one_class(resample: pd.DataFrame) -> list[str]:
    """Names of the test fold and the halves of a resample that hold one class only; a held-out cohort is allowed to."""
    name = resample["resample"].iloc[0]
    pieces = {f"half {half} of {name}": resample[resample["half"] == half] for half in HALVES}
    if name != FINAL:
        pieces[f"the test fold of {name}"] = resample[resample["role"] == "cv"]
    return [piece for piece, rows in pieces.items() if rows["label"].nunique() < 2]


def _too_few(training: pd.DataFrame, faults: list[str], *, params: SplitParams, drawn: bool) -> str:
    events = int(training["label"].sum())
    rarest = min(training.loc[training["label"] == label, "group_id"].nunique() for label in (0, 1))
    # Each test fold needs a group of the rarer class, and the training rows need two more, one per half.
    largest = 5 if params.folds == GIVEN else int(params.folds) - 1
    possible = [k for k in range(largest, 1, -1) if rarest >= k and rarest - ceil(rarest / k) >= 2]
    change = "set" if params.folds == GIVEN else "lower"
    advice = f"{change} folds to {possible[0]}" if possible else "add patients"
    if drawn and params.holdout_fraction > 0:
        advice += f" or lower holdout_fraction ({params.holdout_fraction})"
    return (
        f"params/split.yaml: the training cohort holds {events} events and {len(training) - events} non-events, too "
        f"few for folds ({params.folds}) and their halves ({len(faults)} hold one class only, first {faults[0]}); "
        f"{advice}"
    )
