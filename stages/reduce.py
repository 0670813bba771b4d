"""reduce: the blocks of one feature set, imputed, scaled, pruned and selected on each resample's training rows."""

import logging

from pipeline.contracts.data.agreement import repeats_files
from pipeline.contracts.data.cohort import PATIENTS
from pipeline.contracts.data.reduce import TABLES
from pipeline.contracts.data.split import SPLITS
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.fingerprints import code_hash, file_sha256, fingerprint, package_versions
from pipeline.foundation.folders import written_aside
from pipeline.foundation.params import CommonParams, load_params, read_yaml
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.feature_sets import OF_IMAGES, FusionParams
from pipeline.reduce.block_reducer import ReduceParams
from pipeline.reduce.block_tables import BlockPlaces, network_parts, read_blocks
from pipeline.reduce.blocks import parts_of
from pipeline.reduce.reduced import PACKAGES, reduce_all, reduce_cases
from pipeline.reduce.reducer_files import SUFFIX
from pipeline.reduce.repeats import read_repeats
from pipeline.reduce.result_tables import result_tables
from pipeline.reduce.steps.compilation import compile_lasso
from stages.cli import arguments, progress, run, run_settings

log = logging.getLogger(__name__)
INPUTS = ("params", "fusion", "embed", "common", "cohort", "patients", "splits", "features", "blocks", "repeats")


def main() -> None:
    """Read the blocks of the set, reduce every resample and part, write the five tables and the fitted reducers."""
    given = arguments(
        __doc__, paths=(*INPUTS, *(name.replace("_", "-") for name in TABLES), "reducers"), words=("set",)
    ).parse_args()
    params, fusion = load_params(given.params, ReduceParams), load_params(given.fusion, FusionParams)
    seed = load_params(given.common, CommonParams).seed
    if given.set not in fusion.sets:
        raise ParamsError(f"{given.fusion}: there is no set '{given.set}'; the sets are {', '.join(fusion.sets)}")
    names = fusion.sets[given.set]
    patients, splits = read_table(given.patients, PATIENTS), read_table(given.splits, SPLITS)
    nets = tuple(read_yaml(given.embed).get("nets", ()))
    places = BlockPlaces(cohort=given.cohort, features=given.features, blocks=given.blocks, nets=nets)
    blocks = read_blocks(names, places=places, patients=patients, splits=splits)
    of_masks = set(OF_IMAGES) & set(names)
    repeats = read_repeats(given.repeats, cohort=given.cohort) if params.agreement and of_masks else None
    if repeats is not None and not (repeats.whole or repeats.files):
        log.info("no mask was repeated: features are not filtered by agreement")
    networks = network_parts(fusion.blocks, places=places)
    settings = run_settings()

    parts = parts_of(networks, used=names, match_parts=fusion.match_parts)
    cases = reduce_cases(blocks, patients=patients, splits=splits, parts=parts, repeats=repeats)
    files = [given.patients, given.splits, *repeats_files(given.repeats).values(), *places.tables(names)]
    inputs = [file_sha256(path) for path in files]
    key = fingerprint(names, inputs, params.model_dump(), seed, code_hash(), package_versions(PACKAGES))
    # Absolute paths, since a worker on a cluster starts in another folder.
    store = CheckpointStore(settings.scratch.resolve() / f"reduce-{given.set}", key=key)
    store.hold()
    log.info("%d of %d fits already finished", store.count(), len(cases))
    compile_lasso()
    workers, scheduler = settings.workers, settings.scheduler
    reduced = reduce_all(cases, params=params, seed=seed, store=store, workers=workers, scheduler=scheduler)
    results = list(progress(reduced, total=len(cases), unit="fit"))
    for note in (note for result in results for note in result.notes):
        log.warning("%s", note)
    tables = result_tables(results, blocks=names)
    log.info("%d features of %d patients, parts %s", tables["reduced"].shape[1] - 4, len(patients), " and ".join(parts))

    for name, contract in TABLES.items():
        write_table(tables[name], vars(given)[name], contract)
    with written_aside(given.reducers) as folder:
        for result in results:
            for name, content in result.reducer_files.items():
                (folder / f"{name}{SUFFIX}").write_bytes(content)
    store.remove()


if __name__ == "__main__":
    run(main)
