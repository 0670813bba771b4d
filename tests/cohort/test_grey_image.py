"""grey_image: the stored form of each kind of file."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from pipeline.cohort.grey_image import grey_image
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from

PNG, NRRD = Path("a.png"), Path("a.nrrd")


def form(image, *, path=NRRD, colour_tolerance=8):
    return grey_image(image, path=path, colour_tolerance=colour_tolerance)


def rgb(array):
    return sitk.GetImageFromArray(np.asarray(array, dtype=np.uint8), isVector=True)


def test_equal_channels_keep_their_value():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    grey = form(rgb(np.stack([levels] * 3, axis=-1)), path=PNG)
    assert (array_of(grey.stored) == levels).all()
    assert array_of(grey.stored).dtype == np.uint8
    assert not grey.colour.any()


def test_colour_is_weighted_as_in_bt601_and_marked():
    grey = form(rgb([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 5, 1]]]), path=PNG)
    assert array_of(grey.stored).tolist() == [[76, 150, 29, 6]]
    assert grey.colour.tolist() == [[True, True, True, False]]  # a spread of 8 is within the tolerance


def test_only_a_varying_alpha_channel_is_reported():
    opaque = np.full((2, 3, 4), 255)
    holed = opaque.copy()
    holed[0, 0, 3] = 0
    assert not form(rgb(opaque), path=PNG).alpha_varies
    assert form(rgb(holed), path=PNG).alpha_varies
    assert form(rgb(holed[..., 2:]), path=PNG).alpha_varies  # grey + alpha


def test_five_channels_are_rejected():
    with pytest.raises(ImageError, match="has 5 channels"):
        form(rgb(np.zeros((2, 2, 5))))


def test_dpi_of_a_raster_file_is_not_a_spacing():
    image = image_from(np.zeros((3, 4), dtype=np.uint8), spacing_mm=(0.3528, 0.3528))
    grey = form(image, path=Path("a.JPG"))
    assert not grey.spacing_known
    assert grey.stored.GetSpacing() == (1, 1)


def test_a_volume_of_one_slice_becomes_a_true_2d_image():
    image = image_from(np.arange(12, dtype=np.int16).reshape(1, 3, 4), spacing_mm=(0.1, 0.2, 5.0))
    grey = form(image)
    assert (grey.stored.GetSize(), grey.stored.GetSpacing()) == ((4, 3), (0.1, 0.2))
    assert grey.grid.GetDimension() == 3
    assert grey.spacing_known


def test_a_volume_keeps_its_geometry():
    image = image_from(np.zeros((2, 3, 4), dtype=np.int16), spacing_mm=(1, 1, 1))
    image.SetOrigin((1, 2, 3))
    grey = form(image)
    assert grey.stored.GetOrigin() == (1, 2, 3)
    assert grey.spacing_known


def test_spacing_one_of_a_2d_image_is_unknown():
    assert not form(image_from(np.zeros((3, 4), dtype=np.uint8))).spacing_known


def test_a_fourth_axis_of_length_one_is_dropped_and_a_longer_one_rejected():
    volume = image_from(np.arange(24, dtype=np.int16).reshape(2, 3, 4), spacing_mm=(1, 2, 3))
    grey = form(sitk.JoinSeries([volume]))
    assert (grey.stored.GetSize(), grey.stored.GetSpacing()) == ((4, 3, 2), (1, 2, 3))
    with pytest.raises(ImageError, match=r"has 4 axes \(4 x 3 x 2 x 2\)"):
        form(sitk.JoinSeries([volume, volume]))
