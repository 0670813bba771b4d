"""segment: predict lesion masks out of fold where they are needed, and compare segmentation networks on given masks."""

import argparse
import logging

import pandas as pd

from pipeline.cohort.mask_files import MaskParams
from pipeline.contracts.data.cohort import COHORT, PATIENTS
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.data.split import SPLITS
from pipeline.contracts.reports.segment import TABLES
from pipeline.foundation.params import CommonParams, load_params, read_yaml
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.feature_sets import PREDICTED, FusionParams
from pipeline.segment.jobs import segment_jobs
from pipeline.segment.notes import note_no_masks, note_no_networks
from pipeline.segment.params import SegmentParams
from pipeline.segment.pictures import Picture, cohort_pictures, gland_pictures
from pipeline.segment.plan_check import check_plan, masks_needed
from stages.cli import arguments, joined_group, progress, run, run_settings

log = logging.getLogger(__name__)
INPUTS = ("params", "common", "fusion", "import-params", "cohort", "patients", "splits", "images", "masks")
PATHS = (*INPUTS, "predicted-masks", "predictions", "networks", "tables")


def main() -> None:
    """Read images and masks; train, predict and score; write masks, networks and tables, or pass over."""
    given = arguments(__doc__, paths=PATHS).parse_args()
    params = load_params(given.params, SegmentParams)
    cohort, patients = read_table(given.cohort, COHORT), read_table(given.patients, PATIENTS)
    pictures = cohort_pictures(cohort, patients, images=given.images.resolve(), masks=given.masks.resolve())
    wanted = PREDICTED in load_params(given.fusion, FusionParams).blocks
    needed = masks_needed(params, pictures=pictures, wanted=wanted)
    if params.networks:
        train(given, params=params, pictures=pictures, patients=patients, needed=needed)
    else:
        pass_over(given)


def train(
    given: argparse.Namespace,
    *,
    params: SegmentParams,
    pictures: list[Picture],
    patients: pd.DataFrame,
    needed: bool,
) -> None:
    """Train, predict and score all networks, and write what they give; `needed`: later stages use the first's masks."""
    glands = gland_pictures(params.gland)
    check_plan(params, pictures=pictures, glands=glands)
    masks_by, splits = params.networks[0] if needed else None, read_table(given.splits, SPLITS)
    jobs = segment_jobs(splits, networks=params.networks, masks_by=masks_by, folds_on_test=params.folds_on_test)
    # Here, since most studies name no network, and torch takes longer to import than the stage to pass over.
    from pipeline.segment.network_run import Outputs, Resources, joined_device, planned, run_networks

    settings = run_settings()
    number, device = joined_device(params, device=settings.device, joined=joined_group)
    resources = Resources(
        workers=settings.workers,
        scheduler=settings.scheduler,
        device=device,
        number=number,
        scratch=settings.scratch,
    )
    plan = planned(
        params,
        pictures=pictures,
        glands=glands,
        groups=dict(zip(patients["patient_id"], patients["group_id"], strict=True)),
        masks_by=masks_by,
        decode=MaskParams.model_validate(read_yaml(given.import_params)["masks"] | {"label": "auto"}),
        seed=load_params(given.common, CommonParams).seed,
        resources=resources,
        watch=progress,
    )
    outputs = Outputs(
        masks=given.predicted_masks, predictions=given.predictions, networks=given.networks, tables=given.tables
    )
    run_networks(plan, jobs=jobs, resources=resources, outputs=outputs, watch=progress)


def pass_over(given: argparse.Namespace) -> None:
    """Write every table without rows, and folders that hold a note."""
    log.info("passed over: params/segment.yaml names no network, and no mask is to be predicted")
    note_no_masks(given.predicted_masks)
    note_no_networks(given.networks)
    write_table(MASKS.empty(), given.predictions, MASKS)
    for name, contract in TABLES.items():
        write_table(contract.empty(), given.tables / f"{name}.csv", contract)


if __name__ == "__main__":
    run(main)
