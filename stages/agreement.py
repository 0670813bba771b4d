"""agreement: features of repeated masks of training images, and the agreement of each feature between them."""

import logging
from argparse import Namespace
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.agreement.agreement import agreement_table
from pipeline.agreement.measures import Measures, measures_of
from pipeline.agreement.repeats import (
    FIRST,
    AgreementParams,
    drawn_images,
    examples,
    measured_blocks,
    passed_over,
    repeat_case,
    repeat_cases,
    repeat_costs,
    repeats_tables,
    with_used_masks,
)
from pipeline.contracts.data.agreement import AGREEMENT, NO_FILES, RADIOMICS, REPEATS, Place, repeats_path
from pipeline.contracts.data.cohort import COHORT
from pipeline.contracts.data.habitat import CLUSTERS, read_clusterings
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.data.split import SPLITS
from pipeline.crop.rois import CropParams
from pipeline.foundation.folders import written_aside
from pipeline.foundation.parallel import map_cases, map_largest_first
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.habitat.params import HabitatParams
from pipeline.plan.feature_sets import FusionParams
from pipeline.plan.radiomics_use import read_radiomics_use
from pipeline.radiomics.features import RadiomicsParams
from stages.cli import arguments, opened_store, progress, run, run_settings

log = logging.getLogger(__name__)
PARAMS = ("params", "common", "crop", "radiomics", "habitat", "fusion", "use")
PATHS = (
    *PARAMS,
    "cohort",
    "splits",
    "images",
    "masks",
    "predicted-masks",
    "predictions",
    "regions",
    "repeats",
    "table",
)


def main() -> None:
    """Read the cohort, repeat masks of training images in parallel, write their features and the agreement."""
    given = arguments(__doc__, paths=PATHS).parse_args()
    params, fusion = load_params(given.params, AgreementParams), load_params(given.fusion, FusionParams)
    use, results, columns = read_radiomics_use(given.use), list[Any](), dict[str, tuple[str, ...]]()
    if reason := passed_over(params, use=use, blocks=fusion.blocks):
        log.info("passed over: %s; the tables have no row", reason)
    else:
        measures, results = measured_masks(given, params=params, blocks=measured_blocks(use, blocks=fusion.blocks))
        columns = measures.columns
    tables = repeats_tables(results, columns=columns)
    tell(results)
    table = agreement_table(tables)
    for block, own in table.groupby("block"):
        log.info("%s: median ICC %.2f of %d features", block, own["icc"].median(), own["feature"].nunique())
    write(tables, given.repeats)
    write_table(table, given.table, AGREEMENT)


def measured_masks(
    given: Namespace, *, params: AgreementParams, blocks: Sequence[str]
) -> tuple[Measures, list[dict[Place, dict[str, Any]]]]:
    """What is measured, and the result of each repeated mask, in the order of the cases."""
    crop, seed = load_params(given.crop, CropParams), load_params(given.common, CommonParams).seed
    splits, predictions = read_table(given.splits, SPLITS), read_table(given.predictions, MASKS)
    cohort = with_used_masks(read_table(given.cohort, COHORT), predictions, folder=given.predicted_masks.resolve())
    settings = run_settings()
    store = opened_store(settings)
    drawn, n_excluded = drawn_images(cohort, splits=splits, params=params, seed=seed)
    # Absolute paths, since a worker on a cluster starts in another folder.
    folders = {"images": given.images.resolve(), "masks": given.masks.resolve()}
    cases = repeat_cases(drawn, params=params, **folders)
    measures = measures_of(
        blocks,
        radiomics=load_params(given.radiomics, RadiomicsParams),
        habitat=load_params(given.habitat, HabitatParams),
        clusterings=read_clusterings(given.regions / CLUSTERS),
        splits=splits,
        cases=examples(cases),
    )
    log.info("%d masks of %d images", len(cases), len(drawn))
    if n_excluded:
        log.info("%d training images have no mask to repeat, and are excluded", n_excluded)
    results = map_largest_first(
        partial(repeat_case, params=params, crop=crop, measures=measures, store=store, seed=seed),
        cases,
        costs=repeat_costs(cases),
        spread=partial(map_cases, workers=settings.workers, scheduler=settings.scheduler),
        watch=partial(progress, total=len(cases), unit="mask"),
    )
    store.prune()
    return measures, results


def tell(results: Sequence[Mapping[Place, dict[str, Any]]]) -> None:
    """Log how many masks were finished earlier, each failed mask once per block, and the overlap of the masks."""
    radiomics = [row for result in results for place, row in result.items() if place[0] == RADIOMICS]
    if radiomics:
        log.info(
            "%d of %d masks were finished earlier", sum(row.get("stored", False) for row in radiomics), len(radiomics)
        )
    failed = {
        (row["image_id"], row["repeat"], place[0], row["status"], row["reason"]): None
        for result in results
        for place, row in result.items()
        if row["status"] != "ok"
    }
    for image_id, repeat, block, status, reason in failed:
        log.warning("%s, repeat %s, %s: %s (%s)", image_id, repeat, block, status, reason)
    masks = [next(iter(result.values())) for result in results if result]
    dice = pd.Series([row["dice"] for row in masks if row["repeat"] != FIRST], dtype="float64")
    if len(dice):
        log.info("median Dice %.2f", dice.median())


def write(tables: Mapping[Place, pd.DataFrame], path: Path) -> None:
    """Write the radiomics of repeated masks to `path`, and the tables of habitats and rings to the folder beside it."""
    with written_aside(path.with_suffix("")) as folder:
        for place, table in tables.items():
            target = repeats_path(path, place)
            write_table(table, target if target == path else folder / target.name, REPEATS)
        if len(tables) == 1:
            (folder / NO_FILES).write_text("No mask was repeated for habitats or rings.\n", encoding="utf-8")


if __name__ == "__main__":
    run(main)
