"""Clusters: found where they are planted, darkest first, the same bytes again, with a number that the scores choose."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from places import ROOT
from sklearn.mixture import GaussianMixture

from pipeline.foundation.errors import PipelineError
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.params import load_params
from pipeline.habitat.clusters import fit_clusters, habitat_labels
from pipeline.habitat.params import HabitatParams

SHIPPED = load_params(ROOT / "params" / "habitat.yaml", HabitatParams)
GREYS = (2.0, -3.0, 0.0)
P = 8  # grey, three features of two windows, gradient


def clouds(n=60, *, seed=0):
    """`n` voxels around each of GREYS, in this order; only grey and the last feature differ."""
    random = np.random.default_rng(seed)
    centres = np.zeros((3, P))
    centres[:, 0], centres[:, -1] = GREYS, (5, 50, 500)
    return np.concatenate([centre + 0.1 * random.normal(size=(n, P)) for centre in centres])


def fitted(voxels, **changes):
    params = SHIPPED.model_copy(update=changes)
    return fit_clusters(voxels, rows=("final", "a"), patients=["p2", "p1"], params=params, seed=3)


@pytest.mark.parametrize("score", ["silhouette", "calinski_harabasz"])
@pytest.mark.parametrize("method", ["kmeans", "gmm"])
def test_planted_clusters_are_found_and_numbered_from_the_darkest(method, score):
    found = fitted(clouds(), method=method, score=score, k="auto")

    assert (found.k, max(found.scores, key=found.scores.get), found.score) == (3, "3", score)
    greys = [centre[0] * found.sds[0] + found.means[0] for centre in found.centres]
    assert greys == pytest.approx(sorted(GREYS), abs=0.1)
    assert habitat_labels(clouds(seed=9), found).tolist() == [3] * 60 + [1] * 60 + [2] * 60


def test_the_card_says_what_it_was_fitted_on():
    found = fitted(clouds(), k=2)

    assert (found.n_voxels, found.n_patients, found.scores, found.score) == (180, 2, {}, None)
    assert found.trained_ids_sha256 == fingerprint(["p1", "p2"])
    assert found.features == ("grey", "mean_3", "sd_3", "entropy_3", "mean_7", "sd_7", "entropy_7", "gradient")


def test_the_same_voxels_give_the_same_bytes_and_another_voxel_does_not():
    first, again = (json.dumps(asdict(fitted(clouds(), k="auto"))) for _ in range(2))

    assert first == again
    assert json.dumps(asdict(fitted(clouds(n=61), k="auto"))) != first


def test_the_labels_of_a_mixture_are_those_of_scikit_learn():
    voxels = np.random.default_rng(5).normal(size=(300, P))
    found = fitted(voxels, method="gmm", k=2, n_init=1)
    theirs = GaussianMixture(2, weights_init=found.weights, means_init=found.centres, max_iter=1, reg_covar=0)
    theirs.weights_, theirs.means_ = np.array(found.weights), np.array(found.centres)
    theirs.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(np.array(found.covariances)))
    scaled = (voxels - found.means) / found.sds

    np.testing.assert_array_equal(habitat_labels(voxels, found), theirs.predict(scaled) + 1)


def test_a_constant_feature_changes_no_label():
    voxels = clouds()
    voxels[:, 3] = 7.0

    assert np.isfinite(fitted(voxels, k=3).centres).all()


def test_fewer_voxels_than_clusters_are_refused():
    with pytest.raises(PipelineError, match=r"resample final, part a: .*too few different voxels for 6 habitats"):
        fitted(np.repeat(clouds(n=2), 5, axis=0), k="auto")
