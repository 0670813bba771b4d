"""split: which patients train and which are held out in each resample; the plan is checked against the splits."""

import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.contracts.data.cohort import COHORT, COHORTS, PATIENTS
from pipeline.contracts.data.split import FINAL, SPLITS
from pipeline.foundation.params import CommonParams, load_params, read_yaml
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.comparison import CompareParams
from pipeline.plan.feature_sets import FusionParams
from pipeline.plan.holdout_size import small_holdouts
from pipeline.plan.network_settings import network_settings, strategy_of
from pipeline.plan.radiomics_use import radiomics_use
from pipeline.split.plan_check import check_plan, plan_notes
from pipeline.split.splits import SplitParams, split_table
from stages.cli import arguments, run

log = logging.getLogger(__name__)
PARAMS = ("params", "common", "fusion", "compare", "embed", "agreement", "reduce", "selftest")
PATHS = (*PARAMS, "cohort", "patients", "blocks", "splits", "settings", "planned")


def main() -> None:
    """Read the patients and the plan, split, check that the plan can be carried out, write the splits."""
    given = arguments(__doc__, paths=PATHS, words=("min-test-class-count",)).parse_args()
    fusion, primary = load_params(given.fusion, FusionParams), load_params(given.compare, CompareParams).primary
    embed, tables = read_yaml(given.embed), {file.stem for file in given.blocks.glob("*.csv")}
    networks = embed.get("nets") or []
    params = load_params(given.params, SplitParams)
    seed = load_params(given.common, CommonParams).seed
    patients = read_table(given.patients, PATIENTS)

    use = radiomics_use(fusion, cohort=read_table(given.cohort, COHORT))

    splits = split_table(patients, params=params, seed=seed)
    check_plan(
        splits,
        patients=patients,
        fusion=fusion,
        primary=primary,
        networks=networks,
        trained=[net for net in networks if strategy_of(embed, net=net) != "frozen"],
        tables=tables,
        tested=read_yaml(given.selftest).get("feature_set"),
        filtered=read_yaml(given.reduce).get("agreement") is not None,
        repeated=read_yaml(given.agreement).get("source"),
        use=use,
    )
    for note in plan_notes(use, blocks=fusion.blocks):
        log.info("%s", note)
    _report_sizes(splits, patients=patients, minimum=int(given.min_test_class_count))
    write_table(splits, given.splits, SPLITS)
    given.settings.mkdir(parents=True, exist_ok=True)
    for net in networks:
        _write(network_settings(embed, net=net), given.settings / f"{net}.json")
    _write(use.model_dump(), given.settings / "radiomics.json")
    # DVC needs the folder of the networks to exist, also if there are none.
    _write(networks, given.planned)


def _report_sizes(splits: pd.DataFrame, *, patients: pd.DataFrame, minimum: int) -> None:
    """Log the sizes of the cohorts, and a warning for each drawn one with fewer than `minimum` patients of a class."""
    final = splits.loc[splits["resample"] == FINAL, "role"].value_counts()
    told = ", ".join(f"{final.get(role, 0)} {role}" for role in COHORTS)
    log.info("%d patients (%s), %d resamples", len(patients), told, splits["resample"].nunique())

    if patients["cohort"].isna().all():  # the stage cohort has warned of small cohorts that were given
        for cohort, (events, others) in small_holdouts(patients, splits=splits, minimum=minimum).items():
            log.warning(
                "warning: the drawn cohort %s has %d events and %d non-events, fewer than %d of one "
                "(min_test_class_count in params/cohort.yaml): its results have wide intervals; raise holdout_fraction "
                "in params/split.yaml, or set it to 0 and evaluate by cross-validation",
                *(cohort, events, others, minimum),
            )


def _write(content: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main)
