"""Folds that the source gives: numbered from 0, and refused in one sentence if they cannot be used."""

import pandas as pd
import pytest

from pipeline.foundation.errors import CohortError
from pipeline.split.given_folds import given_folds


def training(*folds, groups=None):
    ids = [f"P{place}" for place in range(len(folds))]
    table = pd.DataFrame({"patient_id": ids, "group_id": groups or ids})
    return table.assign(fold=pd.array(folds, dtype="Int64"))


def test_folds_are_numbered_in_the_order_of_their_names():
    assert given_folds(training(4, 2, 2, 7)).tolist() == [1, 0, 0, 2]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            training(0, 1).drop(columns="fold"),
            "has no column 'fold', which the source tn3k gives with folds: published",
        ),
        (training(0, None, 1, None), "2 of 4 training patients have no fold, first P1; set folds to a number$"),
        (training(3, 3), "all training patients are in fold 3; set folds to a number$"),
        (
            training(0, 1, 1, groups=["a", "a", "b"]),
            r"several folds; .*:\n  - group a \(P0, P1\) lies in folds 0 and 1$",
        ),
    ],
)
def test_what_cannot_be_used_is_one_sentence(table, message):
    with pytest.raises(CohortError, match=message):
        given_folds(table)
