"""explain: right and wrong predictions with a map of what the network responds to, and the features' contributions."""

import logging
from argparse import Namespace
from collections.abc import Mapping

import pandas as pd

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import AUDIT, COHORT, PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.reduce import REDUCED
from pipeline.contracts.data.split import SPLITS
from pipeline.contracts.reports.compare import CHOSEN
from pipeline.contracts.reports.explain import EXPLAIN, TABLES
from pipeline.embed.params import EmbedParams
from pipeline.explain.case_waterfalls import case_waterfalls
from pipeline.explain.contributions import Explained
from pipeline.explain.examples import (
    Example,
    ExplainParams,
    choose_patients,
    explain_table,
    network_name,
    pictures,
    primary_predictions,
    read_examples,
)
from pipeline.explain.network_maps import Map, network_maps
from pipeline.explain.results import contribution_tables, explained_models
from pipeline.foundation.folders import written_aside
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.pseudonyms import Pseudonyms, pseudonyms
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.feature_sets import FusionParams
from stages.cli import arguments, run

log = logging.getLogger(__name__)
PARAMS = ("params", "embed", "fusion", "common")
DATA = ("chosen", "predictions", "table", "rois", "cohort", "patients", "audit", "networks")
MODELS = ("reduced", "models", "splits")


def main() -> None:
    """Read the primary model's predictions and models, choose examples, explain them, write tables and pictures."""
    paths = (*PARAMS, *DATA, *MODELS, "explained", "tables", "pictures")
    given = arguments(__doc__, paths=paths).parse_args()
    params, fusion = load_params(given.params, ExplainParams), load_params(given.fusion, FusionParams)
    seed = load_params(given.common, CommonParams).seed
    chosen = read_table(given.chosen, CHOSEN)
    cohort, patients = read_table(given.cohort, COHORT), read_table(given.patients, PATIENTS)
    names = pseudonyms(patients=patients, cohort=cohort, audit=read_table(given.audit, AUDIT))

    examples, maps, net = _examples(given, params=params, fusion=fusion, chosen=chosen, names=names, seed=seed)
    table = explain_table(examples, maps=maps, names=names, network=net, kind=params.map)
    found = _explained(given, params=params, chosen=chosen, patients=patients, blocks=fusion.sets, seed=seed)
    primary = next(iter(found), None)
    table, waterfalls = case_waterfalls(table, examples=examples, explained=primary, largest=params.largest)
    results = contribution_tables(found, names=names, params=params, seed=seed)

    # Written aside: DVC keeps the previous pictures, which a failed run must neither lose nor mix with new ones.
    with written_aside(given.pictures) as folder:
        drawn = pictures(table, examples=examples, maps=maps, panel_px=params.panel_px)
        for name, content in [*drawn, *waterfalls]:
            (folder / name).write_bytes(content)
    write_table(table, given.explained, EXPLAIN)
    for name, contract in TABLES.items():
        write_table(results[name], given.tables / f"{name}.csv", contract)


def _examples(
    given: Namespace,
    *,
    params: ExplainParams,
    fusion: FusionParams,
    chosen: pd.DataFrame,
    names: Pseudonyms,
    seed: int,
) -> tuple[list[Example], list[Map | None], str | None]:
    """The examples of the primary model, the map of each, and the network that the maps are of."""
    primary = list(chosen.loc[chosen["role"] == "primary", "feature_set"])
    tables = {name: read_table(given.predictions / f"{name}.csv", PREDICTIONS) for name in primary}
    rows = primary_predictions(tables, chosen=chosen)
    if rows is None:
        log.warning("params/compare.yaml names no primary comparison, so there is no model to show examples of")
        return [], [], None
    embed = load_params(given.embed, EmbedParams)
    picked = choose_patients(rows, examples=params.examples)
    net = network_name(params, embed=embed, fusion=fusion, primary_set=primary[0])
    rois, shown = read_table(given.table, ROIS), embed.shown_input(net) if net else embed.input
    examples, without = read_examples(picked, rois=rois, folder=given.rois, params=shown)
    for patient in without:
        log.warning("%s has no usable image to show", names.of(patient))
    if not net or not examples:
        return examples, [None] * len(examples), net
    maps = network_maps(examples, net=net, kind=params.map, embed=embed, folder=given.networks / net, seed=seed)
    return examples, maps, net


def _explained(
    given: Namespace,
    *,
    params: ExplainParams,
    chosen: pd.DataFrame,
    patients: pd.DataFrame,
    blocks: Mapping[str, tuple[str, ...]],
    seed: int,
) -> list[Explained]:
    """The primary model and its comparator; none if the params switch it off or the study names no primary set."""
    roles = chosen[chosen["role"].isin(["primary", "comparator"]) & (chosen["kind"] == "classifier")]
    if not params.shap or not len(roles):
        return []
    return explained_models(
        roles,
        reduced={name: read_table(given.reduced / f"{name}.csv", REDUCED) for name in roles["feature_set"]},
        models=given.models,
        patients=patients,
        splits=read_table(given.splits, SPLITS),
        blocks=blocks,
        seed=seed,
        orders=params.orders,
    )


if __name__ == "__main__":
    run(main)
