"""Whether a held-out cohort has enough patients of both classes to say anything about a model."""

import pandas as pd

from pipeline.contracts.data.cohort import COHORTS
from pipeline.contracts.data.split import FINAL


def small_holdouts(patients: pd.DataFrame, *, splits: pd.DataFrame, minimum: int) -> dict[str, tuple[int, int]]:
    """Events and non-events of each held-out cohort (internal, external) with fewer than `minimum` patients of a class.

    `patients` has patient_id and label (0/1). The cohorts are those of the resample `final` of `splits`, whether given
    or drawn. A cohort without patients is not listed.
    """
    final = splits.loc[splits["resample"] == FINAL, ["patient_id", "role"]]
    label = final["patient_id"].map(patients.set_index("patient_id")["label"])
    counts = {}
    for cohort in COHORTS[1:]:
        labels = label[final["role"] == cohort]
        events, others = int((labels == 1).sum()), int((labels == 0).sum())
        if len(labels) and min(events, others) < minimum:
            counts[cohort] = (events, others)
    return counts
