"""Describe every ROI by a network that was not trained on its patient; the network's own probabilities too."""

import logging

from pipeline import contracts, embed
from pipeline.checkpoints import CheckpointStore
from pipeline.embed_jobs import check_jobs, plan_jobs
from pipeline.networks.registry import build_network
from pipeline.params import CommonParams, load_params
from pipeline.roi_inputs import read_roi_inputs
from pipeline.tables import read_table, write_table
from pipeline.training import device_named
from stages.cli import arguments, progress, run, run_settings

PATHS = ("params", "common", "table", "rois", "patients", "splits", "features", "network", "predictions")
log = logging.getLogger(__name__)


def main() -> None:
    """Read ROIs, labels and splits; train and describe; write embeddings, the networks' cards, head predictions."""
    given = arguments(__doc__, paths=PATHS, words=("net",)).parse_args()
    params, common = load_params(given.params, embed.EmbedParams), load_params(given.common, CommonParams)
    settings = run_settings()
    network, device = embed.network_of(params, given.net), str(device_named(settings.device))
    build_network(network.architecture, network.settings)  # weights that cannot be had stop the stage here, once
    splits = read_table(given.splits, contracts.SPLITS)
    inputs = read_roi_inputs(
        read_table(given.table, contracts.ROIS), folder=given.rois, params=params.input_of(given.net)
    )
    cohort = embed.cohort_of(read_table(given.patients, contracts.PATIENTS), inputs=inputs)
    jobs = plan_jobs(splits, strategy=params.strategy)
    check_jobs(jobs, labels=cohort.labels, groups=cohort.groups, with_image=frozenset(inputs.patient_ids))
    cases = embed.cases_of(jobs, cohort=cohort, batch_size=params.training.batch_size)
    log.info("%s, strategy %s, %d images, on %s", given.net, params.strategy, len(inputs.image_ids), device)

    key = embed.store_key(params, net=given.net, cohort=cohort, splits=splits, seed=common.seed, device=device)
    store = CheckpointStore(settings.scratch / f"embed-{given.net}", key=key)
    log.info("%d of %d networks were finished before", store.count(), len(cases))
    recipe = embed.recipe_of(params, net=given.net, seed=common.seed)
    work = embed.describe(
        cases,
        network=network,
        recipe=recipe,
        cohort=cohort,
        store=store,
        workers=settings.workers,
        scheduler=settings.scheduler,
        device=device,
    )
    results = list(progress(work, total=len(cases), unit="network"))
    if told := embed.ran_all_epochs(results, training=params.training):
        log.warning("warning: %s", told)

    table = embed.embeddings_table(results, net=given.net, cohort=cohort)
    write_table(table, given.features, contracts.EMBEDDINGS)
    heads = embed.predictions_table(results, net=given.net, cohort=cohort, splits=splits, rule=common.threshold)
    write_table(heads, given.predictions, contracts.PREDICTIONS)
    embed.write_network(results, folder=given.network)
    store.remove()


if __name__ == "__main__":
    run(main)
