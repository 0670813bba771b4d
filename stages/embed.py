"""embed: embed every ROI with a network that was not trained on its patient; write its head probabilities too."""

import argparse
import logging
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import PATIENTS
from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS, rois_by_resample
from pipeline.contracts.data.embed import folder_of
from pipeline.contracts.data.split import SPLITS
from pipeline.embed.case_store import embed_cases, ran_all_epochs, store_key
from pipeline.embed.cases import EmbeddedCase
from pipeline.embed.embeddings import note_no_files, set_aside, write_features, write_network
from pipeline.embed.heads import predictions_table
from pipeline.embed.params import EmbedParams
from pipeline.embed.progress import forget_earlier, under_way
from pipeline.embed.strategy import check_jobs, plan_jobs
from pipeline.embed.work_plan import Case, Place, Plan, cases_of, plan_of
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.folders import written_aside
from pipeline.foundation.parallel import cores
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.networks.inputs import read_roi_inputs
from pipeline.networks.registry import build_network
from pipeline.training import data_parallel
from pipeline.training.device import check_processes, device_named, device_of_process
from stages.cli import arguments, joined_group, opened_store, progress, run, run_settings

PATHS = (
    "params",
    "common",
    "table",
    "predicted",
    "rois",
    "patients",
    "splits",
    "features",
    "logits",
    "network",
    "predictions",
)
log = logging.getLogger(__name__)


def main() -> None:
    """Read ROIs, labels and splits; train and embed; write embeddings, logits, head predictions, network cards."""
    given = arguments(__doc__, paths=PATHS, words=("net",)).parse_args()
    params, common = load_params(given.params, EmbedParams), load_params(given.common, CommonParams)
    settings, frozen = run_settings(), params.strategy_of(given.net) == "frozen"
    size = 1 if frozen else params.training.processes
    splits = read_table(given.splits, SPLITS)
    plan, cases = planned(given, params=params, seed=common.seed, splits=splits)
    device = device_named(settings.device)
    check_processes(device, size=size)
    number = joined_group(size)
    device = device_of_process(device, number=number, size=size)

    key = store_key(params, plan=plan, splits=splits, device=str(device))
    store = CheckpointStore(settings.scratch / f"embed-{given.net}", key=key)
    kept = opened_store(settings) if frozen else None
    place = Place(device=str(device), board=settings.scratch / "board" / given.net, kept=kept)
    if number == 0:
        begin(cases, plan=plan, store=store, place=place)
    workers, scheduler = settings.workers or cores(), settings.scheduler
    work = embed_cases(cases, plan=plan, store=store, place=place, workers=workers, scheduler=scheduler)
    with data_parallel.process_group(size=size, device=device):
        if number > 0:
            deque(work, maxlen=0)
            return
        results = finished(work, cases=cases, plan=plan, store=store, place=place, folder=folder_of(given.features))
    if message := ran_all_epochs(results, training=params.training):
        log.warning("warning: %s", message)
    write_features(results, plan=plan, features=given.features, logits=given.logits)
    heads = predictions_table(results, plan=plan, splits=splits, rule=common.threshold)
    write_table(heads, given.predictions, PREDICTIONS)
    write_network(results, plan=plan, folder=given.network)
    store.remove()
    if kept is not None:
        kept.prune()


def planned(
    given: argparse.Namespace, *, params: EmbedParams, seed: int, splits: pd.DataFrame
) -> tuple[Plan, list[Case]]:
    """The networks with their images, and the cases to compute, checked."""
    patients = read_table(given.patients, PATIENTS)
    rois = rois_by_resample(read_table(given.table, ROIS), read_table(given.predicted, PREDICTED_ROIS))
    read = partial(read_roi_inputs, rois, folder=given.rois)
    plan = plan_of(params, net=given.net, seed=seed, patients=patients, read=read)
    for member in plan.members:
        build_network(member.network)  # unavailable weights stop the stage here, once
    cohort = plan.cohort
    jobs = plan_jobs(splits, strategy=plan.recipe.strategy, by_resample=cohort.inputs.differs)
    check_jobs(jobs, labels=cohort.labels, groups=cohort.groups, with_image=frozenset(cohort.inputs.patient_ids))
    return plan, cases_of(jobs, cohort=cohort, batch_size=params.training.batch_size)


def begin(cases: list[Case], *, plan: Plan, store: CheckpointStore, place: Place) -> None:
    """Hold the store, log what is to be done, and forget the curves of an earlier run."""
    store.hold()
    samples = len(plan.cohort.inputs.pixels)
    log.info("%s, strategy %s, %d samples, on %s", plan.name, plan.recipe.strategy, samples, place.device)
    log.info("%d of %d networks already finished", store.count(), len(cases))
    if place.board is not None:
        forget_earlier(cases, plan=plan, board=place.board, store=store)


def finished(
    work: Iterator[EmbeddedCase], *, cases: list[Case], plan: Plan, store: CheckpointStore, place: Place, folder: Path
) -> list[EmbeddedCase]:
    """The results of `work`; embeddings of resamples that are not in the CSV are written to `folder` instead."""
    fraction = None if place.board is None else partial(under_way, cases, plan=plan, board=place.board, store=store)
    with written_aside(folder) as aside:
        shown = progress(work, total=len(cases), unit="network", under_way=fraction)
        results = [set_aside(result, plan=plan, folder=aside) for result in shown]
        note_no_files(aside)
    return results


if __name__ == "__main__":
    run(main)
