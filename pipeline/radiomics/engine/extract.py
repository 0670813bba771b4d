"""All features of one ROI: preprocessing once, each filter once, one discretisation per filtered image.

Names, order and values are those of PyRadiomics 3.0.1 (1e-9 relative), but for features that the ROI does not define,
which are NaN (see `undefined`).
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.foundation.errors import ImageError, lacks_memory
from pipeline.radiomics.engine.discretise import levels_of
from pipeline.radiomics.engine.filters import filtered_images
from pipeline.radiomics.engine.first_order import first_order
from pipeline.radiomics.engine.preprocess import Prepared, prepare
from pipeline.radiomics.engine.roi import Layout, layout_of, roi_in
from pipeline.radiomics.engine.settings import EngineSettings, ImageType
from pipeline.radiomics.engine.shape2d import shape_2d
from pipeline.radiomics.engine.shape3d import shape_3d
from pipeline.radiomics.engine.texture import features_of
from pipeline.radiomics.refusals import ON_IMAGE, check_levels, plain_reason

Named = Iterator[tuple[str, float]]
Layouts = dict[tuple[tuple[int, ...], int | None], Layout]
NOT_FINITE = "cannot compute length"


def extract(settings: EngineSettings, *, image: sitk.Image, mask: sitk.Image) -> tuple[dict[str, float], list[str]]:
    """All features of one ROI by name, in PyRadiomics' order, and its warnings.

    `image` and `mask` (label 1) share one grid of 2 or 3 axes. Raises ImageError for what PyRadiomics raises on an
    image, MemoryError if there is too little memory.
    """
    warnings: list[str] = []
    layouts: Layouts = {}
    try:
        prepared = prepare(image, mask, settings=settings)
        features = dict(_shape_features(prepared, settings=settings, warnings=warnings))
        for image_type in settings.image_types:
            for name, values in filtered_images(prepared, image_type=image_type, warnings=warnings):
                if not np.isfinite(values).all():
                    features.update(_empty_features(values, name=name, settings=settings, warnings=warnings))
                    continue
                found = _image_features(
                    values,
                    name=name,
                    prepared=prepared,
                    layout=_layout(prepared, image_type, layouts),
                    image_type=image_type,
                    settings=settings,
                )
                features.update(found)
    except ON_IMAGE as error:
        if lacks_memory(error):
            raise MemoryError(str(error)) from error
        raise ImageError(plain_reason(error)) from error
    return features, list(dict.fromkeys(warnings))


def _shape_features(prepared: Prepared, *, settings: EngineSettings, warnings: list[str]) -> Named:
    wanted, inside, spacing = dict(settings.classes), prepared.shape_inside, np.array(prepared.spacing_mm)
    if "shape" in wanted and inside.ndim == 3:
        for name, value in shape_3d(inside, spacing_mm=spacing, names=wanted["shape"]).items():
            yield f"original_shape_{name}", value
    elif "shape" in wanted:
        warnings.append("Shape features are only available 3D input (for 2D input, use shape2D). Found 2D input")
    if "shape2D" not in wanted:
        return
    axis = settings.force2d_axis
    if inside.ndim == 3:
        if axis is None:
            warnings.append("parameter force2D must be set to True to enable shape2D extraction")
            return
        if inside.shape[2 - axis] == 1:  # PyRadiomics looks at the axis counted from x
            warnings.append(f"Size in specified 2D dimension ({axis}) is greater than 1, cannot calculate 2D shape")
            return
        if inside.shape[axis] > 1:
            raise ValueError(f"Size of the mask in dimension {axis} is more than 1, cannot compute 2D shape")
        inside, spacing = inside.squeeze(axis), np.delete(spacing, axis)
    for name, value in shape_2d(inside, spacing_mm=spacing, names=wanted["shape2D"]).items():
        yield f"original_shape2D_{name}", value


def _layout(prepared: Prepared, image_type: ImageType, layouts: Layouts) -> Layout:
    """The layout of the ROI for an image type; types with the same distances and plane share one in `layouts`."""
    key = image_type.distances, image_type.force2d_axis
    if key not in layouts:
        layouts[key] = layout_of(prepared.inside, distances=key[0], force2d_axis=key[1])
    return layouts[key]


def _image_features(
    values: NDArray[Any],
    *,
    name: str,
    prepared: Prepared,
    layout: Layout,
    image_type: ImageType,
    settings: EngineSettings,
) -> Named:
    """First-order and texture features of one filtered image, from its finite `values` (n,) in the ROI."""
    textures = settings.texture_classes()
    if textures:
        check_levels(values, filtered=name, bin_width=image_type.bin_width, bin_count=image_type.bin_count)
    levels = levels_of(values, bin_width=image_type.bin_width, bin_count=image_type.bin_count)
    by_class = {}
    if textures:
        by_class = features_of(
            roi_in(layout, levels), classes=textures, symmetric=image_type.symmetric, alpha=image_type.alpha
        )
    wanted = dict(settings.classes)
    if "firstorder" in wanted:
        by_class["firstorder"] = first_order(
            values,
            levels=levels,
            voxel_volume_mm3=float(np.prod(prepared.spacing_mm)),
            array_shift=image_type.array_shift,
            names=wanted["firstorder"],
        )
    for kind, columns in _columns(name, settings.classes):
        yield from zip(columns, map(float, by_class[kind].values()), strict=True)


@lru_cache(maxsize=256)
def _columns(name: str, classes: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The classes of one filtered image and the columns of their features, in PyRadiomics' order."""
    kinds = [(kind, names) for kind, names in classes if not kind.startswith("shape")]
    return tuple((kind, tuple(f"{name}_{kind}_{feature}" for feature in names)) for kind, names in kinds)


def _empty_features(values: NDArray[Any], *, name: str, settings: EngineSettings, warnings: list[str]) -> Named:
    """NaN for every feature of an image with voxels that have no finite value; ValueError if none has one."""
    n_undefined = int(values.size - np.count_nonzero(np.isfinite(values)))
    if n_undefined == values.size:
        raise ValueError(f"{NOT_FINITE}: the {name} image has no finite value in the ROI")
    warnings.append(
        f"the {name} image has {n_undefined} voxels of the ROI without a finite value; its features are empty"
    )
    return ((column, np.nan) for _, columns in _columns(name, settings.classes) for column in columns)
