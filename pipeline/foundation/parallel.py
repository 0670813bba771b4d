"""Run one function over many cases, in local processes or on a Dask cluster: same code, same results."""

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from typing import Any, TypeVar

from pipeline.foundation.errors import LESS_MEMORY, MachineError, PipelineError

Item = TypeVar("Item")
Result = TypeVar("Result")
IMPORTS = f"import {__name__}"  # a scheduler and its workers must be able to run this
FIRST_WORKER_S = 60.0
LONG_CASE_S = 30.0
KILLED = f"a worker process was killed, most often because there is too little memory; {LESS_MEMORY}"


def cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def single_threaded(function: Callable[[Item], Result], item: Item) -> Result:
    """Call `function(item)` with BLAS, OpenMP and ITK limited to one thread: the workers are the parallelism."""
    from threadpoolctl import threadpool_limits

    # Whoever reads images has loaded it by now; a stage of tables alone need not pay for its import.
    if "SimpleITK" in sys.modules:
        sys.modules["SimpleITK"].ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    with threadpool_limits(limits=1):
        return function(item)


def map_cases(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None,
    scheduler: str | None = None,
) -> Iterator[Result]:
    """Yield `function(item)` in the order of `items`, as results arrive.

    `workers` is the number of local processes; None: one per core, started only if the work turns out to be longer than
    their start. With `scheduler` (an address such as tcp://host:8786) the cases go to that Dask cluster instead. A
    failing case must be handled inside `function`: an exception here stops the map.
    Raises PipelineError if the scheduler does not answer or has no worker, or if it or a worker lacks this package,
    and MachineError if a worker is killed.
    """
    done = 0
    if scheduler is None and workers in (None, 1):
        for result in _here(function, items, to_the_end=workers == 1 or cores() == 1):
            done += 1
            yield result
    if done < len(items):
        yield from _in_processes(function, items[done:], workers=workers or cores(), scheduler=scheduler)


def _here(function: Callable[[Item], Result], items: Sequence[Item], *, to_the_end: bool) -> Iterator[Result]:
    """Yield the results of the first items, computed in this process: all of them, or until processes would pay off.

    A worker needs what this process has needed up to the end of its first case (imports, compilation). Processes pay
    off once that is less than what they would save of the remaining cases, by the mean of the cases after the first.
    One case of LONG_CASE_S is proof enough.
    """
    needed, spent = 0.0, 0.0
    for number, item in enumerate(items):
        before = time.perf_counter()
        # The same single-thread rule as in the worker processes, so that one or many workers write the same bytes.
        result = single_threaded(function, item)
        took = time.perf_counter() - before
        if number == 0:
            needed = time.process_time()
        else:
            spent += took
        yield result
        saved = spent / max(number, 1) * (len(items) - number - 1) * (1 - 1 / cores())
        if not to_the_end and (took > LONG_CASE_S or saved > needed):
            return


def _in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int, scheduler: str | None
) -> Iterator[Result]:
    import joblib

    with ExitStack() as stack:
        if scheduler is not None:
            stack.enter_context(_dask_client(scheduler))
            # No n_jobs: the cluster, not this process, decides what runs where.
            stack.enter_context(joblib.parallel_config(backend="dask"))
            pool = joblib.Parallel(return_as="generator")
        else:
            stack.enter_context(joblib.parallel_config(backend="loky", inner_max_num_threads=1))
            pool = joblib.Parallel(n_jobs=min(workers, len(items)), return_as="generator", batch_size=1)
        try:
            yield from pool(joblib.delayed(single_threaded)(function, item) for item in items)
        except _killed(scheduler) as error:
            raise MachineError(KILLED) from error


def _killed(scheduler: str | None) -> tuple[type[Exception], ...]:
    """The errors that say that a worker died, here or on a cluster."""
    if scheduler is None:
        return (BrokenProcessPool,)
    from distributed import KilledWorker

    return (BrokenProcessPool, KilledWorker)


def _connected(address: str) -> Any:
    from distributed import Client

    try:
        return Client(address, timeout="10s", set_as_default=True)
    except (OSError, TimeoutError, ValueError) as error:
        told = f"FUSION_SCHEDULER: no Dask scheduler answers at {address} ({error})"
    # The failed client must be closed now: closed while another one starts, both would wait for a lock forever.
    gc.collect()
    raise PipelineError(told)


def _dask_client(address: str) -> Any:
    client = _connected(address)
    try:
        # Without this package the scheduler cannot read a case, logs that on its side only, and we would wait forever.
        client.run_on_scheduler(exec, IMPORTS)
        if not client.ncores():
            # Submit a task, since a cluster that scales on demand starts no worker before there is one.
            client.submit(exec, IMPORTS, pure=False).result(timeout=FIRST_WORKER_S)
        client.run(exec, IMPORTS)
    except TimeoutError as error:
        client.close()
        raise PipelineError(
            f"FUSION_SCHEDULER: the Dask scheduler at {address} had no worker for {FIRST_WORKER_S:g} seconds; "
            "start one, or unset FUSION_SCHEDULER to run on this machine"
        ) from error
    except ImportError as error:
        client.close()
        raise PipelineError(
            f"FUSION_SCHEDULER: the Dask scheduler at {address} or one of its workers cannot import this project "
            f"({error}); start them in this environment with PYTHONPATH set to this folder"
        ) from error
    return client
