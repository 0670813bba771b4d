"""Image types: names, order and voxels of PyRadiomics' generators, and what it would skip."""

import numpy as np
import pytest
import SimpleITK as sitk
from radiomics import imageoperations

from pipeline.foundation.images import image_from
from pipeline.radiomics.engine.filters import filtered_images
from pipeline.radiomics.engine.preprocess import prepare
from pipeline.radiomics.engine.settings import IMAGE_TYPES, engine_settings
from pipeline.radiomics.pyradiomics import collected_log


def both(name, *, shape, own):
    """The images of one type by the engine and by PyRadiomics, each as (name, voxels of the ROI), and the warnings."""
    rng = np.random.default_rng(11)
    array = (rng.random(shape) * 200).astype(np.int16)
    inside = (rng.random(shape) < 0.4) & (np.arange(shape[-1]) > 2)
    image, mask = image_from(array, spacing_mm=(0.7, 0.8, 1.5)[: len(shape)]), image_from(inside.astype(np.uint8))
    mask.CopyInformation(image)
    settings = engine_settings({"imageType": {name: own}, "setting": {"minimumROIDimensions": 1}})
    warnings = []
    prepared = prepare(image, mask, settings=settings)
    found = list(filtered_images(prepared, image_type=settings.image_types[0], warnings=warnings))
    with collected_log() as logged:
        expected = [
            (title, sitk.GetArrayFromImage(one)[inside])
            for one, title, _ in getattr(imageoperations, f"get{name}Image")(image, mask, **own)
        ]
    return found, expected, warnings, logged


@pytest.mark.parametrize("shape", [(9, 14), (7, 8, 9)])
@pytest.mark.parametrize("name", IMAGE_TYPES)
def test_images_equal_those_of_pyradiomics(name, shape):
    found, expected, warnings, logged = both(name, shape=shape, own={"sigma": [1, 2.0]} if name == "LoG" else {})

    assert [title for title, _ in found] == [title for title, _ in expected]
    assert warnings == [text for text in logged if "in 2D" not in text]
    assert len(found) == {"LoG": 2, "Wavelet": 2 ** len(shape), "LBP3D": 3 * (len(shape) == 3)}.get(name, 1)
    for (_, values), (_, expected_values) in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, expected_values, rtol=1e-13)
        assert values.dtype == expected_values.dtype


@pytest.mark.parametrize(("shape", "sigma"), [((3, 8, 9), 1.0), ((5, 8, 9), 8.0)])
def test_a_log_that_does_not_fit_is_skipped_with_pyradiomics_warning(shape, sigma):
    found, expected, warnings, logged = both("LoG", shape=shape, own={"sigma": [sigma]})

    assert found == expected == []
    assert warnings == logged != []
