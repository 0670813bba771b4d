"""The ROIs that hold in a resample, by hand: a predicted mask is that of the resample, a given one holds in all."""

import pandas as pd
import pytest

from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS, rois_by_resample, rois_in
from pipeline.foundation.tables import check_table


def rois(*images, contract=ROIS, **columns):
    """A row per image; `n_voxels` tells them apart."""
    table = pd.DataFrame({"image_id": images}).assign(patient_id="P", view="main", status="ok", **columns)
    return table.reindex(columns=[column.name for column in contract.columns])


GIVEN = rois("a", "b", "c", mask_source=["given", "predicted", "predicted"], n_voxels=[10, 20, 30])
PREDICTED = rois(
    *("a", "b", "b", "c"),
    contract=PREDICTED_ROIS,
    resample=["cv-1-1", "cv-1-1", "final", "final"],
    mask_source="predicted",
    n_voxels=[11, 21, 20, 30],
)


@pytest.mark.parametrize(
    ("resample", "voxels"),
    [("final", {"a": 10, "b": 20, "c": 30}), ("cv-1-1", {"a": 10, "b": 21}), ("cv-1-2", {"a": 10})],
)
def test_a_predicted_mask_is_that_of_the_resample_and_a_given_one_holds_everywhere(resample, voxels):
    found = rois_in(GIVEN, PREDICTED, resample=resample)

    assert dict(zip(found["image_id"], found["n_voxels"], strict=True)) == voxels
    assert list(found.columns) == list(GIVEN.columns)


@pytest.mark.parametrize("table", [GIVEN.assign(mask_source="given"), GIVEN.drop(columns=["mask_source"])])
def test_without_predicted_masks_the_table_is_the_given_one(table):
    assert rois_in(table, PREDICTED, resample="final") is table
    assert rois_by_resample(table, PREDICTED)["resample"].tolist() == ["", "", ""]


def test_all_resamples_at_once():
    found = rois_by_resample(GIVEN, PREDICTED)

    assert found[["image_id", "resample", "n_voxels"]].values.tolist() == [
        ["a", "", 10],
        ["b", "cv-1-1", 21],
        ["b", "final", 20],
        ["c", "final", 30],
    ]


def test_the_contracts_have_the_same_columns_but_for_the_resample():
    assert [name for name in PREDICTED_ROIS.names if name != "resample"] == ROIS.names
    check_table(PREDICTED_ROIS.empty(), PREDICTED_ROIS, place="predicted_rois.csv")
