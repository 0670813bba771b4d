"""Radiomics of each ROI: named presets or native settings of PyRadiomics, the same columns for every image.

Values are PyRadiomics' (van Griethuysen et al., Cancer Res 2017;77:e104), of the crop, by our engine or PyRadiomics
itself. An image that lacks a column fails by name instead of shifting the table; one failing image neither stops the
others nor disappears.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import SimpleITK as sitk
from pydantic import Field, model_validator

from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import ImageError, PipelineError, listed
from pipeline.foundation.fingerprints import file_sha256, fingerprint
from pipeline.foundation.images import array_of, read_image
from pipeline.foundation.params import Params
from pipeline.radiomics.compilation import compile_engine
from pipeline.radiomics.presets import Grid, PresetName, preset
from pipeline.radiomics.recipe import Engine, Recipe, extract, own_recipe, preset_recipe

IMAGE_VOXELS = 25_000  # an ROI costs as much as this number of voxels, whatever its size (measured)


class RadiomicsParams(Params):
    """`params/radiomics.yaml`: a preset, or native PyRadiomics settings (imageType, featureClass, setting)."""

    preset: PresetName | None = None
    settings: dict[str, Any] | None = None
    expected_count: int | None = Field(default=None, ge=1)
    engine: Engine = "fast"
    verify: int = Field(default=3, ge=0, le=1000)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.preset is None) == (self.settings is None):
            raise ValueError("give either preset or settings, and set the other to null")
        if self.preset is not None and self.expected_count is not None:
            raise ValueError("expected_count belongs to own settings; a preset fixes its own count")
        return self


@dataclass(frozen=True, kw_only=True)
class ExtractionCase:
    """One ROI: its files, and its status and reason from `crop` (`status` ok, or a failure that is carried over)."""

    image_id: str
    image: Path
    mask: Path
    status: str
    reason: str | None


def extraction_cases(rois: pd.DataFrame, *, folder: Path) -> list[ExtractionCase]:
    """One case per row of `rois.csv`, its file names joined to `folder`."""
    return [
        ExtractionCase(
            image_id=row["image_id"],
            image=folder / str(row["image"]),
            mask=folder / str(row["mask"]),
            status=row["status"],
            reason=None if pd.isna(row["reason"]) else row["reason"],
        )
        for row in rois.to_dict("records")
    ]


def prepare(params: RadiomicsParams, *, cases: Sequence[ExtractionCase], grid: Grid | None = None) -> Recipe:
    """Set up the extraction and check its feature count before any long work; `grid`: of own settings, as `own_recipe`.

    The first readable ROI determines the form of the images (2-D, 3-D or one slice). Raises PipelineError if no ROI is
    readable, the images do not have the form the preset needs, the settings are refused, or the count differs.
    """
    image_id, first = _first_readable(cases)
    if params.engine == "fast":
        compile_engine()
    if params.preset is None:
        settings, count = params.settings or {}, params.expected_count
        return own_recipe(settings, expected_count=count, first=first, engine=params.engine, grid=grid)
    try:
        return preset_recipe(preset(params.preset), first=first, engine=params.engine)
    except ImageError as error:
        raise PipelineError(f"params/radiomics.yaml: preset {params.preset}: {image_id}: {error}") from error


def _first_readable(cases: Sequence[ExtractionCase]) -> tuple[str, sitk.Image]:
    for case in cases:
        if case.status == "ok":
            try:
                return case.image_id, read_image(case.image)
            except ImageError:
                continue  # its row will hold the reason
    raise PipelineError("radiomics: no ROI is readable; see the reasons in the ROI table, and run crop again")


def check_voxels(image: sitk.Image, mask: sitk.Image) -> None:
    """Refuse what PyRadiomics would turn into finite, meaningless numbers.

    Raises ImageError for NaN or infinite voxels anywhere in the crop (filters spread them), for a flat ROI, and for a
    mask of another size or on another grid.
    """
    if image.GetSize() != mask.GetSize():
        raise ImageError(f"the mask's size {mask.GetSize()} differs from the image's size {image.GetSize()}")
    if not image.IsSameImageGeometryAs(mask):
        raise ImageError("the mask lies on another grid than the image; run crop again")
    voxels = array_of(image)
    broken = int(np.count_nonzero(~np.isfinite(voxels)))
    if broken:
        raise ImageError(f"the crop holds {broken} NaN or infinite voxels")
    lesion = voxels[array_of(mask) != 0]
    if lesion.size and lesion.min() == lesion.max():
        raise ImageError(f"every voxel of the ROI has the same grey level ({lesion.min()})")


def extraction_costs(n_voxels: pd.Series) -> list[float]:
    """The relative time that ROIs of `n_voxels` (missing = no ROI) take, to start the longest first."""
    return [float(count) + IMAGE_VOXELS for count in n_voxels.fillna(0)]


def extract_case(case: ExtractionCase, *, recipe: Recipe, store: ContentStore) -> dict[str, Any]:
    """One row: image_id, status, reason, `values` in the order of `recipe.names` (None after a failure), the engine's
    `warnings`, and `stored`: whether the values come from the store.

    A finished case is loaded from `store`, where it lies by the hash of its files and the key of the recipe; a new one
    is saved there. If the engine refuses the image, the row has `extraction_failed` and the reason, and is not stored:
    one image does not stop the others. A fault of the machine does, since no patient is to blame for it: raises
    PipelineError if a file of the ROI is not readable, OSError if one is missing or the case cannot be stored,
    MemoryError if there is too little memory.
    """
    row: dict[str, Any] = {"image_id": case.image_id, "status": case.status, "reason": case.reason, "values": None}
    row |= {"warnings": [], "stored": False}
    if case.status != "ok":
        return row
    key = fingerprint("radiomics", recipe.key, file_sha256(case.image), file_sha256(case.mask))
    kept: dict[str, Any] | None = store.load(key)
    if kept is not None:
        return row | kept | {"stored": True}
    image, mask = _files(case)
    try:
        kept = _features(image, mask, recipe=recipe)
    except ImageError as error:
        return row | {"status": "extraction_failed", "reason": str(error)}
    store.save(key, kept)
    return row | kept


def _files(case: ExtractionCase) -> tuple[sitk.Image, sitk.Image]:
    """Image and mask of the ROI; `crop` has written them, hence a file that is not readable is damaged."""
    try:
        return read_image(case.image), read_image(case.mask)
    except ImageError as error:
        raise PipelineError(f"{error}; crop wrote this file whole: check the disk, and run crop again") from error


def _features(image: sitk.Image, mask: sitk.Image, *, recipe: Recipe) -> dict[str, Any]:
    """Reason, values and warnings of one ROI; raises ImageError if the engine refuses it, or a column is missing."""
    check_voxels(image, mask)
    values, messages = extract(recipe, image=image, mask=mask)
    missing = [name for name in recipe.names if name not in values]
    if missing or len(values) != len(recipe.names):
        logged = "; ".join(messages) or "no reason logged"
        raise ImageError(f"{len(missing)} of {len(recipe.names)} features are missing, first {missing[:1]} ({logged})")
    finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
    undefined = [name for name in recipe.names if finite[name] is None]
    reason = f"{len(undefined)} features are not defined on this ROI, first {undefined[0]}" if undefined else None
    return {"reason": reason, "values": [finite[name] for name in recipe.names], "warnings": messages}


def features_table(rows: Sequence[dict[str, Any]], *, names: Sequence[str], block: str = "radiomics") -> pd.DataFrame:
    """`features/radiomics.csv` from the rows of `extract_case`: failed images keep their row, with empty features.

    Raises PipelineError, which names `block`, if no image gave features.
    """
    if not any(row["status"] == "ok" for row in rows):
        faults = [f"{row['image_id']}: {row['reason']}" for row in rows]
        raise PipelineError(listed(faults, heading=f"{block}: no image gave features", limit=10))
    values = np.full((len(rows), len(names)), np.nan)
    for place, row in enumerate(rows):
        if row["values"] is not None:
            values[place] = np.array(row["values"], dtype=np.float64)  # None becomes NaN, written as empty
    keys = pd.DataFrame([{key: row[key] for key in ("image_id", "status", "reason")} for row in rows])
    return pd.concat([keys, pd.DataFrame(values, columns=list(names))], axis=1)
