import pandas as pd
import pytest

from pipeline.plan.holdout_size import small_holdouts

PATIENTS = pd.DataFrame({"patient_id": list("abcdefgh"), "label": [0, 1, 0, 1, 0, 1, 0, 0]})
SPLITS = pd.DataFrame(
    {
        "resample": ["cv-1-1"] * 2 + ["final"] * 8,
        "patient_id": [*"ab", *"abcdefgh"],
        "role": ["cv", "train", "train", "train", *["internal"] * 4, *["external"] * 2],
    }
)


@pytest.mark.parametrize(
    ("minimum", "expected"),
    [(1, {"external": (0, 2)}), (2, {"external": (0, 2)}), (3, {"internal": (2, 2), "external": (0, 2)})],
)
def test_held_out_cohorts_with_too_few_of_a_class(minimum, expected):
    assert small_holdouts(PATIENTS, splits=SPLITS, minimum=minimum) == expected


def test_without_a_holdout_nothing_is_too_small():
    splits = SPLITS.assign(role=SPLITS["role"].replace(["internal", "external"], "train"))
    assert small_holdouts(PATIENTS, splits=splits, minimum=10) == {}
