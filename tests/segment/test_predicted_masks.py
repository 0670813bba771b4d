"""The predicted masks of later stages: files on the grid of their images, and their table."""

import numpy as np
import pytest
from drawn_nodules import plan_of, segment_params

from pipeline.contracts.data.segment import MASKS
from pipeline.foundation.images import array_of, read_image
from pipeline.foundation.tables import check_table
from pipeline.segment.cases import EMPTY, Segmented
from pipeline.segment.jobs import segment_jobs
from pipeline.segment.notes import NO_MASKS, note_no_masks
from pipeline.segment.predicted_masks import write_masks


@pytest.fixture
def study(tmp_path):
    params = segment_params(mask_source="given_else_predicted")
    plan, splits = plan_of(tmp_path / "study", params=params, masks_by="unet", without=(2,))
    return plan, segment_jobs(splits, networks=("unet",), masks_by="unet", folds_on_test=False)


def test_files_rows_and_whether_a_mask_is_used(study, tmp_path):
    plan, jobs = study
    masks = {name: np.zeros((48, 48), np.uint8) for name in ("p02", "p05")}
    masks["p02"][3:5, 7:10] = 1
    table = write_masks([Segmented(job=jobs[0], rows=[], card={}, losses=[], masks=masks)], plan=plan, folder=tmp_path)

    check_table(table, MASKS, place="masks.csv")
    columns = ["resample", "image_id", "patient_id", "part", "used", "mask", "n_voxels", "status", "reason"]
    assert table[columns].fillna("").values.tolist() == [
        ["cv-1-1", "p02", "P02", "all", 1, "cv-1-1/p02.nrrd", 6, "ok", ""],
        ["cv-1-1", "p05", "P05", "all", 0, "cv-1-1/p05.nrrd", 0, "empty", EMPTY],
    ]
    written = read_image(tmp_path / "cv-1-1/p02.nrrd")
    assert (array_of(written) == masks["p02"]).all()
    assert written.GetSpacing() == (0.5, 0.5)
    assert not (tmp_path / NO_MASKS).exists()


def test_without_masks_there_is_a_note_and_a_table_without_rows(study, tmp_path):
    plan, jobs = study
    folder = tmp_path / "made"
    table = write_masks([Segmented(job=jobs[0], rows=[], card={}, losses=[])], plan=plan, folder=folder)
    note_no_masks(folder)

    assert list(table.columns) == MASKS.names
    assert [path.name for path in folder.iterdir()] == [NO_MASKS]
