"""From the saved models of a study to the tables of contributions: read the models, explain them, sum up."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from pipeline.benchmark.design_matrices import design_matrices
from pipeline.benchmark.model_files import load_model
from pipeline.contracts.data.split import FINAL
from pipeline.explain.block_permutation import permutation_table
from pipeline.explain.contributions import Explained, explained_set, shap_model_table, shap_table
from pipeline.explain.examples import ExplainParams
from pipeline.explain.group_sums import group_table
from pipeline.foundation.pseudonyms import Pseudonyms

log = logging.getLogger(__name__)


def explained_models(
    roles: pd.DataFrame,
    *,
    reduced: Mapping[str, pd.DataFrame],
    models: Path,
    patients: pd.DataFrame,
    splits: pd.DataFrame,
    blocks: Mapping[str, Sequence[str]],
    seed: int,
    orders: int,
) -> list[Explained]:
    """The contributions of each row of chosen.csv in `roles`, the primary model first, on its evaluation.

    `reduced` and `blocks` by feature set; `models`: the folder of the saved models. Raises PipelineError if a model is
    missing or does not fit its reduced table.
    """
    final = splits[splits["resample"] == FINAL]
    held_out = dict(zip(final["patient_id"], final["role"], strict=True))
    evaluation = str(roles.loc[roles["role"] == "primary", "evaluation"].iloc[0])
    found = []
    for row in roles.sort_values("role", ascending=False).itertuples():
        name, table = str(row.feature_set), reduced[str(row.feature_set)]
        designs = design_matrices(table[table["resample"] == FINAL], patients, final, place=f"set {name}")
        one = explained_set(
            designs,
            {part.part: load_model(models / name / f"{row.model}_{part.part}.card.json") for part in designs},
            feature_set=name,
            evaluation=evaluation,
            patients=patients,
            roles=held_out,
            blocks=blocks[name],
            seed=seed,
            orders=orders,
        )
        found.append(one)
    for silent in ((one.feature_set, part.part) for one in found for part in one.parts if part.found is None):
        log.warning("%s, part %s: no feature was selected, so that there is nothing to explain", *silent)
    return found


def contribution_tables(
    found: Sequence[Explained], *, names: Pseudonyms, params: ExplainParams, seed: int
) -> dict[str, pd.DataFrame]:
    """The tables of `TABLES` in the contracts of the report, by name; without rows if `found` is empty."""
    return {
        "shap": shap_table(found, names=names),
        "shap_models": shap_model_table(found),
        "shap_groups": group_table(found, replicates=params.replicates, seed=seed),
        "permutation": permutation_table(
            found, permutations=params.permutations, replicates=params.replicates, seed=seed
        ),
    }
