"""Negative controls in the tissue: the mask moved beside the lesion, a ring around it, the lesion's voxels shuffled.

If the tissue beside the lesion predicts the outcome, the information is not the lesion's: it may be the site, the
scanner, the depth, or a mark that the reader left. Shuffled voxels keep the lesion's histogram, so their AUC is no
fault of the data: it shows what grey levels alone reach, and has no light.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import SimpleITK as sitk

from pipeline.benchmark.nested_cv import case_seed
from pipeline.crop.rois import CropCase, CropParams, crop_cases, crop_roi
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import ImageError
from pipeline.foundation.fingerprints import file_sha256, fingerprint, rooms_hash
from pipeline.foundation.images import array_of, image_from, read_image
from pipeline.radiomics.features import (
    RadiomicsParams,
    check_voxels,
    extraction_cases,
    extraction_costs,
    features_table,
    prepare,
)
from pipeline.radiomics.presets import preset
from pipeline.radiomics.recipe import Recipe, extract
from pipeline.reduce.blocks import radiomics_block
from pipeline.selftest.control_masks import Mask, moved_mask, ring_mask, shuffled_voxels
from pipeline.selftest.controls import CHANCE, Scored, Trial, control_images, trial
from pipeline.selftest.frame_alone import frame_cells
from pipeline.selftest.inputs import Inputs
from pipeline.selftest.lights import Check

# Whatever can change a stored row, besides what the key of the radiomics covers: a test checks that no module of
# another room is loaded.
ROOMS = (
    *("agreement", "benchmark", "contracts", "crop", "foundation", "plan", "predictions", "radiomics", "reduce"),
    *("selftest", "split", "statistics"),
)
CLASSES = ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
BESIDE = ("moved", "ring")
TISSUES = (*BESIDE, "shuffled")
TITLE = "The tissue beside the lesion is not found to predict the outcome"
RULE = (
    "Amber if the interval (Nadeau-Bengio) of a cross-validated AUC lies above one half (the limit), whatever the "
    "lesion reaches: first-order and texture features of the unfiltered image under the mask moved beside the lesion, "
    "and in a ring around it (the value is the larger AUC). In a 2-D image, what lies below the lesion is excluded."
)
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class ControlCase:
    """One image whose surroundings are measured, and the relative time it takes."""

    crop: CropCase
    cost: float


def original_settings(params: RadiomicsParams) -> RadiomicsParams:
    """The study's settings on the unfiltered image alone, so that the controls are cheap, and without shape, which the
    moved mask shares with the lesion.
    """
    settings = dict(params.settings or {}) if params.preset is None else dict(preset(params.preset).settings)
    classes = settings.get("featureClass") or dict.fromkeys(CLASSES)
    kept = {name: features for name, features in classes.items() if not name.startswith("shape")}
    chosen = settings | {"imageType": {"Original": {}}, "featureClass": kept}
    return RadiomicsParams(preset=None, settings=chosen, engine=params.engine)


def control_row(
    case: ControlCase, *, crop: CropParams, recipe: Recipe, store: ContentStore, code: str, seed: int
) -> dict[str, Any]:
    """All that the controls need of one image, read once: `image_id`; `frame`, as `frame_cells`; for each of TISSUES a
    row as from `extract_case`, with status no_place if the region does not fit into the image.

    A finished image is loaded from `store`, by the hash of its files, of the settings and of the `code`; its regions
    are drawn by `seed` and image_id. An unreadable image gives rows of failures; a fault of the machine does not, since
    no patient is to blame for it: raises OSError if a file is missing or the image cannot be stored.
    """
    image_id = str(case.crop.row["image_id"])
    if case.crop.mask is None:
        return _no_controls(image_id, reason="the cohort names no mask for this image")
    files = file_sha256(case.crop.image), file_sha256(case.crop.mask)
    key = fingerprint("control", code, recipe.key, crop, seed, image_id, files)
    kept: dict[str, Any] | None = store.load(key)
    if kept is None:
        try:
            image, mask = read_image(case.crop.image), read_image(case.crop.mask)
            if image.GetSize() != mask.GetSize():
                raise ImageError(f"the mask's size {mask.GetSize()} differs from the image's size {image.GetSize()}")
            inside = array_of(mask) != 0
            kept = {"image_id": image_id, "frame": frame_cells(array_of(image), mask=inside)}
            kept |= _tissue_rows(image, mask=inside, image_id=image_id, crop=crop, recipe=recipe, seed=seed)
        except ImageError as error:
            return _no_controls(image_id, reason=str(error))
        store.save(key, kept)
    return kept


def _no_controls(image_id: str, *, reason: str) -> dict[str, Any]:
    failed = _failure(image_id, status="no_roi", reason=reason)
    return {"image_id": image_id, "frame": None} | dict.fromkeys(TISSUES, failed)


def _tissue_rows(
    image: sitk.Image, *, mask: Mask, image_id: str, crop: CropParams, recipe: Recipe, seed: int
) -> dict[str, dict[str, Any]]:
    random = {name: np.random.default_rng(case_seed(seed, name, image_id)) for name in TISSUES}
    shuffled = image_from(shuffled_voxels(array_of(image), mask=mask, random=random["shuffled"]), like=image)
    regions: dict[str, tuple[sitk.Image, Mask | None]] = {
        "moved": (image, moved_mask(mask, random=random["moved"])),
        "ring": (image, ring_mask(mask)),
        "shuffled": (shuffled, mask),
    }
    return {name: _features(*regions[name], image_id=image_id, crop=crop, recipe=recipe) for name in TISSUES}


def _features(
    image: sitk.Image, region: Mask | None, *, image_id: str, crop: CropParams, recipe: Recipe
) -> dict[str, Any]:
    if region is None:
        return _failure(image_id, status="no_place", reason="the region fits nowhere in the image")
    try:
        mask = image_from(region.astype(np.uint8), like=image)
        roi = crop_roi(image, mask, margin_px=crop.margin_px, margin_mm=crop.margin_mm)
        check_voxels(roi.image, roi.mask)
        values, _ = extract(recipe, image=roi.image, mask=roi.mask)
        if missing := [name for name in recipe.names if name not in values]:
            raise ImageError(f"{len(missing)} features are missing, first {missing[0]}")
    except ImageError as error:  # a fault of the machine stops the stage
        return _failure(image_id, status="extraction_failed", reason=str(error))
    finite = [values[name] if np.isfinite(values[name]) else None for name in recipe.names]
    return {"image_id": image_id, "status": "ok", "reason": None, "values": finite}


def _failure(image_id: str, *, status: str, reason: str) -> dict[str, Any]:
    return {"image_id": image_id, "status": status, "reason": reason, "values": None}


def control_work(
    inputs: Inputs, *, budget: int | None, images: Path, masks: Path, store: ContentStore
) -> tuple[list[ControlCase], tuple[str, ...], Callable[[ControlCase], dict[str, Any]]]:
    """The images of the controls within the `budget` in voxels, the names of the features, and the work per image."""
    training = list(inputs.training.index)
    drawn = control_images(inputs.cohort, rois=inputs.rois, training=training, budget=budget, seed=inputs.recipe.seed)
    # Absolute, since a worker on a cluster starts in another folder.
    crops = crop_cases(drawn, images=images.resolve(), masks=masks.resolve())
    costs = extraction_costs(inputs.rois.set_index("image_id")["n_voxels"].loc[drawn["image_id"]])
    cases = [ControlCase(crop=one, cost=cost) for one, cost in zip(crops, costs, strict=True)]
    if not cases:
        return [], (), lambda _: {}
    whole = [{"image_id": c.crop.row["image_id"], "image": c.crop.image, "mask": c.crop.mask} for c in cases]
    shown = extraction_cases(pd.DataFrame(whole).assign(status="ok", reason=None), folder=Path())
    # As the preset: its settings fit images of this form alone.
    grid = None if inputs.radiomics.preset is None else preset(inputs.radiomics.preset).grid
    recipe = prepare(original_settings(inputs.radiomics), cases=shown, grid=grid)
    code, seed = rooms_hash(*ROOMS), inputs.recipe.seed
    return cases, recipe.names, partial(control_row, crop=inputs.crop, recipe=recipe, store=store, code=code, seed=seed)


def tissue_trials(rows: Rows, *, names: Sequence[str], inputs: Inputs) -> list[Trial]:
    """A trial for each of TISSUES with enough patients; `rows` and `names` of `control_work`."""
    found = []
    for tissue in TISSUES:
        own = [row[tissue] for row in rows if row[tissue]["status"] == "ok"]
        if not own:
            continue
        drawn = inputs.cohort[inputs.cohort["image_id"].isin([row["image_id"] for row in own])]
        known = sorted(drawn["patient_id"].unique())
        block = radiomics_block(features_table(own, names=names), cohort=drawn, patients=known)
        sets = {tissue: (block.name,)}
        found.append(trial([block], inputs=inputs, sets=sets, known=known, n_images=len(own)))
    return [one for one in found if one is not None]


def beside_check(scored: Sequence[Scored], *, rows: Rows) -> Check:
    """The light; `scored` holds the controls of BESIDE that could be scored, `rows` of `control_work`."""
    tried = [one for one in scored if one.control in BESIDE and one.known]
    without = any(row[tissue]["status"] == "no_place" for row in rows for tissue in BESIDE)
    excluded = " Images without room beside the lesion were excluded." if without else ""
    if not tried:
        finding = "Too few patients, of both outcomes, have an image with room beside the lesion."
        return Check(check="shifted_roi", light="grey", title=TITLE, rule=RULE, finding=finding + excluded)
    telling = any(one.above_chance for one in tried)
    finding = (
        "Features beside the lesion predict the outcome: check sites, scanners, depth, and marks near the lesion."
        if telling
        else "Features beside the lesion predict no better than chance."
    )
    return Check(
        check="shifted_roi",
        light="amber" if telling else "green",
        title=TITLE,
        rule=RULE,
        finding=finding + excluded,
        value=max(one.auc for one in tried),
        limit=CHANCE,
    )
