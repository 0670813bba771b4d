"""A ready-to-run extraction: PyRadiomics set up from a preset or native settings, and the columns it must produce.

The columns are determined once, on a synthetic lesion, before the work starts: PyRadiomics drops a filter with only a
log line if a package is missing (scikit-image for LBP2D, trimesh for LBP3D), so the count is checked there.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk
from pykwalify.errors import PyKwalifyException

from pipeline.foundation.errors import ImageError, ParamsError, lacks_memory, machine_fault
from pipeline.radiomics.extractor import BoundedExtractor
from pipeline.radiomics.noise_bands import is_noise_band
from pipeline.radiomics.presets import Grid, Preset

_LOGGERS = ("radiomics", "pykwalify.core")
_FILE = "params/radiomics.yaml"
# What PyRadiomics, its C code, ITK and numpy raise because of an image; a fault of the machine is none of these.
ON_IMAGE = (ValueError, AssertionError, RuntimeError, IndexError, ArithmeticError)
MEANINGS = {
    "too few dimensions": "the ROI is a line of voxels, which has no texture and no shape; draw the whole lesion",
    "only contains 1 segmented voxel": "the ROI is a single voxel; draw the whole lesion",
    "Label (1) not present in mask": "the ROI has no voxel left after resampling; set a smaller resampledPixelSpacing, "
    "or check the voxel size in the image's header",
    "cannot compute length": "a filtered image has no finite range of grey levels; check the unit of the image",
}
# Messages that PyRadiomics logs on every run, whatever the image.
_ADVICE = ("GLCM is symmetrical", "Fixed bin Count enabled", "Calculating Local Binary Pattern in 2D")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to extract: the extractor, the form that images must have (None = any), the expected columns."""

    extractor: BoundedExtractor
    grid: Grid | None
    names: tuple[str, ...]


@contextmanager
def collected_log() -> Iterator[list[str]]:
    """Collect the warnings of PyRadiomics and of its settings check, which would otherwise go to standard error."""
    messages: list[str] = []
    collector = logging.Handler(logging.WARNING)
    collector.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    try:
        for logger in loggers:
            logger.handlers, logger.propagate = [collector], False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 0/0 in empty texture matrices, names that scipy deprecates
            yield messages
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


def set_up(settings: dict[str, Any]) -> BoundedExtractor:
    """PyRadiomics with native settings, passed as a dict; diagnostic columns are off.

    Raises ParamsError if PyRadiomics does not know a key or refuses a value.
    """
    # correctMask removes the border that `framed` adds; all other masks are already on the image's grid.
    quiet = settings | {"setting": settings.get("setting", {}) | {"additionalInfo": False, "correctMask": True}}
    with collected_log():
        try:
            return BoundedExtractor(quiet)
        except (PyKwalifyException, ValueError, TypeError, AttributeError) as error:
            reason = " ".join(str(getattr(error, "msg", error)).split()).removeprefix("Schema validation failed: - ")
            raise ParamsError(f"{_FILE}: PyRadiomics refuses the settings: {reason}") from error


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


def framed(mask: sitk.Image) -> sitk.Image:
    """A mask that fills its image, padded by one background voxel; PyRadiomics refuses a mask without background."""
    if not sitk.GetArrayViewFromImage(mask).all():
        return mask
    edge = [1] * mask.GetDimension()
    return sitk.ConstantPad(mask, edge, edge, 0)


def extract(recipe: Recipe, *, image: sitk.Image, mask: sitk.Image) -> tuple[dict[str, float], list[str]]:
    """All features of one ROI by name, as PyRadiomics computes them, and its warnings.

    `image` and `mask` (uint8 0/1) share one grid. Raises ImageError for what PyRadiomics raises on an image (ON_IMAGE),
    MemoryError if there is too little memory.
    """
    image, mask = (on_grid(part, grid=recipe.grid) for part in (image, mask))
    with collected_log() as messages:
        try:
            found = recipe.extractor.execute(image, framed(mask))
        except ON_IMAGE as error:
            if lacks_memory(error):
                raise MemoryError(str(error)) from error
            raise ImageError(_plain(error)) from error
    # PyRadiomics catches any error of a single feature, logs it and returns NaN.
    if any("MemoryError" in text for text in messages):
        raise MemoryError("PyRadiomics")
    logged = [text for text in dict.fromkeys(messages) if not text.startswith(_ADVICE)]
    return {name: float(value) for name, value in found.items()}, logged


def _plain(error: Exception) -> str:
    """PyRadiomics' reason in one line, preceded by its meaning if the text alone does not say it."""
    reason = " ".join(str(error).split()) or type(error).__name__
    meaning = next((plain for text, plain in MEANINGS.items() if text in reason), None)
    return f"{meaning} (PyRadiomics: {reason})" if meaning else reason


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


def preset_recipe(chosen: Preset, *, first: sitk.Image) -> Recipe:
    """The recipe of a preset, its feature count checked; `first` is the first image, which must have the preset's form.

    Raises ImageError if the image has another form, ParamsError if the count differs, with PyRadiomics' reason.
    """
    on_grid(first, grid=chosen.grid)
    recipe = Recipe(extractor=set_up(chosen.settings), grid=chosen.grid, names=())
    return _with_names(recipe, like=chosen.grid, expected=chosen.count, whose=f"preset {chosen.name}")


def own_recipe(
    settings: dict[str, Any], *, expected_count: int | None, first: sitk.Image, grid: Grid | None = None
) -> Recipe:
    """The recipe of native PyRadiomics settings for images like `first`; `expected_count` None = not checked; `grid` =
    the form that images are brought to, None = as they are.

    Raises ParamsError if PyRadiomics refuses the settings, the count differs, or wavelet bands would be noise.
    """
    form = grid or grid_of(first)
    recipe = Recipe(extractor=set_up(settings), grid=grid, names=())
    recipe = _with_names(recipe, like=form, expected=expected_count, whose="expected_count")
    if form == "one slice" and any(is_noise_band(name) for name in recipe.names):
        raise ParamsError(f"{_FILE}: Wavelet on one slice gives four bands of rounding noise; set force2D: true")
    return recipe


def _with_names(recipe: Recipe, *, like: Grid, expected: int | None, whose: str) -> Recipe:
    image, mask = synthetic_lesion(like)
    try:
        values, messages = extract(recipe, image=image, mask=mask)
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
    return replace(recipe, names=tuple(values))
