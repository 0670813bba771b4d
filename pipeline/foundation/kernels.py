"""Compiled functions (numba, with a cache on the disk): compiled by one process at a time, and by none in part.

numba itself neither locks its cache nor writes a function's index and its machine code in one step. Processes that
compile different signatures of one function at once can therefore store one's code under the other's name, and one that
is killed while it replaces the code of an older source can leave that code under the new source's name.
"""

import fcntl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def kernels_of(package: str) -> list[Any]:
    """The compiled functions of the loaded modules of `package` (a dotted name), in the order of their names."""
    names = [name for name in sys.modules if name == package or name.startswith(f"{package}.")]
    every = [one for name in names for one in vars(sys.modules[name]).values() if hasattr(one, "py_func")]
    own = {(one.__module__, one.__qualname__): one for one in every if one.__module__ in names}
    return [own[name] for name in sorted(own)]


def cached(kernel: Any) -> bool:
    """Whether the cache holds a code of the kernel that is not older than its source."""
    source = Path(kernel.py_func.__code__.co_filename)
    indices = [file for file in _files(kernel) if file.suffix == ".nbi"]
    return any(file.stat().st_mtime >= source.stat().st_mtime for file in indices)


def compile_once(kernels: Sequence[Any], *, work: Callable[[], object], name: str = "compiling") -> bool:
    """Call `work`, which must use every one of `kernels`, unless the cache holds them all; returns whether it did.

    Of several processes that start at once with the same `name`, one works, and the others wait for it; groups of
    kernels with other names must share none, and call none of each other. If a kernel is missing or older than its
    source, all are deleted first: numba keeps a copy of a function in those that call it, and does not notice that the
    original has changed in another file.
    """
    if all(cached(one) for one in kernels):
        return False
    folder = Path(kernels[0].stats.cache_path)
    with _alone(folder / f"{name}.lock"):
        if all(cached(one) for one in kernels):
            return False
        for file in (file for one in kernels for file in _files(one)):
            with suppress(OSError):  # a cache that may only be read
                file.unlink()
        work()
    return True


def _files(kernel: Any) -> list[Path]:
    """The index of a kernel in the cache, and its machine code."""
    source = Path(kernel.py_func.__code__.co_filename)
    return sorted(Path(kernel.stats.cache_path).glob(f"{source.stem}.{kernel.__qualname__}-*.nb[ci]"))


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold a lock; on a file system that has none, or may only be read, go on without it."""
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
    try:
        stream = place.open("ab")
    except OSError:
        yield
        return
    with stream:
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
