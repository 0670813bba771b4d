"""Seconds of CPU time on drawn volumes: PyRadiomics and the fast engine, in one process, on one thread.

python -m tests.benchmarks.extraction_volumes 18 29 43      # radii of the lesions in mm: 25,000 to 340,000 voxels
"""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter

from pipeline.foundation.images import image_from
from pipeline.radiomics.engine.extract import extract
from pipeline.radiomics.engine.settings import engine_settings
from pipeline.radiomics.presets import preset
from pipeline.radiomics.pyradiomics import collected_log, set_up

Result = TypeVar("Result")
MARGIN_MM = 12.0


def draw_volume(radius_mm: float, *, spacing_mm: tuple[float, ...], seed: int) -> tuple[sitk.Image, sitk.Image]:
    """A volume of int16 like CT, and the mask of a ragged ball; `spacing_mm` is z, y, x."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(2 * (radius_mm + MARGIN_MM) / spacing) for spacing in spacing_mm)
    places = [(np.arange(side) - (side - 1) / 2) * spacing for side, spacing in zip(shape, spacing_mm, strict=True)]
    distance = np.sqrt(sum(axis**2 for axis in np.meshgrid(*places, indexing="ij")))
    waves = gaussian_filter(rng.standard_normal(shape), 6)
    inside = distance + 2 * waves / waves.std() < radius_mm
    grey = np.where(inside, 40, -60) + 120 * gaussian_filter(rng.standard_normal(shape), 1)
    image = image_from(np.round(grey + 10 * rng.standard_normal(shape)).astype(np.int16), spacing_mm=spacing_mm[::-1])
    return image, image_from(inside.astype(np.uint8), like=image)


def cpu(work: Callable[[], Result]) -> tuple[Result, float]:
    """The result of `work` and its CPU seconds."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def compare_volume(settings: dict[str, Any], *, what: str, image: sitk.Image, mask: sitk.Image) -> None:
    """Print the seconds of both engines on one volume, their ratio, and the largest relative difference."""
    own = engine_settings(settings)
    extractor = set_up(settings)
    extract(own, image=image, mask=mask)  # compiled, or read from the cache
    (found, _), ours = cpu(lambda: extract(own, image=image, mask=mask))
    with collected_log():
        expected, theirs = cpu(lambda: extractor.execute(image, mask))
    apart = max(abs(found[name] - float(value)) / max(abs(float(value)), 1e-12) for name, value in expected.items())
    voxels = int(sitk.GetArrayViewFromImage(mask).sum())
    print(
        f"{what:<34}{voxels:>9,} voxels: PyRadiomics {theirs:7.2f} s, engine {ours:6.3f} s, ratio {theirs / ours:5.1f},"
        f" {len(expected)} features, largest difference {apart:.0e}",
        flush=True,
    )


def compare_volumes(radii_mm: Sequence[float]) -> None:
    """Compare the engines on lesions of these radii: one image type, all of ct3d, and those resampled to 1 mm."""
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    chosen = preset("ct3d").settings
    plain = chosen | {"setting": {"binWidth": 25}}
    for radius_mm in radii_mm:
        image, mask = draw_volume(radius_mm, spacing_mm=(1.0, 1.0, 1.0), seed=1)
        compare_volume(plain | {"imageType": {"Original": {}}}, what="original image", image=image, mask=mask)
        compare_volume(plain, what="ct3d without resampling", image=image, mask=mask)
        image, mask = draw_volume(radius_mm, spacing_mm=(2.0, 0.8, 0.8), seed=1)
        compare_volume(chosen, what="ct3d resampled from 2 × 0.8 × 0.8", image=image, mask=mask)


if __name__ == "__main__":
    compare_volumes([float(radius) for radius in sys.argv[1:]])
