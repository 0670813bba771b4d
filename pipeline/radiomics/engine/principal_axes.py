"""Principal axes of the voxels of a ROI, shared by the shape features of slices and of volumes."""

import numpy as np
from numpy.typing import NDArray

# PyRadiomics takes negative eigenvalues above this for rounding errors of 0.
_ROUNDING = 1e-10


def eigenvalues(inside: NDArray[np.bool_], *, spacing_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ascending eigenvalues (mm²) of the covariance of the centres of the voxels `inside`; tiny negative ones are 0.

    `spacing_mm` is in the order of the axes. The covariance is divided by the number of voxels.
    """
    # In PyRadiomics' order of operations, from a mask with a border of one voxel: the smallest eigenvalue of a flat ROI
    # is nothing but rounding, which its root makes visible.
    places = (np.argwhere(inside) + 1) * spacing_mm
    places -= places.mean(axis=0)
    places /= np.sqrt(len(places))
    found = np.linalg.eigvals(places.T.copy() @ places)
    found[(found < 0) & (found > -_ROUNDING)] = 0
    return np.sort(found)


def axis_length(eigenvalue: float) -> float:
    """Length (mm) of the axis of an ellipsoid with this variance: 4 sqrt(eigenvalue); NaN if it is negative."""
    return 4 * float(np.sqrt(eigenvalue)) if eigenvalue >= 0 else np.nan


def axis_ratio(minor: float, major: float) -> float:
    """The square root of the ratio of two eigenvalues; NaN if one is negative or the larger is 0."""
    return float(np.sqrt(minor / major)) if minor >= 0 and major > 0 else np.nan
