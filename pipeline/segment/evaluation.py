"""Agreement of the predicted and the given mask of one image, at the image's own size, and the table of all images."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.reports.segment import COUNTS, METRICS, PARITY_METRICS, SEGMENTATION
from pipeline.foundation.errors import ImageError
from pipeline.statistics.overlap import NAN, OverlapCounts, overlap_counts
from pipeline.statistics.surface_distance import hd95_all_foreground, surface_distances

Mask = NDArray[np.generic]
PARITY_SIZE_PX = 224


def image_metrics(
    predicted: Mask | None, given: Mask | None, *, spacing_mm: Sequence[float] | None, parity: bool
) -> dict[str, float]:
    """The counts, metrics and `parity` columns of `SEGMENTATION` for one image, from two masks (non-zero = inside).

    Masks have the shape of the image, (y, x) or (z, y, x), never that of the network's input; `spacing_mm` is in the
    order of their axes, None = not known, and the metrics in mm are NaN. A mask that does not exist is None, and all
    that needs it NaN; a mask without a voxel is no failure: its rules are those of `OverlapCounts` and
    `surface_distances`. With `parity`, the metrics of TRFE-Net's published code are added (`PARITY_METRICS`).

    Raises ValueError if the shapes differ or the spacing does not fit them, ImageError for a volume with `parity`.
    """
    row = dict.fromkeys((*COUNTS, *METRICS, *(PARITY_METRICS if parity else ())), NAN) | {"parity": int(parity)}
    if predicted is not None:
        row["predicted_voxels"] = int(np.count_nonzero(predicted))
    if given is not None:
        row["given_voxels"] = int(np.count_nonzero(given))
    if predicted is None or given is None:
        return row
    counts = overlap_counts(predicted, given)
    row |= {"intersection_voxels": counts.intersection, "area_bias": counts.area_bias}
    row |= {name: getattr(counts, name) for name in ("dice", "iou", "precision", "sensitivity")}
    row |= _distances(predicted, given, spacing_mm=spacing_mm)
    return row | (_parity_metrics(predicted, given) if parity else {})


def segmentation_table(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """The table `SEGMENTATION`, sorted by key; counts that may be empty are whole numbers (Int64).

    Each row holds the columns of the contract, those of `image_metrics` among them.
    """
    table = pd.DataFrame(list(rows))
    if table.empty:
        return SEGMENTATION.empty()
    table = table.astype(dict.fromkeys(COUNTS, "Int64"))
    names = [column.name for column in SEGMENTATION.columns if column.name in table]
    return table[names].sort_values(list(SEGMENTATION.key), ignore_index=True)


def _distances(predicted: Mask, given: Mask, *, spacing_mm: Sequence[float] | None) -> dict[str, float]:
    px = surface_distances(predicted, given)
    row = {"hd95_px": px.hd95, "assd_px": px.assd}
    if spacing_mm is None:
        return row
    if len(set(spacing_mm)) == 1:  # the nearest voxel is the same
        mm = px.scaled(spacing_mm[0])
    else:
        mm = surface_distances(predicted, given, spacing_mm=spacing_mm)
    return row | {"hd95_mm": mm.hd95, "assd_mm": mm.assd}


def _parity_metrics(predicted: Mask, given: Mask) -> dict[str, float]:
    """As TRFE-Net's published evaluation, faults included, on both masks at 224 x 224 px (nearest neighbour).

    No voxel in common counts as one; Dice is 2 iou / (1 + iou); the AUC is that of the binarised mask, (sensitivity +
    specificity) / 2; an empty prediction gets the pixel (0, 0) before distances, which are of all foreground pixels.
    """
    if predicted.ndim != 2:
        raise ImageError(
            f"the published metrics (parity: true) are of images, and this is a volume of shape {predicted.shape}; set "
            "parity: false"
        )
    first, second = _at_parity_size(predicted), _at_parity_size(given)
    counts = overlap_counts(first, second)
    false_positive, false_negative = counts.predicted - counts.intersection, counts.given - counts.intersection
    hits = max(counts.intersection, 1)
    faulty = OverlapCounts(intersection=hits, predicted=hits + false_positive, given=hits + false_negative)
    true_negative = first.size - counts.predicted - false_negative
    both_classes = 0 < counts.given < first.size
    halves = (counts.sensitivity + true_negative / (first.size - counts.given)) / 2 if both_classes else NAN
    if not first.any():
        first[0, 0] = True
    return {
        "dice_parity": 2 * faulty.iou / (1 + faulty.iou),
        "iou_parity": faulty.iou,
        "precision_parity": faulty.precision,
        "sensitivity_parity": faulty.sensitivity,
        "accuracy_parity": (hits + true_negative) / (hits + true_negative + false_positive + false_negative),
        "auc_parity": halves,
        "hd95_all_foreground_parity": hd95_all_foreground(first, second),
    }


def _at_parity_size(mask: Mask) -> NDArray[np.bool_]:
    """The pixel of the mask that holds the centre of each pixel of the smaller grid."""
    rows, columns = (
        ((np.arange(PARITY_SIZE_PX) + 0.5) * size / PARITY_SIZE_PX).astype(np.int64) for size in mask.shape
    )
    return np.asarray(mask[np.ix_(rows, columns)] != 0)
