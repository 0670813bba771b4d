"""Discretisation of grey values into levels, as PyRadiomics 3.0.1 does it (imageoperations.getBinEdges, binImage)."""

import numpy as np

from pipeline.radiomics.engine.kernels import bins_of


def levels_of(values: np.ndarray, *, bin_width: float | None, bin_count: int | None) -> np.ndarray:
    """The grey level, from 1, of each voxel of the ROI: `values` (n,) -> (n,) int32.

    With `bin_count`, that many bins of equal width between the minimum and the maximum (FBN of IBSI, closed at the
    maximum). With `bin_width`, half-open bins whose edges are multiples of the width; level 1 holds the minimum.
    `bin_count` has precedence, as in PyRadiomics. `values` keeps the number type of the image, since PyRadiomics
    computes the edges in that type. Raises ValueError if both are None or if `values` is empty.
    """
    if not values.size:
        raise ValueError("values is empty: the ROI needs at least 1 voxel; exclude images with an empty mask")
    edges = bin_edges(values, bin_width=bin_width, bin_count=bin_count)
    return bins_of(values.astype(np.float64), edges.astype(np.float64))


def bin_edges(values: np.ndarray, *, bin_width: float | None, bin_count: int | None) -> np.ndarray:
    """Edges of the bins, ascending, in the number type that PyRadiomics uses. See `levels_of`."""
    if bin_count is not None:
        edges = np.histogram_bin_edges(values, bin_count)
        edges[-1] += 1  # the maximum belongs to the last bin
        return edges
    if bin_width is None:
        raise ValueError("bin_width and bin_count are both None: one of them is required; set binWidth or binCount")
    minimum, maximum = values.min(), values.max()
    edges = np.arange(minimum - (minimum % bin_width), maximum + 2 * bin_width, bin_width)
    # In floating point a flat ROI may get one edge only, which makes no bin.
    return edges if len(edges) > 1 else np.array([edges[0] - 0.5, edges[0] + 0.5])
