"""Arrays seen as lines of voxels along one axis: the form in which the kernels of filters take them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]


def lines_along(array: NDArray[Any], axis: int) -> NDArray[Any]:
    """A C-contiguous `array` (any number of axes) as a view of shape (outer, n, lines), n along `axis`."""
    if axis == array.ndim - 1:  # the lines lie next to each other along the last axis but one
        return array.reshape(1, -1, array.shape[-1]).swapaxes(1, 2)
    outer = int(np.prod(array.shape[:axis], dtype=np.int64))
    return array.reshape(outer, array.shape[axis], -1)
