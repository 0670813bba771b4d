"""habitat: sub-regions of each lesion, clustered on training voxels, and rings along its border; features of both."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS, rois_in
from pipeline.contracts.data.embed import EMBEDDINGS
from pipeline.contracts.data.habitat import CLUSTERS, DICTIONARY_FILE, LABELS, STATUS_FILE, write_clustering
from pipeline.contracts.data.radiomics import DICTIONARY
from pipeline.contracts.data.split import FINAL, SPLITS
from pipeline.crop.rois import CropParams
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.fingerprints import package_versions
from pipeline.foundation.folders import written_aside
from pipeline.foundation.parallel import map_cases, map_largest_first
from pipeline.foundation.params import CommonParams, load_params, read_yaml
from pipeline.foundation.tables import header_of, read_table, write_table
from pipeline.habitat.clusterings import clusterings_of
from pipeline.habitat.dictionary import block_dictionary
from pipeline.habitat.fits import Fit, fits_of, parts_needed
from pipeline.habitat.habitats import habitat_names, label_cases, labelled
from pipeline.habitat.lesions import Lesion, lesions_of
from pipeline.habitat.params import HabitatParams
from pipeline.habitat.peritumoral import check_margins, peritumoral_names, ringed
from pipeline.habitat.region import code_key, examples, habitat_recipe, ring_recipe
from pipeline.habitat.tables import by_rows, resamples_of, ring_rows, status_rows, write_block, write_status
from pipeline.plan.feature_sets import HABITAT, PERITUMORAL, FusionParams
from pipeline.radiomics.dictionary import LengthUnit, length_unit
from pipeline.radiomics.features import RadiomicsParams, extraction_costs
from stages.cli import arguments, opened_store, progress, run, run_settings

log = logging.getLogger(__name__)
PARAMS = ("params", "common", "crop", "radiomics", "fusion", "embed", "selftest")
PATHS = (*PARAMS, "table", "predicted", "rois", "splits", "features", "rings", "out")


@dataclass(frozen=True, kw_only=True)
class Study:
    """What both blocks need: lesions by resample, params, seed, store, and how work is spread over processes."""

    lesions: Mapping[str, Sequence[Lesion]]
    params: HabitatParams
    radiomics: RadiomicsParams
    seed: int
    store: ContentStore
    spread: Callable[..., Any]

    def mapped(self, function: Callable[[Any], Any], cases: Sequence[Any], *, lesions: Sequence[Lesion]) -> list[Any]:
        """`function` of each case, whose lesions are `lesions`, the largest first."""
        costs = extraction_costs(pd.Series([one.n_voxels for one in lesions]))
        watch = partial(progress, total=len(cases), unit="image")
        return map_largest_first(function, cases, costs=costs, spread=self.spread, watch=watch)


def main() -> None:
    """Read ROIs and splits; fit the clusters and label every lesion; measure the rings; write blocks and status."""
    given = arguments(__doc__, paths=PATHS).parse_args()
    fusion, params = load_params(given.fusion, FusionParams), load_params(given.params, HabitatParams)
    splits, rois = read_table(given.splits, SPLITS), read_table(given.table, ROIS)
    predicted, settings = read_table(given.predicted, PREDICTED_ROIS), run_settings()
    # Absolute paths, since a worker on a cluster starts in another folder.
    folder = given.rois.resolve()
    names = sorted(splits["resample"].unique())
    study = Study(
        lesions={name: lesions_of(rois_in(rois, predicted, resample=name), folder=folder) for name in names},
        params=params,
        radiomics=load_params(given.radiomics, RadiomicsParams),
        seed=load_params(given.common, CommonParams).seed,
        store=opened_store(settings),
        spread=partial(map_cases, workers=settings.workers, scheduler=settings.scheduler),
    )
    used = [block for block in (HABITAT, PERITUMORAL) if block in fusion.blocks]
    if not used:
        log.info("passed over: no set of params/fusion.yaml uses habitat or peritumoral; the tables have no row")
    if PERITUMORAL in used:
        check_margins(study.lesions, params=params, crop=load_params(given.crop, CropParams))
    with written_aside(given.out) as out:
        tested = read_yaml(given.selftest).get("feature_set")
        parts = parts_needed(fusion, embed=read_yaml(given.embed), block=HABITAT, tested=tested)
        rows = habitats(study, fits=fits_of(splits, parts=parts), out=out.resolve(), table=given.features)
        rows += rings(study, table=given.rings, used=PERITUMORAL in used)
        write_status(rows, out / STATUS_FILE)
        blocks = {HABITAT: given.features, PERITUMORAL: given.rings}
        write_dictionary(blocks, length=length_unit(rois["spacing_x_mm"]), path=out / DICTIONARY_FILE)
    for row in (row for row in rows if row["reason"] is not None):
        log.warning("%s, %s: %s (%s)", row["block"], row["image_id"], row["status"], row["reason"])
    study.store.prune()


def write_dictionary(blocks: Mapping[str, Path], *, length: LengthUnit, path: Path) -> None:
    """Write the definitions of the columns of each block that has any."""
    version = package_versions(["pyradiomics"])["pyradiomics"]
    keys = set(EMBEDDINGS.names)
    named = {block: [name for name in header_of(table) if name not in keys] for block, table in blocks.items()}
    tables = [block_dictionary(block, names, version=version, length=length) for block, names in named.items() if names]
    write_table(pd.concat(tables, ignore_index=True) if tables else DICTIONARY.empty(), path, DICTIONARY)


def habitats(study: Study, *, fits: Sequence[Fit], out: Path, table: Path) -> list[dict[str, Any]]:
    """Write the block habitat, its clusterings and label maps; return its rows of the status table."""
    for name in (CLUSTERS, LABELS):
        (out / name).mkdir()
    if not fits:
        write_block({}, table, names=())
        return []
    found = clusterings_of(fits, lesions=study.lesions, params=study.params, seed=study.seed, spread=study.spread)
    for one in found:
        write_clustering(one, out / CLUSTERS)
    log.info("%d clusterings of %s habitats", len(found), sorted({one.k for one in found}))
    cases = label_cases(study.lesions, fits=fits, final=FINAL)
    lesions = [case.lesion for case in cases]
    recipe = habitat_recipe(study.params, radiomics=study.radiomics, cases=examples(lesions))
    work = partial(
        labelled,
        clusterings={(one.resample, one.part): one for one in found},
        recipe=recipe,
        params=study.params,
        store=study.store,
        folder=out / LABELS,
        code=code_key(),
    )
    done = study.mapped(work, cases, lesions=lesions)
    names = habitat_names(max(study.params.candidates), recipe=recipe)
    write_block(
        by_rows([(one.image_id, row["values"]) for one, row in zip(lesions, done, strict=True)]), table, names=names
    )
    log.info(
        "%d of %d lesions have habitats, %d features", sum(r["status"] == "ok" for r in done), len(done), len(names)
    )
    parts = [case.shown and case.shown[1] for case in cases]
    return status_rows(HABITAT, list(zip(lesions, done, parts, strict=True)), resamples=resamples_of(study.lesions))


def rings(study: Study, *, table: Path, used: bool) -> list[dict[str, Any]]:
    """Write the block peritumoral; return its rows of the status table."""
    if not used:
        write_block({}, table, names=())
        return []
    resamples = resamples_of(study.lesions)
    lesions = sorted(resamples, key=lambda one: (one.image_id, str(one.mask)))
    recipe, names = ring_recipe(study.radiomics, cases=examples(lesions))
    work = partial(ringed, recipe=recipe, names=names, params=study.params, store=study.store, code=code_key())
    done = study.mapped(work, lesions, lesions=lesions)
    found = by_rows(ring_rows(lesions, done, resamples=resamples))
    write_block(found, table, names=peritumoral_names(study.params, names=names))
    return status_rows(
        PERITUMORAL, [(one, row, None) for one, row in zip(lesions, done, strict=True)], resamples=resamples
    )


if __name__ == "__main__":
    run(main)
