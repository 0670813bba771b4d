"""How well each feature agrees between repeated masks.

Absolute agreement of one mask, ICC(A,1) with McGraw and Wong's interval (`pipeline.statistics.icc`): images are the
subjects, masks of one image the raters.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.contracts.data.agreement import AGREEMENT, Place
from pipeline.contracts.data.split import ALL, FINAL
from pipeline.statistics.icc import Form, icc

FORM: Form = "ICC(A,1)"


KEYS = ("image_id", "repeat", "status", "reason", "dice")
FEATURE_COLUMNS = [name for name in AGREEMENT.names if name not in ("block", "part")]


def feature_agreement(repeats: pd.DataFrame) -> pd.DataFrame:
    """The agreement of each feature between the masks of an image, one row per feature (`FEATURE_COLUMNS`).

    `repeats` as `data/repeats.csv`: one row per image and mask; failed masks count as missing. `n_images` counts the
    images whose masks all gave the feature, `n_repeats` the masks per image, the first included. Empty if there are no
    repeated masks.
    """
    names = [name for name in repeats.columns if name not in KEYS]
    images, masks = sorted(set(repeats["image_id"])), sorted(set(repeats["repeat"]))
    if not names or len(masks) < 2:
        return AGREEMENT.empty()[FEATURE_COLUMNS]
    usable = repeats[repeats["status"] == "ok"]
    values = np.full((len(images), len(masks), len(names)), np.nan)
    rows, columns = np.searchsorted(images, usable["image_id"]), np.searchsorted(masks, usable["repeat"])
    values[rows, columns] = usable[names].to_numpy(dtype=np.float64)
    found = icc(values, form=FORM, names=names)
    return found.rename(columns={"n_subjects": "n_images", "n_raters": "n_repeats"})[FEATURE_COLUMNS]


def agreement_table(tables: Mapping[Place, pd.DataFrame]) -> pd.DataFrame:
    """`data/agreement.csv` from the repeats by block, resample and part: those of resample `final`, or of all."""
    found = [
        feature_agreement(repeats).assign(block=block, part=part)
        for (block, resample, part), repeats in sorted(tables.items())
        if resample in (ALL, FINAL) and len(repeats)
    ]
    return pd.concat(found, ignore_index=True)[AGREEMENT.names] if found else AGREEMENT.empty()
