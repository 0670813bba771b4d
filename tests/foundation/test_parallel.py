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

import numpy as np
import pytest
import SimpleITK as sitk
from distributed import Client
from places import ROOT
from threadpoolctl import threadpool_info

from pipeline.foundation import parallel
from pipeline.foundation.errors import MachineError, PipelineError
from pipeline.foundation.parallel import map_cases


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


def test_a_cluster_gives_the_same_results(tmp_path):
    with cluster(tmp_path, project=[ROOT]) as address:
        assert list(map_cases(math.sqrt, [1.0, 4.0, 9.0], workers=1, scheduler=address)) == [1, 2, 3]


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
