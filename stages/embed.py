"""Describe every ROI by a network that was not trained on its patient; the network's own probabilities too."""

from pipeline import contracts
from pipeline.checkpoints import CheckpointStore
from pipeline.embed import (
    EmbedParams,
    cases_of,
    cohort_of,
    describe,
    embeddings_table,
    network_of,
    predictions_table,
    recipe_of,
    store_key,
    write_network,
)
from pipeline.embed_jobs import check_jobs, plan_jobs
from pipeline.networks.registry import build_network
from pipeline.params import CommonParams, load_params
from pipeline.roi_inputs import read_roi_inputs
from pipeline.tables import read_table, write_table
from pipeline.training import device_named
from stages.cli import arguments, progress, run, run_settings

PATHS = ("params", "common", "table", "rois", "patients", "splits", "features", "network", "predictions")


def main() -> None:
    """Read ROIs, labels and splits; train and describe; write embeddings, the networks' cards, head predictions."""
    given = arguments(__doc__, paths=PATHS, words=("net",)).parse_args()
    params, seed = load_params(given.params, EmbedParams), load_params(given.common, CommonParams).seed
    settings = run_settings()
    device = str(device_named(settings.device))
    network, recipe = network_of(params, given.net), recipe_of(params, seed=seed)
    build_network(network.architecture, network.settings)  # weights that cannot be had stop the stage here, once
    splits = read_table(given.splits, contracts.SPLITS)
    inputs = read_roi_inputs(read_table(given.table, contracts.ROIS), folder=given.rois, params=params.input)
    cohort = cohort_of(read_table(given.patients, contracts.PATIENTS), inputs=inputs)
    jobs = plan_jobs(splits, strategy=params.strategy)
    check_jobs(jobs, labels=cohort.labels, groups=cohort.groups, with_image=frozenset(inputs.patient_ids))
    cases = cases_of(jobs, cohort=cohort, batch_size=params.training.batch_size)

    key = store_key(params, net=given.net, cohort=cohort, splits=splits, seed=seed, device=device)
    store = CheckpointStore(settings.scratch / f"embed-{given.net}", key=key)
    work = describe(
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

    write_table(embeddings_table(results, net=given.net, cohort=cohort), given.features, contracts.EMBEDDINGS)
    heads = predictions_table(results, net=given.net, cohort=cohort, splits=splits)
    write_table(heads, given.predictions, contracts.PREDICTIONS)
    write_network(results, folder=given.network)
    store.remove()


if __name__ == "__main__":
    run(main)
