"""Each preset set up, with the columns PyRadiomics gives for its synthetic lesion."""

from functools import cache
from typing import get_args

from pipeline.radiomics.presets import PresetName, preset
from pipeline.radiomics.recipe import Recipe, preset_recipe, synthetic_lesion


@cache
def preset_recipes() -> dict[str, Recipe]:
    """The recipe of each preset, by name."""
    return {
        name: preset_recipe(preset(name), first=synthetic_lesion(preset(name).grid)[0]) for name in get_args(PresetName)
    }
