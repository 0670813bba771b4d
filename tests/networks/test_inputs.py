"""Network inputs whose pixels are known by hand, and resizing."""

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_study import input_params

from pipeline.foundation.errors import ImageError, ParamsError
from pipeline.foundation.images import image_from, write_image
from pipeline.foundation.params import load_params
from pipeline.networks.inputs import RoiInputs, normalised, read_roi_inputs, resized, roi_pixels
from pipeline.networks.params import InputParams


def only_plane(image, mask, *, params):
    """The only plane of an ROI."""
    planes = roi_pixels(image, mask, params=params)
    assert len(planes) == 1
    return planes[0]


def roi(*, shape=(50, 60), box=(slice(10, 20), slice(20, 40)), grey=100, dtype=np.uint8, spacing=(1.0, 1.0)):
    """An image that is `grey` inside the box and 0 outside, and the mask of the box."""
    pixels, marked = np.zeros(shape, dtype=dtype), np.zeros(shape, dtype=np.uint8)
    pixels[box], marked[box] = grey, 1
    image = image_from(pixels, spacing_mm=spacing)
    return image, image_from(marked, like=image)


def test_stretch_fills_the_square_with_the_box():
    assert (only_plane(*roi(), params=input_params(resize="stretch")) == 100).all()


def test_pad_keeps_the_proportions():
    found = only_plane(*roi(), params=input_params(resize="pad"))

    assert (found[8:24] == 100).all()  # 10 × 20 pixels become 16 × 32
    assert (found[:8] == 0).all()
    assert (found[24:] == 0).all()


def test_pad_keeps_the_proportions_in_mm():
    found = only_plane(*roi(spacing=(0.5, 2.0)), params=input_params(resize="pad"))

    assert (found.max(axis=0) == 100).sum() == 16  # 20 mm high, 10 mm wide
    assert (found.max(axis=1) == 100).sum() == 32


def test_margin_includes_the_surroundings_and_ends_at_the_crop():
    with_margin = only_plane(*roi(), params=input_params(margin_px=5))
    assert with_margin[0, 0] == 0
    assert with_margin[16, 16] == 100

    whole = roi(box=(slice(0, 50), slice(0, 60)))
    assert (only_plane(*whole, params=input_params(margin_px=512)) == 100).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (3, 1), (3, 3), (7, 11)])
@pytest.mark.parametrize("resize", ["pad", "stretch"])
def test_tiny_and_odd_rois(size, resize):
    box = (slice(4, 4 + size[0]), slice(4, 4 + size[1]))
    found = only_plane(*roi(box=box), params=input_params(resize=resize))

    assert found.shape == (32, 32)
    assert found.dtype == np.uint8
    assert found[16, 16] == 100


def test_largest_slice_of_a_volume():
    pixels, marked = np.zeros((3, 20, 20), dtype=np.uint8), np.zeros((3, 20, 20), dtype=np.uint8)
    marked[0, 5:8, 5:8], marked[1, 5:15, 5:15], marked[2, 5:15, 5:15] = 1, 1, 1
    pixels[0], pixels[1], pixels[2] = 10, 20, 30
    image = image_from(pixels, spacing_mm=(1.0, 1.0, 5.0))

    assert (only_plane(image, image_from(marked, like=image), params=input_params()) == 20).all()


def test_window_maps_low_to_black_and_high_to_white():
    pixels = np.full((10, 10), -160, dtype=np.int16)
    pixels[5:] = 240
    marked = image_from(np.ones((10, 10), dtype=np.uint8))
    found = only_plane(image_from(pixels), marked, params=input_params(window={"low": -160, "high": 240}))

    assert found[0, 0] == 0
    assert found[-1, -1] == 255


def test_without_window_other_grey_scales_use_their_tails():
    pixels = np.linspace(-1000, 3000, 1600).reshape(40, 40).astype(np.float32)
    found = only_plane(image_from(pixels), image_from(np.ones((40, 40), dtype=np.uint8)), params=input_params())

    assert found[0, 0] <= 1
    assert found[-1, -1] >= 254
    assert abs(int(found[16, 16]) - 128) < 5
    flat = only_plane(*roi(grey=7, dtype=np.int16), params=input_params())
    assert (flat == 0).all()


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8), "holds no voxel"),
        (np.zeros((8, 8), np.uint8), np.ones((8, 9), np.uint8), "differ in size"),
        (np.full((8, 8), np.nan, np.float32), np.ones((8, 8), np.uint8), "not finite"),
    ],
)
def test_unusable_rois_are_refused(image, mask, message):
    with pytest.raises(ImageError, match=message):
        only_plane(image_from(image), image_from(mask), params=input_params())


def test_colour_is_refused():
    import SimpleITK as sitk

    colour = sitk.GetImageFromArray(np.zeros((8, 8, 3), np.uint8), isVector=True)
    with pytest.raises(ImageError, match="colour"):
        only_plane(colour, image_from(np.ones((8, 8), np.uint8)), params=input_params())


def table(*rows):
    columns = ["image_id", "patient_id", "view", "image", "mask", "status"]
    return pd.DataFrame(
        [(i, f"P{i}", "main", f"{i}.nrrd", f"{i}_mask.nrrd", status) for i, status in rows], columns=columns
    )


def test_failed_rois_are_excluded_and_the_rest_sorted(tmp_path):
    for name in ("b", "a"):
        image, mask = roi()
        write_image(image, tmp_path / f"{name}.nrrd")
        write_image(mask, tmp_path / f"{name}_mask.nrrd")
    found = read_roi_inputs(table(("b", "ok"), ("c", "empty"), ("a", "ok")), folder=tmp_path, params=input_params())

    assert found.image_ids == ("a", "b")
    assert found.patient_ids == ("Pa", "Pb")
    assert found.pixels.shape == (2, 1, 32, 32)


def test_every_unreadable_roi_is_listed(tmp_path):
    with pytest.raises(ImageError, match=r"(?s)2 ROIs cannot.*a: .*no such image.*b: .*no such image"):
        read_roi_inputs(table(("a", "ok"), ("b", "ok")), folder=tmp_path, params=input_params())
    with pytest.raises(ImageError, match="no ROI has the status ok"):
        read_roi_inputs(table(("a", "empty")), folder=tmp_path, params=input_params())


def test_rows_of_patients():
    inputs = RoiInputs(image_ids=("1", "2", "3"), patient_ids=("x", "y", "x"), views=("m",) * 3, pixels=np.zeros(3))

    assert list(inputs.rows_of(frozenset("x"))) == [0, 2]


def test_normalised_by_the_image_itself():
    grey = torch.rand(3, 1, 8, 8) * 0.5 + 0.2
    grey[2] = 0.3
    found = normalised(grey, how="image")

    assert found.shape == (3, 3, 8, 8)
    torch.testing.assert_close(found[:2].mean(dim=(1, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(found[0, 0].std(correction=0), torch.tensor(1.0))
    assert found[2].abs().max() < 1e-3  # a constant image
    assert torch.equal(found[:, 0], found[:, 2])


def test_normalised_as_imagenet():
    found = normalised(torch.full((1, 1, 2, 2), 0.485), how="imagenet")

    torch.testing.assert_close(found[0, :, 0, 0], torch.tensor([0.0, (0.485 - 0.456) / 0.224, (0.485 - 0.406) / 0.225]))


def test_window_must_be_ordered(tmp_path):
    file = tmp_path / "input.yaml"
    file.write_text(
        "{image_size_px: 64, margin_px: 0, resize: pad, slice_rule: largest, normalise: auto, "
        "window: {low: 5, high: 5}}"
    )
    with pytest.raises(ParamsError, match=r"low \(5\.0\) must be below high \(5\.0\)"):
        load_params(file, InputParams)


@pytest.mark.parametrize("window", ["{low: -.inf, high: 5}", "{low: 5, high: .inf}", "{low: .nan, high: 5}"])
def test_window_must_be_finite(tmp_path, window):
    file = tmp_path / "input.yaml"
    keys = "image_size_px: 64, margin_px: 0, resize: pad, slice_rule: largest, normalise: auto"
    file.write_text(f"{{{keys}, window: {window}}}")
    with pytest.raises(ParamsError, match=r"window\.(low|high)"):
        load_params(file, InputParams)


def volume(largest):
    """Six slices of grey 10, 20 … 60 with a lesion that is largest in one of them."""
    pixels = np.full((6, 12, 12), 1, dtype=np.uint8) * (np.arange(1, 7, dtype=np.uint8) * 10)[:, None, None]
    marked = np.zeros_like(pixels)
    marked[:, 4:6, 4:6] = 1
    marked[largest, 2:10, 3:9] = 1
    image = image_from(pixels)
    return image, image_from(marked, like=image)


@pytest.mark.parametrize(("largest", "greys"), [(2, [20, 30, 40]), (0, [10, 10, 20]), (5, [50, 60, 60])])
def test_neighbouring_slices_are_channels(largest, greys):
    params = input_params(slice_rule="neighbours")
    found = roi_pixels(*volume(largest), params=params)

    assert found.shape == (3, 32, 32)
    assert [np.unique(plane).tolist() for plane in found] == [[grey] for grey in greys]
    assert (only_plane(*volume(largest), params=input_params()) == greys[1]).all()


def test_a_two_dimensional_image_replaces_its_missing_neighbours():
    found = roi_pixels(*roi(), params=input_params(slice_rule="neighbours"))

    assert found.shape == (3, 32, 32)
    assert (found == roi_pixels(*roi(), params=input_params())).all()


def test_three_planes_are_three_channels_and_one_is_repeated():
    planes = torch.arange(3.0).view(1, 3, 1, 1).expand(1, 3, 2, 2) / 2
    found = normalised(planes, how="image")

    assert found[0, :, 0, 0].tolist() == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])
    assert torch.equal(normalised(planes[:, :1] + 0.5, how="imagenet")[0, :, 0, 0].argsort(), torch.tensor([0, 1, 2]))


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 1, 8, 8), (2, 2, 3, 8, 8)])
def test_resized_keeps_what_is_constant_and_every_other_axis(shape):
    same, smaller = torch.rand(shape), resized(torch.full(shape, 0.25), size_px=5)

    assert resized(same, size_px=8) is same
    torch.testing.assert_close(smaller, torch.full((*shape[:-2], 5, 5), 0.25))


def test_halving_weighs_neighbours_by_their_distance():
    image = torch.tensor([0.0, 0, 1, 0, 0, 0, 0, 0]).expand(1, 8, 8)

    # A triangle about the middle of two pixels weighs four pixels 1, 3, 3, 1; the edge cuts the first one off.
    assert resized(image, size_px=4)[0, 0].tolist() == pytest.approx([1 / 7, 3 / 8, 0, 0])


def test_each_image_of_a_batch_is_resized_alike():
    batch = torch.rand(2, 3, 9, 9)

    torch.testing.assert_close(resized(batch, size_px=6)[1], resized(batch[1], size_px=6))


def test_rows_of_patients_in_a_resample():
    about = {"patient_ids": ("x", "x", "y"), "views": ("m",) * 3, "pixels": np.zeros(3)}
    inputs = RoiInputs(image_ids=("1", "1", "2"), resamples=("cv-1-1", "final", ""), **about)

    assert list(inputs.rows_of(frozenset("xy"), resample="final")) == [1, 2]
    assert list(inputs.rows_of(frozenset("xy"))) == [2]
    assert inputs.differs
    assert not RoiInputs(image_ids=("1", "1", "2"), resamples=("",) * 3, **about).differs
