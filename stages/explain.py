"""explain: examples of correct and wrong predictions, with the contour and a map of what the network responds to."""

import logging

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import AUDIT, COHORT, PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.reports.compare import CHOSEN
from pipeline.contracts.reports.explain import EXPLAIN
from pipeline.embed.params import EmbedParams
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
from pipeline.foundation.folders import written_aside
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.pseudonyms import pseudonyms
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.feature_sets import FusionParams
from stages.cli import arguments, run

log = logging.getLogger(__name__)
PARAMS = ("params", "embed", "fusion", "common")
DATA = ("chosen", "predictions", "table", "rois", "cohort", "patients", "audit", "networks")


def main() -> None:
    """Read the primary model's predictions, choose examples, draw them, write the table and the pictures."""
    given = arguments(__doc__, paths=(*PARAMS, *DATA, "explained", "pictures")).parse_args()
    params, embed = load_params(given.params, ExplainParams), load_params(given.embed, EmbedParams)
    fusion, seed = load_params(given.fusion, FusionParams), load_params(given.common, CommonParams).seed
    chosen = read_table(given.chosen, CHOSEN)
    primary = list(chosen.loc[chosen["role"] == "primary", "feature_set"])
    tables = {name: read_table(given.predictions / f"{name}.csv", PREDICTIONS) for name in primary}
    cohort, patients = read_table(given.cohort, COHORT), read_table(given.patients, PATIENTS)
    names = pseudonyms(patients=patients, cohort=cohort, audit=read_table(given.audit, AUDIT))

    rows = primary_predictions(tables, chosen=chosen)
    examples: list[Example] = []
    net = None
    if rows is None:
        log.warning("params/compare.yaml names no primary comparison, so there is no model to show examples of")
    else:
        picked = choose_patients(rows, examples=params.examples)
        net = network_name(params, embed=embed, fusion=fusion, primary_set=primary[0])
        rois, shown = read_table(given.table, ROIS), embed.shown_input(net) if net else embed.input
        examples, without = read_examples(picked, rois=rois, folder=given.rois, params=shown)
        for patient in without:
            log.warning("%s has no usable image to show", names.of(patient))
    maps: list[Map | None] = [None] * len(examples)
    if net and examples:
        folder = given.networks / net
        maps = network_maps(examples, net=net, kind=params.map, embed=embed, folder=folder, seed=seed)
    table = explain_table(examples, maps=maps, names=names, network=net, kind=params.map)

    # Written aside: DVC keeps the previous pictures, which a failed run must neither lose nor mix with new ones.
    with written_aside(given.pictures) as folder:
        for name, content in pictures(table, examples=examples, maps=maps, panel_px=params.panel_px):
            (folder / name).write_bytes(content)
    write_table(table, given.explained, EXPLAIN)


if __name__ == "__main__":
    run(main)
