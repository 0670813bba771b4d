"""tables.feature_classes: counts by class by hand."""

import pandas as pd
import pytest

from pipeline.contracts.reports.report import AGREEMENT_SUMMARY
from pipeline.foundation.tables import check_table
from pipeline.report.tables.feature_classes import agreement_summary

DICTIONARY = pd.DataFrame({"feature": ["a", "b", "c", "d"], "class": ["glcm", "glcm", "shape2D", None]})
AGREEMENT = pd.DataFrame(
    {
        "block": "radiomics",
        "part": "all",
        "feature": ["a", "b", "c", "d"],
        "form": "ICC(A,1)",
        "icc": [0.9, 0.7, 0.95, None],
        "ci_low": [0.8, 0.5, 0.75, None],
        "ci_high": [0.95, 0.85, 0.99, None],
        "n_images": [30, 30, 29, 30],
        "n_repeats": 2,
    }
)


def test_counts_by_class():
    table = agreement_summary(AGREEMENT, dictionary=DICTIONARY, limit=0.75)
    check_table(table, AGREEMENT_SUMMARY, place="summary")
    rows = table.set_index("feature_class")

    assert list(rows["n_good"]) == [2, 1, 0, 1]
    assert list(rows["n_features"]) == [4, 2, 1, 1]
    assert rows.loc["all", "fraction_good"] == 0.5
    assert rows.loc["glcm", "median_icc"] == pytest.approx(0.8)
    assert rows.loc["all", "n_images"] == 30


def test_blocks_and_parts_are_counted_apart():
    other = AGREEMENT.assign(block="habitat", part="b", icc=0.1, ci_low=0.0)
    table = agreement_summary(pd.concat([AGREEMENT, other]), dictionary=DICTIONARY, limit=0.75)
    check_table(table, AGREEMENT_SUMMARY, place="summary")
    all_classes = table[table["feature_class"] == "all"].set_index(["block", "part"])

    assert all_classes["n_good"].to_dict() == {("habitat", "b"): 0, ("radiomics", "all"): 2}
    assert all_classes["n_features"].to_list() == [4, 4]


def test_neither_a_feature_that_no_image_has_nor_an_indicator_counts():
    empty = AGREEMENT.assign(n_images=[30, 30, 29, 0])
    indicator = AGREEMENT.iloc[:1].assign(feature="outer_absent")
    table = agreement_summary(pd.concat([empty, indicator]), dictionary=DICTIONARY, limit=0.75).set_index(
        "feature_class"
    )

    assert table["n_features"].to_dict() == {"all": 3, "glcm": 2, "shape2D": 1}


def test_without_repeats_there_is_no_row():
    assert len(agreement_summary(AGREEMENT.iloc[:0], dictionary=DICTIONARY, limit=0.75)) == 0
