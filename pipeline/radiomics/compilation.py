"""Compile the kernels of our engine, once for all runs: at setup, or before the first extraction."""

from typing import get_args

import SimpleITK as sitk

from pipeline.foundation.kernels import compile_once, kernels_of
from pipeline.radiomics.presets import PresetName, preset
from pipeline.radiomics.pyradiomics import collected_log
from pipeline.radiomics.recipe import extract, on_grid, recipe_of, synthetic_lesion

ENGINE = "pipeline.radiomics.engine"
MESSAGE = "compiling the extraction kernels (once, about half a minute)"
RESAMPLED_MM = (0.7, 0.7, 2.0)  # spacing of a volume that the presets bring to 1 mm


def compile_engine() -> bool:
    """Compile every kernel of the engine unless the cache on the disk holds them; returns whether it did.

    Safe with any number of processes that start at once: one compiles, the others wait.
    """
    return compile_once(kernels_of(ENGINE), work=use_every_kernel, message=MESSAGE)


def use_every_kernel() -> None:
    """Extract a synthetic lesion by each preset, those of volumes also with voxels that have to be resampled."""
    for name in get_args(PresetName):
        chosen = preset(name)
        recipe = recipe_of(chosen.settings, engine="fast", grid=chosen.grid)
        for spacing in (None, RESAMPLED_MM) if chosen.grid == "3-D" else (None,):
            image, mask = (_spaced(part, spacing=spacing) for part in synthetic_lesion(chosen.grid))
            with collected_log():  # PyRadiomics' resampling logs each image
                extract(recipe, image=on_grid(image, grid=chosen.grid), mask=on_grid(mask, grid=chosen.grid))


def _spaced(image: sitk.Image, *, spacing: tuple[float, ...] | None) -> sitk.Image:
    if spacing is not None:
        image.SetSpacing(spacing)
    return image
