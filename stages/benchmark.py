"""benchmark: tune, fit, score and save the classifiers on one feature set."""

import base64
import logging
from functools import partial

from pipeline.benchmark.design_matrices import design_matrices
from pipeline.benchmark.model_files import write_model
from pipeline.benchmark.nested_cv import PACKAGES, BenchmarkParams, benchmark_cases, fit_cases, model_card, raw_scores
from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import PATIENTS
from pipeline.contracts.data.reduce import REDUCED, SELECTED
from pipeline.contracts.data.split import SPLITS
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.fingerprints import code_hash, file_sha256, fingerprint, package_versions
from pipeline.foundation.parallel import cores
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.predictions.operating_point import freeze, operating_points
from stages.cli import arguments, progress, run, run_settings

log = logging.getLogger(__name__)
PATHS = ("params", "common", "reduced", "selected", "patients", "splits", "predictions", "models")


def main() -> None:
    """Read the reduced features, fit every case in parallel with checkpoints, write predictions and models."""
    given = arguments(__doc__, paths=PATHS, words=("set",)).parse_args()
    params = load_params(given.params, BenchmarkParams)
    common = load_params(given.common, CommonParams)
    reduced, selected = read_table(given.reduced, REDUCED), read_table(given.selected, SELECTED)
    patients, splits = read_table(given.patients, PATIENTS), read_table(given.splits, SPLITS)
    settings = run_settings()

    designs = design_matrices(reduced, patients, splits, place=str(given.reduced))
    for empty in (design for design in designs if not design.features):
        log.warning("%s, part %s: no feature selected; every score is the prevalence", empty.resample, empty.part)
    cases = benchmark_cases(designs, params=params)
    inputs = [file_sha256(path) for path in (given.reduced, given.patients, given.splits)]
    key = fingerprint(given.set, inputs, params.model_dump(), common.seed, code_hash(), package_versions(PACKAGES))
    # Absolute paths, since a worker on a cluster starts in another folder.
    store = CheckpointStore(settings.scratch.resolve() / f"benchmark-{given.set}", key=key)
    store.hold()
    log.info("%d of %d fits already finished", store.count(), len(cases))
    # Processes at once: the fits of eight classifiers always take longer than their start.
    run_on = partial(fit_cases, workers=settings.workers or cores(), scheduler=settings.scheduler, store=store)
    fitted = run_on(cases, params=params, seed=common.seed, feature_set=given.set)
    fits = list(progress(fitted, total=len(cases), unit="fit"))
    raw = raw_scores(cases, fits, patients=patients, splits=splits, feature_set=given.set)
    points = operating_points(raw, rule=common.threshold)

    write_table(freeze(raw, rule=common.threshold), given.predictions, PREDICTIONS)
    for case, fit in zip(cases, fits, strict=True):
        if fit.suffix and fit.content:
            point = points[given.set, case.model]
            card = model_card(case, fit, selected=selected, point=point, seed=common.seed, feature_set=given.set)
            name, content = f"{case.model}_{case.design.part}", base64.b64decode(fit.content)
            write_model(given.models, name=name, suffix=fit.suffix, content=content, card=card)
    store.remove()


if __name__ == "__main__":
    run(main)
