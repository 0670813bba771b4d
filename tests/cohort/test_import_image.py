"""audit_images: one small image a fault, through files as a user has them."""

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from pipeline.cohort.import_image import import_image
from pipeline.cohort.importers.source import Outline, SourceImage
from pipeline.cohort.mask_files import MaskParams
from pipeline.cohort.voxel_checks import VoxelParams
from pipeline.foundation.images import array_of, image_from, read_image

VOXELS = VoxelParams(
    min_roi_px=9, min_roi_grey_levels=4, max_roi_fraction=0.9, colour_tolerance=8, max_colour_fraction=0.1
)
RAMP = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)
BOX = np.zeros((20, 30), dtype=np.uint8)
BOX[5:11, 8:15] = 1


@pytest.fixture
def bring(tmp_path):
    """Import one case; gives the result, its checks (spacing left out) and the folder of outputs."""

    def call(image, *, mask=None, gland=None, second=None, outline=None, **masks):
        outline = outline or (Outline(kind="files", files=(mask,)) if mask else None)
        about = {"image_id": "a", "patient_id": "p", "view": "long"}
        case = SourceImage(**about, image=image, outline=outline, gland_mask=gland, second_mask=second)
        result = import_image(
            case,
            masks=MaskParams(**masks),
            voxels=VOXELS,
            image_folder=tmp_path / "images",
            mask_folder=tmp_path / "masks",
        )
        return result, {f.check: f for f in result.findings if f.check != "spacing_unknown"}

    return call


def save(array, path, *, spacing=(0.5, 0.5, 2.0), origin=None):
    image = image_from(array, spacing_mm=spacing[: array.ndim])
    image.SetOrigin(origin or (0.0,) * array.ndim)
    sitk.WriteImage(image, str(path))
    return path


def test_a_picture_with_its_masks_is_written_in_one_form(bring, tmp_path):
    Image.fromarray(RAMP.astype(np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(BOX * 255).save(tmp_path / "m.png")

    result, checks = bring(tmp_path / "a.png", mask=tmp_path / "m.png", gland=tmp_path / "m.png")

    assert checks == {}
    assert result.row == {
        "image_id": "a",
        "patient_id": "p",
        "view": "long",
        "site": None,
        "image": "a.nrrd",
        "mask": "a.nrrd",
        "gland_mask": "a_gland.nrrd",
        "mask_source": "m.png",
    }
    assert (array_of(read_image(tmp_path / "images" / "a.nrrd")) == RAMP.astype(np.uint8)).all()
    for name in ("a.nrrd", "a_gland.nrrd"):
        assert (array_of(read_image(tmp_path / "masks" / name)) == BOX).all()


def test_missing_and_broken_images(bring, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    missing, checks = bring(tmp_path / "none.png")
    assert (missing.row, set(checks)) == (None, {"image_missing"})
    broken, checks = bring(tmp_path / "broken.png")
    assert (broken.row, set(checks)) == (None, {"image_unreadable"})


def test_four_axes(bring, tmp_path):
    volume = image_from(np.zeros((2, 3, 4), dtype=np.int16))
    sitk.WriteImage(sitk.JoinSeries([volume, volume]), str(tmp_path / "a.nii.gz"))
    assert set(bring(tmp_path / "a.nii.gz")[1]) == {"four_dimensional"}


def test_all_faults_of_one_case_at_once(bring, tmp_path):
    image = RAMP.astype(np.float32)
    image[0, 0] = np.nan
    _, checks = bring(save(image, tmp_path / "a.nrrd"), mask=tmp_path / "none.png", gland=tmp_path / "no.png")
    assert set(checks) == {"mask_missing", "nonfinite_voxels"}


def test_size_mismatch_names_both_sizes_and_writes_no_mask(bring, tmp_path):
    result, checks = bring(save(RAMP, tmp_path / "a.nrrd"), mask=save(BOX.T.copy(), tmp_path / "m.nrrd"))
    assert set(checks) == {"size_mismatch"}
    assert "20 x 30 voxels and the image 30 x 20" in checks["size_mismatch"].message
    assert "mask" not in result.row
    assert not (tmp_path / "masks").exists()


@pytest.mark.parametrize(
    ("shift_mm", "check", "severity"),
    [
        (0.0, None, None),
        (0.004, "geometry_repaired", "info"),
        (0.006, "geometry_offset", "warning"),
        (0.24, "geometry_offset", "warning"),
        (0.26, "geometry_mismatch", "error"),
    ],
)
def test_offset_of_the_mask_at_half_a_millimetre_a_voxel(bring, tmp_path, shift_mm, check, severity):
    image, mask = save(RAMP, tmp_path / "a.nrrd"), save(BOX, tmp_path / "m.nrrd", origin=(shift_mm, 0.0))
    result, checks = bring(image, mask=mask)
    assert [(c, f.severity) for c, f in checks.items()] == ([(check, severity)] if check else [])
    assert ("mask" in result.row) == (severity != "error")
    if check:
        assert f"{shift_mm:.3g} mm ({shift_mm / 0.5:.3g} voxels)" in checks[check].message
    if severity in ("info", "warning"):
        written = read_image(tmp_path / "masks" / "a.nrrd")
        assert (array_of(written) == BOX).all()
        assert written.GetOrigin() == (0, 0)


def test_volume_keeps_its_spacing_and_a_shift_along_z_counts(bring, tmp_path):
    volume, box = np.stack([RAMP] * 4), np.stack([BOX] * 4)
    image = save(volume, tmp_path / "a.nii.gz")
    result, checks = bring(image, mask=save(box, tmp_path / "m.nii.gz", origin=(0.0, 0.0, 2.0)))
    assert "2 mm (1 voxels)" in checks["geometry_mismatch"].message
    assert [result.row[f"spacing_{axis}_mm"] for axis in "xyz"] == [0.5, 0.5, 2.0]


def test_segmentation_saved_as_a_volume_beside_a_jpeg(bring, tmp_path):
    Image.fromarray(RAMP.astype(np.uint8)).save(tmp_path / "a.jpg")
    mask = save(BOX[None] * 3, tmp_path / "m.nii.gz")
    _, checks = bring(tmp_path / "a.jpg", mask=mask)
    assert list(checks) == ["mask_label_taken"]
    assert (array_of(read_image(tmp_path / "masks" / "a.nrrd")) == BOX).all()


def test_label_is_the_lesion_s_and_not_the_gland_s(bring, tmp_path):
    image = save(RAMP, tmp_path / "a.nrrd")
    both = BOX.copy()
    both[0, :10] = 2
    mask, gland = save(both, tmp_path / "m.nrrd"), save(BOX, tmp_path / "g.nrrd")
    assert bring(image, mask=mask)[1]["mask_labels"].severity == "error"
    _, checks = bring(image, mask=mask, gland=gland, label=2)
    assert [(c, f.severity) for c, f in checks.items()] == [("mask_labels", "info")]
    assert array_of(read_image(tmp_path / "masks" / "a.nrrd")).sum() == 10


def test_a_second_reader_s_mask_is_written_and_held_to_the_same_checks(bring, tmp_path):
    image, mask = save(RAMP, tmp_path / "a.nrrd"), save(BOX, tmp_path / "m.nrrd")
    two_parts = BOX.copy()
    two_parts[0, 0] = 1
    result, checks = bring(image, mask=mask, second=save(two_parts, tmp_path / "s.nrrd"))

    assert result.row["mask_reader2"] == "a_reader2.nrrd"
    assert (array_of(read_image(tmp_path / "masks" / "a_reader2.nrrd")) == BOX).all()
    assert checks["components_left_out"].message.startswith("image a: second reader: the lesion mask has 2 separate")

    for array, check in ((BOX.T.copy(), "size_mismatch"), (0 * BOX, "mask_empty")):
        result, checks = bring(image, mask=mask, second=save(array, tmp_path / "s.nrrd"))
        assert [(c, f.severity) for c, f in checks.items()] == [(check, "error")]
        assert "mask_reader2" not in result.row
        assert result.row["mask"] == "a.nrrd"


def test_whole_image_and_no_outline(bring, tmp_path):
    image = save(RAMP, tmp_path / "a.nrrd")
    whole, checks = bring(image, outline=Outline(kind="full"))
    assert (whole.row["mask_source"], checks) == ("full", {})
    without, checks = bring(image)
    assert "mask" not in without.row
    assert checks == {}


def test_two_files_of_one_picture_have_one_hash(bring, tmp_path):
    Image.fromarray(RAMP.astype(np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.stack([RAMP.astype(np.uint8)] * 3, axis=-1)).save(tmp_path / "b.bmp")
    assert bring(tmp_path / "a.png")[0].pixels == bring(tmp_path / "b.bmp")[0].pixels


def test_nan_in_nifti_is_found_although_its_reader_makes_it_zero(bring, tmp_path):
    volume = np.random.default_rng(0).normal(size=(4, 20, 30)).astype(np.float32)
    volume[2, 6, 9] = np.nan
    mask = np.repeat(BOX[None], 4, axis=0)
    save(volume, tmp_path / "a.nii.gz")
    save(mask, tmp_path / "m.nii.gz")

    checks = bring(tmp_path / "a.nii.gz", mask=tmp_path / "m.nii.gz")[1]

    assert "1 NaN and 0 infinite voxels, the first at x 9, y 6, z 2" in checks["nonfinite_voxels"].message
