"""radiomics: features of each ROI by our engine or PyRadiomics, some by both, and a dictionary that defines each."""

import argparse
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS
from pipeline.contracts.data.radiomics import DICTIONARY, ENGINE_CHECK, RADIOMICS
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.fingerprints import package_versions
from pipeline.foundation.folders import written_aside
from pipeline.foundation.parallel import map_cases, map_largest_first
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.feature_sets import PREDICTED
from pipeline.plan.feature_sets import RADIOMICS as RADIOMICS_BLOCK
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
from pipeline.radiomics.recipe import Recipe
from pipeline.radiomics.resampled import (
    Files,
    RoiGroup,
    distinct,
    files_of,
    note_no_resamples,
    roi_groups,
    write_resample,
)
from pipeline.radiomics.verification import compared, drawn_cases, engine_check_table
from stages.cli import arguments, opened_store, progress, run, run_settings

log = logging.getLogger(__name__)
CONTRACTS = {"dictionary": DICTIONARY, "engine_check": ENGINE_CHECK}
PATHS = ("params", "common", "table", "predicted", "rois", "use", "features", "dictionary", "engine-check")


def main() -> None:
    """Read the ROIs, extract features in parallel, or load them from the store, write features and dictionary."""
    given = arguments(__doc__, paths=PATHS).parse_args()
    params = load_params(given.params, RadiomicsParams)
    seed = load_params(given.common, CommonParams).seed
    use = read_radiomics_use(given.use)
    groups = roi_groups(read_table(given.table, ROIS), read_table(given.predicted, PREDICTED_ROIS), use=use)
    if not groups:
        passed_over(given)
        return
    rois, settings = distinct(groups), run_settings()
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
    no_shape = [] if use.outlines else [name for name in recipe.names if is_shape(name)]
    if no_shape:
        log.info("every mask covers its whole image: features of shape are left empty")
    write_features(
        groups, dict(zip(files_of(rois), rows, strict=True)), recipe=recipe, empty=no_shape, folder=given.features
    )
    log_rows(rows)

    ok = {row["image_id"] for row in rows[: len(groups[0].rois)] if row["status"] == "ok"}
    sample = drawn_cases(cases[: len(groups[0].rois)], ok=ok, n=params.verify if recipe.own else 0, seed=seed)
    checked = spread(partial(compared, recipe=recipe, store=store), sample)
    write_table(engine_check_table(list(with_refusals(checked))), given.engine_check, ENGINE_CHECK)
    version = package_versions(["pyradiomics"])["pyradiomics"]
    words = radiomics_dictionary(recipe.names, version=version, length=length_unit(rois["spacing_x_mm"]))
    write_table(words, given.dictionary, DICTIONARY)
    store.prune()


def write_features(
    groups: Sequence[RoiGroup],
    rows: Mapping[Files, dict[str, Any]],
    *,
    recipe: Recipe,
    empty: Sequence[str],
    folder: Path,
) -> None:
    """Write each block: its table, of resample `final`, and a file for every other resample whose masks differ."""
    for block in (RADIOMICS_BLOCK, PREDICTED):
        path, own = folder / f"{block}.csv", [group for group in groups if group.block == block]
        with written_aside(folder / block) as aside:
            for group in own:
                if group.resample == FINAL:
                    table = features_table([rows[files] for files in files_of(group.rois)], names=recipe.names)
                    table.loc[:, list(empty)] = float("nan")
                    write_table(table, path, RADIOMICS)
                else:
                    write_resample(group, rows, names=recipe.names, empty=empty, folder=aside)
            note_no_resamples(aside)
        if not own:
            write_table(RADIOMICS.empty(), path, RADIOMICS)


def passed_over(given: argparse.Namespace) -> None:
    """Write every table without rows."""
    log.info("passed over: no set of params/fusion.yaml uses radiomics; the tables have no row")
    for block in (RADIOMICS_BLOCK, PREDICTED):
        write_table(RADIOMICS.empty(), given.features / f"{block}.csv", RADIOMICS)
        note_no_resamples(given.features / block)
    for name, contract in CONTRACTS.items():
        write_table(contract.empty(), vars(given)[name], contract)


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
