"""How often the LASSO keeps a feature on random halves of its training rows, at the lambda chosen on all of them.

Stability selection (Meinshausen and Buhlmann 2010, J R Stat Soc B 72:417): a feature selected by chance is rarely
selected again in half-samples. The steps before the LASSO (imputation, components, scaling, pruning) stay as fitted on
all training rows.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.reduce.steps.lasso_path import fit_path, lambda_grid
from pipeline.split.grouped_folds import draw_groups

FRACTION = 0.5
STEPS = 12  # lambdas from a half's largest down to the chosen one; each starts at the solution before
_HALVES = 1  # random stream, separate from that of the lambda folds


def draw_halves(y: NDArray[np.int64], groups: NDArray[np.str_], *, count: int, seed: int) -> NDArray[np.bool_]:
    """`count` halves (count, n) of the rows with labels y (n,): half of events and of non-events, whole groups."""
    generator = np.random.default_rng([seed, _HALVES])
    halves = [draw_groups(y, groups, fraction=FRACTION, generator=generator) for _ in range(count)]
    return np.array(halves, dtype=np.bool_).reshape(count, len(y))


def select_in_halves(
    X: pd.DataFrame, y: NDArray[np.int64], *, halves: NDArray[np.bool_], penalty: float | None
) -> NDArray[np.bool_]:
    """Which columns of X (n, p) the LASSO at lambda `penalty` keeps in each of `halves` (B, n): (B, p).

    Features are standardised in each half. No column is kept if `penalty` is None, a half's largest lambda is below
    it, or a half holds one class only (large groups). Raises PipelineError as `fit_path`.
    """
    values, outcome = X.to_numpy(dtype=np.float64), y.astype(np.float64)
    kept = np.zeros((len(halves), X.shape[1]), dtype=np.bool_)
    for place, half in enumerate(halves):
        if penalty is None or len(set(outcome[half])) < 2:
            continue
        largest = lambda_grid(values[half], outcome[half], count=1)
        if len(largest) and largest[0] > penalty:
            lambdas = np.geomspace(largest[0], penalty, STEPS)
            path = fit_path(values[half], outcome[half], lambdas=lambdas, stop_early=False)
            kept[place] = path.coefficients[-1] != 0
    return kept


def half_sample_rows(kept: NDArray[np.bool_], *, features: Sequence[str]) -> list[dict[str, Any]]:
    """One row per candidate feature, kept or not: in how many half-samples, and in which (numbered from 1)."""
    return [
        {
            "feature": str(name),
            "n_selected": int(column.sum()),
            "n_samples": len(column),
            "samples": " ".join(str(number + 1) for number in np.flatnonzero(column)),
        }
        for name, column in zip(features, kept.T, strict=True)
    ]
