"""Radiomics of a region of a lesion's crop (a habitat, a ring) by the engine of the stage `radiomics`."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.foundation.errors import ImageError, ParamsError
from pipeline.foundation.fingerprints import fingerprint, package_versions, processor, rooms_hash
from pipeline.foundation.images import image_from
from pipeline.habitat.lesions import Lesion
from pipeline.habitat.params import HabitatParams
from pipeline.plan.radiomics_use import is_shape
from pipeline.radiomics.features import ExtractionCase, RadiomicsParams, check_voxels, prepare
from pipeline.radiomics.noise_bands import noise_features
from pipeline.radiomics.presets import preset
from pipeline.radiomics.recipe import Recipe, extract

# Whatever can change a stored value: a test checks that no module of another room is loaded.
ROOMS = ("contracts", "crop", "foundation", "habitat", "plan", "radiomics")
PACKAGES = ("SimpleITK", "numpy", "scikit-learn", "scipy")


def code_key() -> str:
    """A hash of the code, the packages and the processor that the features of a lesion depend on."""
    return fingerprint(rooms_hash(*ROOMS), package_versions(PACKAGES), processor())


def region_values(
    image: sitk.Image, region: NDArray[np.bool_], *, recipe: Recipe, names: Sequence[str]
) -> dict[str, float]:
    """The features `names` of the voxels of `region` (an array in the shape of `image`), NaN where one is undefined.

    Raises ImageError if the region is empty or flat, or the engine refuses it or gives no value for a name.
    """
    if not region.any():
        raise ImageError("the region has no voxel")
    mask = image_from(region.astype(np.uint8), like=image)
    check_voxels(image, mask)
    values, messages = extract(recipe, image=image, mask=mask)
    if missing := [name for name in names if name not in values]:
        logged = "; ".join(messages) or "no reason logged"
        raise ImageError(f"{len(missing)} features are missing, first {missing[0]} ({logged})")
    return {name: values[name] if np.isfinite(values[name]) else float("nan") for name in names}


def habitat_recipe(
    params: HabitatParams, *, radiomics: RadiomicsParams, cases: Sequence[ExtractionCase]
) -> Recipe | None:
    """The recipe of `params.radiomics` for images of the form that the study's radiomics need; None = no radiomics.
    `cases` show the form of the images.

    Raises ParamsError if the engine refuses the settings, PipelineError as `radiomics.features.prepare`.
    """
    if params.radiomics is None:
        return None
    own = RadiomicsParams(settings=params.radiomics, engine=radiomics.engine)
    grid = None if radiomics.preset is None else preset(radiomics.preset).grid
    try:
        return prepare(own, cases=cases, grid=grid)
    except ParamsError as error:
        message = str(error).replace("params/radiomics.yaml", "params/habitat.yaml: key 'radiomics'")
        raise ParamsError(message) from error


def ring_recipe(radiomics: RadiomicsParams, *, cases: Sequence[ExtractionCase]) -> tuple[Recipe, tuple[str, ...]]:
    """The study's own recipe, and its features without shape and noise: the shape of a ring is that of the lesion."""
    recipe = prepare(radiomics, cases=cases)
    noise = set(noise_features(list(recipe.names)))
    return recipe, tuple(name for name in recipe.names if not is_shape(name) and name not in noise)


def examples(lesions: Sequence[Lesion]) -> list[ExtractionCase]:
    """The lesions as extraction cases, which show the form of the images."""
    return [
        ExtractionCase(image_id=one.image_id, image=one.image, mask=one.mask, status=one.status, reason=one.reason)
        for one in lesions
    ]
