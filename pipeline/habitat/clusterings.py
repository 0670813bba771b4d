"""The clusterings of a study: voxels of every training patient are drawn once, then clustered per resample and part."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.contracts.data.habitat import Clustering
from pipeline.foundation.lazy import LazySequence
from pipeline.foundation.parallel import map_largest_first
from pipeline.habitat.clusters import fit_clusters
from pipeline.habitat.fits import Fit
from pipeline.habitat.lesions import Lesion, Patient, patients_of
from pipeline.habitat.params import HabitatParams
from pipeline.habitat.training_voxels import drawn_voxels, training_matrix

Drawn = Mapping[Patient, NDArray[np.float64] | None]
Watch = Callable[[Iterator[Any]], Iterable[Any]]


@dataclass(frozen=True, kw_only=True)
class FitCase:
    """The training voxels (n, p) of a fit, and the patients that gave them."""

    fit: Fit
    voxels: NDArray[np.float64]
    patients: tuple[str, ...]


def clusterings_of(
    fits: Sequence[Fit],
    *,
    lesions: Mapping[str, Sequence[Lesion]],
    params: HabitatParams,
    seed: int,
    spread: Callable[..., Iterator[Any]],
    watch: Watch = iter,
) -> list[Clustering]:
    """The clustering of each fit; `lesions` by resample. No lesion of a patient outside `trained` is read for a fit.

    `spread` is `map_cases` with its workers, whose number changes no byte; `watch` shows the progress over patients.
    Raises PipelineError as `fit_clusters` and `training_matrix`.
    """
    patients = {resample: patients_of(own) for resample, own in lesions.items()}
    used = {patients[fit.resample][one] for fit in fits for one in fit.trained if one in patients[fit.resample]}
    needed = sorted(used, key=lambda one: (one.patient_id, [str(lesion.mask) for lesion in one.lesions]))
    drawn = map_largest_first(
        partial(drawn_voxels, params=params, seed=seed),
        needed,
        costs=[float(sum(lesion.n_voxels for lesion in one.lesions)) + 1 for one in needed],
        spread=spread,
        watch=watch,
    )
    make = partial(_fit_case, patients=patients, drawn=dict(zip(needed, drawn, strict=True)))
    return list(spread(partial(_fitted, params=params, seed=seed), LazySequence(make, tuple(fits))))


def _fit_case(fit: Fit, *, patients: Mapping[str, Mapping[str, Patient]], drawn: Drawn) -> FitCase:
    known = patients[fit.resample]
    own = {name: drawn[known[name]] for name in fit.trained if name in known}
    voxels, used = training_matrix(own, rows=fit.rows)
    return FitCase(fit=fit, voxels=voxels, patients=tuple(used))


def _fitted(case: FitCase, *, params: HabitatParams, seed: int) -> Clustering:
    return fit_clusters(case.voxels, rows=case.fit.rows, patients=list(case.patients), params=params, seed=seed)
