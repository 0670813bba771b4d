"""Medians of the training rows only, by hand."""

import numpy as np
import pandas as pd

from pipeline.reduce.steps.median_imputer import MedianImputer

TRAIN = pd.DataFrame({"a": [1.0, np.nan, 3.0, 8.0], "b": [np.nan] * 4, "c": [0.0, 1.0, 2.0, 3.0]})


def test_missing_values_become_the_training_median():
    fitted = MedianImputer().fit(TRAIN)
    test = pd.DataFrame({"a": [np.nan, 1000.0], "b": [5.0, 6.0], "c": [np.nan, 9.0]}, index=["x", "y"])

    assert fitted.transform(TRAIN)["a"].tolist() == [1.0, 3.0, 3.0, 8.0]
    assert fitted.transform(test).to_dict("list") == {"a": [3.0, 1000.0], "c": [1.5, 9.0]}
    assert fitted.transform(test).index.tolist() == ["x", "y"]


def test_a_column_without_a_training_value_is_dropped():
    assert "b" not in MedianImputer().fit(TRAIN).transform(TRAIN)


def test_no_column_at_all():
    assert MedianImputer().fit(TRAIN[[]]).transform(TRAIN[[]]).shape == (4, 0)
