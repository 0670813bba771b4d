"""radiomics: features of each ROI by our engine or PyRadiomics, some by both, and a dictionary that defines each."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.radiomics import DICTIONARY, ENGINE_CHECK, RADIOMICS
from pipeline.foundation.fingerprints import package_versions
from pipeline.foundation.parallel import map_cases, map_largest_first
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.radiomics_use import is_shape, read_radiomics_use
from pipeline.radiomics.dictionary import length_unit, radiomics_dictionary
from pipeline.radiomics.features import (
    RadiomicsParams,
    extract_case,
    extraction_cases,
    extraction_costs,
    features_table,
    prepare,
)
from pipeline.radiomics.verification import compared, drawn_cases, engine_check_table
from stages.cli import arguments, opened_store, progress, run, run_settings

log = logging.getLogger(__name__)
CONTRACTS = (RADIOMICS, DICTIONARY, ENGINE_CHECK)
PATHS = ("params", "common", "table", "rois", "use", "features", "dictionary", "engine-check")


def main() -> None:
    """Read the ROIs, extract features in parallel, or load them from the store, write features and dictionary."""
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
    store = opened_store(settings)
    rows = map_largest_first(
        partial(extract_case, recipe=recipe, store=store),
        cases,
        costs=extraction_costs(rois["n_voxels"]),
        spread=spread,
        watch=partial(progress, total=len(cases), unit="image"),
    )
    table = features_table(rows, names=recipe.names)
    if not use.outlines:
        log.info("every mask covers its whole image: features of shape are left empty")
        table.loc[:, [name for name in recipe.names if is_shape(name)]] = float("nan")
    log_rows(rows)

    ok = {row["image_id"] for row in rows if row["status"] == "ok"}
    sample = drawn_cases(cases, ok=ok, n=params.verify if recipe.own else 0, seed=seed)
    checked = spread(partial(compared, recipe=recipe, store=store), sample)
    write_table(engine_check_table(list(with_refusals(checked))), given.engine_check, ENGINE_CHECK)
    write_table(table, given.features, RADIOMICS)
    version = package_versions(["pyradiomics"])["pyradiomics"]
    words = radiomics_dictionary(recipe.names, version=version, length=length_unit(rois["spacing_x_mm"]))
    write_table(words, given.dictionary, DICTIONARY)
    store.prune()


def log_rows(rows: Sequence[dict[str, Any]]) -> None:
    """Log what has a reason, and how many images gave features, in this run or an earlier one."""
    for row in (row for row in rows if row["reason"] is not None):
        log.warning("%s: %s (%s)", row["image_id"], row["status"], row["reason"])
    done = [row for row in rows if row["status"] == "ok"]
    known, count = sum(row["stored"] for row in done), len(done[0]["values"]) if done else 0
    log.info("%d features of %d images, %d of them finished earlier", count, len(done), known)


def with_refusals(checked: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The comparisons as they are; what PyRadiomics refuses is logged."""
    for one in checked:
        if one["reason"] is not None:
            log.warning("%s: not compared, since PyRadiomics refuses it (%s)", one["image_id"], one["reason"])
        yield one


if __name__ == "__main__":
    run(main)
