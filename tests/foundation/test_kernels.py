"""Compiled functions: compiled once by processes that start together, never from an older source."""

import json
import os
import subprocess
import sys
import time
from functools import partial
from types import SimpleNamespace

from places import ROOT

from pipeline.foundation.kernels import compile_once, kernels_of

KERNELS = """
from numba import njit

@njit(cache=True)
def scaled(x):
    return x * 3

@njit(cache=True)
def total(values):
    result = 0.0
    for value in values:
        result += scaled(value)
    return result
"""
RUN = """
import json, logging, sys
import numpy as np
import tiny_kernels
from pipeline.foundation.kernels import compile_once, kernels_of

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
whole, real = np.arange(5), np.arange(5) / 4
worked = compile_once(
    kernels_of("tiny_kernels"),
    work=lambda: (tiny_kernels.total(whole), tiny_kernels.total(real)),
)
print(json.dumps([worked, tiny_kernels.total(real), tiny_kernels.total(whole)]))
"""


def start(folder):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", RUN], cwd=folder, env=environment, text=True, **pipes)


def results(processes):
    ended = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), ended
    return [json.loads(out) for out, _ in ended], "".join(told for _, told in ended)


def test_processes_that_start_together_compile_once_and_an_edited_source_again(tmp_path):
    (tmp_path / "tiny_kernels.py").write_text(KERNELS)
    found, told = results([start(tmp_path) for _ in range(4)])
    assert sorted(found, reverse=True) == [[True, 7.5, 30.0]] + [[False, 7.5, 30.0]] * 3
    assert told == ""

    (tmp_path / "tiny_kernels.py").write_text(KERNELS.replace("x * 3", "x * 5"))
    os.utime(tmp_path / "tiny_kernels.py", (time.time() + 2, time.time() + 2))
    assert results([start(tmp_path)])[0] == [[True, 12.5, 50.0]]


def kernel_in(folder):
    """A function that looks compiled, with an index and machine code in `folder`, as old as its source."""
    (folder / "source.py").write_text("def twice(x):\n    return 2 * x\n")
    namespace = {}
    exec(compile((folder / "source.py").read_text(), str(folder / "source.py"), "exec"), namespace)
    for end in ("nbi", "1.nbc", "2.nbc"):
        (folder / f"source.twice-1.py311.{end}").touch()
    kernel = SimpleNamespace(py_func=namespace["twice"], stats=SimpleNamespace(cache_path=str(folder)))
    kernel.__qualname__ = "twice"
    return kernel


def test_code_of_an_older_source_is_deleted_before_any_is_compiled(tmp_path):
    kernel, seen = kernel_in(tmp_path), []
    (tmp_path / "source.twice_more-3.py311.1.nbc").touch()  # another function's
    work = partial(compile_once, [kernel], work=lambda: seen.append(len(list(tmp_path.glob("*.nb?")))))
    assert (work(), seen) == (False, [])

    os.utime(tmp_path / "source.py", (time.time() + 2, time.time() + 2))
    assert (work(), seen) == (True, [1])


def test_without_a_lock_it_is_compiled_all_the_same(tmp_path):
    kernel = kernel_in(tmp_path)
    (tmp_path / "source.twice-1.py311.nbi").unlink()
    (tmp_path / "compiling.lock").mkdir()  # cannot be opened as a file

    assert compile_once([kernel], work=lambda: None)


def test_only_functions_of_the_package_are_found(monkeypatch):
    def compiled(module, name):
        return SimpleNamespace(py_func=1, __module__=module, __qualname__=name)

    own, foreign = compiled("room.a", "f"), compiled("elsewhere", "g")
    monkeypatch.setitem(sys.modules, "room.a", SimpleNamespace(f=own, again=own, g=foreign, n=3))
    monkeypatch.setitem(sys.modules, "roomier", SimpleNamespace(h=compiled("roomier", "h")))

    assert kernels_of("room") == [own]
