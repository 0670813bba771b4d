"""Seconds to check a published table: known class sizes, unknown ones, and both with one wrong number per row.

python -m tests.benchmarks.consistency                # 8 rows, 42 and 220 patients, unknown: all sizes up to 420
python -m tests.benchmarks.consistency --rows 100
"""

import argparse
import time

import numpy as np
import pandas as pd

from pipeline.consistency.consistency import ConsistencyParams, check_published
from pipeline.consistency.matrices import METRICS, measures


def table(rows: int, *, n_pos: int, n_neg: int, seed: int) -> pd.DataFrame:
    """Rows of six metrics with three decimals, from random confusion matrices of one test set."""
    rng = np.random.default_rng(seed)
    found = []
    for row in range(rows):
        tp, tn = int(rng.integers(1, n_pos)), int(rng.integers(1, n_neg))
        values = measures(tp=tp, fn=n_pos - tp, tn=tn, fp=n_neg - tn)
        found.append({"model": f"model {row}"} | {name: f"{values[name]:.3f}" for name in METRICS})
    return pd.DataFrame(found)


def main() -> None:
    """Print the time and the verdict of each kind of table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in (("rows", 8), ("n-pos", 42), ("n-neg", 220), ("seed", 2026)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    unknown = table(given.rows, n_pos=given.n_pos, n_neg=given.n_neg, seed=given.seed)
    known = unknown.assign(n_pos=str(given.n_pos), n_neg=str(given.n_neg))
    copied = {"NPV": unknown["SEN"]}
    kinds = {
        "known sizes": known,
        "known sizes, NPV a copy of SEN": known.assign(**copied),
        "unknown sizes": unknown,
        "unknown sizes, NPV a copy of SEN": unknown.assign(**copied),
        "unknown sizes, all figures wrong": unknown.assign(
            **{name: unknown[name].to_numpy()[::-1] for name in METRICS[::2]}
        ),
    }
    for kind, printed in kinds.items():
        start = time.perf_counter()
        result = check_published(printed, params=ConsistencyParams(), place=kind)
        print(f"{kind:<34} {time.perf_counter() - start:6.2f} s  {result.verdict()}", flush=True)


if __name__ == "__main__":
    main()
