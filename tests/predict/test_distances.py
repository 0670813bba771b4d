"""Distances in reduced space: values by hand, a scale for any number of features, held-out limits, altered text."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, norm

from pipeline.benchmark.design_matrices import Design
from pipeline.foundation.errors import PipelineError
from pipeline.predict.distances import (
    Cloud,
    Clouds,
    cloud_of,
    distances_in,
    distances_of,
    fit_clouds,
    held_out_distances,
)


def design(X, X_test, *, resample="final", part="all"):
    names = tuple(f"f{column}" for column in range(X.shape[1]))
    ids = tuple(f"t{row:04d}" for row in range(len(X_test)))
    y, groups = np.zeros(len(X), dtype=np.int64), np.arange(len(X)).astype(np.str_)
    return Design(resample=resample, part=part, features=names, X=X, y=y, groups=groups, X_test=X_test, test_ids=ids)


def cloud(**changes):
    """Two features of SD 1 and 2 without correlation; one prototype at the mean, one 3 SD away along the first."""
    content = {"part": "all", "features": ("a", "b"), "mean": (0.0, 10.0), "scale": (1.0, 2.0)}
    content |= {"covariance": ((1.0, 0.0), (0.0, 1.0)), "centres": ((0.0, 0.0), (3.0, 0.0)), "counts": (6, 5)}
    return Cloud(**(content | changes))


def scaled(d2, p):
    return (np.cbrt(d2 / p) - (1 - 2 / (9 * p))) / np.sqrt(2 / (9 * p))


def test_both_measures_by_hand():
    found = distances_in(cloud(), np.array([[3.0, 12.0], [0.0, 10.0]]))

    assert found == pytest.approx(np.array([[scaled(9 + 1, 2), scaled(1, 2)], [scaled(0, 2), scaled(0, 2)]]))


@pytest.mark.parametrize("p", [2, 10, 50])
def test_the_scale_is_that_of_a_normal_distribution_for_any_number_of_features(p):
    zeros, ones = (0.0,) * p, (1.0,) * p
    names, unit = tuple(map(str, range(p))), tuple(tuple(row) for row in np.eye(p))
    one = cloud(features=names, mean=zeros, scale=ones, covariance=unit, centres=(zeros,), counts=(5,))
    row = np.zeros((1, p))
    row[0, 0] = np.sqrt(chi2.ppf(0.95, p))

    assert distances_in(one, row)[0] == pytest.approx(norm.ppf([0.95, 0.95]), abs=0.08)


def test_correlated_features_count_once():
    random = np.random.default_rng(2)
    first = random.normal(size=500)
    X = np.stack([first, first + 0.1 * random.normal(size=500)], axis=1)
    one = cloud_of(design(X, X[:0]), seed=0)

    along, across = distances_in(one, np.array([[2.0, 2.0], [2.0, -2.0]]))[:, 0]
    assert along < 1.7
    assert across > 5


def test_constant_columns_are_left_out_and_a_rare_level_does_not_dominate():
    random = np.random.default_rng(3)
    rare = (np.arange(60) == 7) * 1.0
    X = np.column_stack([random.normal(size=60), np.full(60, 0.1), rare])
    one = cloud_of(design(X, X[:0]), seed=0)

    assert one.features == ("f0", "f2")
    assert one.scale[1] == 0.5
    assert distances_in(one, X[[7]][:, [0, 2]])[0, 0] < 6  # by its SD of 0.13 it would be about 60 / 2 squared SDs


def test_a_design_without_varying_features_or_with_few_rows_has_no_cloud():
    assert cloud_of(design(np.zeros((30, 0)), np.zeros((2, 0))), seed=0) is None
    assert cloud_of(design(np.ones((30, 2)), np.ones((2, 2))), seed=0) is None
    assert cloud_of(design(np.eye(4), np.eye(4)), seed=0) is None


def folds(*, shift=0.0, p=8, n=200):
    """Designs of four folds and `final` whose rows are selected: the training rows lie `shift` narrower than others."""
    random = np.random.default_rng(4)
    made = []
    for resample in ("cv-1-1", "cv-1-2", "cv-1-3", "cv-1-4", "final"):
        train, test = random.normal(size=(n, p)) * (1 - shift), random.normal(size=(n, p))
        made.append(design(train, test, resample=resample))
    return made


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_new_patients_are_flagged_at_the_nominal_rate_even_if_training_rows_lie_nearer(shift):
    clouds = fit_clouds(folds(shift=shift), seed=0)
    new = pd.DataFrame(np.random.default_rng(5).normal(size=(2000, 8)), columns=[f"f{i}" for i in range(8)])

    found = distances_of(clouds, {"all": new})
    for name, limits in clouds.limits.items():
        assert np.mean(found[name] > limits.unusual) == pytest.approx(0.05, abs=0.025)
        assert np.mean(found[name] > limits.outside) == pytest.approx(0.01, abs=0.012)


def test_parts_are_averaged():
    both = Clouds(parts=(cloud(part="a"), cloud(part="b", mean=(1.0, 10.0))), limits={})
    rows = pd.DataFrame({"a": [3.0], "b": [12.0]}, index=["p1"])

    found = distances_of(both, {"a": rows, "b": rows})
    assert found.loc["p1", "distance"] == pytest.approx((scaled(10, 2) + scaled(5, 2)) / 2)


def test_held_out_distances_are_those_of_the_folds_alone():
    made = folds(n=40)

    found = held_out_distances(made, seed=0)
    assert set(found.index.get_level_values("resample")) == {"cv-1-1", "cv-1-2", "cv-1-3", "cv-1-4"}
    assert len(found) == 4 * 40
    assert held_out_distances([made[-1]], seed=0).empty


def test_no_row_of_a_patient_is_kept():
    X = np.random.default_rng(6).normal(size=(40, 3))
    one = cloud_of(design(X, X[:0]), seed=0)

    scaled_rows = (X - np.array(one.mean)) / np.array(one.scale)
    gaps = [np.abs(scaled_rows - np.array(centre)).max(axis=1).min() for centre in one.centres]
    assert min(one.counts) >= 5
    assert min(gaps) > 1e-3
    assert not any(f"{value:.6f}" in one.to_json() for value in X.ravel())


def test_the_same_seed_gives_the_same_text_and_the_text_the_same_object():
    made = folds(n=60)
    text = fit_clouds(made, seed=1).to_json()

    assert text == fit_clouds(made, seed=1).to_json()
    assert Clouds.from_json(text) == fit_clouds(made, seed=1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mean": (0.0,)}, "mean, scale, covariance or prototypes of another length"),
        ({"covariance": ((1.0, 0.0),)}, "another length"),
        ({"covariance": ((1.0, 2.0), (2.0, 1.0))}, "not symmetric and positive definite"),
        ({"scale": (1.0, 0.0)}, "a scale is not above 0"),
        ({"counts": (6, 1)}, "fewer than 5 rows"),
    ],
)
def test_wrong_shapes_are_refused(changes, words):
    text = cloud().model_copy(update=changes).to_json()

    with pytest.raises(PipelineError, match=words):
        Cloud.from_json(text)


@pytest.mark.parametrize(
    ("reduced", "words"),
    [
        ({}, "part all are missing"),
        ({"all": pd.DataFrame({"a": [1.0]})}, "part all lack b"),
        ({"all": pd.DataFrame({"a": [1.0], "b": [np.nan]})}, "missing values"),
    ],
)
def test_features_that_are_missing_are_refused(reduced, words):
    with pytest.raises(PipelineError, match=words):
        distances_of(Clouds(parts=(cloud(),), limits={}), reduced)
