"""One recipe for both engines: the same columns, the same form of images, settings that an engine lacks refused."""

import numpy as np
import pytest

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.images import image_from
from pipeline.radiomics.recipe import extract, own_recipe, synthetic_lesion

SMALL = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"], "glcm": ["Contrast"]}}


@pytest.fixture
def lesion():
    return synthetic_lesion("2-D")


@pytest.mark.parametrize("grid", ["2-D", "one slice", "3-D"])
def test_both_engines_give_the_same_columns_and_values(grid):
    image, mask = synthetic_lesion(grid)
    classes = {"firstorder": None, "glcm": None} | ({"shape": None} if grid == "3-D" else {})
    settings = {"imageType": {"Original": {}}, "featureClass": classes}
    both = [own_recipe(settings, expected_count=None, first=image, engine=engine) for engine in ("fast", "pyradiomics")]

    ours, theirs = (extract(recipe, image=image, mask=mask)[0] for recipe in both)

    assert both[0].names == both[1].names == tuple(ours) == tuple(theirs)
    np.testing.assert_allclose(list(ours.values()), list(theirs.values()), rtol=1e-9)
    assert (both[0].own is None, both[1].own is None) == (False, True)


def test_a_mask_that_fills_its_image(lesion):
    image, _ = lesion
    mask = image_from(np.ones((64, 64), dtype=np.uint8), like=image)
    both = [own_recipe(SMALL, expected_count=2, first=image, engine=engine) for engine in ("fast", "pyradiomics")]

    ours, theirs = (extract(recipe, image=image, mask=mask)[0] for recipe in both)

    np.testing.assert_allclose(list(ours.values()), list(theirs.values()), rtol=1e-9)


def test_a_setting_that_our_engine_lacks_is_refused_by_name(lesion):
    settings = SMALL | {"setting": {"weightingNorm": "euclidean"}}

    with pytest.raises(ParamsError, match=r"weightingNorm.*set engine: pyradiomics"):
        own_recipe(settings, expected_count=None, first=lesion[0])
    assert own_recipe(settings, expected_count=2, first=lesion[0], engine="pyradiomics").own is None


def test_another_number_of_features_is_refused(lesion):
    with pytest.raises(ParamsError, match="expected_count requires 3 features, PyRadiomics gives 2"):
        own_recipe(SMALL, expected_count=3, first=lesion[0])


def test_whole_bins_of_uint8_voxels_do_not_wrap(lesion):
    """With NumPy 2, PyRadiomics has the bin edge 275 of a uint8 image in uint8, and puts most voxels in one bin."""
    _, mask = lesion
    image = image_from((np.arange(64 * 64).reshape(64, 64) * 7 % 251).astype(np.uint8), like=mask)
    settings = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Entropy"]}, "setting": {"binWidth": 25}}
    both = [own_recipe(settings, expected_count=1, first=image, engine=engine) for engine in ("fast", "pyradiomics")]

    ours, theirs = (extract(recipe, image=image, mask=mask)[0]["original_firstorder_Entropy"] for recipe in both)

    assert ours == pytest.approx(theirs, rel=1e-12)
    assert ours > 3.3
