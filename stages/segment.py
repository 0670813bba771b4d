"""segment: predict lesion masks out of fold where they are needed, and compare segmentation networks on given masks."""

import argparse
import logging
from collections import deque
from functools import partial
from pathlib import Path

import pandas as pd

from pipeline.cohort.mask_files import MaskParams
from pipeline.contracts.data.cohort import COHORT, PATIENTS
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.data.split import SPLITS
from pipeline.contracts.reports.segment import SEGMENTATION, SEGMENTATION_SUMMARY, SEGMENTATION_TESTS
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.parallel import cores, map_cases
from pipeline.foundation.params import CommonParams, load_params, read_yaml
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.feature_sets import PREDICTED, FusionParams
from pipeline.segment.case_store import forget_earlier, segment_cases, store_key, under_way
from pipeline.segment.cases import Segmented, SegmentPlace, SegmentPlan
from pipeline.segment.ensemble import all_rows
from pipeline.segment.evaluation import segmentation_table
from pipeline.segment.images import (
    Picture,
    cohort_pictures,
    gland_pictures,
    pictures_by_patient,
    reader,
    training_pictures,
    with_mask,
)
from pipeline.segment.jobs import SegmentJob, check_jobs, segment_jobs
from pipeline.segment.params import SegmentParams
from pipeline.segment.plan_check import check_plan, masks_needed
from pipeline.segment.predicted_masks import note_no_masks, write_masks
from pipeline.segment.summary import possible_tests, segmentation_summary
from pipeline.segment.trained_networks import note_no_networks, write_networks
from pipeline.training import data_parallel
from pipeline.training.device import check_processes, device_named, device_of_process
from stages.cli import arguments, joined_group, progress, run, run_settings

log = logging.getLogger(__name__)
INPUTS = ("params", "common", "fusion", "import-params", "cohort", "patients", "splits", "images", "masks")
PATHS = (*INPUTS, "predicted-masks", "predictions", "networks", "tables")
TABLES = {
    "segmentation": SEGMENTATION,
    "segmentation_summary": SEGMENTATION_SUMMARY,
    "segmentation_tests": SEGMENTATION_TESTS,
}


def main() -> None:
    """Read images and masks; train, predict and score; write masks, networks and tables, or pass over."""
    given = arguments(__doc__, paths=PATHS).parse_args()
    params = load_params(given.params, SegmentParams)
    cohort, patients = read_table(given.cohort, COHORT), read_table(given.patients, PATIENTS)
    pictures = cohort_pictures(cohort, patients, images=given.images.resolve(), masks=given.masks.resolve())
    wanted = PREDICTED in load_params(given.fusion, FusionParams).blocks
    needed = masks_needed(params, pictures=pictures, wanted=wanted)
    if not params.networks:
        passed_over(given)
        return
    glands = gland_pictures(params.gland)
    check_plan(params, pictures=pictures, glands=glands)
    size = params.training.processes
    settings, splits = run_settings(), read_table(given.splits, SPLITS)
    device = device_named(settings.device)
    check_processes(device, size=size)
    number = joined_group(size)
    device = device_of_process(device, number=number, size=size)

    masks_by = params.networks[0] if needed else None
    jobs = segment_jobs(splits, networks=params.networks, masks_by=masks_by, folds_on_test=params.folds_on_test)
    plan = planned(given, params=params, pictures=pictures, glands=glands, patients=patients, masks_by=masks_by)
    outlined = frozenset(one.patient_id for one in pictures if one.lesion is not None)
    check_jobs(jobs, outlined=outlined, groups=plan.groups)
    store = CheckpointStore(settings.scratch / "segment", key=store_key(plan, jobs=jobs, device=str(device)))
    place = SegmentPlace(device=str(device), board=settings.scratch / "board" / "segment")
    if number == 0:
        store.hold()
        forget_earlier(jobs, place=place, store=store)
    log.info("%d of %d networks already finished, on %s", store.count(), len(jobs), place.device)
    workers, scheduler = settings.workers or cores(), settings.scheduler
    work = segment_cases(jobs, plan=plan, store=store, place=place, workers=workers, scheduler=scheduler)
    with data_parallel.process_group(size=size, device=device):
        if number > 0:
            deque(work, maxlen=0)
            return
        fraction = partial(under_way, jobs, plan=plan, place=place, store=store)
        results = list(progress(work, total=len(jobs), unit="network", under_way=fraction))
    write_results(results, plan=plan, given=given, jobs=jobs)
    store.remove()


def planned(
    given: argparse.Namespace,
    *,
    params: SegmentParams,
    pictures: list[Picture],
    glands: list[Picture],
    patients: pd.DataFrame,
    masks_by: str | None,
) -> SegmentPlan:
    """The slices for the training, and all that the cases share."""
    decode = MaskParams.model_validate(read_yaml(given.import_params)["masks"] | {"label": "auto"})
    settings = run_settings()
    teaching = [*with_mask(pictures), *(glands if params.needs_gland else [])]
    read = map_cases(reader(params.input, decode), teaching, workers=settings.workers, scheduler=settings.scheduler)
    training = training_pictures(progress(read, total=len(teaching), unit="image"))
    log.info("%d images with a mask of the lesion, %d with one of the gland", *counted(teaching))
    return SegmentPlan(
        params=params,
        seed=load_params(given.common, CommonParams).seed,
        parity=params.parity or decode.mask_decode == "trfe_floor",
        training=training,
        glands=tuple(sorted({one.group for one in glands})) if params.needs_gland else (),
        pictures=pictures_by_patient(pictures),
        groups=dict(zip(patients["patient_id"], patients["group_id"], strict=True)),
        masks_by=masks_by,
    )


def counted(pictures: list[Picture]) -> tuple[int, int]:
    """How many have a lesion, and how many a gland."""
    return sum(one.lesion is not None for one in pictures), sum(one.gland is not None for one in pictures)


def write_results(
    results: list[Segmented], *, plan: SegmentPlan, given: argparse.Namespace, jobs: list[SegmentJob]
) -> None:
    """Write the masks and their table, the networks, and the tables of the report."""
    order = {job.name: place for place, job in enumerate(jobs)}
    results = sorted(results, key=lambda result: order[result.job.name])
    table = segmentation_table(all_rows(results, plan=plan))
    for row in table[table["status"] != "ok"].itertuples(index=False):
        log.warning("%s, %s: %s by %s (%s)", row.image_id, row.resample, row.status, row.network, row.reason)
    bootstrap = plan.params.bootstrap
    summary = segmentation_summary(table, replicates=bootstrap.replicates, seed=bootstrap.seed)
    tests, untested = possible_tests(table)
    for fault in untested:
        log.warning("%s", fault)
    found = {"segmentation": table, "segmentation_summary": summary, "segmentation_tests": tests}
    for row in summary[summary["metric"] == "dice_mean"].itertuples(index=False):
        log.info("%s, %s: mean Dice %.3f of %d images", row.network, row.evaluation, row.estimate, row.n_images)
    write_table(write_masks(results, plan=plan, folder=given.predicted_masks), given.predictions, MASKS)
    write_networks(results, folder=given.networks)
    for name, contract in TABLES.items():
        write_table(found[name], given.tables / f"{name}.csv", contract)


def passed_over(given: argparse.Namespace) -> None:
    """Write every table without rows, and folders that hold a note."""
    log.info("passed over: params/segment.yaml names no network, and no mask is to be predicted")
    folders: tuple[Path, Path] = (given.predicted_masks, given.networks)
    note_no_masks(folders[0])
    note_no_networks(folders[1])
    write_table(MASKS.empty(), given.predictions, MASKS)
    for name, contract in TABLES.items():
        write_table(contract.empty(), given.tables / f"{name}.csv", contract)


if __name__ == "__main__":
    run(main)
