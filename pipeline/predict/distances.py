"""How far a patient lies from the training patients in the reduced space: from their mean and the nearest prototype.

The limits come from held-out training patients: in every cross-validation resample the same is fitted on its training
rows and measured on its held-out rows. Training rows themselves would mislead: principal components and selected
features were fitted to them, hence they may lie nearer or farther than any new patient.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import model_validator

from pipeline.benchmark.design_matrices import Design
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.errors import PipelineError
from pipeline.predict.limits import REMEDY, Fitted, Limits, limits_of
from pipeline.statistics.prototypes import MIN_ROWS, prototypes

Floats = NDArray[np.float64]
MEAN, PROTOTYPE = "distance", "prototype_distance"  # the two measures
MEASURES = (MEAN, PROTOTYPE)


class Cloud(Fitted):
    """The training rows of one part in numbers: `mean` and `scale` (p,) of the columns `features`, the covariance
    (p, p) of the scaled columns, and prototypes (k, p) of the scaled rows, each the mean of `counts` (k,) rows.
    """

    part: str
    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    centres: tuple[tuple[float, ...], ...]
    counts: tuple[int, ...]

    @model_validator(mode="after")
    def _shapes(self) -> Self:
        p = len(self.features)
        rows = [self.mean, self.scale, *self.covariance, *self.centres]
        if {len(row) for row in rows} != {p} or len(self.covariance) != p or len(self.centres) != len(self.counts):
            msg = f"part {self.part}: {p} features, and mean, scale, covariance or prototypes of another length"
            raise ValueError(msg)
        if min(self.scale, default=1.0) <= 0 or min(self.counts, default=0) < MIN_ROWS:
            msg = f"part {self.part}: a scale is not above 0, or a prototype has fewer than {MIN_ROWS} rows"
            raise ValueError(msg)
        matrix = np.array(self.covariance)
        if not np.array_equal(matrix, matrix.T) or np.linalg.eigvalsh(matrix)[0] <= 0:
            msg = f"part {self.part}: the covariance is not symmetric and positive definite"
            raise ValueError(msg)
        return self


class Clouds(Fitted):
    """The clouds of resample `final`, one per part that has a feature, and the limits of both measures."""

    parts: tuple[Cloud, ...]
    limits: dict[str, Limits]


def cloud_of(design: Design, *, seed: int) -> Cloud | None:
    """The training rows of a design in numbers; None if it has no column that varies, or fewer than MIN_ROWS rows.

    The covariance is shrunk (Ledoit and Wolf, J Multivar Anal 2004;88:365-411), since there may be more features than
    rows.
    """
    from sklearn.covariance import ledoit_wolf

    scale = _scale(design.X)
    kept = scale > 0
    if not kept.any() or len(design.X) < MIN_ROWS:
        return None
    X, scale = design.X[:, kept], scale[kept]
    mean = X.mean(axis=0)
    scaled = (X - mean) / scale
    covariance = np.asarray(ledoit_wolf(scaled, assume_centered=True)[0])
    groups = prototypes(scaled, seed=seed)
    return Cloud(
        part=design.part,
        features=tuple(name for name, one in zip(design.features, kept, strict=True) if one),
        mean=_plain(mean),
        scale=_plain(scale),
        covariance=tuple(_plain(row) for row in (covariance + covariance.T) / 2),
        centres=tuple(_plain(row) for row in groups.centres),
        counts=tuple(int(count) for count in groups.counts),
    )


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _scale(X: Floats) -> Floats:
    """The SD of each column; of a column with two values half their difference, the largest SD that it can have.

    Else the rare level of a 0/1 column would outweigh all other columns; flags of their own report such levels.
    """
    if not X.shape[1]:
        return np.zeros(0)
    low, high = X.min(axis=0), X.max(axis=0)
    binary = ((low == X) | (high == X)).all(axis=0)
    # A constant column may have an SD that is not exactly 0.
    return np.where(low == high, 0.0, np.where(binary, (high - low) / 2, X.std(axis=0)))


def distances_in(cloud: Cloud, X: Floats) -> Floats:
    """Both measures (m, 2) of the rows X (m, p), columns in the order of `cloud.features`.

    They are the squared Mahalanobis distances to the mean and to the nearest prototype, brought to one scale for any
    number of features: (d2 / p) ** (1/3), standardised as for a chi-squared distribution with p degrees of freedom
    (Wilson and Hilferty, PNAS 1931;17:684-688).
    """
    p = len(cloud.features)
    root = np.linalg.cholesky(np.array(cloud.covariance))
    white = np.linalg.solve(root, ((X - np.array(cloud.mean)) / np.array(cloud.scale)).T).T
    centres = np.linalg.solve(root, np.array(cloud.centres).T).T
    to_mean = (white**2).sum(axis=1)
    to_nearest = np.min([((white - centre) ** 2).sum(axis=1) for centre in centres], axis=0)
    spread = 2 / (9 * p)
    return (np.cbrt(np.stack([to_mean, to_nearest], axis=1) / p) - (1 - spread)) / np.sqrt(spread)


def fit_clouds(designs: Sequence[Design], *, seed: int) -> Clouds:
    """The clouds of resample `final` and the limits from the held-out patients of the other resamples."""
    final = [cloud_of(one, seed=seed) for one in designs if one.resample == FINAL]
    held_out = held_out_distances(designs, seed=seed)
    limits = {name: limits_of(held_out[name].to_numpy()) for name in MEASURES}
    return Clouds(
        parts=tuple(one for one in final if one is not None),
        limits={name: one for name, one in limits.items() if one is not None},
    )


def held_out_distances(designs: Sequence[Design], *, seed: int) -> pd.DataFrame:
    """One row per held-out patient and cross-validation resample (index), columns MEASURES: means over the parts."""
    frames = []
    for design in designs:
        if design.resample == FINAL or (cloud := cloud_of(design, seed=seed)) is None:
            continue
        columns = [design.features.index(name) for name in cloud.features]
        index = pd.MultiIndex.from_product([[design.resample], design.test_ids], names=["resample", "patient_id"])
        frames.append(pd.DataFrame(distances_in(cloud, design.X_test[:, columns]), index=index, columns=MEASURES))
    if not frames:
        return pd.DataFrame(columns=MEASURES, dtype=np.float64)
    return pd.concat(frames).groupby(["resample", "patient_id"]).mean()


def distances_of(clouds: Clouds, reduced: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Both measures of each patient (index patient_id), means over the parts; `reduced` as the classifiers get it.

    Without a cloud there is no row. Raises PipelineError if a part, a feature or a value is missing.
    """
    frames = []
    for cloud in clouds.parts:
        frame = reduced.get(cloud.part)
        if frame is None:
            raise PipelineError(f"the reduced features of part {cloud.part} are missing; {REMEDY}")
        if missing := [name for name in cloud.features if name not in frame]:
            raise PipelineError(f"the reduced features of part {cloud.part} lack {missing[0]}; {REMEDY}")
        X = frame[list(cloud.features)].to_numpy(dtype=np.float64)
        if not np.isfinite(X).all():
            raise PipelineError(f"the reduced features of part {cloud.part} have missing values; reduce them again")
        frames.append(pd.DataFrame(distances_in(cloud, X), index=frame.index, columns=MEASURES))
    if not frames:
        return pd.DataFrame(columns=MEASURES, dtype=np.float64)
    return pd.concat(frames).groupby(level=0).mean()
