"""Seconds for the ICC of all radiomics features at once, with interval and test.

python -m tests.benchmarks.icc                     # 1,311 features, 30 subjects, 3 repeats
python -m tests.benchmarks.icc --subjects 500
"""

import argparse
import time

import numpy as np

from pipeline.statistics.icc import icc


def main() -> None:
    """Draw repeats of known agreement (variance 4 between subjects, 1 within: 0.8), print the time of each form."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in (("features", 1311), ("subjects", 30), ("repeats", 3), ("seed", 2026)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    truth = 2 * rng.standard_normal((given.subjects, 1, given.features))
    values = truth + rng.standard_normal((given.subjects, given.repeats, given.features))
    for form in ("ICC(1)", "ICC(C,1)", "ICC(A,1)", "ICC(k)", "ICC(C,k)", "ICC(A,k)"):
        start = time.perf_counter()
        found = icc(values, form=form)
        seconds = time.perf_counter() - start
        print(f"{form:<9} {given.features} features in {seconds:.3f} s, median {found['icc'].median():.3f}", flush=True)


if __name__ == "__main__":
    main()
