"""Negative control: the mask is shifted off the lesion, and the same radiomics are computed there.

If the tissue beside the lesion predicts the outcome, the information is not the lesion's: it may be the site, the
scanner or the imaging depth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.benchmark.nested_cv import benchmark_set, case_seed
from pipeline.contracts.data.split import ALL, FINAL
from pipeline.crop.rois import CropCase, CropParams, bounding_box, crop_case, crop_cases
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from, read_image, write_image
from pipeline.radiomics.features import RadiomicsParams, extract_case, extraction_cases, features_table, prepare
from pipeline.radiomics.presets import preset
from pipeline.radiomics.pyradiomics import Recipe
from pipeline.reduce.blocks import radiomics_block
from pipeline.reduce.reduced import reduce_case, reduce_cases, reduced_table
from pipeline.selftest.inputs import Inputs
from pipeline.selftest.lights import Check, Light
from pipeline.selftest.sham_labels import fold_aucs
from pipeline.statistics.fold_interval import corrected_resampled_interval
from pipeline.statistics.roc import NO_INTERVAL, Interval

TRIES = 400
CLASSES = ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
RULE = (
    "Amber if the interval (Nadeau-Bengio) of the cross-validated AUC of first-order and texture features of the "
    "unfiltered image beside the lesion (the value) lies above one half, and the AUC of the lesion's own features (the "
    "limit) is not higher by more than one twentieth."
)
BETTER_BY = 0.05
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class ShiftCase:
    """One image whose mask is shifted."""

    crop: CropCase


def original_settings(params: RadiomicsParams) -> RadiomicsParams:
    """The study's settings on the unfiltered image alone, so that the control is cheap, and without shape, which the
    shifted mask shares with the lesion.
    """
    settings = dict(params.settings or {}) if params.preset is None else dict(preset(params.preset).settings)
    classes = settings.get("featureClass") or dict.fromkeys(CLASSES)
    kept = {name: features for name, features in classes.items() if not name.startswith("shape")}
    return RadiomicsParams(preset=None, settings=settings | {"imageType": {"Original": {}}, "featureClass": kept})


def drawn_cases(cohort: pd.DataFrame, *, training: set[str], limit: int, seed: int) -> pd.DataFrame:
    """One image each of at most `limit` training patients: the first of the first view; rows of `cohort.csv`."""
    rows = cohort[cohort["patient_id"].isin(training) & cohort["mask"].notna()]
    first = rows.sort_values(["patient_id", "view", "image_id"]).drop_duplicates("patient_id")
    order = np.random.default_rng(case_seed(seed, "shifted ROI")).permutation(len(first))
    return first.iloc[np.sort(order[:limit])]


def shifted(mask: NDArray[np.bool_], *, random: np.random.Generator) -> NDArray[np.bool_] | None:
    """The mask shifted within its slices to a position beside the lesion and entirely in the image, or None.

    `mask` (y, x) or (z, y, x). The nearest of the random positions is used, so that the tissue is similar.
    """
    first, last = bounding_box(mask)
    (y0, x0), (y1, x1) = first[-2:], last[-2:]
    height, width = mask.shape[-2:]
    best: tuple[float, NDArray[np.bool_]] | None = None
    for _ in range(TRIES):
        dy, dx = int(random.integers(-y0, height - y1)), int(random.integers(-x0, width - x1))
        away = float(np.hypot(dy, dx))
        if best is not None and away >= best[0]:
            continue
        candidate = np.roll(mask, (dy, dx), axis=(-2, -1))
        if not (candidate & mask).any():
            best = (away, candidate)
    return None if best is None else best[1]


def shifted_row(
    case: ShiftCase, *, crop: CropParams, recipe: Recipe, store: CheckpointStore, seed: int
) -> dict[str, Any]:
    """A row as from `extract_case`, of the shifted mask; status no_place if it fits nowhere."""
    image_id = str(case.crop.row["image_id"])
    row: dict[str, Any] = {"image_id": image_id, "values": None}
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            if case.crop.mask is None:
                raise ImageError("the cohort names no mask for this image")
            mask = read_image(case.crop.mask)
            elsewhere = shifted(array_of(mask) != 0, random=np.random.default_rng(case_seed(seed, "shift", image_id)))
        except ImageError as error:
            return row | {"status": "no_roi", "reason": str(error)}
        if elsewhere is None:
            return row | {"status": "no_place", "reason": "the mask fits nowhere else in the image"}
        path = folder / "mask.nrrd"
        write_image(image_from(elsewhere.astype(np.uint8), like=mask), path)
        cropped = crop_case(CropCase(row=case.crop.row, image=case.crop.image, mask=path), params=crop, rois=folder)
        roi = pd.DataFrame([cropped]).reindex(columns=["image_id", "image", "mask", "status", "reason"])
        return extract_case(extraction_cases(roi, folder=folder)[0], recipe=recipe, store=store)


def shifted_check(auc: float, *, interval: tuple[float, float], real: float, n_images: int, n_without: int) -> Check:
    """The light: `auc` beside the lesion with its `interval`, `real` of the lesion, over the same folds."""
    lower = interval[0] if np.isfinite(interval[0]) else auc  # identical folds have no interval
    predicts = bool(lower > 0.5) and not real > auc + BETTER_BY
    title = "The tissue beside the lesion does not predict the outcome"
    excluded = " Images in which the mask fits nowhere else were excluded." if n_without else ""
    if not n_images or not np.isfinite(auc):
        finding = "Too few patients, of both outcomes, have a mask that could be shifted off the lesion."
        return Check(check="shifted_roi", light="grey", title=title, rule=RULE, finding=finding + excluded)
    finding = (
        "Features beside the lesion predict the outcome about as well as the lesion's own: check sites and scanners."
        if predicts
        else "Features beside the lesion predict little or nothing, or clearly less than the lesion's own."
    )
    light: Light = "amber" if predicts else "green"
    return Check(
        check="shifted_roi",
        light=light,
        title=title,
        rule=RULE,
        finding=finding + excluded,
        value=auc,
        limit=real,
    )


def shift_work(
    inputs: Inputs, *, count: int, images: Path, masks: Path, store: CheckpointStore
) -> tuple[list[ShiftCase], tuple[str, ...], Callable[[ShiftCase], dict[str, Any]]]:
    """The images whose mask is shifted (at most `count` patients), the names of the features, and the work."""
    drawn = drawn_cases(inputs.cohort, training=set(inputs.training.index), limit=count, seed=inputs.recipe.seed)
    # Absolute, since a worker on a cluster starts in another folder.
    cases = [ShiftCase(crop=case) for case in crop_cases(drawn, images=images.resolve(), masks=masks.resolve())]
    if not cases:
        return [], (), lambda _: {}
    whole = [{"image_id": c.crop.row["image_id"], "image": c.crop.image, "mask": c.crop.mask} for c in cases]
    shown = extraction_cases(pd.DataFrame(whole).assign(status="ok", reason=None), folder=Path())
    recipe = prepare(original_settings(inputs.radiomics), cases=shown)
    own = CheckpointStore(store.folder / "shifted", key="features")
    return (
        cases,
        recipe.names,
        partial(shifted_row, crop=inputs.crop, recipe=recipe, store=own, seed=inputs.recipe.seed),
    )


def control_check(rows: Rows, *, names: Sequence[str], inputs: Inputs, real: float, store: CheckpointStore) -> Check:
    """Reduce and score the features of the shifted masks with the real outcome, in cross-validation.

    `rows` of `shift_work`; `real` is the AUC of the lesion's own features over the folds of the study.
    """
    without, done = sum(row["status"] == "no_place" for row in rows), sum(row["status"] == "ok" for row in rows)
    auc, interval = float("nan"), NO_INTERVAL
    if done:
        table = features_table(rows, names=names)
        auc, interval = _scored(table[table["status"] == "ok"].reset_index(drop=True), inputs=inputs, store=store)
    return shifted_check(auc, interval=interval, real=real, n_images=done, n_without=without)


def _scored(table: pd.DataFrame, *, inputs: Inputs, store: CheckpointStore) -> tuple[float, Interval]:
    """Mean AUC over the folds and its interval (Nadeau-Bengio); NaN if there are too few patients."""
    drawn = inputs.cohort[inputs.cohort["image_id"].isin(table["image_id"])]
    known = sorted(drawn["patient_id"].unique())
    splits, patients = inputs.tables.splits, inputs.tables.patients
    splits = splits[(splits["resample"] != FINAL) & splits["patient_id"].isin(known)]
    patients = patients[patients["patient_id"].isin(known)]
    if not _enough(splits, patients=patients):
        return float("nan"), NO_INTERVAL
    block = radiomics_block(table, cohort=drawn, patients=known)
    # The repeated masks are of the lesion, so their agreement does not apply here.
    params = inputs.recipe.reduce.model_copy(update={"agreement": None})
    own = CheckpointStore(store.folder / "shifted", key="reduce")
    cases = reduce_cases([block], patients=patients, splits=splits, parts=(ALL,))
    results = [reduce_case(case, params=params, seed=inputs.recipe.seed, store=own) for case in cases]
    reduced = reduced_table(results, blocks=[block.name])
    benchmark, seed = inputs.recipe.benchmark, inputs.recipe.seed
    raw = benchmark_set(reduced, patients, splits, params=benchmark, seed=seed, feature_set="shifted")
    aucs = np.array(fold_aucs(raw))
    if not len(aucs):
        return float("nan"), NO_INTERVAL
    n_test = np.full(len(aucs), float(raw.groupby("resample").size().mean()))
    return float(aucs.mean()), corrected_resampled_interval(aucs, n_train=len(known) - n_test, n_test=n_test)


def _enough(splits: pd.DataFrame, *, patients: pd.DataFrame) -> bool:
    """Whether the training rows of every resample hold two groups or more of each outcome, as a fit needs."""
    train = splits[splits["role"] == "train"].merge(patients[["patient_id", "group_id", "label"]], on="patient_id")
    groups = train.groupby(["resample", "label"])["group_id"].nunique().unstack("label", fill_value=0)
    needed = groups.reindex(index=splits["resample"].unique(), columns=[0, 1], fill_value=0)
    return bool(len(needed) and (needed >= 2).all(axis=None))
