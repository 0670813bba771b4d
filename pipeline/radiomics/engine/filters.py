"""The image types of PyRadiomics: each yields its filtered images, of which only the voxels of the ROI are computed."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.radiomics.engine.lbp import lbp_2d, lbp_3d
from pipeline.radiomics.engine.log import MINIMUM_VOXELS, laplacian
from pipeline.radiomics.engine.point_filters import POINT_FILTERS, gradient_magnitude, largest_magnitude
from pipeline.radiomics.engine.preprocess import Prepared
from pipeline.radiomics.engine.settings import ImageType
from pipeline.radiomics.engine.wavelet import wavelet_bands

# PyRadiomics' name of a filtered image, and its values (n,) in the voxels of the ROI, in the order of memory.
Filtered = tuple[str, NDArray[Any]]


def filtered_images(prepared: Prepared, *, image_type: ImageType, warnings: list[str]) -> Iterator[Filtered]:
    """The images of one type, as PyRadiomics computes and names them; what it would skip is added to `warnings`."""
    if image_type.name in POINT_FILTERS:
        yield _point_filtered(prepared, image_type.name)
    else:
        yield from _FAMILIES[image_type.name](prepared, image_type, warnings)


def _point_filtered(prepared: Prepared, name: str) -> Filtered:
    values = prepared.of_roi(prepared.array[prepared.box]).astype(np.float64)
    with np.errstate(all="ignore"):  # an image of zeros has no scale: the engine refuses values that are not finite
        return name.lower(), POINT_FILTERS[name](values, largest=largest_magnitude(prepared.array))


def _original(prepared: Prepared, _: ImageType, __: list[str]) -> Iterator[Filtered]:
    yield "original", prepared.of_roi(prepared.array[prepared.box])


def _log(prepared: Prepared, image_type: ImageType, warnings: list[str]) -> Iterator[Filtered]:
    size, spacing = np.array(prepared.array.shape[::-1]), np.array(prepared.spacing_mm[::-1])
    if size.min() < MINIMUM_VOXELS:
        warnings.append(f"Image too small to apply LoG filter, size: {size}")
        return
    for sigma in image_type.sigma_mm:
        if not (size >= np.ceil(sigma / spacing) + 1).all():
            shape = f"spacing({spacing}) + 1 must be greater than the size({size}) of the inputImage"
            warnings.append(f"applyLoG: sigma({sigma:g})/{shape}")
            continue
        found = laplacian(prepared.array, sigma_mm=sigma, spacing_mm=prepared.spacing_mm, box=prepared.box)
        yield f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D", prepared.of_roi(found)


def _wavelet(prepared: Prepared, image_type: ImageType, _: list[str]) -> Iterator[Filtered]:
    axes = [axis for axis in range(prepared.array.ndim - 1, -1, -1) if axis != image_type.force2d_axis]
    bands = wavelet_bands(
        prepared.array,
        box=prepared.box,
        axes=axes,
        wavelet=image_type.wavelet,
        level=image_type.level,
        start_level=image_type.start_level,
    )
    for name, band in bands:
        yield name, prepared.of_roi(band)


def _gradient(prepared: Prepared, image_type: ImageType, _: list[str]) -> Iterator[Filtered]:
    spacing = prepared.spacing_mm if image_type.gradient_uses_spacing else [1.0] * prepared.array.ndim
    yield "gradient", prepared.of_roi(gradient_magnitude(prepared.array, box=prepared.box, spacing_mm=spacing))


def _places(prepared: Prepared) -> NDArray[np.int64]:
    """Indices (axes, n) of the voxels of the ROI in the whole array."""
    corner = np.array([part.start for part in prepared.box])
    return np.array(np.nonzero(prepared.inside)) + corner[:, None]


def _lbp_2d(prepared: Prepared, image_type: ImageType, _: list[str]) -> Iterator[Filtered]:
    found = lbp_2d(
        prepared.array,
        _places(prepared),
        axis=image_type.slice_axis,
        radius=image_type.lbp2d_radius_px,
        samples=image_type.lbp2d_samples,
        method=image_type.lbp2d_method,
    )
    yield "lbp-2D", found


def _lbp_3d(prepared: Prepared, image_type: ImageType, warnings: list[str]) -> Iterator[Filtered]:
    if prepared.array.ndim != 3:
        warnings.append(f"LBP 3D only available for 3 dimensional images, found {prepared.array.ndim} dimensions")
        return
    if image_type.force2d_axis is not None:
        warnings.append("Calculating Local Binary Pattern in 3D, but extracting features in 2D. Use with caution!")
    yield from lbp_3d(
        prepared.array,
        _places(prepared),
        levels=image_type.lbp3d_levels,
        radius=image_type.lbp3d_radius_px,
        subdivisions=image_type.lbp3d_subdivisions,
    )


_FAMILIES: dict[str, Callable[[Prepared, ImageType, list[str]], Iterator[Filtered]]] = {
    "Original": _original,
    "LoG": _log,
    "Wavelet": _wavelet,
    "Gradient": _gradient,
    "LBP2D": _lbp_2d,
    "LBP3D": _lbp_3d,
}
