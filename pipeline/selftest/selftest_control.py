"""The negative control of the self-tests, from the images to its light: outlines moved off the lesion."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.benchmark.nested_cv import benchmark_set
from pipeline.contracts.data.split import ALL, FINAL
from pipeline.crop.rois import crop_cases
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.radiomics.features import extraction_cases, features_table, prepare
from pipeline.reduce.blocks import radiomics_block
from pipeline.reduce.reduced import reduce_case, reduce_cases, reduced_table
from pipeline.selftest.inputs import Inputs
from pipeline.selftest.lights import Check
from pipeline.selftest.sham_labels import fold_aucs
from pipeline.selftest.shifted_roi import ShiftCase, drawn_cases, original_settings, shifted_check, shifted_row
from pipeline.statistics.fold_interval import corrected_resampled_interval
from pipeline.statistics.roc import NO_INTERVAL, Interval

Rows = Sequence[dict[str, Any]]


def shift_work(
    inputs: Inputs, *, count: int, images: Path, masks: Path, store: CheckpointStore
) -> tuple[list[ShiftCase], tuple[str, ...], Callable[[ShiftCase], dict[str, Any]]]:
    """The images whose outline is moved (at most `count` patients), the names of the features, and the work."""
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


def shifted(rows: Rows, *, names: Sequence[str], inputs: Inputs, real: float, store: CheckpointStore) -> Check:
    """Reduce and score the features of the moved outlines with the real outcome, in cross-validation.

    `rows` of `shift_work`; `real` is the AUC of the lesion's own features over the folds of the study.
    """
    without, done = sum(row["status"] == "no_place" for row in rows), sum(row["status"] == "ok" for row in rows)
    auc, interval = float("nan"), NO_INTERVAL
    if done:
        table = features_table(rows, names=names)
        auc, interval = _scored(table[table["status"] == "ok"].reset_index(drop=True), inputs=inputs, store=store)
    return shifted_check(auc, interval=interval, real=real, n_images=done, n_without=without)


def _scored(table: pd.DataFrame, *, inputs: Inputs, store: CheckpointStore) -> tuple[float, Interval]:
    """Mean AUC over the folds and its interval (Nadeau-Bengio); NaN where too few were drawn."""
    drawn = inputs.cohort[inputs.cohort["image_id"].isin(table["image_id"])]
    known = sorted(drawn["patient_id"].unique())
    splits, patients = inputs.tables.splits, inputs.tables.patients
    splits = splits[(splits["resample"] != FINAL) & splits["patient_id"].isin(known)]
    patients = patients[patients["patient_id"].isin(known)]
    if not _enough(splits, patients=patients):
        return float("nan"), NO_INTERVAL
    block = radiomics_block(table, cohort=drawn, patients=known)
    # The repeated outlines are of the lesion, so that their agreement says nothing here.
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
