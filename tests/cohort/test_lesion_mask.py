import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from pipeline.cohort.importers.source import LesionSource
from pipeline.cohort.lesion_mask import lesion_mask
from pipeline.cohort.mask_files import MaskParams
from pipeline.foundation.images import array_of, image_from, read_image, write_image

JPEG, VOLUME = Path("a.jpg"), Path("a.nii.gz")
FRAME = image_from(np.zeros((20, 30), dtype=np.uint8))


def made(source, *, grid=FRAME, image_path=JPEG, **params):
    result = lesion_mask(source, image_id="a", image_path=image_path, grid=grid, params=MaskParams(**params))
    return result, [(f.check, f.severity) for f in result.findings]


def polygons(*corners):
    return LesionSource(kind="polygons", polygons=corners)


def files(*paths):
    return LesionSource(kind="files", files=paths)


def box(x0, y0, x1, y1):
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def one_slice_nifti(array, *, step):
    """The bytes of a NIfTI-1 file, x fastest, whose s-form has `step` mm along R and A."""
    height, width = array.shape
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, width, height, 1, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)  # unsigned 8-bit
    struct.pack_into("<8f", header, 76, 1, abs(step), abs(step), 1, 0, 0, 0, 0)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<f", header, 112, 1)
    struct.pack_into("<2h", header, 252, 0, 1)
    struct.pack_into("<12f", header, 280, step, 0, 0, 0, 0, step, 0, 0, 0, 0, 1, 0)
    struct.pack_into("4s", header, 344, b"n+1")
    return bytes(header) + array.tobytes()


def test_polygon_covers_the_pixels_whose_centres_it_encloses():
    result, findings = made(polygons(box(1.5, 2.5, 5.5, 4.5)))

    assert findings == []
    assert np.argwhere(array_of(result.mask)).tolist() == [[y, x] for y in (3, 4) for x in (2, 3, 4, 5)]


def test_area_of_a_disc_is_near_pi_r_squared():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    disc = tuple((15 + 8 * np.cos(t), 10 + 8 * np.sin(t)) for t in angles)

    assert array_of(made(polygons(disc))[0].mask).sum() == pytest.approx(np.pi * 64, rel=0.03)


def test_contour_beyond_the_frame_is_clipped_with_a_warning():
    result, findings = made(polygons(box(25, 15, 40, 22)))

    assert findings == [("outline_outside_frame", "warning")]
    assert "by up to 11 px" in result.findings[0].message
    assert array_of(result.mask).sum() == 5 * 5


def test_contour_outside_the_frame_marks_no_lesion():
    result, findings = made(polygons(box(40, 40, 50, 50)))

    assert result.mask is None
    assert ("mask_empty", "error") in findings


def test_largest_or_all_components():
    two = polygons(box(1, 1, 4, 4), box(10, 10, 12, 12))

    result, findings = made(two)
    assert (array_of(result.mask).sum(), findings) == (16, [("components_left_out", "info")])
    assert "(16, 9 voxels)" in result.findings[0].message
    result, findings = made(two, lesion="union")
    assert (array_of(result.mask).sum(), findings) == (25, [("components_joined", "info")])


def test_pixels_that_touch_at_a_corner_are_one_component(tmp_path):
    diagonal = np.eye(6, dtype=np.uint8)
    Image.fromarray(diagonal).save(tmp_path / "m.png")

    result, findings = made(files(tmp_path / "m.png"), grid=image_from(diagonal))

    assert (array_of(result.mask).sum(), findings) == (6, [])


def test_several_files_are_united(tmp_path):
    for name, column in (("m.png", 3), ("m_1.png", 4)):
        stripe = np.zeros((20, 30), dtype=np.uint8)
        stripe[5:9, column] = 255
        Image.fromarray(stripe).save(tmp_path / name)

    result, findings = made(files(tmp_path / "m.png", tmp_path / "m_1.png"))

    assert (array_of(result.mask).sum(), findings, result.source) == (8, [], "m.png+m_1.png")


def test_files_of_different_size_are_not_united(tmp_path):
    Image.fromarray(np.ones((4, 4), dtype=np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.ones((5, 4), dtype=np.uint8)).save(tmp_path / "b.png")

    result, findings = made(files(tmp_path / "a.png", tmp_path / "b.png"))

    assert (result.mask, findings) == (None, [("size_mismatch", "error")])


def test_whole_image():
    result, findings = made(LesionSource(kind="full"))

    assert (array_of(result.mask).min(), result.mask.GetSize(), findings, result.source) == (1, (30, 20), [], "full")


def test_itk_snap_volume_of_one_slice_lies_on_the_jpeg_pixel_by_pixel(tmp_path):
    # ITK-SNAP writes the labels of a 2-D image as one slice, in the image's order, with a RAS to LPS header.
    labels = np.zeros((20, 30), dtype=np.uint8)
    labels[2:5, 20:28] = 1
    (tmp_path / "m.nii").write_bytes(one_slice_nifti(labels, step=-0.35))

    result, findings = made(files(tmp_path / "m.nii"))

    assert findings == []
    assert (result.mask.GetSize(), result.mask.GetSpacing(), result.mask.GetOrigin()) == ((30, 20), (1, 1), (0, 0))
    assert (array_of(result.mask) == labels).all()


def test_raster_mask_takes_the_geometry_of_a_one_slice_volume(tmp_path):
    grid = image_from(np.zeros((1, 20, 30), dtype=np.int16), spacing_mm=(0.1, 0.2, 1.0))
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[3:6, 3:6] = 255
    Image.fromarray(mask).save(tmp_path / "m.png", dpi=(72, 72))

    result, _ = made(files(tmp_path / "m.png"), grid=grid, image_path=VOLUME)

    assert (result.mask.GetSize(), result.mask.GetSpacing()) == ((30, 20, 1), (0.1, 0.2, 1.0))
    assert (array_of(result.mask)[0] > 0).tolist() == (mask > 0).tolist()


def test_mask_of_a_volume_keeps_its_own_geometry_for_the_audit_to_judge(tmp_path):
    grid = image_from(np.zeros((3, 4, 5), dtype=np.int16), spacing_mm=(1.0, 1.0, 2.0))
    mask = image_from(np.ones((3, 4, 5), dtype=np.uint8), spacing_mm=(1.0, 1.0, 2.0))
    mask.SetOrigin((0.5, 0, 0))
    write_image(mask, tmp_path / "m.nrrd")

    result, _ = made(files(tmp_path / "m.nrrd"), grid=grid, image_path=VOLUME)

    assert result.mask.GetOrigin() == (0.5, 0, 0)


def test_size_mismatch_is_reported_by_the_audit_alone(tmp_path):
    Image.fromarray(np.ones((7, 9), dtype=np.uint8)).save(tmp_path / "m.png")

    assert made(files(tmp_path / "m.png"))[0].mask.GetSize() == (9, 7)


def test_polygons_cannot_mark_a_volume():
    volume = image_from(np.zeros((3, 4, 5), dtype=np.int16))

    result, findings = made(polygons(box(0, 0, 2, 2)), grid=volume, image_path=VOLUME)

    assert (result.mask, findings) == (None, [("size_mismatch", "error")])


def test_largest_component_of_a_volume(tmp_path):
    volume = np.zeros((6, 7, 8), dtype=np.uint8)
    volume[1, 1, 1] = volume[3:5, 3:5, 3:5] = 1
    sitk.WriteImage(image_from(volume), str(tmp_path / "m.mha"))

    result, _ = made(files(tmp_path / "m.mha"), grid=read_image(tmp_path / "m.mha"), image_path=VOLUME)

    assert array_of(result.mask).sum() == 8
    assert array_of(result.mask)[1, 1, 1] == 0
