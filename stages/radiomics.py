"""radiomics: features of each ROI by our engine or PyRadiomics, some by both, and a dictionary that defines each."""

import logging
from functools import partial

from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.radiomics import DICTIONARY, ENGINE_CHECK, RADIOMICS
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.fingerprints import code_hash, fingerprint, package_versions
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.radiomics_use import is_shape, read_radiomics_use
from pipeline.radiomics.dictionary import length_unit, radiomics_dictionary
from pipeline.radiomics.features import (
    PACKAGES,
    RadiomicsParams,
    extract_case,
    extraction_cases,
    features_table,
    prepare,
)
from pipeline.radiomics.verification import compared, drawn_cases, engine_check_table
from stages.cli import arguments, progress, run, run_settings

log = logging.getLogger(__name__)
CONTRACTS = (RADIOMICS, DICTIONARY, ENGINE_CHECK)
PATHS = ("params", "common", "table", "rois", "use", "features", "dictionary", "engine-check")


def main() -> None:
    """Read the ROIs, extract features in parallel with checkpoints, write features and dictionary."""
    given = arguments(__doc__, paths=PATHS).parse_args()
    params = load_params(given.params, RadiomicsParams)
    seed = load_params(given.common, CommonParams).seed
    rois, use = read_table(given.table, ROIS), read_radiomics_use(given.use)
    if not use.used:
        log.info("passed over: no set of params/fusion.yaml uses radiomics; the tables have no row")
        for path, contract in zip((given.features, given.dictionary, given.engine_check), CONTRACTS, strict=True):
            write_table(contract.empty(), path, contract)
        return
    settings = run_settings()
    spread = partial(map_cases, workers=settings.workers, scheduler=settings.scheduler)

    # Absolute paths, since a worker on a cluster starts in another folder.
    cases = extraction_cases(rois, folder=given.rois.resolve())
    recipe = prepare(params, cases=cases)
    versions = package_versions(PACKAGES)
    key = fingerprint(params.model_dump(), code_hash(), versions)
    store = CheckpointStore(settings.scratch.resolve() / "radiomics", key=key)
    store.hold()
    log.info("%d of %d images already finished", store.count(), len(cases))
    extracted = spread(partial(extract_case, recipe=recipe, store=store), cases)
    rows = list(progress(extracted, total=len(cases), unit="image"))
    table = features_table(rows, names=recipe.names)
    if not use.outlines:
        log.info("every mask covers its whole image: features of shape are left empty")
        table.loc[:, [name for name in recipe.names if is_shape(name)]] = float("nan")
    for row in (row for row in rows if row["reason"] is not None):
        log.warning("%s: %s (%s)", row["image_id"], row["status"], row["reason"])
    log.info("%d features of %d images", len(recipe.names), int((table["status"] == "ok").sum()))

    ok = {row["image_id"] for row in rows if row["status"] == "ok"}
    sample = drawn_cases(cases, ok=ok, n=params.verify if recipe.own else 0, seed=seed)
    checked = list(spread(partial(compared, recipe=recipe), sample))
    for one in (one for one in checked if one["reason"] is not None):
        log.warning("%s: not compared, since PyRadiomics refuses it (%s)", one["image_id"], one["reason"])
    write_table(engine_check_table(checked), given.engine_check, ENGINE_CHECK)
    write_table(table, given.features, RADIOMICS)
    length = length_unit(rois["spacing_x_mm"])
    dictionary = radiomics_dictionary(recipe.names, version=versions["pyradiomics"], length=length)
    write_table(dictionary, given.dictionary, DICTIONARY)
    store.remove()


if __name__ == "__main__":
    run(main)
