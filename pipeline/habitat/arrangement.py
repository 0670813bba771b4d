"""How the habitats of one lesion lie: area fractions, connected components, compactness, contact between habitats."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import generate_binary_structure, label

Labels = NDArray[np.uint8]


def arrangement_names(k_max: int) -> list[str]:
    """The columns of `arrangement` for habitats 1 … `k_max`."""
    names = [f"habitat_{one}_{kind}" for one in _numbers(k_max) for kind in ("fraction", "components", "compactness")]
    return names + [f"contact_{one}_{other}" for one in _numbers(k_max) for other in range(one, k_max + 1)]


def arrangement(labels: Labels, *, k: int) -> dict[str, float]:
    """The arrangement of habitats 1 … `k` in `labels` (any number of axes; 0 = outside the lesion).

    `fraction` of the lesion's voxels (area or volume); `components` connected by faces; `compactness`: faces shared by
    voxels of the habitat over the most that a square or cube of as many voxels shares (Bribiesca 1997), 1 for a square,
    NaN for fewer than 2 voxels; `contact_i_j`, i <= j: the fraction of the pairs of neighbouring lesion voxels (by
    faces) that join habitats i and j, NaN without a pair. Contacts add up to 1.
    """
    pairs = _pairs(labels, k=k)
    sizes = np.bincount(labels.ravel(), minlength=k + 1)[1:]
    faces = generate_binary_structure(labels.ndim, 1)
    found: dict[str, float] = {}
    for one in _numbers(k):
        size = int(sizes[one - 1])
        found[f"habitat_{one}_fraction"] = size / int(sizes.sum())
        found[f"habitat_{one}_components"] = float(label(labels == one, structure=faces)[1])
        found[f"habitat_{one}_compactness"] = _compactness(pairs[one - 1, one - 1], size=size, axes=_extended(labels))
    total = np.triu(pairs).sum()
    for one in _numbers(k):
        for other in range(one, k + 1):
            found[f"contact_{one}_{other}"] = float(pairs[one - 1, other - 1] / total) if total else float("nan")
    return found


def _numbers(k: int) -> range:
    return range(1, k + 1)


def _extended(labels: Labels) -> int:
    """The number of axes along which the image is more than one voxel wide: a volume of one slice is an area."""
    return max(sum(side > 1 for side in labels.shape), 1)


def _pairs(labels: Labels, *, k: int) -> NDArray[np.int64]:
    """How many pairs of voxels that share a face join habitats i and j, (k, k), symmetric."""
    counts = np.zeros((k + 1, k + 1), dtype=np.int64)
    for axis in range(labels.ndim):
        first = np.take(labels, range(labels.shape[axis] - 1), axis=axis).astype(np.int64)
        second = np.take(labels, range(1, labels.shape[axis]), axis=axis).astype(np.int64)
        counts += np.bincount((first * (k + 1) + second).ravel(), minlength=(k + 1) ** 2).reshape(k + 1, k + 1)
    both = counts[1:, 1:]
    return both + both.T - np.diag(np.diag(both))


def _compactness(shared: np.int64, *, size: int, axes: int) -> float:
    most = axes * (size - size ** ((axes - 1) / axes))
    return float(shared / most) if size > 1 else float("nan")
