"""agreement: features of repeated masks of training images, and the agreement of each feature between them."""

import logging
from functools import partial

from pipeline.agreement.agreement import feature_agreement
from pipeline.agreement.repeats import (
    FIRST,
    AgreementParams,
    drawn_images,
    examples,
    passed_over,
    repeat_case,
    repeat_cases,
    repeat_costs,
    repeats_table,
    with_used_masks,
)
from pipeline.contracts.data.agreement import AGREEMENT, REPEATS
from pipeline.contracts.data.cohort import COHORT
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.data.split import SPLITS
from pipeline.crop.rois import CropParams
from pipeline.foundation.parallel import map_cases, map_largest_first
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.radiomics_use import read_radiomics_use
from pipeline.radiomics.features import RadiomicsParams, prepare
from stages.cli import arguments, opened_store, progress, run, run_settings

log = logging.getLogger(__name__)
INPUTS = ("params", "common", "crop", "radiomics", "use", "cohort", "splits", "images", "masks")
PATHS = (*INPUTS, "predicted-masks", "predictions", "repeats", "table")


def main() -> None:
    """Read the cohort, repeat masks of training images in parallel, write their features and the agreement."""
    given = arguments(__doc__, paths=PATHS).parse_args()
    params, crop = load_params(given.params, AgreementParams), load_params(given.crop, CropParams)
    radiomics, seed = load_params(given.radiomics, RadiomicsParams), load_params(given.common, CommonParams).seed
    splits, predictions = read_table(given.splits, SPLITS), read_table(given.predictions, MASKS)
    cohort = with_used_masks(read_table(given.cohort, COHORT), predictions, folder=given.predicted_masks.resolve())
    settings, use = run_settings(), read_radiomics_use(given.use)
    store = opened_store(settings)
    repeats = repeats_table([], names=())
    if reason := passed_over(params, use=use):
        log.info("passed over: %s; the tables have no row", reason)
    else:
        drawn, n_excluded = drawn_images(cohort, splits=splits, params=params, seed=seed)
        # Absolute paths, since a worker on a cluster starts in another folder.
        folders = {"images": given.images.resolve(), "masks": given.masks.resolve()}
        cases = repeat_cases(drawn, params=params, **folders)
        recipe = prepare(radiomics, cases=examples(cases))
        log.info("%d masks of %d images", len(cases), len(drawn))
        if n_excluded:
            log.info("%d training images have no mask to repeat, and are excluded", n_excluded)
        rows = map_largest_first(
            partial(repeat_case, params=params, crop=crop, recipe=recipe, store=store, seed=seed),
            cases,
            costs=repeat_costs(cases),
            spread=partial(map_cases, workers=settings.workers, scheduler=settings.scheduler),
            watch=partial(progress, total=len(cases), unit="mask"),
        )
        log.info("%d of %d masks were finished earlier", sum(row.get("stored", False) for row in rows), len(rows))
        for row in (row for row in rows if row["status"] != "ok"):
            log.warning("%s, repeat %s: %s (%s)", row["image_id"], row["repeat"], row["status"], row["reason"])
        repeats = repeats_table(rows, names=recipe.names)
    table = feature_agreement(repeats)
    if len(table):
        dice = repeats.loc[repeats["repeat"] != FIRST, "dice"].median()
        log.info("median Dice %.2f, median ICC %.2f of %d features", dice, table["icc"].median(), len(table))

    write_table(repeats, given.repeats, REPEATS)
    write_table(table, given.table, AGREEMENT)
    store.prune()


if __name__ == "__main__":
    run(main)
