"""embed: embed every ROI with a network that was not trained on its patient; write its head probabilities too."""

import logging
from functools import partial

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.split import SPLITS
from pipeline.embed.case_store import embed_cases, ran_all_epochs, store_key
from pipeline.embed.embeddings import contract_of, embeddings_table, logits_table, write_network
from pipeline.embed.heads import predictions_table
from pipeline.embed.params import EmbedParams
from pipeline.embed.progress import forget_earlier, under_way
from pipeline.embed.strategy import check_jobs, plan_jobs
from pipeline.embed.work_plan import Place, cases_of, plan_of
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.parallel import cores
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.networks.inputs import read_roi_inputs
from pipeline.networks.registry import build_network
from pipeline.training import data_parallel
from pipeline.training.device import check_processes, device_named, device_of_process
from stages.cli import arguments, joined_group, progress, run, run_settings

PATHS = ("params", "common", "table", "rois", "patients", "splits", "features", "logits", "network", "predictions")
log = logging.getLogger(__name__)


def main() -> None:
    """Read ROIs, labels and splits; train and embed; write embeddings, logits, head predictions, network cards."""
    given = arguments(__doc__, paths=PATHS, words=("net",)).parse_args()
    params, common = load_params(given.params, EmbedParams), load_params(given.common, CommonParams)
    settings, size = run_settings(), params.training.processes if params.strategy != "frozen" else 1
    splits, patients = read_table(given.splits, SPLITS), read_table(given.patients, PATIENTS)
    read = partial(read_roi_inputs, read_table(given.table, ROIS), folder=given.rois)
    plan = plan_of(params, net=given.net, seed=common.seed, patients=patients, read=read)
    for member in plan.members:
        build_network(member.network)  # unavailable weights stop the stage here, once
    jobs = plan_jobs(splits, strategy=params.strategy)
    cohort = plan.cohort
    check_jobs(jobs, labels=cohort.labels, groups=cohort.groups, with_image=frozenset(cohort.inputs.patient_ids))
    cases = cases_of(jobs, cohort=cohort, batch_size=params.training.batch_size)
    device = device_named(settings.device)
    check_processes(device, size=size)
    number = joined_group(size)
    device = device_of_process(device, number=number, size=size)

    board = settings.scratch / "board" / given.net
    store = CheckpointStore(
        settings.scratch / f"embed-{given.net}",
        key=store_key(params, plan=plan, splits=splits, device=str(device)),
    )
    if number == 0:
        store.hold()
        log.info("%s, strategy %s, %d samples, on %s", given.net, params.strategy, len(cohort.inputs.pixels), device)
        log.info("%d of %d networks already finished", store.count(), len(cases))
        forget_earlier(cases, plan=plan, board=board, store=store)
    fraction = partial(under_way, cases, plan=plan, board=board, store=store)
    place = Place(device=str(device), board=board)
    with data_parallel.process_group(size=size, device=device):
        work = embed_cases(
            cases,
            plan=plan,
            store=store,
            place=place,
            workers=settings.workers or cores(),
            scheduler=settings.scheduler,
        )
        results = list(progress(work, total=len(cases), unit="network", under_way=fraction) if number == 0 else work)
    if number > 0:
        return
    if message := ran_all_epochs(results, training=params.training):
        log.warning("warning: %s", message)

    write_table(embeddings_table(results, plan=plan), given.features, contract_of(plan))
    write_table(logits_table(results, plan=plan), given.logits, contract_of(plan))
    heads = predictions_table(results, plan=plan, splits=splits, rule=common.threshold)
    write_table(heads, given.predictions, PREDICTIONS)
    write_network(results, plan=plan, folder=given.network)
    store.remove()


if __name__ == "__main__":
    run(main)
