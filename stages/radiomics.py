"""radiomics: PyRadiomics features of each ROI, and a dictionary that defines each feature."""

import logging
from functools import partial

from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.radiomics import DICTIONARY, RADIOMICS
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.fingerprints import code_hash, fingerprint, package_versions
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.params import load_params
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
from stages.cli import arguments, progress, run, run_settings

log = logging.getLogger(__name__)


def main() -> None:
    """Read the ROIs, extract features in parallel with checkpoints, write features and dictionary."""
    given = arguments(__doc__, paths=("params", "table", "rois", "use", "features", "dictionary")).parse_args()
    params = load_params(given.params, RadiomicsParams)
    rois, use = read_table(given.table, ROIS), read_radiomics_use(given.use)
    if not use.used:
        log.info("passed over: no set of params/fusion.yaml uses radiomics; the tables have no row")
        write_table(RADIOMICS.empty(), given.features, RADIOMICS)
        write_table(DICTIONARY.empty(), given.dictionary, DICTIONARY)
        return
    settings = run_settings()

    # Absolute paths, since a worker on a cluster starts in another folder.
    cases = extraction_cases(rois, folder=given.rois.resolve())
    recipe = prepare(params, cases=cases)
    versions = package_versions(PACKAGES)
    key = fingerprint(params.model_dump(), code_hash(), versions)
    store = CheckpointStore(settings.scratch.resolve() / "radiomics", key=key)
    store.hold()
    log.info("%d of %d images already finished", store.count(), len(cases))
    extract = partial(extract_case, recipe=recipe, store=store)
    extracted = map_cases(extract, cases, workers=settings.workers, scheduler=settings.scheduler)
    rows = list(progress(extracted, total=len(cases), unit="image"))
    table = features_table(rows, names=recipe.names)
    if not use.outlines:
        log.info("every mask covers its whole image: features of shape are left empty")
        table.loc[:, [name for name in recipe.names if is_shape(name)]] = float("nan")
    for row in rows:
        if row["reason"] is not None:
            log.warning("%s: %s (%s)", row["image_id"], row["status"], row["reason"])
    log.info("%d features of %d images", len(recipe.names), int((table["status"] == "ok").sum()))

    write_table(table, given.features, RADIOMICS)
    length = length_unit(rois["spacing_x_mm"])
    dictionary = radiomics_dictionary(recipe.names, version=versions["pyradiomics"], length=length)
    write_table(dictionary, given.dictionary, DICTIONARY)
    store.remove()


if __name__ == "__main__":
    run(main)
