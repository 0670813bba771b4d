"""Seconds and memory of the stages from `split` on by the number of patients, and how they grow.

python -m tests.benchmarks.scale    # 200, 1,000 and 5,000 patients, 5 x 5 folds: many hours
python -m tests.benchmarks.scale --patients 200 800 3200 --folds 2 --repeats 1 --sets radiomics fusion

Each size is a drawn study (`tests.benchmarks.scale_study`) in a folder of its own, on which the commands of dvc.yaml
run as they are. Memory is that of all processes of a stage together (proportional set size, sampled). The exponent is
the slope of the logarithm of the processors' seconds over that of the patients: other work on the machine changes it
little. The start of Python and its imports are included and flatten it, least so between the two largest sizes. A stage
that takes longer than the limit is stopped, and not begun at larger sizes. It needs Linux.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from pipeline.reduce.steps.lasso_path import fit_path, lambda_grid
from tests.benchmarks.scale_study import BLOCKS, ROOT, draw, uses_network, write_network, write_params, write_study

SAMPLED_EVERY_S = 0.5
GIB = 2**30
GIVEN = {"${reports}": "reports", "${near_duplicates}": "report", "${tables.min_test_class_count}": "20"}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds by the clock, seconds of all processors, peak memory; `finished` false: stopped at the limit."""

    wall_s: float
    busy_s: float
    peak_bytes: int
    finished: bool


@dataclass(frozen=True, kw_only=True)
class Run:
    """One stage at one size."""

    stage: str
    patients: int
    cost: Cost

    def __str__(self) -> str:
        """One line of the table."""
        cost = self.cost
        told = f"{cost.wall_s:8.1f} s" if cost.finished else f"stopped after {cost.wall_s:.0f} s"
        busy, peak = f"{cost.busy_s:8.1f} s of processors", f"{cost.peak_bytes / GIB:6.2f} GiB"
        return f"{self.stage:20s} {self.patients:6d} patients: {told}, {busy}, {peak}"


def commands(dvc_yaml: Path, *, sets: Sequence[str]) -> dict[str, list[str]]:
    """The command of each stage, in order, by name; a stage with sets is named `stage set`."""
    stages = YAML(typ="safe", pure=True).load(dvc_yaml.read_text(encoding="utf-8"))["stages"]
    wanted = [("split", None), *((s, name) for name in sets for s in ("reduce", "benchmark"))]
    wanted += [("compare", None), ("consistency", None), ("selftest", None)]
    found = {}
    for stage, name in wanted:
        text = stages[stage]["do"]["cmd"] if name else stages[stage]["cmd"]
        for given, value in (GIVEN | {"${key}": name or ""}).items():
            text = text.replace(given, value)
        found[f"{stage} {name}" if name else stage] = [sys.executable, *shlex.split(text)[1:]]
    return found


def needed(stage: str, *, before: Sequence[str]) -> list[str]:
    """The stages among `before` whose results a stage reads."""
    name, _, own = stage.partition(" ")
    if name == "reduce":
        return ["split"]
    return [other for other in before if not own or other.partition(" ")[2] == own]


def tree(pid: int) -> Iterator[int]:
    """A process and all its descendants."""
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from tree(int(child))


def used(pid: int) -> tuple[int, float]:
    """The proportional set size of a process in bytes and its processor seconds so far; 0 if it has ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        size = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]  # utime, stime
        return size, sum(int(value) for value in ticks) / os.sysconf("SC_CLK_TCK")
    return 0, 0.0


def measure(command: Sequence[str], *, folder: Path, limit_s: float, log: Path) -> Cost:
    """Run a command until it ends or reaches the limit; its output goes to `log`.

    Raises RuntimeError with the end of the output if it fails.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT), "FUSION_SCRATCH": str(folder / "scratch")}
    start, peak, busy = time.perf_counter(), 0, dict[int, float]()
    with log.open("wb") as stream:
        told = {"stdout": stream, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **told)
        try:
            while (code := process.poll()) is None and time.perf_counter() - start <= limit_s:
                found = {pid: used(pid) for pid in tree(process.pid)}
                peak = max(peak, sum(size for size, _ in found.values()))
                busy |= {pid: seconds for pid, (_, seconds) in found.items() if seconds}
                time.sleep(SAMPLED_EVERY_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if code:
        raise RuntimeError(f"{shlex.join(command[:4])} failed:\n{log.read_text()[-2000:]}")
    return Cost(wall_s=time.perf_counter() - start, busy_s=sum(busy.values()), peak_bytes=peak, finished=code == 0)


def run_size(patients: int, *, folder: Path, given: argparse.Namespace, skipped: set[str]) -> Iterator[Run]:
    """Draw a study of this size and run every stage that is not in `skipped` and whose inputs are there."""
    before = time.perf_counter()
    drawn = draw(patients, seed=given.seed)
    write_study(folder, drawn=drawn, seed=given.seed)
    plan = {"folds": given.folds, "repeats": given.repeats, "shuffles": given.shuffles}
    write_params(folder / "params", sets=given.sets, **plan)
    drawing = time.perf_counter() - before
    done: list[str] = []
    planned = commands(ROOT / "dvc.yaml", sets=given.sets)
    for number, (stage, command) in enumerate(planned.items()):
        if stage in skipped or set(needed(stage, before=list(planned)[:number])) - set(done):
            print(f"{stage:20s} {patients:6d} patients: not begun", flush=True)
            continue
        log = folder / f"{stage.replace(' ', '-')}.log"
        cost = measure(command, folder=folder, limit_s=60 * given.limit_minutes, log=log)
        if cost.finished:
            done.append(stage)
        yield Run(stage=stage, patients=patients, cost=cost)
        if stage == "split" and uses_network(given.sets):
            before = time.perf_counter()
            write_network(folder / "data", drawn=drawn, seed=given.seed)
            drawing += time.perf_counter() - before
    print(f"{'(drawing)':20s} {patients:6d} patients: {drawing:8.1f} s", flush=True)


def compile_kernels() -> None:
    """Fill numba's cache, so that the first stage that needs it does not pay for it."""
    X = np.random.default_rng(0).normal(size=(60, 20))
    y = (X[:, 0] > 0).astype(np.float64)
    fit_path(X, y, lambdas=lambda_grid(X, y, count=10))


def exponents(seconds: Mapping[int, float]) -> dict[tuple[int, int], float]:
    """The slope of log seconds over log patients between each size and the next, and over all sizes."""
    sizes = sorted(seconds)
    pairs = {(a, b): np.log(seconds[b] / seconds[a]) / np.log(b / a) for a, b in pairwise(sizes)}
    if len(sizes) > 2:
        logs = np.log([[size, seconds[size]] for size in sizes])
        pairs[sizes[0], sizes[-1]] = np.polyfit(*logs.T, 1)[0]
    return {pair: float(slope) for pair, slope in pairs.items()}


def report(runs: Sequence[Run]) -> Iterator[str]:
    """One line per stage that finished at two sizes or more: its exponents, and its peak at the largest of them."""
    for stage in dict.fromkeys(run.stage for run in runs):
        own = {run.patients: run.cost for run in runs if run.stage == stage and run.cost.finished}
        slopes = exponents({size: cost.busy_s for size, cost in own.items()})
        told = ", ".join(f"{a} to {b}: {slope:.2f}" for (a, b), slope in slopes.items())
        if own:
            peak = own[max(own)].peak_bytes / GIB
            yield f"{stage:20s} exponent {told or 'unknown, one size'}; {peak:.2f} GiB at {max(own)}"


def main() -> None:
    """Run every size, print each stage as it ends, then the exponents."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--patients", type=int, nargs="+", default=[200, 1000, 5000])
    parser.add_argument("--sets", nargs="+", choices=list(BLOCKS), default=list(BLOCKS))
    for name, default in (("folds", 5), ("repeats", 5), ("shuffles", 20), ("seed", 2026)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--limit-minutes", type=float, default=60.0, help="of one stage at one size")
    parser.add_argument("--folder", type=Path, help="keep the studies here; default: a temporary folder")
    given = parser.parse_args()
    compile_kernels()
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as temporary:
        for patients in sorted(given.patients):
            folder = (given.folder or Path(temporary)).resolve() / str(patients)
            skipped = {run.stage for run in runs if not run.cost.finished}
            for run in run_size(patients, folder=folder, given=given, skipped=skipped):
                runs.append(run)
                print(run, flush=True)
    for line in report(runs):
        print(line, flush=True)


if __name__ == "__main__":
    main()
