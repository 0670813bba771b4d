"""Compile the kernels of the LASSO, once for all runs: at setup, or before the first path."""

import logging

import numpy as np

from pipeline.foundation.kernels import cached, compile_once, kernels_of
from pipeline.reduce.steps.lasso_path import fit_path, lambda_grid

log = logging.getLogger(__name__)
STEPS = "pipeline.reduce.steps"
MESSAGE = "compiling the LASSO kernels (once, about half a minute)"


def compile_lasso() -> bool:
    """Compile every kernel of the LASSO unless the cache on the disk holds them; returns whether it did.

    Safe with any number of processes that start at once: one compiles, the others wait.
    """
    if lasso_is_compiled():
        return False
    log.info(MESSAGE)
    return compile_once(kernels_of(STEPS), work=fit_small_path)


def lasso_is_compiled() -> bool:
    """Whether the cache on the disk holds the kernels of the LASSO."""
    from pipeline.reduce.steps import active_set_kernels  # noqa: F401  (numba takes most of a second to import)

    return all(cached(one) for one in kernels_of(STEPS))


def fit_small_path() -> None:
    """A path through 12 noisy features of 40 rows: every kernel is used."""
    random = np.random.default_rng(0)
    X = random.standard_normal((40, 12))
    y = (X[:, 0] + random.standard_normal(40) > 0).astype(np.float64)
    fit_path(X, y, lambdas=lambda_grid(X, y, count=20, min_ratio=None))
