"""First-order statistics of the grey values of the ROI; IBSI families UHIW (values) and ZVCQ (histogram of levels)."""

from collections.abc import Sequence

import numpy as np

from pipeline.radiomics.engine.kernels import level_counts
from pipeline.radiomics.engine.kernels_values import bounded_sum, bucket_counts, power_sums, values_in_buckets
from pipeline.radiomics.engine.matrix_sums import EPSILON
from pipeline.radiomics.engine.undefined import FLAT, check_names

NAMES = (
    "10Percentile",
    "90Percentile",
    "Energy",
    "Entropy",
    "InterquartileRange",
    "Kurtosis",
    "Maximum",
    "MeanAbsoluteDeviation",
    "Mean",
    "Median",
    "Minimum",
    "Range",
    "RobustMeanAbsoluteDeviation",
    "RootMeanSquared",
    "Skewness",
    "TotalEnergy",
    "Uniformity",
    "Variance",
)
# From this number of values on, sorting all of them takes longer than finding the few that percentiles need.
_MANY = 4_000
_BUCKETS = 4096
OPTIONAL = ("StandardDeviation",)  # PyRadiomics gives it only if it is named: the root of Variance


def first_order(
    values: np.ndarray,
    *,
    levels: np.ndarray,
    voxel_volume_mm3: float,
    array_shift: float,
    names: tuple[str, ...] = NAMES,
) -> dict[str, float]:
    """The features `names`, in that order, as PyRadiomics 3.0.1 defines and names them.

    `values` (n,) are the grey values of the ROI, `levels` (n,) their discretised levels (for Entropy and Uniformity),
    `array_shift` is added to the values of Energy, TotalEnergy and RootMeanSquared. Undefined features (see
    undefined.py) are NaN. Raises ValueError if `values` is
    empty or a name is unknown.
    """
    if not values.size:
        raise ValueError("values is empty: the ROI needs at least 1 voxel; exclude images with an empty mask")
    check_names("firstorder", names, known=(*NAMES, *OPTIONAL))
    x = values.astype(np.float64)
    features = {
        **order_statistics(x),
        **moments(x, array_shift=array_shift, voxel_volume_mm3=voxel_volume_mm3),
        **histogram(levels),
    }
    undefined = FLAT if features["Range"] == 0 else ()
    return {name: np.nan if name in undefined else features[name] for name in names}


def order_statistics(x: np.ndarray) -> dict[str, float]:
    """Percentiles (linear interpolation), extremes, and the mean absolute deviation between the 10th and the 90th.

    The robust deviation of two voxels is NaN, as in PyRadiomics: none lies between the percentiles.
    """
    low, quarter, median, three_quarters, high = percentiles(x, (0.1, 0.25, 0.5, 0.75, 0.9))
    minimum, maximum = float(x.min()), float(x.max())
    total, _, n = bounded_sum(x, low, high, median)
    deviation = np.nan
    if n:
        deviation = bounded_sum(x, low, high, median + total / n)[1] / n
    return {
        "10Percentile": low,  # QG58
        "90Percentile": high,  # 8DWT
        "InterquartileRange": three_quarters - quarter,  # SALO
        "Maximum": maximum,  # 84IY
        "Median": median,  # Y12H
        "Minimum": minimum,  # 1GSF
        "Range": maximum - minimum,  # 2OJQ
        "RobustMeanAbsoluteDeviation": deviation,  # 1128
    }


def percentiles(x: np.ndarray, fractions: Sequence[float]) -> list[float]:
    """Quantiles of x (n,), bit for bit numpy.percentile's, since the robust deviation compares values with them."""
    positions = [(x.size - 1) * fraction for fraction in fractions]
    below = np.array([int(position) for position in positions])
    ordered = values_at(x, np.concatenate([below, np.minimum(below + 1, x.size - 1)])).tolist()
    found = []
    for position, a, b in zip(positions, ordered[: len(positions)], ordered[len(positions) :], strict=True):
        t = position - int(position)
        found.append(a + (b - a) * t if t < 0.5 else b - (b - a) * (1 - t))
    return found


def values_at(x: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The values at these positions (from 0) of x (n,) in ascending order.

    Of many values only those in the same narrow buckets as the wanted ones are sorted.
    """
    low, high = float(x.min()), float(x.max())
    per_unit = (_BUCKETS - 1) / (high - low) if high > low else 0.0
    if x.size < _MANY or not 0 < per_unit < np.inf:
        return np.asarray(np.sort(x)[positions])
    counts = bucket_counts(x, low, per_unit, _BUCKETS)
    bucket = np.searchsorted(np.cumsum(counts), positions, side="right")
    wanted = np.zeros(_BUCKETS, dtype=bool)
    wanted[bucket] = True
    found = np.sort(values_in_buckets(x, low, per_unit, wanted, int(counts[wanted].sum())))
    passed_over = np.cumsum(np.where(wanted, 0, counts))
    return np.asarray(found[positions - passed_over[bucket]])


def moments(x: np.ndarray, *, array_shift: float, voxel_volume_mm3: float) -> dict[str, float]:
    """Mean, mean absolute deviation, the central moments of order 2 to 4 (biased), and the energies."""
    mean = float(x.sum()) / x.size
    absolute, variance, third, fourth, squared = (power_sums(x, mean, float(array_shift)) / x.size).tolist()
    scale = variance or 1.0  # a flat ROI: PyRadiomics gives 0
    return {
        "Mean": mean,  # Q4LE
        "MeanAbsoluteDeviation": absolute,  # 4FUA
        "Variance": variance,  # ECT3
        "StandardDeviation": variance**0.5,
        "Skewness": third / scale**1.5,  # KE2A
        "Kurtosis": fourth / scale**2,  # IPH6 is 3 less
        "Energy": squared * x.size,  # not in IBSI
        "TotalEnergy": squared * x.size * voxel_volume_mm3,  # not in IBSI
        "RootMeanSquared": squared**0.5,  # 5ZWQ
    }


def histogram(levels: np.ndarray) -> dict[str, float]:
    """Entropy (bits) and uniformity of the discretised levels (n,)."""
    counts = level_counts(levels)
    p = counts[counts > 0] / levels.size
    return {"Entropy": -float((p * np.log2(p + EPSILON)).sum()), "Uniformity": float(p @ p)}  # TLU2, BJ5W
