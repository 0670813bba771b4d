"""page.parameters and page.feature_counts: every value once, by its path."""

import pandas as pd

from pipeline.contracts.reports.report import PARAMETERS
from pipeline.foundation.tables import check_table
from pipeline.report.tables.feature_counts import feature_count_table
from pipeline.report.tables.parameters import parameter_table


def test_levels_lists_and_nothing():
    content = {
        "seed": 7,
        "lasso": {"rule": "min", "ratio": 1e-3, "on": True},
        "nets": ["a", "b"],
        "none": None,
        "sets": [{"x": 1}, {"x": 2}],
        "blocks": {},
    }
    table = parameter_table({"common": content})
    check_table(table, PARAMETERS, place="parameters")
    values = dict(zip(table["key"], table["value"], strict=True))

    assert values == {
        "seed": "7",
        "lasso.rule": "min",
        "lasso.ratio": "0.001",
        "lasso.on": "true",
        "nets": "a, b",
        "none": "",
        "sets.1.x": "1",
        "sets.2.x": "2",
        "blocks": "",
    }


def test_a_number_keeps_its_digits():
    assert list(parameter_table({"a": {"b": 0.123456789, "c": 12.0}})["value"]) == ["0.123456789", "12"]


def test_features_by_class():
    dictionary = pd.DataFrame(
        {"block": ["radiomics"] * 3 + ["clinical"], "class": ["glcm", "glcm", "shape2D", None], "feature": list("abcd")}
    )
    counts = feature_count_table(dictionary).set_index(["block", "feature_class"])["n"]

    assert counts.to_dict() == {
        ("clinical", "all"): 1,
        ("radiomics", "all"): 3,
        ("radiomics", "glcm"): 2,
        ("radiomics", "shape2D"): 1,
    }
