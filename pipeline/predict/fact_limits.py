"""Which facts of an image (lesion size, grey levels, sharpness) lie beyond those of the training images of its view.

Each fact is scaled by the spread of the training images, and a patient's measure is the largest of all facts and
images. Its limits come from held-out training patients, so that the facts together flag about 5 % and 1 % of patients
like those, however many facts there are (maximum statistic: Westfall and Young, Resampling-Based Multiple Testing,
Wiley 1993).
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pipeline.contracts.data.split import FINAL
from pipeline.predict.image_facts import FACTS
from pipeline.predict.limits import MIN_VALUES, Fitted, Limits, limits_of

Floats = NDArray[np.float64]
SIZE, GREY, SHARPNESS = "lesion_size", "grey_range", "sharpness"  # the flags
FLAG_OF = {
    name: SHARPNESS if name in ("sharpness", "coarseness") else GREY if "grey" in name or name == "contrast" else SIZE
    for name in FACTS
}
SIZES = ("lesion_voxels", "lesion_area_mm2", "lesion_volume_mm3")
RATIOS = (*SIZES, "lesion_grey_sd", "crop_grey_sd", "sharpness", "coarseness")
NARROW = 0.05  # the smallest spread: of logarithms, of contrast, and of grey levels in SDs of the crop


class FactRange(Fitted):
    """The training images of one view: the median of a fact, and its distances to the 5th and 95th percentile.

    The facts RATIOS are logarithms: twice and half the size are equally far.
    """

    view: str
    fact: str
    middle: float
    below: float = Field(gt=0)
    above: float = Field(gt=0)

    def scores(self, values: Floats) -> Floats:
        """The distances from the median in spreads, 0 and more, in the shape of `values`; NaN for a missing value."""
        away = _scaled(values, self.fact) - self.middle
        return np.where(away < 0, -away / self.below, away / self.above)

    def edges(self, limit: float) -> tuple[float, float]:
        """The values, in the fact's unit, whose scores are `limit`."""
        low, high = self.middle - limit * self.below, self.middle + limit * self.above
        return (float(np.exp(low)), float(np.exp(high))) if self.fact in RATIOS else (low, high)


class FactRanges(Fitted):
    """The ranges of all views and facts, and the limits of the largest score of a patient."""

    ranges: tuple[FactRange, ...]
    limits: Limits | None

    @model_validator(mode="after")
    def _known(self) -> Self:
        if unknown := [one.fact for one in self.ranges if one.fact not in FACTS]:
            msg = f"'{unknown[0]}' is no fact of an image; the facts are {', '.join(FACTS)}"
            raise ValueError(msg)
        return self


def _scaled(values: Floats, fact: str) -> Floats:
    if fact not in RATIOS:
        return values
    # An SD or a sharpness of 0 is as far as a millionth.
    return np.where(np.isnan(values), np.nan, np.log(np.maximum(values, 1e-6)))


def ranges_of_facts(facts: pd.DataFrame) -> tuple[FactRange, ...]:
    """The ranges over the images `facts`, by view and fact; none with fewer than MIN_VALUES images."""
    found = []
    for view, images in facts.groupby("view", sort=True):
        grey = float(images["crop_grey_sd"].median())
        for fact in FACTS:
            values = _scaled(images[fact].dropna().to_numpy(dtype=np.float64), fact)
            if len(values) < MIN_VALUES:
                continue
            low, middle, high = (float(one) for one in np.quantile(values, (0.05, 0.5, 0.95)))
            floor = max(NARROW * grey, 1e-6) if "grey" in fact and fact not in RATIOS else NARROW
            below, above = max(middle - low, floor), max(high - middle, floor)
            found.append(FactRange(view=str(view), fact=fact, middle=middle, below=below, above=above))
    return tuple(found)


def scores_of(ranges: Sequence[FactRange], facts: pd.DataFrame) -> pd.DataFrame:
    """One row per image and fact with a range: image_id, patient_id, view, fact, value, score, `place` in `ranges`."""
    columns = ["image_id", "patient_id", "view"]
    found = []
    for place, one in enumerate(ranges):
        rows = facts.loc[(facts["view"] == one.view) & facts[one.fact].notna(), [*columns, one.fact]]
        rows = rows.rename(columns={one.fact: "value"})
        score = one.scores(rows["value"].to_numpy(dtype=np.float64))
        found.append(rows.assign(fact=one.fact, score=score, place=place))
    if not found:
        return pd.DataFrame(columns=[*columns, "value", "fact", "score", "place"])
    return pd.concat(found, ignore_index=True)


def held_out_scores(facts: pd.DataFrame, *, splits: pd.DataFrame) -> pd.Series:
    """The largest score of each held-out patient in each cross-validation resample (index resample, patient_id)."""
    found = {}
    for resample, split in splits[splits["resample"] != FINAL].groupby("resample", sort=True):
        role = facts["patient_id"].map(split.set_index("patient_id")["role"])
        scores = scores_of(ranges_of_facts(facts[role == "train"]), facts[role == "cv"])
        found[resample] = scores.groupby("patient_id")["score"].max()
    if not found:
        return pd.Series(dtype=np.float64)
    return pd.concat(found, names=["resample", "patient_id"]).astype("float64")


def fit_facts(facts: pd.DataFrame, *, splits: pd.DataFrame) -> FactRanges:
    """The ranges over the training images of resample `final`, and their limits from held-out training patients."""
    final = splits[(splits["resample"] == FINAL) & (splits["role"] == "train")]["patient_id"]
    limits = limits_of(held_out_scores(facts, splits=splits).to_numpy())
    return FactRanges(ranges=ranges_of_facts(facts[facts["patient_id"].isin(final)]), limits=limits)
