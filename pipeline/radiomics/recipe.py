"""A ready-to-run extraction: a preset or native settings, the engine, and the columns that it must produce.

The columns are determined once, on a synthetic lesion, before the work starts: PyRadiomics drops a filter with only a
log line if a package is missing (scikit-image for LBP2D, trimesh for LBP3D), so the count is checked there, and that
both engines give the same columns.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import SimpleITK as sitk

from pipeline.foundation.errors import ImageError, ParamsError, machine_fault
from pipeline.foundation.fingerprints import fingerprint, package_versions, processor, rooms_hash
from pipeline.radiomics import pyradiomics
from pipeline.radiomics.engine import extract as engine
from pipeline.radiomics.engine.settings import EngineSettings, engine_settings
from pipeline.radiomics.extractor import BoundedExtractor
from pipeline.radiomics.noise_bands import is_noise_band
from pipeline.radiomics.presets import Grid, Preset

Engine = Literal["fast", "pyradiomics"]
_FILE = "params/radiomics.yaml"
# Whatever can change a value: a test checks that no module of another room is loaded.
ROOMS = ("radiomics", "foundation")
PACKAGES = ("pyradiomics", "SimpleITK", "numpy", "scipy", "numba", "PyWavelets", "scikit-image", "trimesh")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to extract: PyRadiomics set up, the settings of our own engine (None = PyRadiomics extracts), the form that
    images must have (None = any), and the expected columns. `key` is a hash of everything that the values of an ROI
    depend on, besides its voxels and its mask: settings, engine, form, code, packages, processor.
    """

    extractor: BoundedExtractor
    own: EngineSettings | None
    grid: Grid | None
    names: tuple[str, ...]
    key: str


def recipe_of(settings: dict[str, Any], *, engine: Engine, grid: Grid | None) -> Recipe:
    """The recipe of native PyRadiomics settings, without names.

    Raises ParamsError if PyRadiomics refuses the settings, or our engine does not implement one of them.
    """
    extractor = pyradiomics.set_up(settings)
    own = engine_settings(settings) if engine == "fast" else None
    made_by = rooms_hash(*ROOMS), package_versions(PACKAGES), processor()
    return Recipe(extractor=extractor, own=own, grid=grid, names=(), key=fingerprint(settings, engine, grid, made_by))


def extract(recipe: Recipe, *, image: sitk.Image, mask: sitk.Image) -> tuple[dict[str, float], list[str]]:
    """All features of one ROI by name, in PyRadiomics' order, and the warnings of the engine.

    `image` and `mask` (uint8 0/1) share one grid. Raises ImageError if the engine refuses the image or it has another
    form, MemoryError if there is too little memory.
    """
    image, mask = (on_grid(part, grid=recipe.grid) for part in (image, mask))
    if recipe.own is None:
        return pyradiomics.extracted(recipe.extractor, image=image, mask=mask)
    return engine.extract(recipe.own, image=image, mask=mask)


def on_grid(image: sitk.Image, *, grid: Grid | None) -> sitk.Image:
    """`image` in the form the preset needs; a single frame may be 2-D or one slice of a volume.

    Raises ImageError if it has too many or too few slices.
    """
    single = image.GetDimension() == 2 or image.GetSize()[2] == 1
    if grid is None or (grid == "3-D" and not single):
        return image
    if grid == "3-D":
        raise ImageError("the preset needs a volume of several slices, this image is a single frame; use us2d")
    if not single:
        raise ImageError(f"the preset needs single frames, this image has {image.GetSize()[2]} slices; use ct3d")
    if grid == "2-D":
        return image if image.GetDimension() == 2 else image[:, :, 0]
    return sitk.JoinSeries(image) if image.GetDimension() == 2 else image


def synthetic_lesion(grid: Grid) -> tuple[sitk.Image, sitk.Image]:
    """A textured ball in an image of 1 mm voxels: large enough for every filter of the presets."""
    shape = {"2-D": (64, 64), "3-D": (40, 40, 40), "one slice": (1, 64, 64)}[grid]
    index = np.indices(shape)
    texture = 20 + (index * np.array([29, 13, 7][-len(shape) :]).reshape(-1, *[1] * len(shape))).sum(0) % 97
    centre = np.array([(side - 1) / 2 for side in shape]).reshape(-1, *[1] * len(shape))
    inside = ((index - centre) ** 2).sum(0) <= (min(side for side in shape if side > 1) / 4) ** 2
    return sitk.GetImageFromArray(texture.astype(np.int16)), sitk.GetImageFromArray(inside.astype(np.uint8))


def grid_of(image: sitk.Image) -> Grid:
    """The form of an image."""
    if image.GetDimension() == 2:
        return "2-D"
    return "one slice" if image.GetSize()[2] == 1 else "3-D"


def preset_recipe(chosen: Preset, *, first: sitk.Image, engine: Engine = "fast") -> Recipe:
    """The recipe of a preset, its feature count checked; `first` is the first image, which must have the preset's form.

    Raises ImageError if the image has another form, ParamsError if the count differs, with PyRadiomics' reason.
    """
    on_grid(first, grid=chosen.grid)
    recipe = recipe_of(chosen.settings, engine=engine, grid=chosen.grid)
    return _with_names(recipe, like=chosen.grid, expected=chosen.count, whose=f"preset {chosen.name}")


def own_recipe(
    settings: dict[str, Any],
    *,
    expected_count: int | None,
    first: sitk.Image,
    engine: Engine = "fast",
    grid: Grid | None = None,
) -> Recipe:
    """The recipe of native PyRadiomics settings for images like `first`; `expected_count` None = not checked; `grid` =
    the form that images are brought to, None = as they are.

    Raises ParamsError if an engine refuses the settings, the count differs, or wavelet bands would be noise.
    """
    form = grid or grid_of(first)
    recipe = recipe_of(settings, engine=engine, grid=grid)
    recipe = _with_names(recipe, like=form, expected=expected_count, whose="expected_count")
    if form == "one slice" and any(is_noise_band(name) for name in recipe.names):
        raise ParamsError(f"{_FILE}: Wavelet on one slice gives four bands of rounding noise; set force2D: true")
    return recipe


def _with_names(recipe: Recipe, *, like: Grid, expected: int | None, whose: str) -> Recipe:
    image, mask = (on_grid(part, grid=recipe.grid) for part in synthetic_lesion(like))
    try:
        values, messages = pyradiomics.extracted(recipe.extractor, image=image, mask=mask)
        names = list(extract(recipe, image=image, mask=mask)[0]) if recipe.own else list(values)
    except Exception as error:
        if machine_fault(error):
            raise
        # PyRadiomics checks some settings only when it uses them, with errors of many types.
        raise ParamsError(f"{_FILE}: the settings fail on a test image: {error}") from error
    if expected is not None and len(values) != expected:
        raise ParamsError(
            f"{_FILE}: {whose} requires {expected} features, PyRadiomics gives {len(values)}"
            f" ({'; '.join(messages) or 'no reason logged'}); install the versions of requirements.txt"
        )
    if names != list(values):
        odd = sorted(set(names) ^ set(values)) or ["their order"]
        raise ParamsError(f"{_FILE}: the two engines differ in {len(odd)} columns ({odd[0]}); set engine: pyradiomics")
    return replace(recipe, names=tuple(values), key=fingerprint(recipe.key, list(values)))
