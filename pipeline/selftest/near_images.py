"""Near copies: no pair of near-identical pictures, as `cohort` found them, is on two sides of a split."""

import pandas as pd

from pipeline.selftest.lights import Check, Light
from pipeline.selftest.membership import on_two_sides

CHECK = "near_images_apart"


def near_images_check(pairs: pd.DataFrame, *, splits: pd.DataFrame, searched: bool) -> Check:
    """Red if a pair of near-identical pictures of different patients is on more than one side of a split.

    `pairs` is `pairs.csv` of the near-duplicates, `splits` has resample, patient_id and role. A side is a role in a
    resample; internal and external patients are held out in every resample. Grey if the pictures were not `searched`
    (near_duplicates: off in params/cohort.yaml).
    """
    if not searched:
        return _light("grey", finding="Near copies were not searched for (near_duplicates: off in params/cohort.yaml).")
    apart = _pairs_apart(pairs, splits=splits)
    if apart:
        count = "1 pair of near copies is" if apart == 1 else f"{apart} pairs of near copies are"
        return _light("red", finding=f"{count} on more than one side of a split.", value=apart)
    found = "1 pair of near copies was" if len(pairs) == 1 else f"{len(pairs)} pairs of near copies were"
    good = f"{found} found, each on one side of every split." if len(pairs) else "No near copies were found."
    return _light("green", finding=good, value=0)


def _pairs_apart(pairs: pd.DataFrame, *, splits: pd.DataFrame) -> int:
    """The number of pairs whose two patients are not on one side of every split."""
    owners = pairs.reset_index(drop=True)[["patient_a", "patient_b"]].melt(ignore_index=False, value_name="patient_id")
    shown = owners.rename_axis("name").reset_index().merge(splits[["resample", "patient_id", "role"]], on="patient_id")
    return on_two_sides(shown)


def _light(light: Light, *, finding: str, value: int | None = None) -> Check:
    return Check(
        check=CHECK,
        light=light,
        title="No test image is a detectable near copy of a training image",
        rule="Red if two images of different patients that show the same picture (re-saved, re-scaled by 50 to 150 %, "
        "cut by up to 5 % per side, brightened, with callipers drawn in, or mirrored) are on more than one side of a "
        "split (the value counts such pairs); grey if the cohort was not searched.",
        finding=finding,
        value=None if value is None else float(value),
        limit=None if value is None else 0.0,
    )
