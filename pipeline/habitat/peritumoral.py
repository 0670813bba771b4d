"""The block `peritumoral`: the radiomics of rings along the border of each lesion."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.contracts.data.habitat import ABSENT
from pipeline.crop.rois import CropParams
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import ImageError
from pipeline.foundation.fingerprints import fingerprint
from pipeline.habitat.lesions import Lesion, read_lesion
from pipeline.habitat.params import HabitatParams
from pipeline.habitat.region import region_values
from pipeline.habitat.rings import check_margin, ring
from pipeline.radiomics.recipe import Recipe


def check_margins(lesions: Mapping[str, Iterable[Lesion]], *, params: HabitatParams, crop: CropParams) -> None:
    """Refuse rings that reach beyond a crop; `lesions` by resample. Raises ParamsError as `check_margin`."""
    known: set[tuple[float, ...] | None] = set()
    for lesion in (one for own in lesions.values() for one in own if one.status == "ok"):
        spacing = lesion.spacing_mm if lesion.in_mm else None
        if spacing not in known:
            check_margin(params.rings, crop=crop, spacing_mm=spacing, image_id=lesion.image_id)
        known.add(spacing)


def peritumoral_names(params: HabitatParams, *, names: Sequence[str]) -> list[str]:
    """The columns of the block: for each ring `<ring>_inside`, `<ring>_absent`, and the features `names`."""
    ends = ("_inside", ABSENT, *(f"_{name}" for name in names))
    return [f"{one.name}{end}" for one in params.rings for end in ends]


def ringed(
    lesion: Lesion, *, recipe: Recipe, names: Sequence[str], params: HabitatParams, store: ContentStore, code: str
) -> dict[str, Any]:
    """`status`, `reason`, and `values`: the columns of `peritumoral_names`, NaN where undefined (None: no lesion).

    A ring is empty, and its `absent` 1, if less than `params.min_inside` of it lies in the image, or the engine refuses
    it: the reason says so. Stored and failing as `habitats.labelled`; the status is then ring_failed.
    """
    if lesion.status != "ok":
        return {"status": lesion.status, "reason": lesion.reason, "values": None}
    settings = params.model_dump(mode="json", include={"rings", "min_inside"})
    key = fingerprint("peritumoral", code, recipe.key, list(names), settings, lesion.files)
    kept: dict[str, Any] | None = store.load(key)
    if kept is None:
        try:
            kept = _described(lesion, recipe=recipe, names=names, params=params)
        except ImageError as error:
            return {"status": "ring_failed", "reason": str(error), "values": None}
        store.save(key, kept)
    return {"status": "ok", "reason": kept["reason"], "values": np.array(kept["values"], dtype=np.float64)}


def _described(lesion: Lesion, *, recipe: Recipe, names: Sequence[str], params: HabitatParams) -> dict[str, Any]:
    image, mask = read_lesion(lesion)
    spacing = image.GetSpacing()[::-1] if lesion.in_mm else (1.0,) * image.GetDimension()
    values, reasons = list[float | None](), list[str]()
    for one in params.rings:
        region, inside = ring(mask, inner=one.inner, outer=one.outer, spacing=spacing)
        try:
            own = _values(image, region, inside=inside, params=params, recipe=recipe, names=names)
        except ImageError as error:
            own = {}
            reasons.append(f"ring {one.name}: {error}")
        numbers = [own.get(name, float("nan")) for name in names]
        values += [inside, 0.0 if own else 1.0, *(value if np.isfinite(value) else None for value in numbers)]
    return {"values": values, "reason": "; ".join(reasons) or None}


def _values(
    image: sitk.Image,
    region: NDArray[np.bool_],
    *,
    inside: float,
    params: HabitatParams,
    recipe: Recipe,
    names: Sequence[str],
) -> dict[str, float]:
    if inside < params.min_inside:
        raise ImageError(f"{inside:.0%} of it lie in the image, and min_inside is {params.min_inside:.0%}")
    return region_values(image, region, recipe=recipe, names=names)
