"""block_permutation: only the block that the model uses falls, and groups of patients stay together."""

import numpy as np
import pytest
from contribution_tables import AGE, GLCM, PATIENTS, SHAPE, explained, part_model

from pipeline.explain.block_permutation import exchanges, permutation_table
from pipeline.explain.contributions import PartModel
from pipeline.statistics.roc import placements


def planted(*, age=0.0, groups=PATIENTS):
    """A model of the shape alone (and the age), with a shape that separates the outcome."""
    part = part_model("all", {AGE: age, SHAPE: 2.0})
    part.X[:, 1] += 3 * (np.arange(len(PATIENTS)) % 2)
    return explained(part, groups=groups)


def table(one, *, permutations=20, replicates=100):
    return permutation_table([one], permutations=permutations, replicates=replicates, seed=1).set_index("block")


def test_only_the_block_in_use_falls():
    found = table(planted())

    assert found.loc["radiomics", "fall"] > 0.3
    assert found.loc["radiomics", "ci_low"] > 0.1
    assert list(found.loc[["clinical", "densenet121"], "fall"]) == [0, 0]
    assert found.loc[["clinical", "densenet121"], "ci_low"].isna().all()
    assert list(found["n_features"]) == [1, 1, 0]


def test_the_auc_is_that_of_the_patients_as_they_are():
    one = planted(age=0.5)
    scores = one.parts[0].score(one.parts[0].X)

    assert table(one)["auc"].unique() == pytest.approx(placements(scores, labels=one.label).auc)


def test_the_fall_by_hand():
    one = planted(age=1.0)
    part, falls = one.parts[0], []
    before = placements(part.score(part.X), labels=one.label).auc[0]
    for source in exchanges(one.groups, permutations=20, seed=1):
        rows = part.X.copy()
        rows[:, 0] = rows[source, 0]
        falls.append(before - placements(part.score(rows), labels=one.label).auc[0])

    assert table(one).loc["clinical", "fall"] == pytest.approx(np.mean(falls), abs=1e-9)


def test_both_parts_take_the_same_exchange(monkeypatch):
    # The parts cancel each other out: any exchange that they share leaves the mean score as it was, that of the age.
    up, down = (part_model(part, {AGE: age, SHAPE: shape}) for part, age, shape in (("a", 0, 2), ("b", 1, -2)))
    monkeypatch.setattr(PartModel, "score", lambda part, X: X @ part.model.model.slopes)

    found = table(explained(up, down))

    assert found.loc["radiomics", "fall"] == 0
    assert found.loc["clinical", "fall"] != 0


def test_whole_groups_change_places_with_groups_of_their_size():
    groups = np.array(["a", "b", "a", "c", "b", "d", "d", "d"])

    found = exchanges(groups, permutations=40, seed=3)

    assert {tuple(row[[0, 2]]) for row in found} == {(0, 2), (1, 4)}
    assert (found[:, 3] == 3).all()  # the only patient alone
    assert (found[:, 5:] == [5, 6, 7]).all()  # the only group of three
    assert all(sorted(row) == list(range(8)) for row in found)


def test_chunks_and_runs_change_nothing(monkeypatch):
    one = explained(part_model("a", {AGE: 1.0, SHAPE: 2.0}), part_model("b", {GLCM: 1.0}))
    whole = table(one)
    monkeypatch.setattr("pipeline.explain.block_permutation.CELLS", 1)

    assert whole.to_csv() == table(one).to_csv()


def test_one_class_has_no_auc():
    one = planted()
    one.label[:] = 0

    assert table(one)[["auc", "fall"]].isna().all(axis=None)
