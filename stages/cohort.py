"""cohort: import a source of images, masks and patients into one common form, and audit it."""

import logging
from functools import partial

from pipeline.cohort.audit import audit_table
from pipeline.cohort.cohort import (
    CohortParams,
    cohort_audit,
    images_table,
    log_lines,
    origins_table,
    patients_table,
    read_source,
    stop_on_errors,
)
from pipeline.cohort.import_image import import_image
from pipeline.cohort.near_duplicates import search, write_near_duplicates
from pipeline.contracts.data.cohort import AUDIT, BLOCK, BLOCK_ORIGINS, COHORT, PATIENTS
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import write_table
from stages.cli import arguments, progress, run, run_settings

log = logging.getLogger(__name__)


def main() -> None:
    """Read the source, import its images in parallel, write the audit, then (unless errors stop it) the tables."""
    paths = ("params", "root", "cohort", "patients", "audit", "images", "masks", "blocks", "origins", "near")
    given = arguments(__doc__, paths=paths).parse_args()
    params, settings = load_params(given.params, CohortParams), run_settings()
    # Absolute paths, since a worker on a cluster starts in another folder.
    root = given.root.resolve()
    source = read_source(root, params=params)
    folders = {"image_folder": given.images.resolve(), "mask_folder": given.masks.resolve()}
    for folder in (given.images, given.masks, given.blocks):
        folder.mkdir(parents=True, exist_ok=True)

    importer = partial(import_image, masks=params.masks, voxels=params.voxels, **folders)
    mapped = map_cases(importer, source.images, workers=settings.workers, scheduler=settings.scheduler)
    imported = list(progress(mapped, total=len(source.images), unit="image"))
    mode = params.near_duplicates
    pairs = search(imported, mode=mode, workers=settings.workers, scheduler=settings.scheduler)
    findings = cohort_audit(source, imported=imported, root=root, params=params, pairs=pairs)

    write_table(audit_table(findings), given.audit, AUDIT)
    # Before an error stops the stage, so that its pairs can be looked at.
    write_near_duplicates(pairs, mode=mode, images=given.images, folder=given.near)
    warnings, infos = log_lines(findings)
    for line in infos:
        log.info("%s", line)
    for line in warnings:
        log.warning("warning: %s", line)
    stop_on_errors(findings, audit=given.audit)
    write_table(images_table(imported), given.cohort, COHORT)
    table = patients_table(source.patients, imported=imported, pairs=pairs, mode=mode)
    write_table(table, given.patients, PATIENTS)
    if not source.blocks:  # DVC warns of an empty folder ten times a run
        (given.blocks / "no_blocks.txt").write_text("params/cohort.yaml names no ready-made block.\n", encoding="utf-8")
    for name, block in sorted(source.blocks.items()):
        write_table(block, given.blocks / f"{name}.csv", BLOCK)
    write_table(origins_table(source), given.origins, BLOCK_ORIGINS)
    log.info("%d patients with %d images; every finding is in %s", len(source.patients), len(imported), given.audit)


if __name__ == "__main__":
    run(main)
