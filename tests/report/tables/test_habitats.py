"""tables.habitats: words by rank, fractions and intervals by hand, the numbers of habitats that were tried."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from region_study import CLUSTERING

from pipeline.contracts.reports.regions import HABITAT_CHOICE, HABITAT_EXAMPLES, HABITAT_FRACTIONS, HABITATS
from pipeline.foundation.tables import check_table
from pipeline.report.tables.habitats import (
    choice_table,
    fraction_table,
    habitat_example_table,
    habitat_table,
    habitat_words,
    shown_part,
)

COHORT = pd.DataFrame({"image_id": list("abcd"), "patient_id": ["1", "1", "2", "3"]})
PATIENTS = pd.DataFrame({"patient_id": ["1", "2", "3"], "label": [1, 0, 0]})
FRACTIONS = pd.DataFrame(
    {
        "resample": "final",
        "part": "all",
        "image_id": list("abcd"),
        "habitat_1_fraction": [0.2, 0.4, 0.5, 0.7],
        "habitat_2_fraction": [0.8, 0.6, 0.5, 0.3],
        "habitat_3_fraction": np.nan,
    }
)
TWO = replace(CLUSTERING, k=2, centres=CLUSTERING.centres[:2], scores={}, score=None)


def test_words_are_relative_to_the_other_habitats():
    assert habitat_words([-1, 0.2, 1], heterogeneity=[0, 2, 1]) == [
        "darkest, most homogeneous",
        "medium, most heterogeneous",
        "brightest, of medium texture",
    ]
    assert habitat_words([-1, 1], heterogeneity=[2, 1]) == ["darker, more heterogeneous", "brighter, more homogeneous"]
    assert habitat_words([-1, 1], heterogeneity=[0.1, 0.2])[0] == "darker; the texture is like that of the other"
    assert (
        habitat_words([-1, 0, 1], heterogeneity=[np.nan] * 3)[2] == "brightest; the texture is like that of the others"
    )
    five = habitat_words([0, 1, 2, 3, 4], heterogeneity=[4, 3, 2, 1, 0])
    assert [one.partition(",")[0] for one in five] == ["darkest", "dark", "medium", "bright", "brightest"]
    assert five[1].endswith("rather heterogeneous")
    assert len(set(habitat_words(range(4), heterogeneity=range(4)))) == 4


def test_brightness_and_heterogeneity_are_means_over_features_of_their_kind():
    table = habitat_table({"all": CLUSTERING})
    check_table(table, HABITATS, place="habitats")

    assert list(table["brightness"]) == pytest.approx([-1.1, 0.05, 1.15])
    assert list(table["heterogeneity"]) == pytest.approx([-0.4, 1.0, 0.0])


def test_each_number_of_habitats_that_was_tried_has_a_row():
    table = choice_table({"all": CLUSTERING})
    check_table(table, HABITAT_CHOICE, place="habitat_choice")

    assert list(table["k"]) == [2, 3, 4]
    assert list(table["chosen"]) == [0, 1, 0]
    given = choice_table({"all": TWO})
    check_table(given, HABITAT_CHOICE, place="habitat_choice")
    assert list(given["k"]) == [2]
    assert given["score"].isna().all()


def test_a_patient_counts_once_with_the_mean_of_its_images():
    table = fraction_table(FRACTIONS, cohort=COHORT, patients=PATIENTS, clusterings={"all": TWO}, seed=1)
    check_table(table, HABITAT_FRACTIONS, place="habitat_fractions")
    rows = table.set_index(["habitat", "outcome"])

    assert rows.loc[(1, "event"), "mean"] == pytest.approx(0.3)
    assert rows.loc[(1, "no event"), "mean"] == pytest.approx(0.6)
    assert tuple(rows["n_patients"]) == (1, 2, 1, 2)
    # Two patients: the samples are their values and the mean. One patient has no interval.
    assert tuple(rows.loc[(1, "no event"), ["ci_low", "ci_high"]]) == pytest.approx((0.5, 0.7))
    assert pd.isna(rows.loc[(1, "event"), "ci_low"])
    assert set(table["habitat"]) == {1, 2}


def test_the_part_of_all_training_patients_is_shown_first():
    assert shown_part({"a": TWO, "all": TWO}) == "all"
    assert shown_part({"b": TWO, "a": TWO}) == "a"
    assert shown_part({}) is None


def test_only_examples_with_a_picture_are_listed():
    explain = pd.DataFrame({"number": ["1", "2"], "case": "patient #1", "kind": "true positive", "score": 0.9})
    table = habitat_example_table(explain.assign(threshold=0.5), parts={"2": "a"})
    check_table(table, HABITAT_EXAMPLES, place="habitat_examples")

    assert list(table["number"]) == ["2"]
    assert list(table["part"]) == ["a"]


def test_without_habitats_every_table_is_empty():
    nothing = FRACTIONS.iloc[:0]
    assert len(habitat_table({})) == len(choice_table({})) == 0
    assert len(fraction_table(nothing, cohort=COHORT, patients=PATIENTS, clusterings={}, seed=1)) == 0
