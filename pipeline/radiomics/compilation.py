"""Compile the kernels of our engine, once for all runs: at setup, or before the first extraction.

In groups that share no kernel, hence side by side: first-order and texture features, filters, shapes.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, get_args

import SimpleITK as sitk

from pipeline.foundation.kernels import cached, compile_once, kernels_of
from pipeline.foundation.parallel import cores, map_cases
from pipeline.radiomics import pyradiomics  # first: it refuses another package of PyRadiomics' name
from pipeline.radiomics.engine import extract as engine
from pipeline.radiomics.engine.filters import filtered_images
from pipeline.radiomics.engine.preprocess import prepare
from pipeline.radiomics.engine.settings import EngineSettings
from pipeline.radiomics.presets import PresetName, preset
from pipeline.radiomics.recipe import on_grid, recipe_of, synthetic_lesion

log = logging.getLogger(__name__)
ENGINE = "pipeline.radiomics.engine"
MESSAGE = "compiling the extraction kernels (once, about half a minute)"
RESAMPLED_MM = (0.7, 0.7, 2.0)  # spacing of a volume that the presets bring to 1 mm
Group = Literal["textures", "filters", "shapes"]
GROUPS: tuple[Group, ...] = get_args(Group)  # the longest first
WORKERS = 2  # textures take as long as the others together
# The modules of these groups (all others are of the textures), and the image types that the filters compute.
MODULES = {"filters": ("lbp", "lines", "log", "resample", "wavelet"), "shapes": ("diameters", "mesh")}
FILTERED = ("LoG", "Wavelet", "LBP2D", "LBP3D")


def compile_engine() -> bool:
    """Compile every kernel of the engine unless the cache on the disk holds them; returns whether it did.

    Safe with any number of processes that start at once: one compiles each group, the others wait.
    """
    if all(map(is_compiled, GROUPS)):
        return False
    log.info(MESSAGE)
    return any(list(map_cases(compile_group, GROUPS, workers=min(cores(), WORKERS))))


def is_compiled(group: Group) -> bool:
    """Whether the cache on the disk holds the kernels of a group."""
    return all(cached(one) for one in kernels_of_group(group))


def compile_group(group: Group) -> bool:
    """Compile the kernels of one group unless the cache holds them; returns whether it did."""
    work = {"textures": use_texture_kernels, "filters": use_filter_kernels, "shapes": use_shape_kernels}[group]
    return compile_once(kernels_of_group(group), work=work, name=group)


def kernels_of_group(group: Group) -> list[Any]:
    """The kernels of the modules of a group."""
    of_module = {f"{ENGINE}.{name}": own for own, names in MODULES.items() for name in names}
    return [one for one in kernels_of(ENGINE) if of_module.get(one.__module__, "textures") == group]


def use_shape_kernels() -> None:
    """Measure the shape of a synthetic lesion as each preset does."""
    for settings, image, mask in _lesions(spacings=(None,)):
        engine.extract(replace(settings, image_types=(), spacing_mm=None), image=image, mask=mask)


def use_filter_kernels() -> None:
    """Filter a synthetic lesion as each preset does, those of volumes also with voxels that have to be resampled."""
    for settings, image, mask in _lesions():
        prepared = prepare(image, mask, settings=settings)
        for image_type in (one for one in settings.image_types if one.name in FILTERED):
            list(filtered_images(prepared, image_type=image_type, warnings=[]))


def use_texture_kernels() -> None:
    """Extract a synthetic lesion by each preset, without the filters and the shape of the other groups."""
    for settings, image, mask in _lesions(spacings=(None,)):
        types = tuple(one for one in settings.image_types if one.name not in FILTERED)
        classes = tuple(one for one in settings.classes if not one[0].startswith("shape"))
        chosen = replace(settings, image_types=types, classes=classes, spacing_mm=None)
        engine.extract(chosen, image=image, mask=mask)


def _lesions(
    spacings: tuple[tuple[float, ...] | None, ...] = (None, RESAMPLED_MM),
) -> Iterator[tuple[EngineSettings, sitk.Image, sitk.Image]]:
    """The settings of each preset, with an image and a mask of its form; a volume with each of `spacings`."""
    for name in get_args(PresetName):
        chosen = preset(name)
        settings = recipe_of(chosen.settings, engine="fast", grid=chosen.grid).own
        if settings is None:
            raise ValueError(f"preset {name} has no settings for the fast engine")
        for spacing in spacings if chosen.grid == "3-D" else (None,):
            image, mask = (_spaced(part, spacing=spacing) for part in synthetic_lesion(chosen.grid))
            with pyradiomics.collected_log():  # PyRadiomics' resampling logs each image
                yield settings, on_grid(image, grid=chosen.grid), on_grid(mask, grid=chosen.grid)


def _spaced(image: sitk.Image, *, spacing: tuple[float, ...] | None) -> sitk.Image:
    if spacing is not None:
        image.SetSpacing(spacing)
    return image
