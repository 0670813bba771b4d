"""Seconds for the compare stage on many patients, without bootstrap: the whole stage, then its slowest steps alone.

python -m tests.benchmarks.compare                     # 10 models of 10,000 patients: stage, tables, one loess
python -m tests.benchmarks.compare --replicates 1000   # with bootstrap intervals
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from pipeline.compare.calibration import calibration_curve_table, calibration_table
from pipeline.compare.chosen import choose, fold_table
from pipeline.compare.delong import delong_table
from pipeline.compare.inputs import read_comparison
from pipeline.compare.metrics import metric_table
from pipeline.foundation.params import load_params
from pipeline.plan.comparison import CompareParams
from pipeline.statistics.calibration_curve import calibration_curve, calibration_distances

ROOT = Path(__file__).resolve().parents[2]


def predictions(*, models: int, patients: int, seed: int) -> pd.DataFrame:
    """Models of increasing discrimination on the same patients, three in ten with the event."""
    rng = np.random.default_rng(seed)
    ids = [f"{number:06d}" for number in range(patients)]
    label = (rng.uniform(size=patients) < 0.3).astype(np.int64)
    shared = {"patient_id": ids, "label": label, "threshold": 0.5}
    parts = [
        pd.DataFrame(shared | {"model": f"m{number}", "score": rng.beta(1 + label * number / models, 2)})
        for number in range(1, models + 1)
    ]
    return pd.concat(parts, ignore_index=True)


def write_params(path: Path, *, replicates: int) -> None:
    """The shipped params with this number of bootstrap samples."""
    content = YAML(typ="safe", pure=True).load((ROOT / "params" / "compare.yaml").read_text(encoding="utf-8"))
    content["bootstrap"]["replicates"] = replicates
    with path.open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(content, stream)


def steps(table: Path, params: CompareParams) -> dict[str, float]:
    """Seconds of single steps, in this process and without the start of Python.

    discrimination: models, metrics and DeLong tests of all pairs; calibration: both calibration tables; one loess: the
    curve and the distances of one model.
    """
    compared = read_comparison(table, fusion=None, embed=None, params=params.model_copy(update={"all_pairs": True}))
    models, params = compared.models, compared.params
    folds = fold_table(compared.predictions)
    chosen = choose(folds, models, primary=params.primary)
    marks = [time.perf_counter()]
    metric_table(models, folds=folds, params=params)
    delong_table(models, chosen=chosen, params=params)
    marks.append(time.perf_counter())
    calibration_table(models, chosen=chosen, params=params)
    calibration_curve_table(models, chosen=chosen, params=params)
    marks.append(time.perf_counter())
    calibration_distances(models[0].scores, labels=models[0].labels)
    calibration_curve(models[0].scores, labels=models[0].labels)
    marks.append(time.perf_counter())
    return dict(zip(("discrimination", "calibration", "one loess"), np.diff(marks).tolist(), strict=True))


def main() -> None:
    """Write the predictions, run the stage as a user does, print its time in seconds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in (("models", 10), ("patients", 10_000), ("replicates", 0), ("seed", 2026)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = predictions(models=given.models, patients=given.patients, seed=given.seed)
        table.to_csv(folder / "any.csv", index=False)
        write_params(folder / "compare.yaml", replicates=given.replicates)
        command = [sys.executable, "-m", "stages.compare", "--predictions", str(folder / "any.csv")]
        command += ["--params", str(folder / "compare.yaml"), "--tables", str(folder / "tables")]
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True)
        seconds = time.perf_counter() - start
        parts = steps(folder / "any.csv", load_params(folder / "compare.yaml", CompareParams))
    size = f"{given.models} models of {given.patients} patients, {given.replicates} replicates"
    print(f"{size}: {seconds:.2f} s", flush=True)
    for step, seconds in parts.items():
        print(f"{step}: {seconds:.2f} s", flush=True)


if __name__ == "__main__":
    main()
