"""selftest: sham labels, garbage rows, lesion size, shifted masks, data-split membership; a red light stops the run."""

import logging
from functools import partial

from pipeline.contracts.reports.selftest import SELFTEST, SHAM, SIZE_ALONE
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.parallel import cores, map_cases
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import write_table
from pipeline.selftest.garbage_rows import garbage_check, spoilt_studies
from pipeline.selftest.inputs import PATHS, SelftestParams, read_inputs
from pipeline.selftest.lights import check_lights, selftest_table
from pipeline.selftest.membership import identity_checks
from pipeline.selftest.sham_labels import sham_checks, sham_study, sham_table, shuffled_auc, shuffles, training_sites
from pipeline.selftest.shifted_roi import control_check, shift_work
from pipeline.selftest.size_alone import size_results
from stages.cli import arguments, progress, run, run_settings

log = logging.getLogger(__name__)


def main() -> None:
    """Read the study, run every self-test, write the lights, shuffles and size results, stop if a light is red."""
    given = arguments(__doc__, paths=("params", *PATHS, "tables")).parse_args()
    params = load_params(given.params, SelftestParams)
    inputs, settings = read_inputs(vars(given), params=params), run_settings()
    store = CheckpointStore(settings.scratch.resolve() / "selftest", key=inputs.key(params))
    spread = partial(map_cases, workers=settings.workers or cores(), scheduler=settings.scheduler)

    study = sham_study(inputs.tables, recipe=inputs.recipe)
    cases = shuffles(params.shuffles, sites=training_sites(inputs.training, inputs.tables.patients))
    work = spread(partial(shuffled_auc, study=study, store=store), cases)
    done = [(case, *found) for case, found in zip(cases, progress(work, total=len(cases), unit="shuffle"), strict=True)]

    studies, fit = spoilt_studies(inputs.tables, recipe=inputs.recipe, store=store)
    hashes = list(progress(spread(fit, studies), total=len(studies), unit="study"))

    places = {"images": given.images, "masks": given.masks}
    drawn, names, shift = shift_work(inputs, count=params.shifted_images, store=store, **places)
    rows = list(progress(spread(shift, drawn), total=len(drawn), unit="mask"))
    control = control_check(rows, names=names, inputs=inputs, real=done[0][1], store=store)

    size_checks, sizes = size_results(inputs, limit=params.size_correlation)
    checks = [
        *sham_checks(done),
        garbage_check(hashes),
        control,
        *size_checks,
        *identity_checks(inputs, images=given.images),
    ]
    for check in checks:
        log.info("%s: %s", check.light, check.title)

    write_table(selftest_table(checks), given.tables / "selftest.csv", SELFTEST)
    write_table(sham_table(done), given.tables / "sham.csv", SHAM)
    write_table(sizes, given.tables / "size_alone.csv", SIZE_ALONE)
    store.remove()
    check_lights(checks, allow_insample=params.allow_insample, place=str(given.tables / "selftest.csv"))


if __name__ == "__main__":
    run(main)
