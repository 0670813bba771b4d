"""Which ROIs give which block in which resample, by hand."""

import numpy as np
import pandas as pd

from pipeline.contracts.data.embed import read_files
from pipeline.plan.radiomics_use import RadiomicsUse
from pipeline.radiomics.resampled import distinct, files_of, note_no_resamples, roi_groups, write_resample

OWN = {"patient_id": "p", "view": "main", "n_voxels": 9, "reason": None}


def roi(image_id, *, source="given", resample=None, status="ok"):
    place = f"predicted/{resample}/" if source == "predicted" else ""
    files = {"image": f"{place}{image_id}_i.nrrd", "mask": f"{place}{image_id}_m.nrrd"} if status == "ok" else {}
    reason = None if status == "ok" else "the network marks no voxel"
    found = OWN | {"image_id": image_id, "mask_source": source, "status": status, **files, "reason": reason}
    return found if resample is None else found | {"resample": resample}


ROIS = pd.DataFrame(
    [roi("1"), {k: v for k, v in roi("2", source="predicted", resample="final").items() if k != "resample"}]
)
BY_RESAMPLE = pd.DataFrame(
    [roi(i, source="predicted", resample=r) for r in ("cv-1-1", "final") for i in ("1", "2")]
    + [
        roi("1", source="predicted", resample="cv-1-2"),
        roi("2", source="predicted", resample="cv-1-2", status="no_roi"),
    ]
)


def groups(rois=ROIS, **use):
    return roi_groups(rois, BY_RESAMPLE, use=RadiomicsUse(**{"used": True, "outlines": True, "predicted": False} | use))


def masks(group):
    return group.rois["mask"].to_list()


def test_a_given_mask_holds_in_every_resample_and_a_predicted_one_in_its_own():
    final, first, second = groups()

    assert [(one.block, one.resample) for one in (final, first, second)] == [
        ("radiomics", "final"),
        ("radiomics", "cv-1-1"),
        ("radiomics", "cv-1-2"),
    ]
    assert masks(final) == ["1_m.nrrd", "predicted/final/2_m.nrrd"]
    assert masks(first) == ["1_m.nrrd", "predicted/cv-1-1/2_m.nrrd"]
    assert second.rois["status"].to_list() == ["ok", "no_roi"]


def test_given_masks_need_one_table():
    given = pd.DataFrame([roi("1"), roi("2")])

    assert [(one.block, one.resample) for one in groups(given)] == [("radiomics", "final")]
    assert groups(used=False) == []


def test_the_block_of_predicted_masks_has_them_in_every_resample():
    found = groups(used=False, predicted=True)

    assert [one.resample for one in found] == ["final", "cv-1-1", "cv-1-2"]
    assert masks(found[0]) == ["predicted/final/1_m.nrrd", "predicted/final/2_m.nrrd"]


def test_a_roi_of_several_groups_is_extracted_once():
    table = distinct(groups(predicted=True))

    assert len(table) == len(set(files_of(table))) == 7  # 1; 2 and 1 predicted thrice, of which one is empty


def test_a_file_holds_the_usable_rois_of_its_resample(tmp_path):
    group = groups()[2]
    rows = {
        files: {"image_id": image, "values": values}
        for files, image, values in zip(files_of(group.rois), "12", ([1.0, None], None), strict=True)
    }
    write_resample(group, rows, names=["f", "g"], empty=["g"], folder=tmp_path / "radiomics")
    found = read_files(tmp_path / "radiomics.csv", columns=["f", "g"]).frame("cv-1-2", "all")

    assert found.index.to_list() == ["1"]
    assert found["f"].to_list() == [1.0]
    assert np.isnan(found["g"]).all()


def test_a_folder_without_a_file_holds_a_note(tmp_path):
    note_no_resamples(tmp_path / "radiomics")

    assert [path.name for path in (tmp_path / "radiomics").iterdir()] == ["no_files.txt"]
