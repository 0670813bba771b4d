"""import_image: one small image per fault, read from files like those of users."""

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from pipeline.cohort.import_image import import_image
from pipeline.cohort.importers.source import LesionSource, SourceImage
from pipeline.cohort.mask_files import MaskParams
from pipeline.cohort.voxel_checks import VoxelParams
from pipeline.contracts.data.cohort import WHOLE
from pipeline.foundation.images import array_of, image_from, read_image

VOXELS = VoxelParams(
    min_roi_px=9, min_roi_grey_levels=4, max_roi_fraction=0.9, colour_tolerance=8, max_colour_fraction=0.1
)
RAMP = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)
BOX = np.zeros((20, 30), dtype=np.uint8)
BOX[5:11, 8:15] = 1


@pytest.fixture
def bring(tmp_path):
    """Import one case; returns the result and its findings by check (spacing_unknown excluded)."""

    def call(image, *, mask=None, gland=None, second=None, lesion=None, **masks):
        lesion = lesion or (LesionSource(kind="files", files=(mask,)) if mask else None)
        about = {"image_id": "a", "patient_id": "p", "view": "long"}
        case = SourceImage(**about, image=image, lesion=lesion, gland_mask=gland, second_mask=second)
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


def test_an_image_and_its_masks_are_written_in_the_common_form(bring, tmp_path):
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
    (tmp_path / "broken.png").write_bytes(b"not an image")
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


def test_a_mask_of_another_size_is_not_written(bring, tmp_path):
    result, checks = bring(save(RAMP, tmp_path / "a.nrrd"), mask=save(BOX.T.copy(), tmp_path / "m.nrrd"))
    assert set(checks) == {"size_mismatch"}
    assert "mask" not in result.row
    assert not (tmp_path / "masks").exists()


@pytest.mark.parametrize(
    ("shift_mm", "check"),
    [
        (0.0, None),
        (0.004, "geometry_repaired"),
        (0.006, "geometry_offset"),
        (0.24, "geometry_offset"),
        (0.26, "geometry_mismatch"),
    ],
)
def test_a_mask_with_an_offset_is_written_on_the_grid_of_the_image(bring, tmp_path, shift_mm, check):
    image, mask = save(RAMP, tmp_path / "a.nrrd"), save(BOX, tmp_path / "m.nrrd", origin=(shift_mm, 0.0))
    result, checks = bring(image, mask=mask)
    assert list(checks) == ([check] if check else [])
    assert ("mask" in result.row) == (check != "geometry_mismatch")
    if "mask" in result.row:
        written = read_image(tmp_path / "masks" / "a.nrrd")
        assert (array_of(written) == BOX).all()
        assert written.GetOrigin() == (0, 0)


def test_volume_keeps_its_spacing_and_a_shift_along_z_counts(bring, tmp_path):
    volume, box = np.stack([RAMP] * 4), np.stack([BOX] * 4)
    image = save(volume, tmp_path / "a.nii.gz")
    result, checks = bring(image, mask=save(box, tmp_path / "m.nii.gz", origin=(0.0, 0.0, 2.0)))
    assert "2 mm (1 voxels)" in checks["geometry_mismatch"].message
    assert [result.row[f"spacing_{axis}_mm"] for axis in "xyz"] == [0.5, 0.5, 2.0]


def test_mask_saved_as_a_volume_for_a_jpeg(bring, tmp_path):
    Image.fromarray(RAMP.astype(np.uint8)).save(tmp_path / "a.jpg")
    mask = save(BOX[None] * 3, tmp_path / "m.nii.gz")
    _, checks = bring(tmp_path / "a.jpg", mask=mask)
    assert list(checks) == ["mask_label_taken"]
    assert (array_of(read_image(tmp_path / "masks" / "a.nrrd")) == BOX).all()


def test_label_is_the_lesion_s_and_not_the_gland_s(bring, tmp_path):
    image = save(RAMP, tmp_path / "a.nrrd")
    both = BOX.copy()
    both[:3, :10] = 2
    mask, gland = save(both, tmp_path / "m.nrrd"), save(BOX, tmp_path / "g.nrrd")
    assert bring(image, mask=mask)[1]["mask_labels"].severity == "error"
    _, checks = bring(image, mask=mask, gland=gland, label=2)
    assert [(c, f.severity) for c, f in checks.items()] == [("mask_labels", "info")]
    assert array_of(read_image(tmp_path / "masks" / "a.nrrd")).sum() == 30


def test_a_second_reader_s_mask_is_written_and_gets_the_same_checks(bring, tmp_path):
    image, mask = save(RAMP, tmp_path / "a.nrrd"), save(BOX, tmp_path / "m.nrrd")
    two_components = BOX.copy()
    two_components[0, 0] = 1
    result, checks = bring(image, mask=mask, second=save(two_components, tmp_path / "s.nrrd"))

    assert result.row["mask_reader2"] == "a_reader2.nrrd"
    assert (array_of(read_image(tmp_path / "masks" / "a_reader2.nrrd")) == BOX).all()
    assert checks["components_left_out"].message.startswith("image a: second reader: the lesion mask has 2 connected")

    for array, check in ((BOX.T.copy(), "size_mismatch"), (0 * BOX, "mask_empty")):
        result, checks = bring(image, mask=mask, second=save(array, tmp_path / "s.nrrd"))
        assert [(c, f.severity) for c, f in checks.items()] == [(check, "error")]
        assert "mask_reader2" not in result.row
        assert result.row["mask"] == "a.nrrd"


def test_whole_image_and_image_without_a_mask(bring, tmp_path):
    image = save(RAMP, tmp_path / "a.nrrd")
    whole, checks = bring(image, lesion=LesionSource(kind="full"))
    assert (whole.row["mask_source"], checks) == ("full", {})
    without, checks = bring(image)
    assert "mask" not in without.row
    assert checks == {}


def test_a_mask_file_that_covers_its_image_is_the_whole_image(bring, tmp_path):
    image = save(RAMP, tmp_path / "a.nrrd")
    whole, checks = bring(image, mask=save(np.ones_like(BOX), tmp_path / "m.nrrd"))
    almost, _ = bring(image, mask=save(np.pad(np.ones((19, 30), np.uint8), ((1, 0), (0, 0))), tmp_path / "n.nrrd"))

    assert whole.row["mask_source"] == WHOLE  # no network may learn a lesion from it
    assert "roi_large" in checks or "roi_fraction" in checks or checks
    assert almost.row["mask_source"] == "n.nrrd"


def test_two_files_with_the_same_voxels_have_one_hash(bring, tmp_path):
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
