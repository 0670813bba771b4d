"""Cluster the voxels of training patients, and give every voxel the habitat of its nearest cluster.

Habitats are numbered by the mean grey value of their cluster, darkest first, so that a number means the same in every
resample. One thread and explicit seeds: the same voxels give the same bytes.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, solve_triangular

from pipeline.contracts.data.habitat import Clustering
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.fingerprints import fingerprint
from pipeline.habitat.params import HabitatParams
from pipeline.habitat.voxel_features import voxel_feature_names

Floats = NDArray[np.float64]
Labels = NDArray[np.uint8]
RIDGE = 1e-6  # added to the variances of a mixture, so that a cluster of few voxels has an inverse


def fit_clusters(
    voxels: Floats, *, rows: tuple[str, str], patients: list[str], params: HabitatParams, seed: int
) -> Clustering:
    """Cluster the voxels (n, p) drawn from the training `patients` of a resample and part (`rows`).

    Voxel features are z-scored on these voxels. Each number of clusters in `params.candidates` is fitted; the highest
    score wins, the smaller number on a tie (Rousseeuw 1987 for the silhouette, of a random sample; Calinski and
    Harabasz 1974). Raises PipelineError if there are fewer different voxels than clusters.
    """
    _check_enough(voxels, rows=rows, n_patients=len(patients), k=max(params.candidates))
    means, sds = voxels.mean(axis=0), voxels.std(axis=0)
    sds = np.where(sds > 0, sds, 1.0)
    scaled = (voxels - means) / sds
    random_state = int(fingerprint("habitat", seed)[:7], 16)
    found = {k: _fitted(scaled, k=k, params=params, random_state=random_state) for k in params.candidates}
    scores = {}
    if len(found) > 1:
        scores = {k: _score(scaled, _nearest(scaled, one), params, random_state) for k, one in found.items()}
    k = max(found, key=lambda number: (scores.get(number, 0.0), -number))
    order = np.lexsort(found[k]["centres"].T[::-1])  # by grey value, the first feature
    tables = {name: values[order] for name, values in found[k].items()}
    return Clustering(
        resample=rows[0],
        part=rows[1],
        method=params.method,
        k=k,
        features=voxel_feature_names(params.voxels),
        means=_tuples(means),
        sds=_tuples(sds),
        centres=_tuples(tables["centres"]),
        covariances=_tuples(tables["covariances"]) if "covariances" in tables else None,
        weights=_tuples(tables["weights"]) if "weights" in tables else None,
        score=params.score if scores else None,
        scores={str(number): value for number, value in scores.items()},
        n_voxels=len(voxels),
        n_patients=len(patients),
        trained_ids_sha256=fingerprint(sorted(patients)),
    )


def _check_enough(voxels: Floats, *, rows: tuple[str, str], n_patients: int, k: int) -> None:
    if len(np.unique(voxels, axis=0)) <= k:
        raise PipelineError(
            f"resample {rows[0]}, part {rows[1]}: the lesions of {n_patients} training patients have too few different "
            f"voxels for {k} habitats; lower k in params/habitat.yaml, or remove the block habitat from "
            "params/fusion.yaml"
        )


def habitat_labels(voxels: Floats, clustering: Clustering) -> Labels:
    """The habitat, 1 … k, of each voxel (n, p): the nearest centre, or the most probable component of a mixture."""
    scaled = (voxels - np.array(clustering.means)) / np.array(clustering.sds)
    tables = {"centres": np.array(clustering.centres)}
    if clustering.covariances is not None:
        tables |= {"covariances": np.array(clustering.covariances), "weights": np.array(clustering.weights)}
    return (_nearest(scaled, tables) + 1).astype(np.uint8)


def _fitted(scaled: Floats, *, k: int, params: HabitatParams, random_state: int) -> dict[str, Floats]:
    """Centres (k, p), and the covariances and weights of a mixture."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    if params.method == "kmeans":
        means = KMeans(n_clusters=k, n_init=params.n_init, random_state=random_state, algorithm="lloyd").fit(scaled)
        return {"centres": means.cluster_centers_}
    mixture = GaussianMixture(n_components=k, n_init=params.n_init, random_state=random_state, reg_covar=RIDGE)
    with warnings.catch_warnings():
        # A mixture that still moves after 100 rounds labels voxels as well as one that has come to rest.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(scaled)
    return {"centres": mixture.means_, "covariances": mixture.covariances_, "weights": mixture.weights_}


def _nearest(scaled: Floats, tables: dict[str, Floats]) -> NDArray[np.intp]:
    """The cluster, from 0, of each voxel; of several equally near, the first."""
    centres = tables["centres"]
    if "covariances" not in tables:
        distances = [((scaled - centre) ** 2).sum(axis=1) for centre in centres]
    else:
        parts = zip(centres, tables["covariances"], tables["weights"], strict=True)
        distances = [
            _surprise(scaled - centre, covariance) - 2 * np.log(weight) for centre, covariance, weight in parts
        ]
    return np.argmin(np.stack(distances), axis=0)


def _surprise(centred: Floats, covariance: Floats) -> Floats:
    """-2 log of the Gaussian density, without its constant."""
    factor, lower = cho_factor(covariance, lower=True)
    whitened = solve_triangular(factor, centred.T, lower=lower)
    return np.asarray((whitened**2).sum(axis=0) + 2 * np.log(np.diag(factor)).sum())


def _score(scaled: Floats, labels: NDArray[np.intp], params: HabitatParams, random_state: int) -> float:
    from sklearn.metrics import calinski_harabasz_score, silhouette_score

    if params.score == "silhouette":
        sample = np.random.default_rng(random_state).permutation(len(scaled))[: params.score_voxels]
        scaled, labels = scaled[sample], labels[sample]
    if len(np.unique(labels)) < 2:
        return -1.0  # below any useful score
    score = silhouette_score if params.score == "silhouette" else calinski_harabasz_score
    return float(score(scaled, labels))


def _tuples(values: Any) -> Any:
    return tuple(_tuples(one) for one in values) if np.ndim(values) else float(values)
