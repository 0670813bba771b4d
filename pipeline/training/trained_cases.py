"""Runs the cases of a stage that trains networks: those that an earlier run finished, then the others."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from pipeline.foundation.parallel import map_cases
from pipeline.training import data_parallel

Result = TypeVar("Result")
Case = TypeVar("Case")


def loaders_of(device: str, *, workers: int) -> int:
    """How many processes load the images of one training: on a GPU `workers`, on a CPU none, since cases share it."""
    return 0 if device == "cpu" else workers


def trained_cases(
    cases: Sequence[Case],
    *,
    load: Callable[[Case], Result | None],
    compute: Callable[[Case], Result],
    save: Callable[[Result], None],
    trained: Callable[[Case], frozenset[str]],
    device: str,
    workers: int,
    scheduler: str | None,
) -> Iterator[Result]:
    """Yield the result of each case: those that `load` finds first, then the others as they finish, kept by `save`.

    `trained` gives the patients that the networks of a case are trained on. On a GPU, and if several processes share a
    batch, the cases run one after another in this process.
    """
    missing = []
    for case in cases:
        stored = load(case)
        if stored is None:
            missing.append(case)
        else:
            yield stored
    missing.sort(key=lambda case: -len(trained(case)))  # the longest first, so that no worker idles at the end
    here = device != "cpu" or data_parallel.size() > 1
    for done in map_cases(compute, missing, workers=1 if here else workers, scheduler=None if here else scheduler):
        if data_parallel.rank() == 0:
            save(done)
        yield done
