"""texture: all classes against PyRadiomics' own, on awkward ROIs, all settings, and the IBSI phantom."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texture_oracle import awkward_rois, by_pyradiomics, differing

from pipeline.radiomics.engine.texture import NAMES, texture_features

ALL = dict.fromkeys(NAMES, ())
ROIS = [(name, levels, mask) for n in (2, 3) for name, levels, mask in awkward_rois(n)]
# Ill-conditioned where a direction has independent levels: PyRadiomics gives the root of a rounding error (1e-8), or
# drops the direction; see mcc.py and glcm.information. Correlation: a direction whose rows have one level.
SINGULAR = {"MCC", "Imc2", "Correlation"}


def wrong(levels, mask, *, distances=(1,), symmetric=True, alpha=0, force2d_axis=None):
    ours = texture_features(
        levels, classes=ALL, distances=distances, symmetric=symmetric, alpha=alpha, force2d_axis=force2d_axis
    )
    given_settings = {"binWidth": 1, "distances": list(distances), "symmetricalGLCM": symmetric, "gldm_a": alpha}
    if force2d_axis is not None:
        given_settings |= {"force2D": True, "force2Ddimension": force2d_axis}
    found = {}
    for name, values in ours.items():
        theirs = by_pyradiomics(name, levels.astype(float), mask, **given_settings)
        found |= {(name, key): pair for key, pair in differing(name, values, theirs).items()}
    return found


@pytest.mark.parametrize(("levels", "mask"), [case[1:] for case in ROIS], ids=[case[0] for case in ROIS])
def test_awkward_rois_equal_pyradiomics(levels, mask):
    assert {key for _, key in wrong(levels, mask)} <= {"MCC", "Imc2"}


@given(seed=st.integers(0, 2**32 - 1), n_dimensions=st.sampled_from([2, 3]), symmetric=st.booleans())
@settings(max_examples=25, deadline=None)
def test_random_settings_equal_pyradiomics(seed, n_dimensions, symmetric):
    draw = np.random.default_rng(seed)
    shape = tuple(draw.integers(3, 9, n_dimensions))
    levels = draw.integers(1, draw.choice([3, 6, 40]), shape).astype(np.int32)
    levels[(1,) * n_dimensions] = 1
    mask = draw.random(shape) < draw.choice([0.4, 0.8, 1.0])
    mask[(1,) * n_dimensions] = True
    axis = None if draw.random() < 0.5 else int(draw.integers(n_dimensions))
    distances = ((1,), (2, 1))[draw.integers(2)]
    alpha = int(draw.integers(3))
    found = wrong(
        np.where(mask, levels, 0).astype(np.int32), mask,
        distances=distances, symmetric=symmetric, alpha=alpha, force2d_axis=axis,
    )  # fmt: skip
    assert {key for _, key in found} <= SINGULAR


@pytest.mark.parametrize("shape", [(60, 50), (16, 20, 24)])
def test_a_textured_roi_equals_pyradiomics_in_every_feature(shape):
    draw = np.random.default_rng(5)
    levels = 1 + np.abs(np.cumsum(draw.integers(-1, 2, shape), axis=-1)).astype(np.int32)
    mask = sum((axis - n / 2) ** 2 / (n / 2) ** 2 for axis, n in zip(np.indices(shape), shape, strict=True)) < 1
    levels[tuple(np.argwhere(mask)[0])] = 1
    assert wrong(np.where(mask, levels, 0).astype(np.int32), mask) == {}


def test_what_is_undefined_is_nan():
    flat = texture_features(np.ones((4, 4), dtype=np.int32), classes=ALL)
    missing = {(group, name) for group, values in flat.items() for name, value in values.items() if np.isnan(value)}
    assert missing == {
        *(("glcm", name) for name in ("Correlation", "Imc1", "Imc2", "MCC")),
        *(("ngtdm", name) for name in ("Busyness", "Coarseness", "Contrast", "Strength")),
    }


def test_features_come_as_they_were_named_and_the_surroundings_do_not_matter():
    levels = np.array([[1, 2], [3, 2]], dtype=np.int32)
    wanted = {"ngtdm": ("Strength", "Busyness"), "glcm": ("Contrast",)}
    found = texture_features(levels, classes=wanted)
    assert [(name, list(values)) for name, values in found.items()] == [
        ("ngtdm", ["Strength", "Busyness"]),
        ("glcm", ["Contrast"]),
    ]
    assert texture_features(np.pad(levels, ((3, 1), (0, 5))), classes=wanted) == found


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="glcm has no feature Dissimilarity; it must be one of Autocorrelation"):
        texture_features(np.ones((2, 2), dtype=np.int32), classes={"glcm": ("Dissimilarity",)})
    with pytest.raises(ValueError, match="texture has no feature gldzm"):
        texture_features(np.ones((2, 2), dtype=np.int32), classes={"gldzm": ()})
