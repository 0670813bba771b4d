"""One function over many cases: same results in the same order, wherever it runs."""

import gc
import json
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from distributed import Client
from places import ROOT
from threadpoolctl import threadpool_info

from pipeline.foundation import parallel
from pipeline.foundation.errors import MachineError, PipelineError
from pipeline.foundation.parallel import largest_first, map_cases, map_largest_first


def square(number):
    return number * number


def process_and_threads(_):
    np.ones((64, 64)) @ np.ones((64, 64))
    pools = [pool["num_threads"] for pool in threadpool_info()]
    return os.getpid(), sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(), max(pools, default=1)


def fail(number):
    raise ValueError(f"case {number}")


@pytest.mark.parametrize("workers", [1, 2, None])
def test_results_come_in_the_order_of_the_cases(workers):
    assert list(map_cases(square, range(7), workers=workers)) == [0, 1, 4, 9, 16, 25, 36]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_case_runs_on_one_thread(workers):
    found = list(map_cases(process_and_threads, range(4), workers=workers))
    assert {threads for _, *counts in found for threads in counts} == {1}
    assert (os.getpid() in {process for process, *_ in found}) == (workers == 1)


def test_results_come_as_they_arrive():
    seen = []
    results = map_cases(lambda number: seen.append(number) or number, [1, 2, 3], workers=1)
    assert next(results) == 1
    assert seen == [1]


def test_work_shorter_than_the_start_of_processes_stays_here():
    assert {process for process, *_ in map_cases(process_and_threads, range(8), workers=None)} == {os.getpid()}


def test_work_that_turns_out_to_be_long_goes_to_processes(monkeypatch):
    monkeypatch.setattr(parallel, "LONG_CASE_S", 0.0)
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    processes = [process for process, *_ in map_cases(process_and_threads, range(4), workers=None)]

    assert processes[0] == os.getpid()
    assert os.getpid() not in processes[1:]


@pytest.mark.parametrize(("cases", "here"), [(5, 5), (9, 2), (100, 2)])
def test_cases_go_to_processes_if_these_save_more_than_their_start(monkeypatch, cases, here):
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(parallel.time, "perf_counter", lambda: next(clock))  # every case takes 2 s
    monkeypatch.setattr(parallel.time, "process_time", lambda: 5.0)  # two workers save half of 2 s per case
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    processes = [process for process, *_ in map_cases(process_and_threads, range(cases), workers=None)]

    assert [process == os.getpid() for process in processes] == [True] * here + [False] * (cases - here)


def test_the_largest_come_first_and_equals_keep_their_order():
    assert largest_first([2, 9.5, 2, 30]) == [3, 1, 0, 2]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_largest_start_first_and_results_come_in_the_order_of_the_cases(workers):
    seen = []
    found = map_largest_first(
        square,
        [1, 3, 2],
        costs=[1, 3, 2],
        spread=partial(map_cases, workers=workers),
        watch=lambda arrived: (seen.append(one) or one for one in arrived),
    )

    assert (found, seen) == ([1, 9, 4], [9, 4, 1])


@pytest.mark.parametrize(("small", "here"), [(8, 10), (40, 2)])
def test_the_forecast_of_small_cases_is_not_that_of_the_large_ones_before_them(monkeypatch, small, here):
    # Cases of 20, 10 and, `small` times, 0.5 s: starting takes the 25 s of CPU time after the first case less its 20 s.
    seconds = [20.0, 10.0] + [0.5] * small
    times = [moment for place, took in enumerate(seconds) for moment in (100.0 * place, 100.0 * place + took)]
    monkeypatch.setattr(parallel.time, "perf_counter", iter(times).__next__)
    monkeypatch.setattr(parallel.time, "process_time", lambda: 25.0)
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    monkeypatch.setattr(parallel, "_in_processes", lambda _, items, **__: iter(["elsewhere"] * len(items)))
    found = list(map_cases(lambda _: "here", range(2 + small), workers=None, costs=seconds))

    assert found == ["here"] * here + ["elsewhere"] * (2 + small - here)


def test_no_cases_no_work():
    assert list(map_cases(fail, [], workers=2)) == []


def test_an_exception_is_not_swallowed():
    with pytest.raises(ValueError, match=r"case [01]"):
        list(map_cases(fail, range(2), workers=2))


def test_a_scheduler_that_does_not_answer_is_one_sentence():
    with pytest.raises(PipelineError, match="no Dask scheduler answers at nowhere"):
        list(map_cases(square, [1], workers=1, scheduler="nowhere"))
    # A client that is closed while the next one starts would block that one forever.
    assert {thing.status for thing in gc.get_objects() if type(thing) is Client} <= {"closed"}


@contextmanager
def cluster(folder, *, project, workers=1):
    """A scheduler and workers in separate processes, with `project` on their path; yields the address."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, project)), "OMP_NUM_THREADS": "1"}
    environment["DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT"] = "3s"  # a killed worker is asked for its results
    place = folder / "scheduler.json"
    calls = [
        ["scheduler", "--host", "127.0.0.1", "--port", "0"],
        *[["worker", "--no-nanny", "--nthreads", "1"]] * workers,
    ]
    shared = ["--scheduler-file", str(place), "--no-dashboard"]
    processes = []
    try:
        for call in calls:
            command = [sys.executable, "-m", "dask", *call, *shared]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            processes.append(subprocess.Popen(command, cwd=folder, env=environment, **quiet))
            for _ in range(200):
                if place.exists():
                    break
                time.sleep(0.1)
        yield json.loads(place.read_text())["address"]
    finally:
        for process in reversed(processes):
            process.kill()  # asked to terminate while starting, they may hang forever
            process.wait(timeout=10)


class Scale:
    """A function that holds data, and counts how often it is sent."""

    sent = 0

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, item):
        return float(item.sum() * self.factor)

    def __reduce__(self):
        Scale.sent += 1
        return Scale, (self.factor,)


def test_a_cluster_gives_the_same_results_and_names_a_killed_worker(tmp_path):
    small, large = np.ones(3), np.ones(1 + parallel.INLINE_BYTES // 8)
    with cluster(tmp_path, project=[ROOT, ROOT / "tests" / "helpers", Path(__file__).parent]) as address:
        found = list(map_cases(Scale(2.0), [small, large] * 3, workers=1, scheduler=address))
        assert found == [6.0, 2.0 * len(large)] * 3
        assert Scale.sent == 1
        with pytest.raises(ValueError, match="case 0"):
            list(map_cases(fail, range(2), workers=1, scheduler=address))
        with pytest.raises(MachineError, match=r"a worker of the Dask cluster was killed or lost, .*--memory-limit"):
            list(map_cases(die, range(4), workers=1, scheduler=address))


def test_workers_of_several_threads_are_refused():
    threads = {"tcp://10.0.0.1:4000": 1, "tcp://10.0.0.2:4000": 16}
    with pytest.raises(
        PipelineError, match=r"1 workers .*\(first tcp://10.0.0.2:4000: 16\); start them with --nthreads 1"
    ):
        parallel._workers(SimpleNamespace(nthreads=lambda: threads))
    assert parallel._workers(SimpleNamespace(nthreads=dict)) == 1


def test_a_cluster_without_the_project_is_one_sentence_and_no_endless_wait(tmp_path):
    with (
        cluster(tmp_path, project=[]) as address,
        pytest.raises(PipelineError, match=r"cannot import this project .*PYTHONPATH set to this folder"),
    ):
        list(map_cases(math.sqrt, [1.0], workers=1, scheduler=address))


def test_a_cluster_without_a_worker_is_one_sentence_and_no_endless_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "FIRST_WORKER_S", 0.5)
    with (
        cluster(tmp_path, project=[ROOT], workers=0) as address,
        pytest.raises(PipelineError, match=r"had no worker for 0\.5 seconds; start one"),
    ):
        list(map_cases(math.sqrt, [1.0], workers=1, scheduler=address))


def die(number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_killed_worker_is_one_sentence():
    with pytest.raises(MachineError, match=r"a worker process was killed, .*FUSION_WORKERS.*finished cases are kept"):
        list(map_cases(die, range(4), workers=2))
