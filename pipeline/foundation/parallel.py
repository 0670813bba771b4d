"""Run one function over many cases: on this machine's processes or on a Dask cluster, same code, same results."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

import joblib

from pipeline.foundation.errors import PipelineError

Item = TypeVar("Item")
Result = TypeVar("Result")
IMPORTS = f"import {__name__}"  # what a scheduler and its workers must be able to do
FIRST_WORKER_S = 60.0


def single_threaded(function: Callable[[Item], Result], item: Item) -> Result:
    """Call `function(item)` with BLAS, OpenMP and ITK capped at one thread: workers are the parallelism."""
    import SimpleITK as sitk
    from threadpoolctl import threadpool_limits

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    with threadpool_limits(limits=1):
        return function(item)


def map_cases(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    scheduler: str | None = None,
) -> Iterator[Result]:
    """Yield `function(item)` in the order of `items`, as results arrive.

    `workers` is the number of local processes; with `scheduler` (an address such as tcp://host:8786) the cases go to
    that Dask cluster instead. A failing case must be handled inside `function`: an exception here stops the map.
    Raises PipelineError where the scheduler does not answer or has no worker, or it or a worker has not this package.
    """
    if not items:
        return
    if scheduler is None and workers == 1:
        # Same one-thread law as in the worker processes, so that one or many workers write the same bytes.
        yield from (single_threaded(function, item) for item in items)
        return
    with ExitStack() as stack:
        if scheduler is not None:
            stack.enter_context(_dask_client(scheduler))
            # No n_jobs: the cluster, not this process, decides what runs where.
            stack.enter_context(joblib.parallel_config(backend="dask"))
            pool = joblib.Parallel(return_as="generator")
        else:
            stack.enter_context(joblib.parallel_config(backend="loky", inner_max_num_threads=1))
            pool = joblib.Parallel(n_jobs=min(workers, len(items)), return_as="generator", batch_size=1)
        yield from pool(joblib.delayed(single_threaded)(function, item) for item in items)


def _connected(address: str) -> Any:
    from distributed import Client

    try:
        return Client(address, timeout="10s", set_as_default=True)
    except (OSError, TimeoutError, ValueError) as error:
        told = f"FUSION_SCHEDULER: no Dask scheduler answers at {address} ({error})"
    # The client that failed must close now: if it did while another one starts, both would wait for a lock for ever.
    gc.collect()
    raise PipelineError(told)


def _dask_client(address: str) -> Any:
    client = _connected(address)
    try:
        # Without this package the scheduler cannot read a case, logs that on its side, and we would wait for ever.
        client.run_on_scheduler(exec, IMPORTS)
        if not client.ncores():
            # A task, since a cluster that grows on demand has no worker before there is one.
            client.submit(exec, IMPORTS, pure=False).result(timeout=FIRST_WORKER_S)
        client.run(exec, IMPORTS)
    except TimeoutError as error:
        client.close()
        raise PipelineError(
            f"FUSION_SCHEDULER: the Dask scheduler at {address} had no worker for {FIRST_WORKER_S:g} seconds; "
            "start one, or unset FUSION_SCHEDULER to work on this machine"
        ) from error
    except ImportError as error:
        client.close()
        raise PipelineError(
            f"FUSION_SCHEDULER: the Dask scheduler at {address} or a worker of it cannot import this project "
            f"({error}); start them in this environment with PYTHONPATH set to this folder"
        ) from error
    return client
