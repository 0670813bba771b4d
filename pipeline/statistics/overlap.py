"""Overlap of two masks."""

import numpy as np
from numpy.typing import NDArray


def dice(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Dice coefficient of two masks of one shape (non-zero = inside): 2 |a and b| / (|a| + |b|).

    1 if both are empty. Raises ValueError if the shapes differ.
    """
    first, second = np.asarray(a) != 0, np.asarray(b) != 0
    if first.shape != second.shape:
        raise ValueError(f"the masks have the shapes {first.shape} and {second.shape}")
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0
