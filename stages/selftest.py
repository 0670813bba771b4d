"""selftest: sham labels, garbage rows, lesion size, moved outlines, and who was where; a red light stops the run."""

import logging
from functools import partial

from pipeline import result_contracts, selftest
from pipeline.checkpoints import CheckpointStore, code_hash, fingerprint
from pipeline.errors import PipelineError
from pipeline.model_scores import model_scores
from pipeline.parallel import map_cases
from pipeline.params import load_params
from pipeline.selftest_control import shift_work, shifted
from pipeline.selftest_inputs import PATHS, identity_checks, read_inputs
from pipeline.selftests.identities import consistency_check
from pipeline.selftests.sham_labels import sham_checks, sham_table, shuffled_auc, shuffles
from pipeline.selftests.size_alone import lesion_sizes, size_checks
from pipeline.tables import write_table
from stages.cli import arguments, progress, run, run_settings

log = logging.getLogger(__name__)


def main() -> None:
    """Read the study, run every test, write the lights and the shuffles, stop where a light is red."""
    given = arguments(__doc__, paths=("params", *PATHS, "tables")).parse_args()
    params = load_params(given.params, selftest.SelftestParams)
    inputs, settings = read_inputs(vars(given), params=params), run_settings()
    key = fingerprint(inputs.hashes, params.model_dump(), inputs.recipe.reduce.model_dump(), code_hash())
    store = CheckpointStore(settings.scratch.resolve() / "selftest", key=key)
    spread = partial(map_cases, workers=settings.workers, scheduler=settings.scheduler)

    study = selftest.sham_study(inputs.tables, recipe=inputs.recipe)
    cases = shuffles(params.shuffles, sites=selftest.training_sites(inputs.training, inputs.tables.patients))
    work = spread(partial(shuffled_auc, study=study, store=store), cases)
    done = [(case, *found) for case, found in zip(cases, progress(work, total=len(cases), unit="shuffle"), strict=True)]
    checks = [*sham_checks(done), selftest.garbage(inputs.tables, recipe=inputs.recipe, store=store)]

    places = {"images": given.images, "masks": given.masks}
    drawn, names, move = shift_work(inputs, count=params.shifted_images, store=store, **places)
    rows = list(progress(spread(move, drawn), total=len(drawn), unit="outline"))
    checks.append(shifted(rows, names=names, inputs=inputs, real=done[0][1], store=store))

    models = model_scores(inputs.predictions, place=str(given.predictions))
    chosen, primary = selftest.chosen_models(models, chosen=inputs.chosen)
    sizes = lesion_sizes(inputs.rois)
    limit = params.size_correlation
    checks += size_checks(sizes, chosen=chosen, primary=primary, training=inputs.training, limit=limit)
    checks += [*identity_checks(inputs, images=given.images), consistency_check(inputs.consistency)]
    for check in checks:
        log.info("%s: %s", check.light, check.title)

    write_table(selftest.selftest_table(checks), given.tables / "selftest.csv", result_contracts.SELFTEST)
    write_table(sham_table(done), given.tables / "sham.csv", result_contracts.SHAM)
    store.remove()
    if red := selftest.failing(checks, strategies=inputs.strategies, allow_insample=params.allow_insample):
        told = "; ".join(f"{check.title}: {check.finding}" for check in red)
        raise PipelineError(f"{len(red)} self-tests are red, see {given.tables / 'selftest.csv'}. {told}")


if __name__ == "__main__":
    run(main)
