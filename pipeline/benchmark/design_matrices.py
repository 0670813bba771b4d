"""The reduced table of a feature set as one design matrix per resample and part, and the inner folds of its rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.data.split import ALL
from pipeline.foundation.errors import PipelineError, listed
from pipeline.split.grouped_folds import deal_groups

KEYS = ("resample", "part", "patient_id", "role")


@dataclass(frozen=True, kw_only=True)
class Design:
    """The rows of one resample and part: those a classifier is fitted on, and those it scores.

    `X` (n, features) and `X_test` (m, features) have columns in the order of `features` and no missing value;
    `y` (n,) is 0 or 1; `groups` (n,) names the group of each training patient. Rows are sorted by patient id.
    """

    resample: str
    part: str
    features: tuple[str, ...]
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    groups: NDArray[np.str_]
    X_test: NDArray[np.float64]
    test_ids: tuple[str, ...]


def design_matrices(
    reduced: pd.DataFrame, patients: pd.DataFrame, splits: pd.DataFrame, *, place: str = "the reduced table"
) -> list[Design]:
    """One design per resample and part of `reduced`, in that order; row and column order of the tables do not matter.

    The features of a design are the columns that are filled in its training rows; an empty column was not selected
    there. Raises PipelineError that lists all faults: rows that are not those of `splits`, parts that are
    neither `all` nor `a` and `b`, missing values, or a class with fewer than two groups among the training rows.
    """
    parts = sorted(reduced["part"].unique())
    if parts not in ([ALL], ["a", "b"]):
        raise PipelineError(f"{place}: the parts are {', '.join(parts) or 'missing'}; they must be all, or a and b")
    known = patients.set_index("patient_id")[["label", "group_id"]]
    blocks = dict(list(reduced.groupby(["resample", "part"])))
    designs, faults = [], []
    for resample, split in splits.groupby("resample", sort=True):
        for part in parts:
            where = f"resample {resample}, part {part}"
            rows = blocks.pop((resample, part), reduced.iloc[:0])
            roles = _expected_roles(split, part)
            if dict(zip(rows["patient_id"], rows["role"], strict=True)) != roles or not set(roles) <= set(known.index):
                faults.append(f"{where}: the patients or roles are not those of the splits; run reduce again")
                continue
            design = _design(rows, known, resample=str(resample), part=part)
            found = _faults(design)
            faults += [f"{where}: {fault}" for fault in found]
            designs.append(design)
    faults += [f"resample {resample} is not in the splits; run reduce again" for resample, _ in blocks]
    if len(faults) == 1:
        raise PipelineError(f"{place}: {faults[0]}")
    if faults:
        raise PipelineError(listed(faults, heading=f"{place}: {len(faults)} faults"))
    return designs


def _expected_roles(split: pd.DataFrame, part: str) -> dict[str, str]:
    """The roles of a part's patients: all test patients, and the training patients its network was not trained on."""
    fitted = (split["role"] != "train") | (part == ALL) | (split["half"] != part)
    kept = split[fitted]
    return dict(zip(kept["patient_id"], kept["role"], strict=True))


def _design(rows: pd.DataFrame, known: pd.DataFrame, *, resample: str, part: str) -> Design:
    ordered = rows.sort_values("patient_id")
    train, test = ordered[ordered["role"] == "train"], ordered[ordered["role"] != "train"]
    candidates = rows.columns.difference(KEYS)
    features = candidates[train[candidates].notna().any()].sort_values().to_list()
    about = known.loc[train["patient_id"]]
    return Design(
        resample=resample,
        part=part,
        features=tuple(features),
        X=np.ascontiguousarray(train[features].to_numpy(dtype=np.float64)),
        y=about["label"].to_numpy().astype(np.int64),
        groups=about["group_id"].to_numpy().astype(np.str_),
        X_test=np.ascontiguousarray(test[features].to_numpy(dtype=np.float64)),
        test_ids=tuple(test["patient_id"]),
    )


def _faults(design: Design) -> list[str]:
    faults = []
    gaps = np.isnan(design.X).any(axis=0) | np.isnan(design.X_test).any(axis=0)
    if gaps.any():
        names = ", ".join(np.asarray(design.features)[gaps][:3])
        faults.append(f"features with missing values: {int(gaps.sum())}, first {names}; run reduce again")
    if min(_groups_of_each_class(design.y, design.groups)) < 2:
        faults.append(
            f"events among the training rows: {int(design.y.sum())} of {len(design.y)} patients; each class needs at "
            "least 2 groups; use fewer folds or no halves"
        )
    return faults


def _groups_of_each_class(y: NDArray[np.int64], groups: NDArray[np.str_]) -> tuple[int, int]:
    """The numbers of groups with and without an event."""
    with_event = set(groups[y == 1])
    return len(with_event), len(set(groups) - with_event)


def inner_folds(
    y: NDArray[np.int64], groups: NDArray[np.str_], *, folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Train and test row numbers of stratified folds that never split a group; every fold holds both classes.

    `y` (n,) of 0 and 1, `groups` (n,). There are fewer folds if a class has fewer groups. Raises ValueError if a class
    has fewer than two groups.
    """
    events, non_events = _groups_of_each_class(y, groups)
    count = min(folds, events, non_events)
    if count < 2:
        msg = f"folds need at least 2 groups of each class; groups with an event: {events}, without: {non_events}"
        raise ValueError(msg)
    fold = deal_groups(y, groups, folds=count, generator=np.random.default_rng(seed))
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(count)]
