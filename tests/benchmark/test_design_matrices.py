"""Design matrices from the reduced table, and the inner folds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from reduced_tables import study

from pipeline.benchmark.design_matrices import design_matrices, inner_folds
from pipeline.contracts.data.cohort import PATIENTS
from pipeline.contracts.data.reduce import REDUCED
from pipeline.contracts.data.split import SPLITS
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.tables import check_table


def test_the_study_of_these_tests_meets_the_contracts():
    reduced, patients, splits = study(parts=("a", "b"))
    for table, contract in ((reduced, REDUCED), (patients, PATIENTS), (splits, SPLITS)):
        check_table(table, contract, place="study")


def test_matrix_by_hand():
    splits = pd.DataFrame(
        [("final", p, r, None) for p, r in zip("abcdef", ["train"] * 4 + ["internal", "external"], strict=True)],
        columns=["resample", "patient_id", "role", "half"],
    )
    patients = pd.DataFrame({"patient_id": list("abcdef"), "group_id": list("uvwxyz"), "label": [0, 1, 1, 0, 1, 0]})
    reduced = splits[["resample", "patient_id", "role"]].assign(part="all", y=range(6), x=range(10, 16), z=np.nan)
    (design,) = design_matrices(reduced.iloc[::-1], patients, splits)
    assert (design.resample, design.part, design.features) == ("final", "all", ("x", "y"))
    assert design.X.tolist() == [[10, 0], [11, 1], [12, 2], [13, 3]]
    assert design.y.tolist() == [0, 1, 1, 0]
    assert design.groups.tolist() == list("uvwx")
    assert design.test_ids == ("e", "f")
    assert design.X_test.tolist() == [[14, 4], [15, 5]]


def test_a_part_is_fitted_on_the_other_half_and_scores_every_test_patient():
    reduced, patients, splits = study(parts=("a", "b"))
    designs = design_matrices(reduced, patients, splits)
    assert [(d.resample, d.part) for d in designs] == [(r, p) for r in ("cv-1-1", "cv-1-2", "final") for p in "ab"]
    final = splits[splits["resample"] == "final"]
    for design in designs[-2:]:
        fitted = set(design.groups)
        assert fitted == set(final.loc[(final["role"] == "train") & (final["half"] != design.part), "patient_id"])
        assert set(design.test_ids) == set(final.loc[final["role"] != "train", "patient_id"])


def test_a_column_empty_in_one_part_is_absent_there_only():
    designs = design_matrices(*study(parts=("a", "b"), features=3))
    assert [d.features for d in designs[:2]] == [("f0", "f2"), ("f0", "f1")]


def test_no_column_selected_gives_a_matrix_without_columns():
    reduced, patients, splits = study(features=2)
    designs = design_matrices(reduced.assign(f0=np.nan, f1=np.nan), patients, splits)
    assert [d.X.shape[1] for d in designs] == [0, 0, 0]


def test_order_of_rows_and_columns_does_not_matter():
    reduced, patients, splits = study()
    columns = list(reduced.columns)
    mixed = reduced.sample(frac=1, random_state=1)[columns[::-1]]
    shuffled = (patients.sample(frac=1, random_state=2), splits.sample(frac=1, random_state=3))
    for one, two in zip(design_matrices(reduced, patients, splits), design_matrices(mixed, *shuffled), strict=True):
        assert (one.features, one.test_ids) == (two.features, two.test_ids)
        assert (one.X.tobytes(), one.X_test.tobytes()) == (two.X.tobytes(), two.X_test.tobytes())


def test_unselected_columns_filled_in_test_rows_stay_unselected():
    reduced, patients, splits = study()
    garbage = reduced.copy()
    garbage.loc[garbage["role"] != "train", [f"f{n}" for n in range(6)]] = 1e9
    for one, two in zip(
        design_matrices(reduced, patients, splits), design_matrices(garbage, patients, splits), strict=True
    ):
        assert (one.features, one.X.tobytes()) == (two.features, two.X.tobytes())


def broken(change):
    reduced, patients, splits = study()
    if change == "missing value":
        reduced.loc[3, "f0"] = np.nan
    elif change == "missing patient":
        reduced = reduced.iloc[1:]
    elif change == "wrong role":
        reduced.loc[reduced["role"] == "internal", "role"] = "external"
    elif change == "unknown resample":
        reduced = pd.concat([reduced, reduced[reduced["resample"] == "final"].assign(resample="other")])
    elif change == "one half":
        reduced["part"] = "a"
    elif change == "one class":
        patients["label"] = 0
    elif change == "one event":
        patients["label"] = (patients["patient_id"] == "003").astype(int)
    return reduced, patients, splits


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("missing value", "resample cv-1-1, part all: features with missing values: 1, first f0; run reduce again"),
        ("missing patient", "resample cv-1-1, part all: the patients or roles are not those of the splits"),
        ("wrong role", "resample final, part all: the patients or roles are not those of the splits"),
        ("unknown resample", "resample other is not in the splits"),
        ("one half", "the parts are a; they must be all, or a and b"),
        ("one class", "events among the training rows: 0 of 30 patients; each class needs at least 2 groups; use"),
        ("one event", "events among the training rows: 1 of"),
    ],
)
def test_faults_are_named(change, sentence):
    with pytest.raises(PipelineError, match=sentence):
        design_matrices(*broken(change), place="data/reduced/x.csv")


def test_all_faults_are_listed_together():
    with pytest.raises(PipelineError, match=r"data/reduced/x\.csv: 3 faults"):
        design_matrices(*broken("one class"), place="data/reduced/x.csv")


grouped = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 1)), min_size=6, max_size=60)


@given(grouped, st.integers(2, 6), st.integers(0, 5))
def test_folds_never_split_a_group_and_always_hold_both_classes(rows, folds, seed):
    groups, y = np.array([str(row[0]) for row in rows]), np.array([row[1] for row in rows])
    events = set(groups[y == 1])
    non_events = set(groups) - events
    assume(min(len(events), len(non_events)) >= 2)
    found = inner_folds(y, groups, folds=folds, seed=seed)
    assert len(found) == min(folds, len(events), len(non_events))
    assert sorted(np.concatenate([test for _, test in found])) == list(range(len(rows)))
    for fitted, held_out in found:
        assert not set(groups[fitted]) & set(groups[held_out])
        assert set(y[held_out]) == {0, 1}
        assert set(y[fitted]) == {0, 1}
    again = inner_folds(y, groups, folds=folds, seed=seed)
    assert all((a[1] == b[1]).all() for a, b in zip(found, again, strict=True))


def test_folds_are_balanced():
    y = np.repeat([1, 0], [10, 23])
    found = inner_folds(y, np.arange(33).astype(str), folds=3, seed=0)
    assert [len(held_out) for _, held_out in found] == [11, 11, 11]
    assert sorted(int(y[held_out].sum()) for _, held_out in found) == [3, 3, 4]


def test_too_few_groups_for_folds():
    with pytest.raises(ValueError, match="groups with an event: 1, without: 2"):
        inner_folds(np.array([1, 0, 0]), np.array(["a", "b", "c"]), folds=2, seed=0)
