"""Which fraction of a block's raw features lies outside the usual range of the training patients.

The reduced space sees only the selected features; inverted grey, shuffled voxels or another organ may leave those few
in place. This check sees all features of a block, before any selection.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import model_validator

from pipeline.contracts.data.split import ALL, FINAL
from pipeline.foundation.errors import PipelineError
from pipeline.plan.feature_sets import CLINICAL
from pipeline.predict.limits import REMEDY, Fitted, Limits, limits_of
from pipeline.reduce.blocks import Block
from pipeline.statistics.prototypes import MIN_ROWS

Floats = NDArray[np.float64]


REACH = 2.0  # a usual range reaches this many times as far from the median as the 5th and the 95th percentile


class Ranges(Fitted):
    """The usual range (p,) of each raw feature of a block over the training rows of a part."""

    block: str
    part: str
    features: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @model_validator(mode="after")
    def _shapes(self) -> Self:
        if not len(self.features) == len(self.low) == len(self.high):
            msg = f"block {self.block}, part {self.part}: features and ranges differ in number"
            raise ValueError(msg)
        if any(low > high for low, high in zip(self.low, self.high, strict=True)):
            msg = f"block {self.block}, part {self.part}: the lowest value of a feature is above its highest"
            raise ValueError(msg)
        return self


class BlockRanges(Fitted):
    """The ranges of resample `final`, one per block and part, and the limits of each block."""

    ranges: tuple[Ranges, ...]
    limits: dict[str, Limits]


def ranges_of(frame: pd.DataFrame, *, block: Block, part: str) -> Ranges:
    """The usual ranges over the rows of `frame` (n, p): REACH times as far from the median as the 5th and the 95th
    percentile, or to the lowest or highest value if that percentile is the median.

    Percentiles, since the lowest and highest of more rows lie farther apart: the folds, with fewer training rows than
    `final`, would give other limits. Indicators are excluded, and columns with fewer than MIN_ROWS values: the range
    of a view that one patient has would be this patient's row.
    """
    values = frame[[name for name in frame.columns if name not in block.indicators]].dropna(axis=1, thresh=MIN_ROWS)
    ordered = np.sort(values.to_numpy(dtype=np.float64), axis=0)
    low, middle, high = (_quantiles(ordered, q) for q in (0.05, 0.5, 0.95))
    lowest = np.where(middle > low, middle - REACH * (middle - low), _quantiles(ordered, 0.0))
    highest = np.where(high > middle, middle + REACH * (high - middle), _quantiles(ordered, 1.0))
    return Ranges(
        block=block.name,
        part=part,
        features=tuple(str(name) for name in values.columns),
        low=tuple(float(value) for value in lowest),
        high=tuple(float(value) for value in highest),
    )


def _quantiles(ordered: Floats, q: float) -> Floats:
    """The quantile of each column of sorted values (n, p), NaN last, by linear interpolation; 20 times faster than
    `DataFrame.quantile`.
    """
    places = q * ((~np.isnan(ordered)).sum(axis=0) - 1)
    columns = np.arange(ordered.shape[1])
    below = np.floor(places).astype(np.intp)
    lower, upper = ordered[below, columns], ordered[np.ceil(places).astype(np.intp), columns]
    return lower + (places - below) * (upper - lower)


def fractions_outside(ranges: Ranges, frame: pd.DataFrame) -> pd.Series:
    """The fraction of the features of each row (index patient_id) below or above their usual range.

    Features without a value (a missing view) do not count; a row without any is NaN. Raises PipelineError if a
    feature is missing.
    """
    if missing := [name for name in ranges.features if name not in frame]:
        raise PipelineError(
            f"block {ranges.block}, part {ranges.part}: {len(missing)} of {len(ranges.features)} features are missing, "
            f"first {missing[0]}; {REMEDY}"
        )
    values = frame[list(ranges.features)].to_numpy(dtype=np.float64)
    outside = (values < np.array(ranges.low)) | (values > np.array(ranges.high))
    present = (~np.isnan(values)).sum(axis=1)
    fraction = outside.sum(axis=1) / np.maximum(present, 1)
    return pd.Series(np.where(present > 0, fraction, np.nan), index=frame.index)


def fit_ranges(blocks: Sequence[Block], *, splits: pd.DataFrame, parts: Sequence[str]) -> BlockRanges:
    """The ranges of every block but the clinical one, and the limits of the fractions outside from held-out training
    patients.
    """
    used = [block for block in blocks if block.name != CLINICAL]
    final = splits[splits["resample"] == FINAL]
    ranges = [
        _fitted(block.frame(FINAL, part), block=block, part=part, split=final) for block in used for part in parts
    ]
    limits = {}
    for block in used:
        held_out = held_out_fractions(block, splits=splits, parts=parts)
        if (found := limits_of(held_out.to_numpy())) is not None:
            limits[block.name] = found
    return BlockRanges(ranges=tuple(ranges), limits=limits)


def _fitted(frame: pd.DataFrame, *, block: Block, part: str, split: pd.DataFrame) -> Ranges:
    """The ranges of a part, over the training patients that its network was not trained on."""
    rows = split[(split["role"] == "train") & ((part == ALL) | (split["half"].notna() & (split["half"] != part)))]
    return ranges_of(frame.loc[rows["patient_id"]], block=block, part=part)


def held_out_fractions(block: Block, *, splits: pd.DataFrame, parts: Sequence[str]) -> pd.Series:
    """The fraction outside of each held-out patient in each cross-validation resample (index resample, patient_id), the
    mean over the parts.
    """
    found = []
    for resample, split in splits[splits["resample"] != FINAL].groupby("resample", sort=True):
        held_out = split.loc[split["role"] == "cv", "patient_id"]
        for part in parts:
            frame = block.frame(str(resample), part)
            ranges = _fitted(frame, block=block, part=part, split=split)
            fraction = fractions_outside(ranges, frame.loc[held_out])
            found.append(pd.concat({resample: fraction}, names=["resample", "patient_id"]))
    if not found:
        return pd.Series(dtype=np.float64)
    return pd.concat(found).groupby(["resample", "patient_id"]).mean()


def fractions_of(references: BlockRanges, raw: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """For each block and patient (rows: block, patient_id) the `fraction` of its features outside, the mean over the
    parts. `raw`: the frames by block and part, index patient_id, as `Block.frame` gives them.

    Raises PipelineError if a block, a part or a feature is missing.
    """
    found = []
    for one in references.ranges:
        if (one.block, one.part) not in raw:
            raise PipelineError(f"block {one.block}, part {one.part}: its raw features are missing; {REMEDY}")
        fraction = fractions_outside(one, raw[one.block, one.part]).rename("fraction").rename_axis("patient_id")
        found.append(fraction.reset_index().assign(block=one.block))
    if not found:
        return pd.DataFrame(columns=["block", "patient_id", "fraction"])
    return pd.concat(found).groupby(["block", "patient_id"], as_index=False).mean()
