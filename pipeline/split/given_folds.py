"""The folds that the source gives, such as published ones, in place of drawn ones."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.data.cohort import FOLD
from pipeline.foundation.errors import CohortError, listed


def given_folds(training: pd.DataFrame) -> NDArray[np.int64]:
    """The fold of each training patient, 0 to the number of folds - 1, in the order of the given numbers.

    `training` has patient_id, group_id and the column FOLD. Raises CohortError if there is no such column, a patient
    has no fold, there are fewer than two folds, or a group lies in two of them.
    """
    place = "params/split.yaml: key 'folds' has the value given"
    if FOLD not in training:
        raise CohortError(
            f"{place}, and data/patients.csv has no column '{FOLD}', which the source tn3k gives with folds: published "
            "in params/cohort.yaml; set folds to a number"
        )
    absent = training.loc[training[FOLD].isna(), "patient_id"]
    if len(absent):
        raise CohortError(
            f"{place}, and {len(absent)} of {len(training)} training patients have no fold, first {absent.iloc[0]}; "
            "set folds to a number"
        )
    names, fold = np.unique(training[FOLD].to_numpy(dtype=np.int64), return_inverse=True)
    if len(names) < 2:
        raise CohortError(f"{place}, and all training patients are in fold {names[0]}; set folds to a number")
    shared = training.groupby("group_id")[FOLD].unique()
    faults = [
        f"group {group} ({', '.join(training.loc[training['group_id'] == group, 'patient_id'])}) lies in folds "
        f"{' and '.join(map(str, sorted(numbers)))}"
        for group, numbers in shared.items()
        if len(numbers) > 1
    ]
    if faults:
        heading = (
            f"{place}, and patients that share an image lie in several folds; set folds to a number, or exclude one of "
            "them in params/cohort.yaml, or set near_duplicates to report there if their images are only similar"
        )
        raise CohortError(listed(faults, heading=heading, limit=10))
    return np.asarray(fold, dtype=np.int64)
