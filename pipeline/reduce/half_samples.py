"""How often the LASSO keeps a feature on random halves of its training rows, lambda being the one it chose on all.

Meinshausen and Buhlmann 2010 (J R Stat Soc B 72:417): a feature that half of the patients do not find again was found
by chance. What comes before the LASSO (imputation, scores, pruning) stays as all training rows taught it.
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
_HALVES = 1  # keeps these draws apart from those of the lambda folds


def draw_halves(y: NDArray[np.int64], groups: NDArray[np.str_], *, count: int, seed: int) -> NDArray[np.bool_]:
    """`count` halves (count, n) of the rows with labels y (n,): half of the events and of the others, groups whole."""
    generator = np.random.default_rng([seed, _HALVES])
    halves = [draw_groups(y, groups, fraction=FRACTION, generator=generator) for _ in range(count)]
    return np.array(halves, dtype=np.bool_).reshape(count, len(y))


def select_in_halves(
    X: pd.DataFrame, y: NDArray[np.int64], *, halves: NDArray[np.bool_], penalty: float | None
) -> NDArray[np.bool_]:
    """Which columns of X (n, p) the LASSO at lambda `penalty` keeps in each of `halves` (B, n): (B, p).

    Features are standardised in each half. None is kept where `penalty` is None, a half's largest lambda is below it,
    or a half has one class alone (large groups). Raises PipelineError as `fit_path`.
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
    """A row a candidate feature, kept or never: in how many half-samples, and in which (numbers from 1)."""
    return [
        {
            "feature": str(name),
            "n_selected": int(column.sum()),
            "n_samples": len(column),
            "samples": " ".join(str(number + 1) for number in np.flatnonzero(column)),
        }
        for name, column in zip(features, kept.T, strict=True)
    ]
