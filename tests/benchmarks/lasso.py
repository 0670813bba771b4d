"""Processor seconds of one LASSO path by the number of rows and candidates, and how they grow.

OMP_NUM_THREADS=1 python -m tests.benchmarks.lasso

Drawn features with 30 common factors, six of them behind the outcome; 100 lambdas down to the default ratio. The first
path, which may compile, is not counted.
"""

import time

import numpy as np
from scipy.special import expit

from pipeline.reduce.steps.lasso_path import Floats, fit_path, lambda_grid

SIZES = ((80, 300), (350, 1357), (500, 600), (1000, 600), (2000, 600))
GROWTH = 600  # candidates of the sizes whose growth is fitted
RATIOS = (None, 0.01)  # glmnet's default, and params/reduce.yaml


def draw(rows: int, features: int) -> tuple[Floats, Floats]:
    """Features (n, p) and an outcome (n,)."""
    generator = np.random.default_rng(0)
    factors = generator.normal(size=(rows, 30))
    X = factors @ generator.normal(size=(30, features)) / 30**0.5 + 0.8 * generator.normal(size=(rows, features))
    risk = expit(factors[:, :6] @ np.array([1, 0.8, 0.6, 0.5, 0.4, 0.3]) - 0.5)
    return X, (generator.random(rows) < risk).astype(np.float64)


def seconds(rows: int, features: int, *, ratio: float | None) -> tuple[float, int, int]:
    """Least seconds of two paths, the lambdas and the features at its end."""
    X, y = draw(rows, features)
    taken = []
    for _ in range(2):
        before = time.process_time()
        path = fit_path(X, y, lambdas=lambda_grid(X, y, count=100, min_ratio=ratio))
        taken.append(time.process_time() - before)
    return min(taken), len(path.lambdas), int(path.n_nonzero[-1])


def main() -> None:
    """Print the table and, for each ratio, the exponent of rows in the seconds."""
    seconds(60, 20, ratio=None)
    for ratio in RATIOS:
        print(f"smallest lambda: {'as glmnet' if ratio is None else f'{ratio:g} of the largest'}")
        grown = []
        for rows, features in SIZES:
            taken, lambdas, kept = seconds(rows, features, ratio=ratio)
            print(
                f"{rows:6d} x {features:5d}: {taken:6.3f} s, {lambdas} lambdas, {kept} features at the end", flush=True
            )
            grown += [(rows, taken)] if features == GROWTH else []
        slope = np.polyfit(*np.log(np.array(grown)).T, 1)[0]
        print(f"seconds grow as rows ** {slope:.2f} at {GROWTH} candidates")


if __name__ == "__main__":
    main()
