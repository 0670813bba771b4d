"""Train, predict and score the networks of a study, and write what they give: all of the stage that needs torch."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from pipeline.cohort.mask_files import MaskParams
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.reports.segment import TABLES
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.parallel import cores, map_cases
from pipeline.foundation.tables import write_table
from pipeline.segment.case_store import forget_earlier, segment_cases, store_key, under_way
from pipeline.segment.cases import Segmented, SegmentPlace, SegmentPlan
from pipeline.segment.ensemble import all_rows
from pipeline.segment.evaluation import segmentation_table
from pipeline.segment.images import reader, training_pictures
from pipeline.segment.jobs import SegmentJob, check_jobs
from pipeline.segment.params import SegmentParams
from pipeline.segment.pictures import Picture, pictures_by_patient, with_mask
from pipeline.segment.predicted_masks import write_masks
from pipeline.segment.summary import possible_tests, segmentation_summary
from pipeline.segment.trained_networks import write_networks
from pipeline.training import data_parallel
from pipeline.training.device import check_processes, device_named, device_of_process

log = logging.getLogger(__name__)
Watch = Callable[..., Iterable[Any]]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """With what the work is done: `number` is that of this process in its group, of which only 0 writes."""

    workers: int | None
    scheduler: str | None
    device: torch.device
    number: int
    scratch: Path


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Where the results go: folder and table of the predicted masks, folders of networks and of report tables."""

    masks: Path
    predictions: Path
    networks: Path
    tables: Path


def joined_device(params: SegmentParams, *, device: str, joined: Callable[[int], int]) -> tuple[int, torch.device]:
    """The number of this process in the group that trains together, and its device; `joined` joins a group of a size.

    Raises ParamsError if the device cannot hold so many processes.
    """
    size = params.training.processes
    found = device_named(device)
    check_processes(found, size=size)
    number = joined(size)
    return number, device_of_process(found, number=number, size=size)


def planned(
    params: SegmentParams,
    *,
    pictures: list[Picture],
    glands: list[Picture],
    groups: dict[str, str],
    masks_by: str | None,
    decode: MaskParams,
    seed: int,
    resources: Resources,
    watch: Watch,
) -> SegmentPlan:
    """The slices for the training, and all that the cases share; `groups` by patient_id, `watch` shows the progress."""
    teaching = [*with_mask(pictures), *(glands if params.needs_gland else [])]
    workers, scheduler = resources.workers, resources.scheduler
    read = map_cases(reader(params.input, decode), teaching, workers=workers, scheduler=scheduler)
    training = training_pictures(watch(read, total=len(teaching), unit="image"))
    log.info("%d images with a mask of the lesion, %d with one of the gland", *_counted(teaching))
    return SegmentPlan(
        params=params,
        seed=seed,
        parity=params.parity or decode.mask_decode == "trfe_floor",
        training=training,
        glands=tuple(sorted({one.group for one in glands})) if params.needs_gland else (),
        pictures=pictures_by_patient(pictures),
        groups=groups,
        masks_by=masks_by,
    )


def _counted(pictures: Sequence[Picture]) -> tuple[int, int]:
    """How many have a lesion, and how many a gland."""
    return sum(one.lesion is not None for one in pictures), sum(one.gland is not None for one in pictures)


def run_networks(
    plan: SegmentPlan,
    *,
    jobs: list[SegmentJob],
    resources: Resources,
    outputs: Outputs,
    watch: Watch,
) -> None:
    """Train, predict and score the networks of all `jobs`, then write masks, networks and tables.

    Raises ParamsError and CohortError as `check_jobs`.
    """
    size, device = plan.params.training.processes, resources.device
    pictures = [one for own in plan.pictures.values() for one in own]
    outlined = frozenset(one.patient_id for one in pictures if one.lesion is not None)
    check_jobs(jobs, outlined=outlined, groups=plan.groups)
    store = CheckpointStore(resources.scratch / "segment", key=store_key(plan, jobs=jobs, device=str(device)))
    place = SegmentPlace(device=str(device), board=resources.scratch / "board" / "segment")
    if resources.number == 0:
        store.hold()
        forget_earlier(jobs, place=place, store=store)
    log.info("%d of %d networks already finished, on %s", store.count(), len(jobs), place.device)
    workers, scheduler = resources.workers or cores(), resources.scheduler
    work = segment_cases(jobs, plan=plan, store=store, place=place, workers=workers, scheduler=scheduler)
    with data_parallel.process_group(size=size, device=device):
        if resources.number > 0:
            deque(work, maxlen=0)
            return
        fraction = partial(under_way, jobs, plan=plan, place=place, store=store)
        results = list(watch(work, total=len(jobs), unit="network", under_way=fraction))
    _write_results(results, plan=plan, outputs=outputs, jobs=jobs)
    store.remove()


def _write_results(
    results: list[Segmented], *, plan: SegmentPlan, outputs: Outputs, jobs: Sequence[SegmentJob]
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
    write_table(write_masks(results, plan=plan, folder=outputs.masks), outputs.predictions, MASKS)
    write_networks(results, folder=outputs.networks)
    for name, contract in TABLES.items():
        write_table(found[name], outputs.tables / f"{name}.csv", contract)
