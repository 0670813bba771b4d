"""selftest: sham labels, garbage rows, negative controls, lesion size, data-split membership; writes the lights."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.contracts.reports.selftest import CONTROLS, SELFTEST, SHAM, SIZE_ALONE
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.parallel import cores, map_cases, map_largest_first
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import write_table
from pipeline.selftest.beside_lesion import beside_check, control_work, tissue_trials
from pipeline.selftest.controls import Scored, controls_table, lesion_trial, reductions, score, scorings
from pipeline.selftest.data_checks import FILES as DATA
from pipeline.selftest.data_checks import data_checks
from pipeline.selftest.frame_alone import frame_check, frame_scored
from pipeline.selftest.garbage_rows import garbage_check, spoilt_studies
from pipeline.selftest.habitat_clusters import FILES as HABITATS
from pipeline.selftest.habitat_clusters import habitat_check
from pipeline.selftest.inputs import PATHS, Inputs, SelftestParams, read_inputs
from pipeline.selftest.lights import Check, selftest_table
from pipeline.selftest.masks_apart import FILES as PREDICTED
from pipeline.selftest.masks_apart import masks_check
from pipeline.selftest.membership import identity_checks
from pipeline.selftest.outline_alone import outline_check, outline_trials, primary_auc
from pipeline.selftest.sham_labels import sham_checks, sham_study, sham_table, shuffled_auc, shuffles, training_sites
from pipeline.selftest.size_alone import size_results
from stages.cli import arguments, opened_store, progress, run, run_settings

log = logging.getLogger(__name__)
Spread = Callable[..., Iterator[Any]]


def main() -> None:
    """Read the study, run every self-test, write the lights, shuffles, controls and size results."""
    paths = ("params", *PATHS, *DATA, *HABITATS, *PREDICTED, "tables")
    given = arguments(__doc__, paths=paths, words=("near-duplicates",)).parse_args()
    params = load_params(given.params, SelftestParams)
    inputs, settings = read_inputs(vars(given), params=params), run_settings()
    measured = opened_store(settings)
    store = CheckpointStore(settings.scratch.resolve() / "selftest", key=inputs.key(params))
    store.hold()
    spread = partial(map_cases, workers=settings.workers or cores(), scheduler=settings.scheduler)

    study = sham_study(inputs.tables, recipe=inputs.recipe)
    cases = shuffles(params.shuffles, sites=training_sites(inputs.training, inputs.tables.patients))
    work = spread(partial(shuffled_auc, study=study, store=store), cases)
    done = [(case, *found) for case, found in zip(cases, progress(work, total=len(cases), unit="shuffle"), strict=True)]

    studies, fit = spoilt_studies(inputs.tables, recipe=inputs.recipe, store=store)
    hashes = list(progress(spread(fit, studies), total=len(studies), unit="study"))

    where = {"images": given.images, "masks": given.masks, "store": store, "measured": measured}
    control_checks, scored = negative_controls(inputs, params=params, spread=spread, **where)
    size_checks, sizes = size_results(inputs, limit=params.size_correlation)
    checks = [
        *sham_checks(done),
        garbage_check(hashes),
        *control_checks,
        *size_checks,
        *identity_checks(inputs, images=given.images, spread=spread),
        *data_checks(inputs, given=vars(given), near_duplicates=given.near_duplicates),
        masks_check(vars(given), cohort=inputs.cohort, patients=inputs.tables.patients, splits=inputs.tables.splits),
        habitat_check(vars(given), splits=inputs.tables.splits, seed=inputs.recipe.seed, spread=spread),
    ]
    for check in checks:
        log.info("%s: %s", check.light, check.title)

    write_table(selftest_table(checks), given.tables / "selftest.csv", SELFTEST)
    write_table(sham_table(done), given.tables / "sham.csv", SHAM)
    write_table(sizes, given.tables / "size_alone.csv", SIZE_ALONE)
    write_table(controls_table(scored), given.tables / "controls.csv", CONTROLS)
    store.remove()
    measured.prune()


def negative_controls(
    inputs: Inputs,
    *,
    params: SelftestParams,
    images: Path,
    masks: Path,
    store: CheckpointStore,
    measured: ContentStore,
    spread: Spread,
) -> tuple[list[Check], list[Scored]]:
    """The lights of the tissue beside the lesion, the outline and the frame, and all controls that were scored.

    `measured` keeps what was measured in an image, which outlives the run; `store` the reductions.
    """
    budget = params.control_voxels
    cases, names, work = control_work(inputs, budget=budget, images=images, masks=masks, store=measured)
    watch = partial(progress, total=len(cases), unit="image")
    rows = map_largest_first(work, cases, costs=[case.cost for case in cases], spread=spread, watch=watch)
    trials = [*lesion_trial(inputs), *outline_trials(inputs), *tissue_trials(rows, names=names, inputs=inputs)]
    units, reduce = reductions(trials, recipe=inputs.recipe, store=store)
    reduced = list(progress(spread(reduce, units), total=len(units), unit="fit"))
    scored: list[Scored] = list(spread(partial(score, recipe=inputs.recipe), scorings(trials, reduced)))
    frame = frame_scored(rows, inputs=inputs)
    checks = [
        beside_check(scored, rows=rows),
        outline_check(scored, primary=primary_auc(inputs.chosen)),
        frame_check(frame),
    ]
    return checks, [*scored, *([frame] if frame else [])]


if __name__ == "__main__":
    run(main)
