"""A small study as `split` and `reduce` would write it, for the tests of later stages."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def study(
    *,
    n_train: int = 60,
    n_internal: int = 20,
    n_external: int = 20,
    features: int = 6,
    effect: float = 1.0,
    folds: int = 2,
    parts: Sequence[str] = ("all",),
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Reduced features, patients and splits: `folds` cv resamples and `final`; every third patient has the event.

    The first feature carries the effect (in SD). In each resample and part one other feature is not selected: empty.
    """
    rng = np.random.default_rng(seed)
    n = n_train + n_internal + n_external
    ids = np.array([f"{index:03d}" for index in range(n)])
    label = (np.arange(n) % 3 == 0).astype(int)
    cohort = np.repeat(["train", "internal", "external"], [n_train, n_internal, n_external])
    patients = pd.DataFrame({"patient_id": ids, "group_id": ids, "label": label, "site": "one", "cohort": cohort})
    values = rng.normal(size=(n, features))
    values[:, 0] += effect * label
    splits, reduced = [], []
    for number, resample in enumerate([*(f"cv-1-{fold + 1}" for fold in range(folds)), "final"]):
        for index in np.flatnonzero((cohort == "train") | (resample == "final")):
            held_out = resample != "final" and (index // 3) % folds == number
            role = "cv" if held_out else cohort[index]
            half = "ab"[(index // (3 * max(folds, 1))) % 2] if role == "train" else None
            splits.append((resample, ids[index], role, half))
            for place, part in enumerate(parts):
                if role == "train" and half == part:
                    continue
                row = values[index].copy()
                if features > 1:
                    row[1 + (number + place) % (features - 1)] = np.nan
                reduced.append((resample, part, ids[index], role, *row))
    names = [f"f{number}" for number in range(features)]
    return (
        pd.DataFrame(reduced, columns=["resample", "part", "patient_id", "role", *names]),
        patients,
        pd.DataFrame(splits, columns=["resample", "patient_id", "role", "half"]),
    )
