"""Negative control: the image with the lesion's box blanked, in 32 x 32 cells, by penalised logistic regression.

It finds what a network could read outside the lesion: burned-in grades, callipers, depth and scanner marks, gain.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.crop.rois import bounding_box
from pipeline.selftest.controls import CHANCE, Scored, cv_splits, score_folds
from pipeline.selftest.inputs import Inputs
from pipeline.selftest.lights import Check

Numbers = NDArray[np.float64]
SIDE = 32  # cells along each side of the image
MIN_SEEN = 0.25  # minimum fraction of a cell outside the blanked box
COMPONENTS = 20
# Inverse strength of the absolute penalty; 0.1 finds a digit in one cell, and a gain of 6 of 255 grey levels, in 100
# patients of the demo.
STRENGTH = 0.1
FLAT = 1e-9  # standard deviation in grey levels below which a cell is constant
TITLE = "The frame around the lesion is not found to predict the outcome"
RULE = (
    "Amber if the interval (Nadeau-Bengio) of the cross-validated AUC of the image without the lesion (the value) lies "
    "above one half (the limit). The image is reduced to 32 x 32 cells of its grey levels as stored; the lesion's box, "
    "and in a 2-D image what lies below it, is blanked."
)


def frame_cells(image: NDArray[np.generic], *, mask: NDArray[np.bool_]) -> list[float | None]:
    """The mean grey level of SIDE x SIDE cells outside the lesion's box, row by row; None if a cell is mostly in it.

    `image` and `mask` (y, x), or (z, y, x), of which the mean over z is used. In a 2-D image the box reaches to
    the lower edge, since the lesion's shadow does. Raises ImageError if the mask is empty.
    """
    first, last = bounding_box(mask)
    flat = image.astype(np.float64)
    flat = flat if flat.ndim == 2 else flat.mean(axis=0)
    seen = np.ones_like(flat)
    bottom = flat.shape[0] if mask.ndim == 2 else last[-2] + 1
    seen[first[-2] : bottom, first[-1] : last[-1] + 1] = 0
    down, across = (_overlap(side) for side in flat.shape)
    weight = down @ seen @ across.T
    whole = down.sum(axis=1)[:, np.newaxis] * across.sum(axis=1)
    total = down @ (flat * seen) @ across.T
    kept = (weight >= MIN_SEEN * whole) & (weight > 0)
    return [
        float(value) if ok else None
        for value, ok in zip((total / np.where(kept, weight, 1)).flat, kept.flat, strict=True)
    ]


def _overlap(side: int) -> Numbers:
    """The length of every pixel in every cell, shape (SIDE, side)."""
    edges, pixels = np.linspace(0, side, SIDE + 1), np.arange(side)
    inside = np.minimum(edges[1:, np.newaxis], pixels + 1) - np.maximum(edges[:-1, np.newaxis], pixels)
    return np.clip(inside, 0, None)


def frame_scores(train: Numbers, labels: NDArray[np.int64], test: Numbers, *, seed: int) -> Numbers:
    """The log-odds of the test rows (m,), fitted on the training rows (n, cells) alone; NaN = blanked.

    Cells are standardised by the training rows that show them, and a blanked cell is their mean, so that the box adds
    nothing. The model is a logistic regression with an absolute penalty on the cells (a mark fills few of them) and on
    the leading principal components, each of SD 1 (gain and depth change them all). Zero if every cell is flat.
    """
    from sklearn.linear_model import LogisticRegression

    seen = np.isfinite(train)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, train, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(seen, train - mean, 0) ** 2).sum(axis=0) / count)
    varying = spread > FLAT
    if not varying.any():
        return np.zeros(len(test))
    cells, others = (np.nan_to_num((rows - mean)[:, varying] / spread[varying]) for rows in (train, test))
    middle = cells.mean(axis=0)
    _, sizes, axes = np.linalg.svd(cells - middle, full_matrices=False)
    used = min(COMPONENTS, int((sizes > FLAT * sizes[0]).sum()))
    scale = axes[:used].T / sizes[:used] * len(train) ** 0.5
    both = [np.hstack([(rows - middle) @ scale, rows]) for rows in (cells, others)]
    model = LogisticRegression(
        C=STRENGTH, l1_ratio=1.0, solver="liblinear", class_weight="balanced", max_iter=10_000, random_state=seed
    )
    found: Numbers = model.fit(both[0], labels).decision_function(both[1])
    return found


def frame_scored(rows: Sequence[dict[str, Any]], *, inputs: Inputs) -> Scored | None:
    """The control `frame` on the folds of the study; None if too few patients have a frame.

    `rows` of `control_work`. Images are the rows of the fit; a patient's score is the mean over the patient's images.
    """
    own = {row["image_id"]: row["frame"] for row in rows if row["frame"] and any(v is not None for v in row["frame"])}
    owner = inputs.cohort.set_index("image_id")["patient_id"]
    ids = sorted(own)
    patients = owner.loc[ids].to_numpy()
    splits = cv_splits(inputs, known=sorted(set(patients))) if ids else None
    if splits is None:
        return None
    cells = np.array([own[name] for name in ids], dtype=np.float64)
    labels = inputs.tables.patients.set_index("patient_id")["label"].astype(int)
    scored = []
    for resample, split in splits.groupby("resample", sort=True):
        train = np.isin(patients, split.loc[split["role"] == "train", "patient_id"])
        test = np.isin(patients, split.loc[split["role"] != "train", "patient_id"])
        fitted = labels.loc[patients[train]].to_numpy()
        scores = frame_scores(cells[train], fitted, cells[test], seed=inputs.recipe.seed)
        means = pd.Series(scores).groupby(patients[test]).mean()
        about = {"resample": resample, "patient_id": means.index, "label": labels.loc[means.index].to_numpy()}
        scored.append(pd.DataFrame(about | {"score": means.to_numpy()}))
    raw = pd.concat(scored, ignore_index=True)
    return score_folds(raw, control="frame", n_patients=len(set(patients)), n_images=len(ids))


def frame_check(scored: Scored | None) -> Check:
    """The light of the control `frame`."""
    if scored is None or not scored.known:
        finding = "Too few patients, of both outcomes, have an image that shows more than the lesion."
        return Check(check="frame_alone", light="grey", title=TITLE, rule=RULE, finding=finding)
    telling = scored.above_chance
    return Check(
        check="frame_alone",
        light="amber" if telling else "green",
        title=TITLE,
        rule=RULE,
        finding="The image without the lesion predicts the outcome: look for burned-in text, callipers, depth and gain."
        if telling
        else "The image without the lesion predicts no better than chance.",
        value=scored.auc,
        limit=CHANCE,
    )
