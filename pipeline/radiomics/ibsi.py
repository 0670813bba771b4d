"""Is a feature that of the Image Biomarker Standardisation Initiative (Zwanenburg et al., Radiology 2020;295:328)?

IBSI 1 defines features of unfiltered images. Its consensus on the digital phantom is held against our engine in
`tests/radiomics/test_ibsi.py`. Grey levels of a fixed width begin at a multiple of the width here, as in PyRadiomics,
and at the lower limit of the ROI in IBSI: with `binWidth`, texture values of patients can differ for that reason.
"""

CONFORMS, NOT_COVERED = "conforms", "not covered"
UNFILTERED = "original"
_AXIS = "deviates: smaller by the factor sqrt((n - 1) / n), since the covariance of the n voxels is divided by n"
DEVIATIONS = {
    ("firstorder", "Kurtosis"): "deviates: larger by 3, since IBSI subtracts the kurtosis of a normal distribution",
    ("shape", "MajorAxisLength"): _AXIS,
    ("shape", "MinorAxisLength"): _AXIS,
    ("shape", "LeastAxisLength"): _AXIS,
}


def conformity(*, filtered: str, feature_class: str, feature: str, code: str | None) -> str:
    """CONFORMS, how the feature deviates, or NOT_COVERED: it has no IBSI `code`, or is of a filtered image.

    `filtered` is PyRadiomics' name of the image (original, wavelet-LLL …).
    """
    if not code or filtered != UNFILTERED:
        return NOT_COVERED
    return DEVIATIONS.get((feature_class, feature), CONFORMS)
