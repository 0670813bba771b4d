import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter

from pipeline.cohort.mask_files import MaskParams, _label_sizes, decode_mask
from pipeline.foundation.images import array_of, image_from, write_image

AUTO = MaskParams()
SQUARE = np.zeros((40, 50), dtype=np.uint8)
SQUARE[10:20, 10:30] = 1


def decoded(array, path, params=AUTO, **save):
    Image.fromarray(array).save(path, **save)
    result = decode_mask(path, image_id="a", params=params)
    return result.mask and array_of(result.mask), [(f.check, f.severity) for f in result.findings]


@pytest.mark.parametrize("value", [1, 3, 255])
@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_one_label_of_any_value_is_the_lesion(tmp_path, value, suffix):
    mask, findings = decoded(SQUARE * value, tmp_path / f"m.{suffix}")

    assert mask.dtype == np.uint8
    assert (mask == SQUARE).all()
    colour = [("mask_colour", "info")] if suffix == "bmp" else []  # ITK gives three channels of any BMP
    # 1 and 255 are the usual labels of a mask; any other is reported, so that a mixture is noticed.
    assert findings == colour + ([("mask_label_taken", "info")] if value == 3 else [])


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_one_bit_files(tmp_path, suffix):
    mask, _ = decoded(SQUARE.astype(bool), tmp_path / f"m.{suffix}")

    assert (mask == SQUARE).all()


def test_several_labels_are_listed_with_sizes_and_rejected_unless_one_is_named(tmp_path):
    labels = SQUARE * 2
    labels[30:33, 0:5] = 7

    mask, findings = decoded(labels, tmp_path / "m.png")
    assert (mask, findings) == (None, [("mask_labels", "error")])
    message = decode_mask(tmp_path / "m.png", image_id="a", params=AUTO).findings[0].message
    assert "2 (200 voxels), 7 (15 voxels)" in message

    mask, findings = decoded(labels, tmp_path / "m.png", MaskParams(label=7))
    assert (mask.sum(), findings) == (15, [("mask_labels", "info")])

    mask, findings = decoded(labels, tmp_path / "m.png", MaskParams(label=1))
    assert (mask, findings) == (None, [("mask_labels", "error")])


def test_jpeg_mask_is_cut_at_128_not_at_its_maximum(tmp_path):
    edge = SQUARE * 255
    edge[9, 10:30] = 130  # grey levels as after compression
    edge[8, 10:30] = 120

    mask, findings = decoded(edge, tmp_path / "m.jpg", quality=100)
    assert (mask.sum(), findings) == (220, [("mask_lossy", "info")])

    floored, _ = decoded(edge, tmp_path / "m.jpg", MaskParams(mask_decode="trfe_floor"), quality=100)
    assert 0 < floored.sum() <= 200
    assert (floored <= mask).all()


def test_jpeg_of_labels_zero_and_one_is_rejected_since_no_voxel_reaches_128(tmp_path):
    assert decoded(SQUARE, tmp_path / "m.jpg")[1] == [("mask_empty", "error")]
    assert decoded(SQUARE * 255, tmp_path / "m.jpg", MaskParams(label=2))[1] == [("mask_lossy", "error")]


def test_smoothed_mask_is_cut_at_128_with_a_warning(tmp_path):
    smooth = np.rint(gaussian_filter(np.kron(SQUARE, np.ones((3, 3))) * 255.0, 2)).astype(np.uint8)
    assert len(np.unique(smooth)) > 32

    mask, findings = decoded(smooth, tmp_path / "m.png")

    assert (mask.sum(), findings) == ((smooth >= 128).sum(), [("mask_lossy", "warning")])


@pytest.mark.parametrize("name", ["m.png", "m.jpg", "m.tif"])
def test_an_image_is_no_mask(tmp_path, name):
    # A brain: black around it, and grey levels within it, of which few are above 127.
    y, x = np.mgrid[-20:20, -25:25]
    brain = np.where(x**2 + y**2 < 300, 60 + (7 * x + 3 * y) % 90, 0).astype(np.uint8)

    assert decoded(brain, tmp_path / name) == (None, [("mask_is_image", "error")])


def test_a_dark_frame_with_a_small_image_in_it_is_no_mask(tmp_path):
    frame = np.zeros((100, 100), dtype=np.uint8)
    frame[40:60, 40:60] = np.arange(400).reshape(20, 20) % 100 + 30  # 4 % of the frame, few above 127

    assert decoded(frame, tmp_path / "m.png") == (None, [("mask_is_image", "error")])


def test_a_volume_of_many_grey_levels_is_no_mask_but_a_label_of_a_map_can_be_taken(tmp_path):
    write_image(image_from(np.arange(-30, 70, dtype=np.int16).reshape(4, 5, 5)), tmp_path / "m.nrrd")

    (found,) = decode_mask(tmp_path / "m.nrrd", image_id="a", params=AUTO).findings
    taken = decode_mask(tmp_path / "m.nrrd", image_id="a", params=MaskParams(label=7))

    assert found.check == "mask_is_image"
    assert "100 different values from -30 to 69; correct its path, or set masks.label" in found.message
    assert array_of(taken.mask).sum() == 1


@pytest.mark.parametrize("label", [70_000, -40_000, True, 1.5, "one", None])
def test_a_label_that_no_mask_can_have_is_one_sentence(label):
    with pytest.raises(ValidationError, match="must be auto, or a whole number from -32768 to 65535") as caught:
        MaskParams(label=label)

    assert [fault["loc"] for fault in caught.value.errors()] == [("label",)]


def test_equal_channels_are_grey_and_alpha_is_dropped(tmp_path):
    rgb = np.stack([SQUARE * 255] * 3, axis=-1)
    rgba = np.concatenate([rgb, np.full((40, 50, 1), 255, dtype=np.uint8)], axis=-1)

    mask, findings = decoded(rgb, tmp_path / "m.png")
    assert (mask == SQUARE).all()
    assert findings == [("mask_colour", "info")]

    mask, findings = decoded(rgba, tmp_path / "m.png")
    assert (mask == SQUARE).all()
    assert findings == [("mask_colour", "info")]

    rgba[0, 0, 3] = 7
    mask, findings = decoded(rgba, tmp_path / "m.png")
    assert (mask == SQUARE).all()
    assert findings == [("mask_colour", "warning")]


def test_grey_with_alpha(tmp_path):
    Image.fromarray(SQUARE * 255).convert("LA").save(tmp_path / "m.png")

    assert (array_of(decode_mask(tmp_path / "m.png", image_id="a", params=AUTO).mask) == SQUARE).all()


def test_one_colour_on_black_is_a_label_and_two_colours_are_rejected(tmp_path):
    red = np.zeros((40, 50, 3), dtype=np.uint8)
    red[..., 0] = SQUARE * 200
    mask, findings = decoded(red, tmp_path / "m.png")
    assert (mask == SQUARE).all()
    assert findings == [("mask_colour", "warning")]

    red[0, 0] = (0, 9, 0)
    assert decoded(red, tmp_path / "m.png") == (None, [("mask_colour", "error")])


def test_empty_mask_is_an_error(tmp_path):
    assert decoded(SQUARE * 0, tmp_path / "m.png") == (None, [("mask_empty", "error")])


@pytest.mark.parametrize("bad", [0.5, np.nan])
def test_fractions_are_not_labels_but_whole_floats_are(tmp_path, bad):
    volume = np.zeros((3, 4, 5), dtype=np.float32)
    volume[1, 1, 1:3] = 4
    write_image(image_from(volume), tmp_path / "m.nrrd")
    assert array_of(decode_mask(tmp_path / "m.nrrd", image_id="a", params=AUTO).mask).sum() == 2

    volume[0, 0, 0] = bad
    write_image(image_from(volume), tmp_path / "m.nrrd")
    assert [f.check for f in decode_mask(tmp_path / "m.nrrd", image_id="a", params=AUTO).findings] == [
        "mask_not_integer"
    ]


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
def test_a_volume_keeps_its_geometry(tmp_path, suffix):
    image = image_from(np.ones((2, 3, 4), dtype=np.int16), spacing_mm=(0.5, 0.75, 2.0))
    image.SetOrigin((1, 2, 3))
    sitk.WriteImage(image, str(tmp_path / f"m.{suffix}"))

    mask = decode_mask(tmp_path / f"m.{suffix}", image_id="a", params=AUTO).mask

    assert (mask.GetSize(), mask.GetSpacing(), mask.GetOrigin()) == ((4, 3, 2), (0.5, 0.75, 2.0), (1.0, 2.0, 3.0))


def test_missing_and_broken_files_are_findings_without_the_folder_of_the_data(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"not a png")

    missing, broken = (decode_mask(tmp_path / n, image_id="a", params=AUTO).findings for n in ("no.png", "broken.png"))

    assert [f.check for f in missing + broken] == ["mask_missing", "mask_unreadable"]
    assert all(str(tmp_path) not in f.message for f in missing + broken)


@given(arrays(np.int32, (3, 4, 5), elements=st.integers(-9, 9) | st.integers(-(2**31), 2**31 - 1)))
def test_label_sizes_are_the_counts_of_the_values(array):
    assert _label_sizes(array) == {int(v): int((array == v).sum()) for v in np.unique(array)}


@pytest.mark.parametrize("label", ["one", 1.5, -40000, True])
def test_label_is_auto_or_a_whole_number(label):
    with pytest.raises(ValidationError):
        MaskParams(label=label)
