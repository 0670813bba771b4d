"""First-order statistics of the grey values of the ROI; IBSI families UHIW (values) and ZVCQ (histogram of levels)."""

import numpy as np

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
    x = np.sort(values.astype(np.float64))  # faster than selecting ten order statistics
    shifted = x + array_shift
    energy = float((shifted * shifted).sum())  # numpy's sum: a BLAS product would depend on the number of threads
    features = {
        "Energy": energy,  # not in IBSI
        "TotalEnergy": energy * voxel_volume_mm3,  # not in IBSI
        "RootMeanSquared": (energy / x.size) ** 0.5,  # 5ZWQ
        **order_statistics(x),
        **moments(x),
        **histogram(levels),
    }
    undefined = FLAT if features["Range"] == 0 else ()
    return {name: np.nan if name in undefined else features[name] for name in names}


def order_statistics(x: np.ndarray) -> dict[str, float]:
    """Percentiles (linear interpolation), extremes, and the mean absolute deviation between the 10th and the 90th.

    `x` (n,) is sorted. The robust deviation of two voxels is NaN, as in PyRadiomics: none lies between the percentiles.
    """
    low, quarter, median, three_quarters, high = [percentile(x, fraction) for fraction in (0.1, 0.25, 0.5, 0.75, 0.9)]
    minimum, maximum = float(x[0]), float(x[-1])
    robust = x[x.searchsorted(low, side="left") : x.searchsorted(high, side="right")]
    centre = robust.sum() / max(robust.size, 1)
    deviation = float(np.abs(robust - centre).sum()) / robust.size if robust.size else np.nan
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


def percentile(x: np.ndarray, fraction: float) -> float:
    """Quantile of sorted x (n,), bit for bit numpy.percentile's, since the robust deviation compares values with it."""
    position = (x.size - 1) * fraction
    below = int(position)
    a, b, t = float(x[below]), float(x[min(below + 1, x.size - 1)]), position - below
    return a + (b - a) * t if t < 0.5 else b - (b - a) * (1 - t)


def moments(x: np.ndarray) -> dict[str, float]:
    """Mean, mean absolute deviation, and the central moments of order 2 to 4 (biased)."""
    mean = float(x.sum()) / x.size
    deviations = x - mean
    squares = deviations * deviations
    variance = float(squares.sum()) / x.size
    third, fourth = float((squares * deviations).sum()) / x.size, float((squares * squares).sum()) / x.size
    scale = variance or 1.0  # a flat ROI: PyRadiomics gives 0
    return {
        "Mean": mean,  # Q4LE
        "MeanAbsoluteDeviation": float(np.abs(deviations).sum()) / x.size,  # 4FUA
        "Variance": variance,  # ECT3
        "StandardDeviation": variance**0.5,
        "Skewness": third / scale**1.5,  # KE2A
        "Kurtosis": fourth / scale**2,  # IPH6 is 3 less
    }


def histogram(levels: np.ndarray) -> dict[str, float]:
    """Entropy (bits) and uniformity of the discretised levels (n,)."""
    counts = np.bincount(levels)
    p = counts[counts > 0] / levels.size
    return {"Entropy": -float((p * np.log2(p + EPSILON)).sum()), "Uniformity": float(p @ p)}  # TLU2, BJ5W
