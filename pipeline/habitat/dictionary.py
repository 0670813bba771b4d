"""The dictionary of the columns of habitats and rings: one row per column, in words that a reader can check."""

import re
from collections.abc import Sequence

import pandas as pd

from pipeline.plan.feature_sets import HABITAT, PERITUMORAL
from pipeline.radiomics.dictionary import LengthUnit, radiomics_dictionary

SOURCE = "own definition"
# Of a column, without the radiomics of a region: pattern, definition.
_ARRANGEMENT = (
    (r"habitat_(\d+)_fraction", "fraction of the lesion's voxels that are habitat {0} (1 = the darkest)"),
    (r"habitat_(\d+)_components", "number of connected components of habitat {0}"),
    (r"habitat_(\d+)_compactness", "compactness of habitat {0} (Bribiesca 1997): 1 for a square or cube"),
    (r"contact_(\d+)_(\d+)", "fraction of the pairs of neighbouring lesion voxels that join habitats {0} and {1}"),
    (r"habitat_(\d+)_absent", "whether habitat {0} is too small for its radiomics"),
    (r"(.+)_inside", "fraction of the ring {0} that lies inside the image"),
    (r"(.+)_absent", "whether too little of the ring {0} lies inside the image for its radiomics"),
)


def block_dictionary(block: str, names: Sequence[str], *, version: str, length: LengthUnit) -> pd.DataFrame:
    """Rows of `dictionary.csv` for the columns `names` of the block `habitat` or `peritumoral`.

    `version` is that of PyRadiomics, `length` the unit of lengths. Raises TableError if a column is neither of the
    project nor the radiomics of a region.
    """
    return pd.DataFrame([_row(block, name, version=version, length=length) for name in names])


def _row(block: str, name: str, *, version: str, length: LengthUnit) -> dict[str, str | None]:
    for pattern, words in _ARRANGEMENT:
        if found := re.fullmatch(pattern, name):
            return {
                "feature": name,
                "block": block,
                "family": "arrangement" if block == HABITAT else "ring",
                "filter": None,
                "class": None,
                "definition": words.format(*found.groups()),
                "unit": "none",
                "ibsi_code": None,
                "ibsi": "not covered",
                "source": SOURCE,
                "version": "1",
            }
    # The name of a radiomics feature has three parts, filter_class_feature; that of its region comes before.
    region, *parts = name.rsplit("_", 3)
    row: dict[str, str | None] = (
        radiomics_dictionary(["_".join(parts)], version=version, length=length).iloc[0].to_dict()
    )
    place = f"the ring {region}" if block == PERITUMORAL else f"habitat {region.removeprefix('habitat_')}"
    return row | {"feature": name, "block": block, "definition": f"{row['definition']}; within {place}"}
