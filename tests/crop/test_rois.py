"""crop: boxes with results worked out by hand."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT

from pipeline.contracts.data.cohort import COHORT
from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS
from pipeline.contracts.data.segment import MASKS
from pipeline.crop.rois import (
    CropCase,
    CropParams,
    bounding_box,
    crop_case,
    crop_roi,
    effective_rows,
    margins_px,
    predicted_cases,
    predicted_table,
    rois_table,
)
from pipeline.foundation.errors import ImageError, ParamsError, PipelineError
from pipeline.foundation.images import array_of, image_from, read_image, write_image
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table

PARAMS = CropParams(margin_px=2, margin_mm=None)


def frame(*, shape=(20, 30), box=(slice(5, 9), slice(10, 16)), spacing=(1.0, 1.0)):
    """A ramp image and a mask with one filled box, shape (y, x) or (z, y, x)."""
    image = image_from(np.arange(np.prod(shape)).reshape(shape).astype(np.int16), spacing_mm=spacing)
    marked = np.zeros(shape, dtype=np.uint8)
    marked[box] = 1
    return image, image_from(marked, like=image)


def test_box_and_margin_by_hand():
    roi = crop_roi(*frame(), margin_px=2)
    assert roi.start_px == (8, 3)
    assert roi.size_px == (10, 8)
    assert roi.n_voxels == 24
    assert array_of(roi.image)[0, 0] == 3 * 30 + 8


def test_clipped_at_the_frame():
    roi = crop_roi(*frame(), margin_px=100)
    assert roi.start_px == (0, 0)
    assert roi.size_px == (30, 20)


def test_margin_in_mm_follows_the_spacing_of_each_axis():
    assert margins_px((0.5, 1.0, 5.0), margin_px=4, margin_mm=12.0) == (24, 12, 4)
    assert margins_px((0.1,), margin_px=0, margin_mm=12.0) == (120,)
    assert margins_px((0.5, 1.0), margin_px=4, margin_mm=None) == (4, 4)


def test_volume_keeps_its_place_in_space():
    image, mask = frame(shape=(8, 20, 30), box=(slice(3, 5), slice(5, 9), slice(10, 16)), spacing=(0.5, 0.5, 2.0))
    roi = crop_roi(image, mask, margin_px=1, margin_mm=2.0)
    assert roi.start_px == (6, 1, 2)
    assert roi.size_px == (14, 12, 4)
    assert roi.image.GetOrigin() == image.TransformIndexToPhysicalPoint((6, 1, 2))
    assert roi.mask.GetOrigin() == roi.image.GetOrigin()


def test_mask_becomes_zero_and_one():
    image, mask = frame()
    roi = crop_roi(image, mask * 255, margin_px=0)
    assert roi.mask.GetPixelID() == sitk.sitkUInt8
    assert set(np.unique(array_of(roi.mask))) == {1}


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_crop_contains_every_lesion_voxel_and_the_margin(data):
    marked = np.zeros((12, 15), dtype=np.uint8)
    for _ in range(data.draw(st.integers(1, 4))):
        marked[data.draw(st.integers(0, 11)), data.draw(st.integers(0, 14))] = 1
    margin = data.draw(st.integers(0, 6))
    image = image_from(np.arange(180).reshape(12, 15))
    roi = crop_roi(image, image_from(marked), margin_px=margin)
    assert array_of(roi.mask).sum() == marked.sum() == roi.n_voxels
    x, y = roi.start_px
    width, height = roi.size_px
    np.testing.assert_array_equal(array_of(roi.image), array_of(image)[y : y + height, x : x + width])
    (top, left), (bottom, right) = bounding_box(marked)
    assert (x, y) == (max(left - margin, 0), max(top - margin, 0))
    assert (x + width, y + height) == (min(right + margin + 1, 15), min(bottom + margin + 1, 12))


def test_sizes_must_agree():
    with pytest.raises(ImageError, match=r"size \(30, 19\) differs"):
        crop_roi(frame()[0], frame(shape=(19, 30))[1], margin_px=0)


def case(tmp_path, *, marked=True, mask=True):
    image, lesion = frame(spacing=(0.5, 0.5))
    write_image(image, tmp_path / "images" / "a.nrrd")
    write_image(lesion if marked else lesion * 0, tmp_path / "masks" / "a.nrrd")
    row = {"image_id": "a", "patient_id": "007", "view": "main"} | {f"spacing_{axis}_mm": 0.5 for axis in "xy"}
    return CropCase(
        row=row | {"spacing_z_mm": None},
        image=tmp_path / "images" / "a.nrrd",
        mask=tmp_path / "masks" / "a.nrrd" if mask else None,
    )


def test_row_and_files_of_a_case(tmp_path):
    row = crop_case(case(tmp_path), params=PARAMS, rois=tmp_path / "rois")
    assert (row["x0_px"], row["y0_px"], row["z0_px"]) == (8, 3, 0)
    assert (row["width_px"], row["height_px"], row["depth_px"]) == (10, 8, 1)
    assert row["status"] == "ok"
    assert read_image(tmp_path / "rois" / row["image"]).GetSize() == (10, 8)
    assert read_image(tmp_path / "rois" / row["mask"]).GetSpacing() == (0.5, 0.5)


@pytest.mark.parametrize(("marked", "mask", "reason"), [(False, True, "marks no voxel"), (True, False, "no mask")])
def test_case_without_roi_keeps_its_row(tmp_path, marked, mask, reason):
    row = crop_case(case(tmp_path, marked=marked, mask=mask), params=PARAMS, rois=tmp_path / "rois")
    assert row["status"] == "no_roi"
    assert reason in row["reason"]


def test_unreadable_case_keeps_its_row_without_the_folder_it_lies_in(tmp_path):
    broken = case(tmp_path)
    broken.image.write_bytes(b"not an image")
    row = crop_case(broken, params=PARAMS, rois=tmp_path / "rois")
    assert row["status"] == "crop_failed"
    assert row["reason"].startswith("a.nrrd: not readable")
    assert str(tmp_path) not in row["reason"]


def test_table_keeps_whole_numbers_beside_failed_cases(tmp_path):
    good = crop_case(case(tmp_path), params=PARAMS, rois=tmp_path / "rois") | {"mask_source": "given"}
    bad = good | {"image_id": "b", "status": "no_roi", "reason": "why"}
    for name in ("n_voxels", "x0_px", "y0_px", "z0_px", "width_px", "height_px", "depth_px", "image", "mask"):
        bad.pop(name)
    write_table(rois_table([bad, good]), tmp_path / "rois.csv", ROIS)
    lines = (tmp_path / "rois.csv").read_text().splitlines()
    assert lines[1] == "a,007,main,a_image.nrrd,a_mask.nrrd,24,8,3,0,10,8,1,0.5,0.5,,given,ok,"
    assert lines[2] == "b,007,main,,,,,,,,,,0.5,0.5,,given,no_roi,why"


def test_predicted_masks_are_cropped_into_a_folder_per_resample(tmp_path):
    image, mask = frame()
    for place, one in (("images/a", image), ("masks/cv-1-1/a", mask), ("masks/final/a", mask * 0)):
        write_image(one, tmp_path / f"{place}.nrrd")
    cohort = pd.DataFrame([{"image_id": "a", "patient_id": "007", "view": "main", "image": "a.nrrd"}])
    cohort = cohort.assign(**{f"spacing_{axis}_mm": np.nan for axis in "xyz"})
    predicted = pd.DataFrame(
        {"resample": ["cv-1-1", "cv-1-2", "final"], "image_id": "a", "mask": ["cv-1-1/a.nrrd", None, "final/a.nrrd"]}
    ).assign(reason="nothing was found", status=["ok", "empty", "empty"])
    cases = predicted_cases(cohort, predicted, images=tmp_path / "images", masks=tmp_path / "masks")
    table = predicted_table([crop_case(case, params=PARAMS, rois=tmp_path / "rois") for case in cases])

    assert table["status"].tolist() == ["ok", "no_roi", "no_roi"]
    assert table.loc[1:, "reason"].tolist() == ["nothing was found"] * 2
    assert table.loc[0, ["image", "n_voxels", "x0_px", "mask_source"]].tolist() == [
        "predicted/cv-1-1/a_image.nrrd",
        *(24, 8, "predicted"),
    ]
    assert (tmp_path / "rois" / table.loc[0, "mask"]).exists()
    write_table(table, tmp_path / "predicted_rois.csv", PREDICTED_ROIS)


def test_the_roi_of_a_study_is_the_predicted_one_of_final_if_it_is_used():
    given = [{"image_id": name, "status": "ok", "mask_source": "given"} for name in ("a", "b")]
    predicted = [
        {"image_id": name, "status": resample, "mask_source": "predicted", "resample": resample}
        for name in ("a", "b")
        for resample in ("cv-1-1", "final")
    ]

    assert effective_rows(given, predicted, used=frozenset()) == given
    assert effective_rows(given, predicted, used=frozenset({"b"})) == [
        given[0],
        {"image_id": "b", "status": "final", "mask_source": "predicted"},
    ]


def test_a_table_without_any_crop_is_an_error():
    with pytest.raises(PipelineError, match="no image could be cropped"):
        rois_table([{"image_id": "a", "status": "no_roi", "reason": "why"}])


def test_shipped_params_cover_log_sigma_3():
    params = load_params(ROOT / "params" / "crop.yaml", CropParams)
    assert params.margin_px >= 12
    assert params.margin_mm >= 12


def test_negative_margin_is_named(tmp_path):
    (tmp_path / "crop.yaml").write_text("margin_px: -1\nmargin_mm: null\n")
    with pytest.raises(
        ParamsError, match=r"crop\.yaml: key 'margin_px' has the value -1: .*greater than or equal to 0"
    ):
        load_params(tmp_path / "crop.yaml", CropParams)


def run_stage(folder, *, workers, out):
    command = [sys.executable, "-m", "stages.crop", "--params", "params/crop.yaml"]
    paths = {"cohort": "cohort.csv", "images": "images", "masks": "masks", "rois": out, "table": f"{out}.csv"}
    paths |= {"predicted-masks": "predicted", "predictions": "predictions.csv", "predicted": f"{out}_predicted.csv"}
    command += [word for name, value in paths.items() for word in (f"--{name}", str(folder / value))]
    variables = {"FUSION_WORKERS": str(workers), "PATH": "/usr/bin:/bin"}
    subprocess.run(command, cwd=ROOT, env=variables, check=True, capture_output=True)
    files = {str(path.relative_to(folder / out)): path for path in (folder / out).rglob("*.nrrd")}
    return {name: path.read_bytes() for name, path in files.items()}, (folder / f"{out}.csv").read_bytes()


def test_command_line_writes_the_same_bytes_for_one_and_two_workers(tmp_path):
    rows = []
    for name in ("a", "b", "c"):
        image, mask = frame()
        write_image(image, tmp_path / "images" / f"{name}.nrrd")
        write_image(mask * (name != "b"), tmp_path / "masks" / f"{name}.nrrd")
        rows.append({"image_id": name, "patient_id": name, "view": "main", "image": f"{name}.nrrd"})
    cohort = pd.DataFrame(rows).assign(mask=lambda table: table["image"])
    cohort = cohort.assign(**dict.fromkeys(["site", "gland_mask", "mask_source"], None))
    cohort = cohort.assign(**{f"spacing_{axis}_mm": np.nan for axis in "xyz"})
    write_table(cohort, tmp_path / "cohort.csv", COHORT)
    write_image(frame()[1], tmp_path / "predicted" / "final" / "c.nrrd")
    predicted = {"resample": "final", "image_id": "c", "patient_id": "c", "network": "unet", "part": "a", "used": 1}
    predicted |= {"mask": "final/c.nrrd", "n_voxels": 24, "status": "ok", "reason": None}
    write_table(pd.DataFrame([predicted]), tmp_path / "predictions.csv", MASKS)
    one = run_stage(tmp_path, workers=1, out="one")
    two = run_stage(tmp_path, workers=2, out="two")
    assert one == two
    table = read_table(tmp_path / "one.csv", ROIS)
    assert table["status"].tolist() == ["ok", "no_roi", "ok"]
    assert table["mask_source"].tolist() == ["given", "given", "predicted"]
    assert sorted(one[0]) == [
        *("a_image.nrrd", "a_mask.nrrd", "c_image.nrrd", "c_mask.nrrd"),
        *("predicted/final/c_image.nrrd", "predicted/final/c_mask.nrrd"),
    ]
    assert read_table(tmp_path / "one_predicted.csv", PREDICTED_ROIS)["mask"].tolist() == [table.loc[2, "mask"]]
