"""The frame alone: marks and gain outside the lesion's box are found, the box itself tells nothing."""

import control_study as planted
import numpy as np
import pytest

from pipeline.foundation.images import array_of, read_image
from pipeline.selftest.controls import Scored
from pipeline.selftest.frame_alone import SIDE, frame_cells, frame_check, frame_scored, frame_scores
from pipeline.statistics.roc import placements


def rows(study, folder):
    return [
        {
            "image_id": row["image_id"],
            "frame": frame_cells(
                array_of(read_image(folder / row["image"])), mask=array_of(read_image(folder / row["mask"])) != 0
            ),
        }
        for row in study.cohort.to_dict("records")
        if row["patient_id"] in study.training.index
    ]


def light(folder, **changes):
    study = planted.control_study(folder, **changes)
    return frame_check(frame_scored(rows(study, folder), inputs=study))


@pytest.mark.parametrize("fault", [planted.burned_in, planted.brighter, planted.coarse])
def test_a_mark_or_a_gain_that_predicts_the_outcome_is_amber(tmp_path, fault):
    if fault is planted.coarse:  # noise of mean 0 is no leak in the means of cells, and belongs to the tissue's light
        assert light(tmp_path, planted=fault, n=100).light == "green"
        return
    check = light(tmp_path, planted=fault, n=100, images=2)

    assert (check.light, check.limit) == ("amber", 0.5)


@pytest.mark.parametrize("sign", [planted.clean, planted.shadow])
def test_a_clean_frame_is_green(tmp_path, sign):
    assert light(tmp_path, planted=sign, n=100).light == "green"


def test_size_and_place_of_the_box_tell_nothing():
    random = np.random.default_rng(0)
    labels = np.arange(400) % 2
    cells = random.normal(100, 10, size=(400, SIDE * SIDE))
    for row, event in enumerate(labels):
        cells[row, : 300 if event else 30] = np.nan  # larger lesions in patients with the event
    scores = frame_scores(cells[:200], labels[:200], cells[200:], seed=1)

    assert np.ptp(scores) > 0
    assert placements(scores, labels=labels[200:]).auc[0] == pytest.approx(0.5, abs=0.1)


def test_a_cell_is_the_mean_of_what_lies_outside_the_box_and_its_shadow():
    image = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    mask = np.zeros((64, 64), dtype=bool)
    mask[20:30, 10:14] = True
    cells = np.array(frame_cells(image, mask=mask), dtype=float).reshape(SIDE, SIDE)

    assert cells[0, 0] == image[:2, :2].mean()
    assert np.argwhere(np.isnan(cells)).tolist() == [[y, x] for y in range(10, 32) for x in (5, 6)]
    volume = np.array(frame_cells(np.stack([image, image + 2]), mask=np.stack([mask, mask])), dtype=float)
    assert volume[0] == cells[0, 0] + 1
    assert np.isnan(volume).sum() == 5 * 2


def test_without_frames_or_patients_it_is_grey(tmp_path):
    study = planted.control_study(tmp_path, n=24)
    hidden = [{"image_id": name, "frame": [None] * SIDE**2} for name in study.cohort["image_id"]]

    assert frame_check(frame_scored(hidden, inputs=study)).light == "grey"
    assert frame_check(frame_scored([], inputs=study)).light == "grey"
    undefined = Scored(control="frame", auc=np.nan, interval=(np.nan, np.nan), n_patients=1, n_images=1, n_folds=0)
    assert frame_check(undefined).light == "grey"


def test_a_flat_frame_scores_nothing():
    assert frame_scores(np.ones((4, 9)), np.array([0, 1, 0, 1]), np.ones((2, 9)), seed=1).tolist() == [0, 0]
