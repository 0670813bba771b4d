"""Is a feature that of the Image Biomarker Standardisation Initiative (Zwanenburg et al., Radiology 2020;295:328)?

IBSI 1 defines features of unfiltered images. Its consensus values on the digital phantom and on the CT phantom
(configurations A to E) are held against our engine in `tests/radiomics/test_ibsi.py`.

With `binWidth`, PyRadiomics puts the edges of the bins at multiples of the width, and level 1 holds the minimum of the
ROI. In IBSI the first bin begins at the lower limit of re-segmentation. Features that use the number of a grey level
then differ (`LEVEL_ORIGIN`); all texture features do if that limit is no multiple of the width.
"""

CONFORMS, NOT_COVERED = "conforms", "not covered"
UNFILTERED = "original"
_AXIS = "deviates: smaller by the factor sqrt((n - 1) / n), since the covariance of the n voxels is divided by n"
_ORIGIN = (
    f"{CONFORMS}: with binCount; with binWidth, level 1 holds the minimum of the ROI, and in IBSI the lower limit of "
    "re-segmentation"
)
DEVIATIONS = {
    ("firstorder", "Kurtosis"): "deviates: larger by 3, since IBSI subtracts the kurtosis of a normal distribution",
    ("shape", "MajorAxisLength"): _AXIS,
    ("shape", "MinorAxisLength"): _AXIS,
    ("shape", "LeastAxisLength"): _AXIS,
}
# Six features each of runs, zones and dependences weight by the grey level or its inverse.
_WEIGHTED = {
    "glrlm": ("Run", "ShortRun", "LongRun"),
    "glszm": ("Zone", "SmallArea", "LargeArea"),
    "gldm": ("", "SmallDependence", "LargeDependence"),
}
LEVEL_ORIGIN = frozenset(
    [("glcm", "JointAverage"), ("glcm", "SumAverage"), ("glcm", "Autocorrelation"), ("ngtdm", "Busyness")]
    + [
        (kind, f"{level}GrayLevel{size}Emphasis" if size in ("", "Run", "Zone") else f"{size}{level}GrayLevelEmphasis")
        for kind, sizes in _WEIGHTED.items()
        for size in sizes
        for level in ("Low", "High")
    ]
)


def conformity(*, filtered: str, feature_class: str, feature: str, code: str | None) -> str:
    """CONFORMS, how the feature deviates, or NOT_COVERED: it has no IBSI `code`, or is of a filtered image.

    `filtered` is PyRadiomics' name of the image (original, wavelet-LLL …). What conforms under a condition says so
    after a colon.
    """
    if not code or filtered != UNFILTERED:
        return NOT_COVERED
    key = (feature_class, feature)
    return DEVIATIONS.get(key, _ORIGIN if key in LEVEL_ORIGIN else CONFORMS)
