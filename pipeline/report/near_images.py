"""The near-duplicates of the cohort: their pairs, and the thumbnails of those that the page shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.contracts.data.cohort import NEAR_DUPLICATES
from pipeline.foundation.errors import TableError
from pipeline.foundation.tables import read_table

MAX_SHOWN = 24  # pairs: more would make the page long and heavy


@dataclass(frozen=True, kw_only=True)
class NearImages:
    """`pairs` (contract NEAR_DUPLICATES), the least similar first, and PNG bytes of a thumbnail by image_id."""

    pairs: pd.DataFrame
    thumbnails: Mapping[str, bytes]


def read_near_images(folder: Path) -> NearImages:
    """Read `pairs.csv` and the thumbnails of the first `MAX_SHOWN` pairs.

    The least similar pairs come first: a reader has to judge whether they are the same picture at all. Raises
    TableError if the table is missing or breaks its contract, or if a thumbnail is missing.
    """
    table = read_table(folder / "pairs.csv", NEAR_DUPLICATES)
    pairs = table.sort_values(["distance", "image_a", "image_b"], ascending=[False, True, True], ignore_index=True)
    shown = pairs.head(MAX_SHOWN)
    images = sorted({*shown["image_a"], *shown["image_b"]})
    return NearImages(pairs=pairs, thumbnails={image: _thumbnail(folder / f"{image}.png") for image in images})


def _thumbnail(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TableError(f"{path}: the thumbnail is not readable; run the stage cohort again ({error})") from error
