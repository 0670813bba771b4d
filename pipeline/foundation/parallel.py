"""Run one function over many cases, in local processes or on a Dask cluster: same code, same results."""

import gc
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeVar

from pipeline.foundation.errors import KEPT, LESS_MEMORY, MachineError, PipelineError

Item = TypeVar("Item")
Result = TypeVar("Result")
IMPORTS = f"import {__name__}"  # a scheduler and its workers must be able to run this
FIRST_WORKER_S = 60.0
LONG_CASE_S = 30.0
AHEAD = 2  # cases per worker of a cluster that are sent and not finished: one runs, one waits
INLINE_BYTES = 1 << 20
KILLED = f"a worker process was killed, most often because there is too little memory; {LESS_MEMORY}"
KILLED_ON_CLUSTER = (
    "a worker of the Dask cluster was killed or lost, most often because there is too little memory; give each worker "
    f"more (--memory-limit), or start fewer per machine; {KEPT}"
)


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
    costs: Sequence[float] | None = None,
) -> Iterator[Result]:
    """Yield `function(item)` in the order of `items`, as results arrive.

    `workers` is the number of local processes; None: one per core, started only if the work turns out to be longer than
    their start, as the `costs` of the items predict it (positive, in any unit; None: all alike). With `scheduler` (an
    address such as tcp://host:8786) the cases go to that Dask cluster instead. A failing case must be handled inside
    `function`: an exception here stops the map.
    Raises PipelineError if the scheduler does not answer or has no worker, if it or a worker lacks this package, or if
    a worker has several threads, and MachineError if a worker is killed.
    """
    done = 0
    if scheduler is None and workers in (None, 1):
        for result in _here(function, items, costs=costs, to_the_end=workers == 1 or cores() == 1):
            done += 1
            yield result
    if done < len(items):
        rest = items[done:]
        if scheduler is None:
            yield from _in_processes(function, rest, workers=workers or cores())
        else:
            yield from _on_cluster(function, rest, scheduler=scheduler)


def largest_first(costs: Sequence[float]) -> list[int]:
    """The places of `costs` from the largest to the smallest, equal ones in their order."""
    return sorted(range(len(costs)), key=lambda place: -costs[place])


def map_largest_first(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    costs: Sequence[float],
    spread: Callable[..., Iterator[Result]],
    watch: Callable[[Iterator[Result]], Iterable[Result]] = iter,
) -> list[Result]:
    """`function(item)` in the order of `items`; the largest of `costs` starts first, so that no worker waits at the end
    for the long case of another.

    `spread` is `map_cases` with its workers; `watch` is passed the results as they arrive (a progress bar).
    """
    order = largest_first(costs)
    arrived = spread(function, [items[place] for place in order], costs=[costs[place] for place in order])
    found = dict(zip(order, watch(arrived), strict=True))
    return [found[place] for place in range(len(items))]


def _here(
    function: Callable[[Item], Result], items: Sequence[Item], *, costs: Sequence[float] | None, to_the_end: bool
) -> Iterator[Result]:
    """Yield the results of the first items, computed in this process: all of them, or until processes would pay off.

    A worker needs what this process has needed up to the end of its first case (imports, compilation), without the case
    itself if the costs tell how long it took. Processes pay off once that is less than what they would save of the
    remaining cases, by the seconds per cost of the cases after the first. One case of LONG_CASE_S is proof enough.
    """
    given = [1.0] * len(items) if costs is None else costs
    needed, spent, paid, left = 0.0, 0.0, 0.0, float(sum(given))
    for number, item in enumerate(items):
        before = time.perf_counter()
        # The same single-thread rule as in the worker processes, so that one or many workers write the same bytes.
        result = single_threaded(function, item)
        took = time.perf_counter() - before
        left -= given[number]
        if number == 0:
            needed = time.process_time()
        else:
            spent, paid = spent + took, paid + given[number]
        yield result
        rate = spent / paid if paid else 0.0
        start = needed if costs is None else max(needed - rate * given[0], 0.0)
        if not to_the_end and (took > LONG_CASE_S or rate * left * (1 - 1 / cores()) > start):
            return


def _in_processes(function: Callable[[Item], Result], items: Sequence[Item], *, workers: int) -> Iterator[Result]:
    import joblib

    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        pool = joblib.Parallel(n_jobs=min(workers, len(items)), return_as="generator", batch_size=1)
        try:
            yield from pool(joblib.delayed(single_threaded)(function, item) for item in items)
        except BrokenProcessPool as error:
            raise MachineError(KILLED) from error


def _on_cluster(function: Callable[[Item], Result], items: Sequence[Item], *, scheduler: str) -> Iterator[Result]:
    """Yield the results of the items, computed by the workers of a Dask cluster.

    The function is sent once, with all that it holds, and the workers pass it on. An item is made here when a worker
    will soon be free; a large one is sent past the task graph, which the scheduler keeps in its memory.
    """
    from distributed import KilledWorker

    client = _dask_client(scheduler)
    try:
        yield from _results(client, function, items)
    except (KilledWorker, CancelledError) as error:  # the second: a worker died with data sent to it alone
        raise MachineError(KILLED_ON_CLUSTER) from error
    finally:
        client.close()


def _results(client: Any, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    from distributed import wait

    (sent,) = client.scatter([function], hash=False)
    waiting: deque[Any] = deque()
    unfinished: list[Any] = []
    remaining = iter(items)
    while True:
        unfinished = [future for future in unfinished if not future.done()]
        for item in islice(remaining, max(0, AHEAD * _workers(client) - len(unfinished))):
            future = client.submit(_from_bytes, sent, _packed(client, item), pure=False)
            waiting.append(future)
            unfinished.append(future)
        if not waiting:
            return
        if waiting[0].done():
            yield waiting.popleft().result()
        else:
            wait(unfinished, return_when="FIRST_COMPLETED")


def _packed(client: Any, item: Any) -> Any:
    """The item as bytes; more than INLINE_BYTES of them are sent to a worker now, and a reference is returned."""
    from distributed.protocol.pickle import dumps

    content = dumps(item)
    return client.scatter([content], hash=False)[0] if len(content) > INLINE_BYTES else content


def _from_bytes(function: Callable[[Item], Result], content: bytes) -> Result:
    """`function` of a packed item, on a worker."""
    from distributed.protocol.pickle import loads

    return single_threaded(function, loads(content))


def _workers(client: Any) -> int:
    """The number of workers now, at least 1. Raises PipelineError if a worker runs several cases at once."""
    threads = client.nthreads()
    # Random states and limits of threads belong to a process: cases that share one would change each other's digits.
    if several := sorted(address for address, count in threads.items() if count > 1):
        raise PipelineError(
            f"FUSION_SCHEDULER: {len(several)} workers of the Dask cluster have more than 1 thread (first {several[0]}:"
            f" {threads[several[0]]}); start them with --nthreads 1, and one per core (--nworkers)"
        )
    return max(1, len(threads))


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
