"""Features that a ROI does not define: NaN here, a constant in PyRadiomics. The only intended differences from it."""

from collections.abc import Sequence
from dataclasses import dataclass

FLAT_ROI = "all grey values of the ROI are equal"
NO_PAIR = "no two voxels of the ROI are neighbours or on one line"
ONE_LEVEL = "the ROI has one grey level"
NO_DIFFERENCE = "no voxel differs from the mean of its neighbours"
NO_DIFFERENCE_COARSENESS = 1e6


@dataclass(frozen=True)
class Undefined:
    """One feature, the condition under which its formula divides by 0, and the constant that PyRadiomics gives."""

    feature_class: str
    feature: str
    condition: str
    pyradiomics: float


UNDEFINED = (
    Undefined("firstorder", "Skewness", FLAT_ROI, 0.0),
    Undefined("firstorder", "Kurtosis", FLAT_ROI, 0.0),
    Undefined("glcm", "Correlation", ONE_LEVEL, 1.0),
    Undefined("glcm", "Imc1", ONE_LEVEL, 0.0),
    Undefined("glcm", "Imc2", ONE_LEVEL, 0.0),
    Undefined("glcm", "MCC", ONE_LEVEL, 1.0),
    # Without a pair all features of GLCM and GLRLM are NaN in PyRadiomics too, but for these, which sum over nothing.
    Undefined("glcm", "InverseVariance", NO_PAIR, 0.0),
    Undefined("glrlm", "RunEntropy", NO_PAIR, 0.0),
    Undefined("glrlm", "RunVariance", NO_PAIR, 0.0),
    Undefined("ngtdm", "Contrast", ONE_LEVEL, 0.0),
    Undefined("ngtdm", "Busyness", ONE_LEVEL, 0.0),
    Undefined("ngtdm", "Coarseness", NO_DIFFERENCE, NO_DIFFERENCE_COARSENESS),
    Undefined("ngtdm", "Strength", NO_DIFFERENCE, 0.0),
)
FLAT = frozenset(row.feature for row in UNDEFINED if row.condition == FLAT_ROI)


def undefined_of(feature_class: str, *, n_levels: int, coarseness: float | None = None) -> frozenset[str]:
    """The texture features of a class that a ROI with `n_levels` grey levels does not define.

    `coarseness` is the raw one, which is PyRadiomics' constant if no voxel differs from the mean of its neighbours.
    """
    # Without pairs the means over no direction are NaN already; a flat ROI is seen in its grey values, not here.
    holds = {
        FLAT_ROI: False,
        NO_PAIR: False,
        ONE_LEVEL: n_levels == 1,
        NO_DIFFERENCE: coarseness == NO_DIFFERENCE_COARSENESS,
    }
    return frozenset(row.feature for row in UNDEFINED if row.feature_class == feature_class and holds[row.condition])


def check_names(feature_class: str, names: Sequence[str], *, known: Sequence[str]) -> None:
    """Raise ValueError if a feature is not among the `known` ones of its class."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"{feature_class} has no feature {', '.join(unknown)}; "
            f"it must be one of {', '.join(known)}; correct featureClass"
        )
