"""The block `habitat`: every lesion labelled by every clustering that its patient needs, and described by its habitats.

A lesion is read once: its voxel features are the same for all clusterings, and two clusterings that give a habitat the
same voxels share its radiomics.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.contracts.data.habitat import ABSENT, Clustering
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import ImageError
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.images import image_from, write_image
from pipeline.habitat.arrangement import arrangement, arrangement_names
from pipeline.habitat.clusters import habitat_labels
from pipeline.habitat.fits import Fit
from pipeline.habitat.lesions import Lesion, read_lesion
from pipeline.habitat.params import HabitatParams
from pipeline.habitat.region import region_values
from pipeline.habitat.training_voxels import lesion_voxels
from pipeline.radiomics.recipe import Recipe

Rows = tuple[str, str]  # resample and part
# By the voxels of a habitat: its radiomics, and the engine's reason if it refused them.
Known = dict[bytes, tuple[dict[str, float] | None, str | None]]


@dataclass(frozen=True, kw_only=True)
class LabelCase:
    """One lesion, the clusterings (resample, part) that label it, and the one whose labels are shown (None = none)."""

    lesion: Lesion
    rows: tuple[Rows, ...]
    shown: Rows | None


def label_cases(lesions: Mapping[str, Sequence[Lesion]], *, fits: Iterable[Fit], final: str) -> list[LabelCase]:
    """One case per lesion that a clustering labels; `lesions` by resample, labels are shown of resample `final`."""
    rows: dict[Lesion, list[Rows]] = {}
    for fit in fits:
        for lesion in lesions[fit.resample]:
            if lesion.patient_id in fit.labelled:
                rows.setdefault(lesion, []).append(fit.rows)
    return [
        LabelCase(lesion=lesion, rows=tuple(own), shown=next((one for one in own if one[0] == final), None))
        for lesion, own in sorted(rows.items(), key=lambda item: (item[0].image_id, str(item[0].mask)))
    ]


def habitat_names(k_max: int, *, recipe: Recipe | None) -> list[str]:
    """The columns of the block for at most `k_max` habitats: arrangement, indicators, radiomics of each habitat."""
    numbers = range(1, k_max + 1)
    radiomics = [f"habitat_{one}_{name}" for one in numbers for name in (recipe.names if recipe else ())]
    return [*arrangement_names(k_max), *(f"habitat_{one}{ABSENT}" for one in numbers), *radiomics]


def labelled(
    case: LabelCase,
    *,
    clusterings: Mapping[Rows, Clustering],
    recipe: Recipe | None,
    params: HabitatParams,
    store: ContentStore,
    folder: Path,
    code: str,
) -> dict[str, Any]:
    """`status`, `reason`, and `values`: by (resample, part), the columns of `habitat_names`, NaN where undefined.

    The label map of `case.shown` is written to `folder`. A finished lesion is loaded from `store`, by the hash of its
    files, of the clusterings, of the params and of `code`. A lesion without sub-regions has status habitat_failed and
    its reason; a fault of the machine stops the stage, as in `radiomics.features.extract_case`.
    """
    lesion, used = case.lesion, {rows: clusterings[rows] for rows in case.rows}
    if lesion.status != "ok":
        return {"status": lesion.status, "reason": lesion.reason, "values": {}}
    settings = params.model_dump(mode="json", exclude={"rings", "min_inside"})
    about = [asdict(one) for one in used.values()]
    key = fingerprint("habitat", code, recipe and recipe.key, settings, about, lesion.files)
    kept: dict[str, Any] | None = store.load(key)
    try:
        image, mask = read_lesion(lesion)
        if kept is None:
            voxels = lesion_voxels(image, mask, lesion=lesion, params=params)
            kept = _described(image, mask, voxels=voxels, used=used, recipe=recipe, params=params)
            store.save(key, kept)
    except ImageError as error:
        return {"status": "habitat_failed", "reason": str(error), "values": {}}
    if case.shown is not None:
        labels = np.zeros(mask.shape, dtype=np.uint8)
        packed = kept["labels"][case.rows.index(case.shown)]
        labels[mask] = np.frombuffer(zlib.decompress(bytes.fromhex(packed)), dtype=np.uint8)
        write_image(image_from(labels, like=image), folder / f"{lesion.image_id}.nrrd")
    values = {rows: np.array(one, dtype=np.float64) for rows, one in zip(case.rows, kept["values"], strict=True)}
    return {"status": "ok", "reason": kept["reason"], "values": values}


def _described(
    image: sitk.Image,
    mask: NDArray[np.bool_],
    *,
    voxels: NDArray[np.float64],
    used: Mapping[Rows, Clustering],
    recipe: Recipe | None,
    params: HabitatParams,
) -> dict[str, Any]:
    """For JSON: the values (None = undefined) and packed labels of each clustering, and the first reason for a gap."""
    k_max, known = max(params.candidates), Known()
    names = habitat_names(k_max, recipe=recipe)
    values, packed, reasons = [], [], list[str]()
    for clustering in used.values():
        labels = np.zeros(mask.shape, dtype=np.uint8)
        labels[mask] = habitat_labels(voxels, clustering)
        found = arrangement(labels, k=clustering.k)
        for one in range(1, clustering.k + 1):
            own, reason = _radiomics(image, labels == one, recipe=recipe, params=params, known=known)
            found[f"habitat_{one}{ABSENT}"] = float(own is None)
            found |= {f"habitat_{one}_{name}": value for name, value in (own or {}).items()}
            reasons += [f"habitat {one}: {reason}"] if reason else []
        numbers = np.array([found.get(name, np.nan) for name in names])
        values.append([value if np.isfinite(value) else None for value in numbers.tolist()])
        packed.append(zlib.compress(labels[mask].tobytes()).hex())
    return {"values": values, "labels": packed, "reason": reasons[0] if reasons else None}


def _radiomics(
    image: sitk.Image,
    region: NDArray[np.bool_],
    *,
    recipe: Recipe | None,
    params: HabitatParams,
    known: Known,
) -> tuple[dict[str, float] | None, str | None]:
    """The radiomics of a habitat (None: too small, or refused by the engine) and the engine's reason, if it refused."""
    if np.count_nonzero(region) < params.min_voxels:
        return None, None
    if recipe is None:
        return {}, None
    place = np.packbits(region).tobytes()
    if place not in known:
        try:
            known[place] = region_values(image, region, recipe=recipe, names=recipe.names), None
        except ImageError as error:
            known[place] = None, str(error)
    return known[place]
