"""Faults of the machine are told from those of the data, and each is one sentence with a remedy."""

import errno
import os
from pathlib import Path

import pytest

from pipeline.foundation.errors import KEPT, MachineError, PipelineError, machine_fault

SPACE = "free space on this disk, or set FUSION_SCRATCH to a folder on another one"
WRITE = "run the stage that writes it, or correct the path"


def fault(number, name=None):
    return OSError(number, os.strerror(number), name)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (fault(errno.ENOSPC, "a.csv"), f"a.csv: No space left on device; {SPACE}; {KEPT}"),
        (fault(errno.EACCES, Path("b.csv")), "b.csv: Permission denied; give this user the right to read and write it"),
        (fault(errno.ENOENT, "c.csv"), f"c.csv: No such file or directory; {WRITE}"),
        (fault(errno.EIO), f"Input/output error; check the disk and the network; {KEPT}"),
    ],
)  # fmt: skip
def test_a_fault_of_the_disk(error, sentence):
    assert machine_fault(error) == sentence


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 3 GiB"),
        MemoryError(),
        RuntimeError("ITK ERROR: Failed to allocate memory for image."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA out of memory."),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_too_little_memory_whoever_says_it(error):
    assert machine_fault(error).startswith("there is too little memory")
    assert "FUSION_WORKERS" in machine_fault(error)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("memory"), KeyError("x")])
def test_a_bug_is_no_fault_of_the_machine(error):
    assert machine_fault(error) is None


def test_a_fault_of_the_machine_is_shown_as_one_sentence():
    assert issubclass(MachineError, PipelineError)
