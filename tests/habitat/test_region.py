"""Radiomics of a region: the engine's values, no shape or noise, refusals that name the right file."""

import numpy as np
import pytest
from house import closure
from places import ROOT
from planted_habitats import PARAMS, SMALL, planted_habitats

from pipeline.foundation.errors import ImageError, ParamsError
from pipeline.foundation.images import array_of, read_image
from pipeline.habitat.region import ROOMS, examples, habitat_recipe, region_values, ring_recipe
from pipeline.radiomics.features import RadiomicsParams


@pytest.fixture
def lesions(tmp_path):
    return planted_habitats(tmp_path, n=12, folds=2).lesions()["final"]


def test_the_values_are_those_of_the_region_alone(lesions):
    recipe = habitat_recipe(
        PARAMS.model_copy(update={"radiomics": SMALL}),
        radiomics=RadiomicsParams(preset="us2d"),
        cases=examples(lesions),
    )
    image = read_image(lesions[0].image)
    region = np.zeros((64, 64), dtype=bool)
    region[10:20, 30:40] = True

    found = region_values(image, region, recipe=recipe, names=recipe.names)

    assert tuple(found) == ("original_firstorder_Mean", "original_firstorder_Entropy")
    assert found["original_firstorder_Mean"] == pytest.approx(array_of(image)[region].mean())
    with pytest.raises(ImageError, match="the region has no voxel"):
        region_values(image, region & False, recipe=recipe, names=recipe.names)
    with pytest.raises(ImageError, match="1 features are missing, first none"):
        region_values(image, region, recipe=recipe, names=["none"])


def test_rings_have_the_features_of_the_study_without_shape(lesions):
    settings = SMALL | {"featureClass": SMALL["featureClass"] | {"shape2D": ["Sphericity"]}}
    recipe, names = ring_recipe(RadiomicsParams(settings=settings), cases=examples(lesions))

    assert set(recipe.names) - set(names) == {"original_shape2D_Sphericity"}


def test_settings_that_the_engine_refuses_are_those_of_habitat_yaml(lesions):
    wrong = PARAMS.model_copy(update={"radiomics": SMALL | {"setting": {"binWidht": 5}, "imageType": {"None": {}}}})

    with pytest.raises(ParamsError, match=r"params/habitat\.yaml: key 'radiomics'"):
        habitat_recipe(wrong, radiomics=RadiomicsParams(preset="us2d"), cases=examples(lesions))
    assert habitat_recipe(PARAMS, radiomics=RadiomicsParams(preset="us2d"), cases=examples(lesions)) is None


@pytest.mark.parametrize("module", ["habitats", "peritumoral"])
def test_the_key_covers_every_module_that_a_stored_value_depends_on(module):
    loaded = closure(ROOT / "pipeline" / "habitat" / f"{module}.py")

    assert {file.split("/")[1] for file in loaded} <= set(ROOMS)
