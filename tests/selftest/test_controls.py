"""What the controls share: the drawn images, the interval by hand, the table."""

import control_study as planted
import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from pipeline.contracts.reports.selftest import CONTROLS
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.tables import check_table
from pipeline.radiomics.features import IMAGE_VOXELS
from pipeline.reduce.blocks import table_block
from pipeline.selftest.controls import (
    Scored,
    control_images,
    controls_table,
    cv_splits,
    reductions,
    score,
    score_folds,
    scorings,
    trial,
)


def drawn(budget, *, seed=1, training=("a", "b", "c")):
    rois = pd.DataFrame(
        {
            "image_id": ["a1", "a2", "b1", "c1", "d1", "c2"],
            "patient_id": ["a", "a", "b", "c", "d", "c"],
            "n_voxels": pd.array([100, 100, 100, 100, 100, None], dtype="Int64"),
            "status": ["ok"] * 5 + ["no_roi"],
        }
    )
    found = control_images(rois, rois=rois, training=list(training), budget=budget, seed=seed)
    return list(found["image_id"])


def test_images_are_those_of_whole_training_patients_within_the_budget():
    one = IMAGE_VOXELS + 100

    assert drawn(None) == drawn(4 * one) == ["a1", "a2", "b1", "c1"]
    assert drawn(0) == []
    assert {len(drawn(2 * one, seed=seed)) for seed in range(20)} <= {0, 1, 2}
    assert {tuple(drawn(3 * one, seed=seed)) for seed in range(20)} > {("b1", "c1")}  # the order depends on the seed
    assert drawn(3 * one, seed=4) == drawn(3 * one, seed=4)


def test_the_interval_is_nadeau_and_bengio_by_hand():
    # AUCs 1 and 0.5 over folds of 4 patients of 8: mean 0.75, s² = 0.125, and n_test / n_train = 1.
    labels = [0, 0, 1, 1] * 2
    scores = [1, 2, 3, 4, 1, 4, 2, 3]
    raw = pd.DataFrame({"resample": ["f1"] * 4 + ["f2"] * 4, "label": labels, "score": np.array(scores) / 10})
    found = score_folds(raw, control="ring", n_patients=8, n_images=11)
    half = t.ppf(0.975, 1) * ((1 / 2 + 1) * 0.125) ** 0.5

    assert found.auc == 0.75
    assert found.interval == pytest.approx((max(0, 0.75 - half), min(1, 0.75 + half)))
    assert (found.n_folds, found.n_images) == (2, 11)


@pytest.mark.parametrize(
    ("auc", "interval", "above"),
    [(0.7, (0.51, 0.9), True), (0.7, (0.5, 0.9), False), (1.0, (np.nan,) * 2, True), (np.nan, (np.nan,) * 2, False)],
)
def test_above_chance(auc, interval, above):
    one = Scored(control="ring", auc=auc, interval=interval, n_patients=1, n_images=1, n_folds=1)

    assert one.above_chance == above


def test_table_meets_its_contract():
    rows = [("frame", np.nan, (np.nan, np.nan)), ("ring", 0.5, (0.4, 0.6))]
    scored = [Scored(control=c, auc=a, interval=i, n_patients=3, n_images=4, n_folds=2) for c, a, i in rows]

    check_table(controls_table(scored), CONTROLS, place="controls")
    check_table(controls_table([]), CONTROLS, place="controls")


def test_too_few_patients_are_not_scored(tmp_path):
    study = planted.control_study(tmp_path, n=24)

    assert cv_splits(study, known=list(study.training.index)) is not None
    assert cv_splits(study, known=list(study.training.index)[:3]) is None
    assert cv_splits(study, known=[]) is None


def test_two_controls_are_scored_on_one_reduction(tmp_path):
    study = planted.control_study(tmp_path)
    ids, random = study.tables.patients["patient_id"], np.random.default_rng(2)
    labels = study.tables.patients["label"].to_numpy()

    def block(name, shift):
        table = pd.DataFrame({"x": random.normal(size=len(ids)) + shift * labels, "patient_id": ids})
        return table_block(table, name=name, patients=ids)

    sets = {"primary": ("good", "noise"), "primary_without_shape": ("noise",)}
    known = list(study.training.index)
    one = trial([block("good", 4), block("noise", 0)], inputs=study, sets=sets, known=known, n_images=5)
    units, reduce = reductions([one], recipe=study.recipe, store=CheckpointStore(tmp_path / "s", key="k"))
    found = {s.control: s for s in (score(x, recipe=study.recipe) for x in scorings([one], [reduce(u) for u in units]))}

    assert len(units) == 3
    assert found["primary"].auc > 0.95
    assert found["primary_without_shape"].auc < 0.75
