"""Figures of regions: Dice by network, predicted against given area, ICC by class of feature, habitats by outcome."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from pipeline.report.figures.axes import WIDTH, Frame, Scale, joined, number, picture, segment
from pipeline.report.figures.distributions import DistributionRow, distribution_rows
from pipeline.report.figures.marks import dot
from pipeline.report.tables.patient_groups import EVENT

NOTHING = np.empty(0)
EVALUATIONS = {"cv": "Cross-validation", "internal": "Internal", "external": "External"}
HIGH_DICE = 0.5  # the axis starts here if every Dice lies above
GOOD = 0.75


def dice_figure(table: pd.DataFrame, *, title: str) -> Markup | None:
    """The Dice of every image by evaluation and network, from rows of `segmentation.csv`; None without any.

    An image that several resamples scored has a tick for each.
    """
    known = table[table["dice"].notna()]
    rows, medians = [], {}
    for evaluation, heading in EVALUATIONS.items():
        own = known[known["evaluation"] == evaluation]
        if len(own):
            rows.append(DistributionRow(name=heading, values=NOTHING))
        for network, values in own.groupby("network", sort=True)["dice"]:
            rows.append(DistributionRow(name=str(network), values=values.to_numpy(dtype=np.float64)))
            medians[f"{network}, {evaluation}"] = float(values.median())
    if not rows:
        return None
    low = HIGH_DICE if known["dice"].min() >= HIGH_DICE else 0.0
    body, height = distribution_rows(rows, scale=(low, 1.0), axis="Dice of an image")
    best = max(medians, key=lambda name: medians[name])
    words = f"One tick per image, a box of the quartiles, a line at the median. Highest median: {best}."
    return picture(body, width=WIDTH, height=height, title=title, description=words)


def area_figure(rows: pd.DataFrame, *, title: str) -> Markup | None:
    """The predicted against the given size in voxels on logarithmic axes, from rows of `segmentation.csv` of one
    network and evaluation; the line of equality is dotted. None without two masks of one image that are not empty.
    """
    sizes = rows[["given_voxels", "predicted_voxels"]].astype("float64").dropna()
    sizes = sizes[(sizes > 0).all(axis=1)]
    if not len(sizes):
        return None
    low, high = float(sizes.min().min()) / 1.2, float(sizes.max().max()) * 1.2
    frame = Frame(
        x=Scale(low=low, high=high, start=74, stop=WIDTH - 12, log=True),
        y=Scale(low=low, high=high, start=316, stop=10, log=True),
    )
    ticks = _round_values(low, high)
    pieces = [
        frame.x_axis("Given mask, voxels", ticks=ticks, form=_count),
        frame.y_axis("Predicted mask, voxels", ticks=ticks, form=_count),
        frame.outline(),
        segment(frame.x(low), frame.y(low), frame.x(high), frame.y(high), css="chance strong"),
    ]
    pieces += [
        dot(frame.x(row.given_voxels), frame.y(row.predicted_voxels), css="dot open", size=3.2)
        for row in sizes.itertuples()
    ]
    larger = int((sizes["predicted_voxels"] > sizes["given_voxels"]).sum())
    words = f"One dot per image, {len(sizes)} in all; the predicted mask is larger in {larger}. Dotted: equal size."
    return picture(joined(pieces), width=WIDTH, height=362, title=title, description=words)


def _count(value: float) -> str:
    return number(value) if value < 1000 else f"{value:,.0f}"


def _round_values(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between the ends; powers of ten alone if those are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [step * 10.0**power for power in powers for step in (1, 2, 5) if low <= step * 10.0**power <= high]
    return found if len(found) <= 6 else [value for value in found if math.log10(value).is_integer()]


def icc_figure(effect: pd.DataFrame, *, title: str) -> Markup | None:
    """The ICC of every feature by class, from `mask_effect.csv`; dotted: 0.75. None without any."""
    known = effect[effect["icc"].notna()]
    if not len(known):
        return None
    order = known.groupby("feature_class")["icc"].median().sort_values(ascending=False, kind="stable")
    rows = [
        DistributionRow(
            name=str(name), values=known.loc[known["feature_class"] == name, "icc"].to_numpy(dtype=np.float64)
        )
        for name in order.index
    ]
    body, height = distribution_rows(rows, scale=(0.0, 1.0), axis="ICC, given and predicted mask", marks=[GOOD])
    words = (
        "One tick per feature, a box of the quartiles, a line at the median. Highest median: "
        f"{order.index[0]}; lowest: {order.index[-1]}. Negative values are drawn at zero."
    )
    return picture(body, width=WIDTH, height=height, title=title, description=words)


def fraction_figure(
    rows: Sequence[tuple[int, str, NDArray[np.float64]]], *, table: pd.DataFrame, title: str
) -> Markup | None:
    """The patients' fractions of each habitat by outcome, with the mean and its interval from `habitat_fractions.csv`.

    `rows`: habitat, outcome and fractions; `table`: the rows of the same part. None without a value.
    """
    summary = table.set_index(["habitat", "outcome"])
    drawn: list[DistributionRow] = []
    for habitat, outcome, values in rows:
        if not values.size:
            continue
        heading = f"Habitat {habitat}"
        if all(row.name != heading for row in drawn):
            drawn.append(DistributionRow(name=heading, values=NOTHING))
        mean, low, high = (float(summary.loc[(habitat, outcome), name]) for name in ("mean", "ci_low", "ci_high"))
        drawn.append(
            DistributionRow(name=outcome, values=values, mean=mean, low=low, high=high, filled=outcome == EVENT)
        )
    if not drawn:
        return None
    top = max(float(values.max()) for _, _, values in rows if values.size)
    body, height = distribution_rows(drawn, scale=(0.0, 1.0 if top > 0.5 else 0.5), axis="Fraction of the lesion")
    words = (
        "One tick per patient, a box of the quartiles, a line at the median; below it a diamond at the mean with its "
        "interval, for patients with and without the event."
    )
    return picture(body, width=WIDTH, height=height, title=title, description=words)
