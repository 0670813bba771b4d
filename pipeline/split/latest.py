"""The latest patients as held-out cohort: whole groups by date."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.data.cohort import DATE
from pipeline.foundation.errors import CohortError

REMEDY = "give each a date in the table of images, exclude them, or set holdout: random in params/split.yaml"


def latest_groups(patients: pd.DataFrame, *, fraction: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Which rows belong to the latest groups, about `fraction` (0 to 1) of the patients.

    `patients` has patient_id, group_id, label (0/1) and date (YYYY-MM-DD or YYYY-MM; a month is taken as its start). A
    group has the latest date of its patients; groups of one date are shuffled, so that no order of ids decides. Groups
    are taken from the latest on until the rounded number of patients is reached; the last one is left out if that is
    nearer to it. Raises CohortError if a patient has no date, or if the patients drawn have one class only.
    """
    number = round(fraction * len(patients))
    if number == 0:
        return np.zeros(len(patients), dtype=np.bool_)
    _check_dates(patients)
    groups = patients.groupby("group_id")[DATE].agg(["max", "size"]).sort_index()
    shuffled = groups.iloc[generator.permutation(len(groups))].sort_values("max", ascending=False, kind="stable")
    reached = shuffled["size"].cumsum()
    last = int((reached < number).sum())  # the place of the group that reaches the number
    before = int(reached.iloc[last - 1]) if last else 0
    taken = last if last and number - before < reached.iloc[last] - number else last + 1
    drawn = patients["group_id"].isin(shuffled.index[:taken]).to_numpy()
    _check_classes(patients[drawn], fraction=fraction)
    return drawn


def _check_dates(patients: pd.DataFrame) -> None:
    absent = patients.loc[patients[DATE].isna(), "patient_id"] if DATE in patients else patients["patient_id"]
    if len(absent):
        raise CohortError(
            f"patients.csv: {len(absent)} of {len(patients)} patients have no date, first {absent.iloc[0]}, and "
            f"params/split.yaml has holdout: latest; {REMEDY}"
        )


def _check_classes(drawn: pd.DataFrame, *, fraction: float) -> None:
    events = int(drawn["label"].sum())
    if events in (0, len(drawn)):
        raise CohortError(
            f"params/split.yaml: holdout: latest draws {events} events and {len(drawn) - events} non-events, dated "
            f"from {drawn[DATE].min()} on, and a test cohort needs both; raise holdout_fraction ({fraction}), or set "
            "holdout: random"
        )
