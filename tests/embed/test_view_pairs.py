"""Pairs of views: one sample per pair, missing views marked, by hand."""

import numpy as np
import pytest

from pipeline.embed.view_pairs import check_views, paired, pairs_of
from pipeline.foundation.errors import CohortError
from pipeline.networks.inputs import RoiInputs

ROWS = [("p1", "long"), ("p1", "trans"), ("p1", "long"), ("p2", "trans"), ("p3", "other"), ("p0", "long")]


def inputs(rows=ROWS):
    return RoiInputs(
        image_ids=tuple(f"i{number}" for number in range(len(rows))),
        patient_ids=tuple(patient for patient, _ in rows),
        views=tuple(view for _, view in rows),
        pixels=np.arange(len(rows), dtype=np.uint8)[:, None, None, None] + np.zeros((1, 1, 2, 2), dtype=np.uint8) + 1,
    )


def test_pairs_by_hand():
    found = pairs_of(inputs(), views=("long", "trans"))

    assert [(pair.patient_id, pair.rows) for pair in found] == [
        ("p0", (5, None)),
        ("p1", (0, 1)),
        ("p1", (2, 1)),  # the only transverse image is paired with both
        ("p2", (None, 3)),
    ]


def test_a_pair_is_one_sample_with_black_for_what_is_missing():
    found = paired(inputs(), views=("long", "trans"))

    assert found.pixels.shape == (4, 2, 1, 2, 2)
    assert found.pixels[:, :, 0, 0, 0].tolist() == [[6, 0], [1, 2], [3, 2], [0, 4]]
    assert found.present.tolist() == [[True, False], [True, True], [True, True], [False, True]]
    assert found.patient_ids == ("p0", "p1", "p1", "p2")
    assert found.rows_of(frozenset({"p1"})).tolist() == [1, 2]
    assert len(set(found.image_ids)) == 4


def test_the_order_of_the_views_is_that_asked_for():
    assert pairs_of(inputs(), views=("trans", "long"))[1].rows == (1, 0)


def test_a_view_that_no_patient_has_is_one_sentence():
    with pytest.raises(CohortError, match=r"has the view T11 .* has the views: long, other, trans$"):
        check_views(inputs(), views=("long", "T11"))


def test_a_patient_with_predicted_masks_has_its_pairs_in_each_resample():
    inputs = RoiInputs(
        image_ids=("1", "2", "2", "3"),
        patient_ids=("p1", "p1", "p1", "p2"),
        views=("long", "trans", "trans", "long"),
        pixels=np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1),
        resamples=("", "cv-1-1", "final", ""),
    )
    found = paired(inputs, views=("long", "trans"))

    assert found.resamples == ("cv-1-1", "final", "")
    assert found.pixels[:, :, 0, 0, 0].tolist() == [[0, 1], [0, 2], [3, 0]]
    assert found.rows_of(frozenset({"p1", "p2"}), resample="final").tolist() == [1, 2]
