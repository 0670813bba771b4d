"""Overlap of two masks: Dice, IoU, precision, sensitivity and area bias, all from three counts of voxels.

    dice = 2 I / (P + G)    iou = I / (P + G - I)    precision = I / P    sensitivity = I / G    area bias = (P - G) / G

with I voxels in both masks, P in the predicted and G in the given one. dice = 2 iou / (1 + iou) for one image, but the
mean of Dice over images is not 2 m / (1 + m) of the mean IoU m (which is larger, as the function is concave), and
neither is the pooled Dice, that of the counts summed over images, in which large lesions weigh most.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class OverlapCounts:
    """Voxels in both masks, in the predicted one and in the given one; of one image, or summed over images (pooled).

    If both masks are empty, Dice and IoU are 1, and precision and sensitivity NaN; if one is, all four are 0.
    """

    intersection: int
    predicted: int
    given: int

    @property
    def both_empty(self) -> bool:
        """Whether neither mask has a voxel."""
        return self.predicted == self.given == 0

    @property
    def one_empty(self) -> bool:
        """Whether exactly one of the masks has no voxel."""
        return (self.predicted == 0) != (self.given == 0)

    @property
    def dice(self) -> float:
        """Dice coefficient, 2 I / (P + G); 1 if both masks are empty."""
        return 1.0 if self.both_empty else 2 * self.intersection / (self.predicted + self.given)

    @property
    def iou(self) -> float:
        """Intersection over union, I / (P + G - I), also the Jaccard index; 1 if both masks are empty."""
        return 1.0 if self.both_empty else self.intersection / (self.predicted + self.given - self.intersection)

    @property
    def precision(self) -> float:
        """Fraction of the predicted voxels that lie in the given mask, I / P."""
        return self._fraction_of(self.predicted)

    @property
    def sensitivity(self) -> float:
        """Fraction of the given voxels that were predicted, I / G; "recall" in the literature of networks."""
        return self._fraction_of(self.given)

    @property
    def area_bias(self) -> float:
        """Relative error of the area or volume, (P - G) / G: -1 = nothing predicted; NaN if the given mask is empty."""
        return (self.predicted - self.given) / self.given if self.given else NAN

    def _fraction_of(self, total: int) -> float:
        if self.both_empty:
            return NAN
        return self.intersection / total if total else 0.0


def overlap_counts(predicted: NDArray[np.generic], given: NDArray[np.generic]) -> OverlapCounts:
    """The counts of two masks of one shape, (y, x) or (z, y, x), non-zero = inside. ValueError if the shapes differ."""
    first, second = np.asarray(predicted) != 0, np.asarray(given) != 0
    if first.shape != second.shape:
        raise ValueError(f"the masks have the shapes {first.shape} and {second.shape}")
    return OverlapCounts(
        intersection=int(np.count_nonzero(first & second)),
        predicted=int(np.count_nonzero(first)),
        given=int(np.count_nonzero(second)),
    )


def dice(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Dice coefficient of two masks of one shape (non-zero = inside): 2 |a and b| / (|a| + |b|).

    1 if both are empty. Raises ValueError if the shapes differ.
    """
    return overlap_counts(a, b).dice
