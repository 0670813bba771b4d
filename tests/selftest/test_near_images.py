"""near_images: a pair of near copies on two sides of a split turns the light red."""

import pandas as pd
import pytest
from study import study_splits

from pipeline.contracts.data.cohort import NEAR_DUPLICATES
from pipeline.selftest.near_images import near_images_check

SPLITS = study_splits()
FINAL = SPLITS[SPLITS["resample"] == "final"].groupby("role")["patient_id"].apply(list)
FOLD = SPLITS[SPLITS["resample"] == SPLITS.loc[SPLITS["resample"] != "final", "resample"].iloc[0]]
IN_FOLD = FOLD.groupby("role")["patient_id"].apply(list)


def near(*patients):
    rows = [(f"i{n}", f"j{n}", one, other, 0.1, 0, 1) for n, (one, other) in enumerate(patients)]
    return pd.DataFrame(rows, columns=NEAR_DUPLICATES.names)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (FINAL["train"][0], FINAL["internal"][0]),
        (FINAL["external"][0], FINAL["train"][0]),
        (FINAL["internal"][0], FINAL["external"][0]),
        (IN_FOLD["train"][0], IN_FOLD["cv"][0]),
    ],
)
def test_a_pair_on_two_sides_is_red_and_counted(one, other):
    found = near_images_check(near((one, other), (one, one)), splits=SPLITS, searched=True)

    assert (found.light, found.value, found.limit) == ("red", 1, 0)


def test_pairs_on_one_side_of_every_split_are_green():
    pair = (FINAL["internal"][0], FINAL["internal"][1])

    assert near_images_check(near(pair), splits=SPLITS, searched=True).light == "green"
    assert near_images_check(near(), splits=SPLITS, searched=True).value == 0


def test_a_patient_outside_the_splits_is_on_no_side():
    assert near_images_check(near(("nobody", FINAL["train"][0])), splits=SPLITS, searched=True).light == "green"


def test_without_a_search_the_light_is_grey():
    found = near_images_check(near((FINAL["train"][0], FINAL["internal"][0])), splits=SPLITS, searched=False)

    assert (found.light, found.value) == ("grey", None)
