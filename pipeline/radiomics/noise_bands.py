"""Features of filter bands that hold nothing but noise on single slices."""

from collections.abc import Iterable

ONE_SLICE_COUNTS = (1561, 1357)


def noise_features(names: Iterable[str]) -> list[str]:
    """The features among `names` that are rounding noise and must never reach a model.

    A wavelet band with the high-pass along the only slice (LLH, LHH, HLH, HHH: the last letter is z) is zero up to
    1e-13, yet its texture features are plausible, varying numbers. They stay in the tables for parity with published
    counts. `names` are all column names of `features/radiomics.csv`, before any suffix is added. The table of a
    one-slice preset is recognised by its number of features, and by having LBP3D (which needs a volume) but no LoG
    (which needs several slices); custom settings that request these bands on one slice are refused before extraction.
    """
    features = [name for name in names if name.count("_") == 2]  # filter_class_feature
    filters = {name.partition("_")[0] for name in features}
    has_lbp3d = any(name.startswith("lbp-3D") for name in filters)
    has_log = any(name.startswith("log-sigma") for name in filters)
    if len(features) not in ONE_SLICE_COUNTS or not has_lbp3d or has_log:
        return []
    return [name for name in features if is_noise_band(name)]


def is_noise_band(name: str) -> bool:
    """Whether a feature of a one-slice volume comes from a wavelet band with the high-pass along z."""
    band = name.partition("_")[0]
    return band.startswith("wavelet") and len(band.rpartition("-")[2]) == 3 and band.endswith("H")
