"""The raw features of new patients: images imported, audited and cropped, radiomics and networks, as in the study."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.cohort.findings import Finding
from pipeline.cohort.import_image import ImportedImage, import_image
from pipeline.contracts.data.cohort import COHORT
from pipeline.crop.rois import CropCase, crop_case, crop_cases, roi_table
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import PipelineError
from pipeline.plan.feature_sets import CLINICAL, RADIOMICS
from pipeline.plan.radiomics_use import is_shape
from pipeline.predict.bundle import Bundle
from pipeline.predict.network_features import network_features
from pipeline.predict.new_patients import NewPatients, audit_of
from pipeline.radiomics.features import ExtractionCase, extract_case, extraction_cases
from pipeline.radiomics.presets import preset
from pipeline.radiomics.recipe import Recipe, own_recipe, preset_recipe, synthetic_lesion
from pipeline.reduce.blocks import by_view, usable_features, with_indicators

Spread = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True, kw_only=True)
class Features:
    """Of new patients: `raw` by block and part (index patient_id), `rois` as `rois.csv` with the files in `folder`,
    `findings` of the audit; by image_id, why an image could not be used, and why its radiomics could not be extracted.
    """

    raw: dict[tuple[str, str], pd.DataFrame]
    rois: pd.DataFrame
    folder: Path
    findings: list[Finding]
    unusable: dict[str, str] = field(default_factory=dict)
    without_radiomics: dict[str, str] = field(default_factory=dict)


def features_of(
    bundle: Bundle, patients: NewPatients, *, root: Path, folder: Path, spread: Spread, store: ContentStore
) -> Features:
    """The raw features of every block in every part; `folder` takes the imported images and the crops.

    `spread(function, cases)` maps in parallel, in order; `store` keeps finished radiomics. An image that cannot be used
    does not stop the others: it is named in `unusable` with its reason. Raises PipelineError if a network's weights do
    not fit.
    """
    imported = _imported(bundle, patients, folder=folder, spread=spread)
    findings = audit_of(patients, imported=imported, about=bundle.about, root=root)
    without = [image.image_id for image in patients.source.images if image.lesion is None]
    unusable = {name: f"image {name}: has no mask; name its file in the column mask" for name in without}
    unusable |= {f.id: f.message for f in findings if f.severity == "error" and f.scope == "image"}
    rois = _rois(bundle, imported, unusable=unusable, folder=folder, spread=spread)
    raw: dict[tuple[str, str], pd.DataFrame] = {}
    without_radiomics: dict[str, str] = {}
    if CLINICAL in bundle.about.blocks:
        raw |= {(CLINICAL, part): patients.clinical for part in bundle.about.parts}
    if len(patients.source.images):
        extract = partial(_radiomics, bundle, rois, folder=folder, spread=spread, store=store)
        by_image = extract(without_radiomics=without_radiomics)
        if (rois["status"] == "ok").any():
            by_image |= network_features(bundle, rois, folder=folder / "rois")
        raw |= _by_patient(bundle, by_image, rois=rois, patients=patients.ids)
    return Features(
        raw=raw,
        rois=rois,
        folder=folder / "rois",
        findings=findings,
        unusable=unusable,
        without_radiomics=without_radiomics,
    )


def _imported(bundle: Bundle, patients: NewPatients, *, folder: Path, spread: Spread) -> list[ImportedImage]:
    settings, folders = bundle.about.settings, {name: folder / name for name in ("images", "masks", "rois")}
    for place in folders.values():
        place.mkdir(parents=True, exist_ok=True)
    importer = partial(
        import_image,
        masks=settings.masks,
        voxels=settings.voxels,
        image_folder=folders["images"],
        mask_folder=folders["masks"],
    )
    return list(spread(importer, patients.source.images))


def _rois(
    bundle: Bundle, imported: Sequence[ImportedImage], *, unusable: dict[str, str], folder: Path, spread: Spread
) -> pd.DataFrame:
    """The table of ROIs of the images that the audit lets pass; images without an ROI are added to `unusable`."""
    rows = [one.row for one in imported if one.row is not None and one.image_id not in unusable]
    cohort = pd.DataFrame(rows, columns=COHORT.names)
    cases: list[CropCase] = crop_cases(cohort, images=folder / "images", masks=folder / "masks")
    done = list(spread(partial(crop_case, params=bundle.about.settings.crop, rois=folder / "rois"), cases))
    for row in done:
        if row["status"] != "ok":
            unusable[str(row["image_id"])] = f"image {row['image_id']}: {row['reason']}"
    return roi_table(done)


def recipe_of(bundle: Bundle) -> Recipe:
    """The extraction of the study. Raises ParamsError if the settings give other features here."""
    params, form = bundle.about.settings.radiomics, bundle.about.form
    if form is None:
        raise PipelineError(f"{bundle.place}: has no form of the images; make the bundle again")
    # On a drawn lesion, not on the first new image, whose own faults would count as faults of the settings.
    if params.preset is not None:
        chosen = preset(params.preset)
        return preset_recipe(chosen, first=synthetic_lesion(chosen.grid)[0], engine=params.engine)
    first = synthetic_lesion(form)[0]
    return own_recipe(params.settings or {}, expected_count=params.expected_count, first=first, engine=params.engine)


def _radiomics(
    bundle: Bundle,
    rois: pd.DataFrame,
    *,
    folder: Path,
    spread: Spread,
    store: ContentStore,
    without_radiomics: dict[str, str],
) -> dict[tuple[str, str], pd.DataFrame]:
    """The radiomics by image, in every part; an image without them is named in `without_radiomics`, and the networks
    embed it all the same, as in the study.
    """
    if not bundle.uses_radiomics:
        return {}
    recipe = recipe_of(bundle)
    cases: list[ExtractionCase] = extraction_cases(rois, folder=folder / "rois")
    rows = list(spread(partial(extract_case, recipe=recipe, store=store), cases))
    for row in rows:
        if row["status"] == "extraction_failed":
            without_radiomics[row["image_id"]] = f"image {row['image_id']}: {row['reason']}"
    done = [row for row in rows if row["values"] is not None]
    values = pd.DataFrame([row["values"] for row in done], columns=list(recipe.names), dtype="float64")
    keys = pd.DataFrame({"image_id": [row["image_id"] for row in done], "status": "ok", "reason": None})
    if not bundle.about.outlines:
        values.loc[:, [name for name in recipe.names if is_shape(name)]] = float("nan")
    usable = usable_features(pd.concat([keys, values], axis=1))
    return {(RADIOMICS, part): usable for part in bundle.about.parts}


def _by_patient(
    bundle: Bundle, by_image: dict[tuple[str, str], pd.DataFrame], *, rois: pd.DataFrame, patients: list[str]
) -> dict[tuple[str, str], pd.DataFrame]:
    """One row per patient, with the columns of the views of the study."""
    found = {}
    for key, frame in by_image.items():
        if frame.index.name == "patient_id":
            found[key] = with_indicators(frame, views=[], patients=patients)
        else:
            found[key] = by_view(frame, cohort=rois, patients=patients, views=bundle.about.views)
    return found
