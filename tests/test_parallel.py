"""One function over many cases: same results, same order, wherever it runs."""

import os

import numpy as np
import pytest
import SimpleITK as sitk
from threadpoolctl import threadpool_info

from pipeline.errors import PipelineError
from pipeline.parallel import map_cases


def square(number):
    return number * number


def process_and_threads(_):
    np.ones((64, 64)) @ np.ones((64, 64))
    pools = [pool["num_threads"] for pool in threadpool_info()]
    return os.getpid(), sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(), max(pools, default=1)


def fail(number):
    raise ValueError(f"case {number}")


@pytest.mark.parametrize("workers", [1, 2])
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


def test_no_cases_no_work():
    assert list(map_cases(fail, [], workers=2)) == []


def test_an_exception_is_not_swallowed():
    with pytest.raises(ValueError, match=r"case [01]"):
        list(map_cases(fail, range(2), workers=2))


def test_a_scheduler_that_does_not_answer_is_one_sentence():
    with pytest.raises(PipelineError, match="no Dask scheduler answers at nowhere"):
        list(map_cases(square, [1], workers=1, scheduler="nowhere"))
