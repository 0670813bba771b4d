"""The dictionary of the radiomics columns: one row per feature, in words a reader of the report can check."""

import re
from collections.abc import Iterable
from typing import Literal

import pandas as pd

from pipeline.foundation.errors import TableError
from pipeline.radiomics.definitions import DEFINITIONS
from pipeline.radiomics.ibsi import conformity
from pipeline.radiomics.noise_bands import noise_features

LengthUnit = Literal["mm", "px", "mm or px"]

NOISE_NOTE = "; rounding noise on one slice, kept for parity, never given to a model"

_FILTERS = (
    (r"original", ""),
    (r"log-sigma-(\d+)-(\d+)-mm-3D", "the Laplacian of Gaussian image, sigma {0}.{1} {length}"),
    (r"wavelet\d*-([LH]+)", "the wavelet image {0} (L low-pass, H high-pass, in the order x, y, z)"),
    (r"lbp-2D", "the local binary pattern image"),
    (r"lbp-3D-m(\d+)", "the spherical local binary pattern image, level {0}"),
    (r"lbp-3D-k", "the kurtosis image of the spherical local binary pattern"),
    (r"square", "the squared image"),
    (r"squareroot", "the square-root image"),
    (r"logarithm", "the logarithm image"),
    (r"exponential", "the exponential image"),
    (r"gradient", "the gradient-magnitude image"),
)


def length_unit(spacing_mm: pd.Series) -> LengthUnit:
    """The unit of lengths, from the spacing column of the ROI table: px if no image has a known spacing."""
    known = spacing_mm.notna()
    return "mm" if known.all() else "mm or px" if known.any() else "px"


def radiomics_dictionary(names: Iterable[str], *, version: str, length: LengthUnit) -> pd.DataFrame:
    """`dictionary.csv` for the PyRadiomics columns `names` (filter_class_feature).

    `version` is that of PyRadiomics, `length` the unit of lengths. Raises TableError if a name is not a PyRadiomics
    feature.
    """
    given = list(names)
    noise = set(noise_features(given))
    rows = [_row(name, version=version, length=length, noise=name in noise) for name in given]
    return pd.DataFrame(rows)


def _row(name: str, *, version: str, length: LengthUnit, noise: bool) -> dict[str, str | None]:
    parts = name.split("_")
    if len(parts) != 3 or parts[2] not in DEFINITIONS.get(parts[1], {}):
        raise TableError(f"feature dictionary: '{name}' is not a feature of PyRadiomics")
    image, kind, feature = parts
    unit, ibsi_code, definition = DEFINITIONS[kind][feature]
    where = "" if kind.startswith("shape") else _filtered(image, length=length)
    return {
        "feature": name,
        "block": "radiomics",
        "family": "shape" if kind.startswith("shape") else "firstorder" if kind == "firstorder" else "texture",
        "filter": image,
        "class": kind,
        "definition": definition + (f", of {where}" if where else "") + (NOISE_NOTE if noise else ""),
        "unit": _unit(unit, length=length),
        "ibsi_code": ibsi_code or None,
        "ibsi": conformity(filtered=image, feature_class=kind, feature=feature, code=ibsi_code),
        "source": "PyRadiomics",
        "version": version,
    }


def _filtered(image: str, *, length: LengthUnit) -> str:
    """The filtered image in words; PyRadiomics' own name for it if the filter is not listed here."""
    for pattern, words in _FILTERS:
        if found := re.fullmatch(pattern, image):
            return words.format(*found.groups(), length=length)
    return f"the image '{image}'"


def _unit(unit: str, *, length: LengthUnit) -> str:
    if not unit:
        return "none"
    side = f"({length})" if " " in length else length
    return unit.replace("L", side).replace("I", "grey level")
