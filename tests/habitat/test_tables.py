"""A block as `reduce` reads it, and the status of each image, with one mask per image or one per resample."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.contracts.data.embed import NO_FILES, read_embeddings
from pipeline.contracts.data.habitat import STATUS
from pipeline.foundation.tables import read_table
from pipeline.habitat.lesions import Lesion
from pipeline.habitat.tables import by_rows, resamples_of, ring_rows, status_rows, write_block, write_status


def lesion(name, mask="m"):
    about = {"status": "ok", "reason": None, "spacing_mm": (), "n_voxels": 1}
    return Lesion(image_id=name, patient_id=name, image=Path("i"), mask=Path(mask), **about)


ONE, TWO = lesion("i1"), lesion("i2")
OTHER = lesion("i2", "other")
VALUES = [
    ("i2", {("final", "a"): np.array([1.0, np.nan]), ("cv", "a"): np.array([2.0, 3.0])}),
    ("i1", {("final", "a"): np.array([4.0, 5.0])}),
]


def test_final_is_a_table_and_other_resamples_are_files(tmp_path):
    write_block(by_rows(VALUES), tmp_path / "habitat.csv", names=["x", "y"])
    write_block(by_rows(VALUES), tmp_path / "habitat.csv", names=["x", "y"])  # replaces the older one
    found = read_embeddings(tmp_path / "habitat.csv")

    assert found.columns == ("x", "y")
    assert found.ids == {("final", "a"): ("i1", "i2"), ("cv", "a"): ("i2",)}
    assert found.frame("cv", "a").to_numpy().tolist() == [[2, 3]]
    np.testing.assert_array_equal(found.frame("final", "a").to_numpy(), [[4, 5], [1, np.nan]])


def test_without_rows_the_table_is_its_header(tmp_path):
    write_block({}, tmp_path / "habitat.csv", names=())

    assert (tmp_path / "habitat.csv").read_text() == "resample,part,image_id\n"
    assert [file.name for file in (tmp_path / "habitat").iterdir()] == [NO_FILES]


def test_a_lesion_that_all_resamples_share_has_one_row(tmp_path):
    same, apart = {"cv": [ONE, TWO], "final": [ONE, TWO]}, {"cv": [ONE, OTHER], "final": [ONE, TWO]}

    assert resamples_of(same) == {ONE: ("all",), TWO: ("all",)}
    assert resamples_of(apart) == {ONE: ("all",), OTHER: ("cv",), TWO: ("final",)}
    done = [(ONE, {"status": "ok", "reason": None}, "a"), (OTHER, {"status": "no_roi", "reason": "empty"}, None)]
    write_status(status_rows("habitat", done, resamples=resamples_of(apart)), tmp_path / "status.csv")
    table = read_table(tmp_path / "status.csv", STATUS)
    assert table.fillna("").to_numpy().tolist() == [
        ["habitat", "all", "i1", "a", "ok", ""],
        ["habitat", "cv", "i2", "", "no_roi", "empty"],
    ]


@pytest.mark.parametrize("apart", [False, True])
def test_rings_are_of_all_resamples_unless_a_mask_differs(apart):
    lesions = {"cv": [ONE, OTHER if apart else TWO], "final": [ONE, TWO]}
    resamples = resamples_of(lesions)
    done = [{"values": np.array([number]), "status": "ok"} for number, _ in enumerate(resamples)]
    found = by_rows(ring_rows(list(resamples), done, resamples=resamples))

    names = {("all", "all")} if not apart else {("cv", "all"), ("final", "all")}
    assert {rows: set(own) for rows, own in found.items()} == {rows: {"i1", "i2"} for rows in names}
    failed = ring_rows([ONE], [{"values": None}], resamples=resamples)
    assert failed == []
