"""The arrays of the binomial LASSO's active set, which its compiled steps change in place.

A slot is a feature that is or was active; slot 0 is the intercept. Arrays by slot have room for more slots than are in
use.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SPARE = 100  # slots beyond two per row: no more features than rows can be active in general


class State(NamedTuple):
    """Where the minimisation stands; numbers that change are arrays of one."""

    features: Floats  # (p, n), each of mean 0 and 1/n variance 1, or all 0
    y: Floats  # (n,) 0 or 1
    rows: Floats  # (slots, n) features by slot
    columns: NDArray[np.int64]  # (slots,) which feature it is, -1 for the intercept
    values: Floats  # (slots,) coefficients
    signs: Floats  # (slots,) 0 if not active; 1 for the intercept
    hessian: Floats  # (slots, slots)
    curvature: Floats  # (n,) of each row's loss where the Hessian was computed, / n
    residual: Floats  # (n,) probability less outcome, / n
    seen: Floats  # (p,) gradient by feature, where the residuals were …
    seen_at: Floats  # … (n,)
    deviance: Floats  # (1,) -2 log-likelihood per row
    last_step: Floats  # (1,) largest change of a coefficient
    used: NDArray[np.int64]  # (1,) slots in use
    factor: Floats  # (slots ** 2,) Cholesky factor of the active part of the Hessian, row by row
    factored: NDArray[np.int64]  # (1,) its size, 0 if it is not known


def at_the_intercept(Z: Floats, y: Floats) -> State:
    """The intercept alone, the log-odds of the prevalence; `Z` (n, p) is standardised, `y` (n,) is 0 and 1."""
    (rows, features), prevalence = Z.shape, float(y.mean())
    slots = 1 + min(features, 2 * rows + SPARE)
    first = np.arange(slots) == 0
    variance = prevalence * (1 - prevalence)
    columns, residual = np.ascontiguousarray(Z.T), (prevalence - y) / rows
    state = State(
        features=columns,
        y=y,
        rows=np.empty((slots, rows)),
        columns=np.full(slots, -1),
        values=np.where(first, np.log(prevalence / (1 - prevalence)), 0.0),
        signs=np.where(first, 1.0, 0.0),
        hessian=np.empty((slots, slots)),
        curvature=np.full(rows, variance / rows),
        residual=residual,
        seen=columns @ residual,
        seen_at=residual.copy(),
        deviance=np.array([-2 * (prevalence * np.log(prevalence) + (1 - prevalence) * np.log(1 - prevalence))]),
        last_step=np.array([np.inf]),
        used=np.ones(1, dtype=np.int64),
        factor=np.empty(slots**2),
        factored=np.zeros(1, dtype=np.int64),
    )
    state.rows[0], state.hessian[0, 0] = 1.0, variance
    return state
