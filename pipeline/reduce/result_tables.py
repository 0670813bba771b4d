"""The tables of a feature set from the reductions of its resamples and parts."""

from collections.abc import Sequence

import pandas as pd

from pipeline.contracts.data.reduce import HALF_SAMPLES, LASSO, LASSO_PATHS, SELECTED
from pipeline.reduce.reduced import Reduced


def reduced_table(results: Sequence[Reduced], *, blocks: Sequence[str]) -> pd.DataFrame:
    """All rows of all cases; columns are the union over the cases, block by block, sorted by name within a block."""
    table = pd.concat([pd.DataFrame(result.columns) for result in results], ignore_index=True)
    keys = ["resample", "part", "patient_id", "role"]
    features = table.columns.drop(keys)
    ordered = [name for block in blocks for name in sorted(f for f in features if f.partition(".")[0] == block)]
    return table[keys + ordered]


def selected_table(results: Sequence[Reduced]) -> pd.DataFrame:
    """What the LASSO keeps in each case and block, by both rules for lambda; the reduced columns are those of the rule
    in params. Clinical columns are not selected, hence not in it.
    """
    return pd.DataFrame([row for result in results for row in result.selected], columns=SELECTED.names)


def lasso_table(results: Sequence[Reduced]) -> pd.DataFrame:
    """The cross-validated path of each case and block; no row if no feature is correlated with the outcome."""
    return pd.DataFrame([row for result in results for row in result.lasso], columns=LASSO.names)


def half_sample_table(results: Sequence[Reduced]) -> pd.DataFrame:
    """How often the half-samples of resample `final` keep each candidate, by part and block."""
    return pd.DataFrame([row for result in results for row in result.half_samples], columns=HALF_SAMPLES.names)


def result_tables(results: Sequence[Reduced], *, blocks: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The five tables of a set by their names in `TABLES`."""
    return {
        "reduced": reduced_table(results, blocks=blocks),
        "selected": selected_table(results),
        "lasso": lasso_table(results),
        "half_samples": half_sample_table(results),
        "lasso_paths": pd.DataFrame(
            [row for result in results for row in result.lasso_paths],
            columns=LASSO_PATHS.names,
        ),
    }
