"""Which compiled functions a piece of work has used."""

from collections.abc import Sequence
from typing import Any


def used_kernels(kernels: Sequence[Any]) -> list[str]:
    """The names of those of `kernels` that were called in this process, or that a called one calls in its turn."""
    used = {one.__qualname__ for one in kernels if one.signatures}
    for _ in kernels:
        used |= {name for one in kernels if one.__qualname__ in used for name in one.py_func.__code__.co_names}
    return [one.__qualname__ for one in kernels if one.__qualname__ in used]
