"""Minimise the binomial LASSO exactly: an active set that all violators enter at once, and a Hessian kept over steps.

Objective: -loglik / n + lambda * |b|_1 on standardised features, intercept not penalised. Over the active features,
whose signs are known, it is smooth, and Newton's method reaches its minimum to rounding. Most of a Newton step is its
Hessian; from one lambda to the next it hardly changes. It is therefore kept, with rows and columns for new features, as
long as each step reduces the gradient by a fixed factor (the chord method: Ortega and Rheinboldt 1970, ch. 7), and
computed again when one does not. The gradient is always exact, so the minimum does not depend on what was kept.
"""

import numpy as np

from pipeline.foundation.errors import PipelineError
from pipeline.reduce.steps.active_set_state import Floats, at_the_intercept

MAX_STEPS = 500  # at one lambda
RATE = 0.25  # a step that leaves more than this fraction of the gradient is the last with its Hessian


class ActiveSet:
    """The minimum at one lambda after another, each from the one before.

    `Z` (n, p) is standardised, each column to 1/n variance 1 or all 0; `y` (n,) is 0 and 1. The start is the intercept
    alone, the log-odds of the prevalence.
    """

    def __init__(self, Z: Floats, y: Floats) -> None:
        # Imported here: numba takes most of a second, and whoever reads a finished path needs none of it.
        from pipeline.reduce.steps import active_set_kernels

        self._kernels = active_set_kernels
        self._state = at_the_intercept(Z, y)

    @property
    def deviance(self) -> float:
        """-2 log-likelihood per row."""
        return float(self._state.deviance[0])

    @property
    def weights(self) -> Floats:
        """The coefficients on Z, then the intercept (p + 1,)."""
        used = int(self._state.used[0])
        found = np.zeros(len(self._state.features) + 1)
        found[self._state.columns[:used]] = self._state.values[:used]
        return found

    def minimise(self, penalty: float) -> None:
        """Go to the minimum at lambda `penalty`. Raises PipelineError if it is not reached in MAX_STEPS."""
        if not self._kernels.minimise(self._state, penalty, RATE, MAX_STEPS):
            features, rows = self._state.features.shape
            raise PipelineError(
                f"the LASSO did not converge at lambda {penalty:g} on {rows} rows and {features} features; "
                "raise lasso.min_lambda_ratio in params/reduce.yaml"
            )
