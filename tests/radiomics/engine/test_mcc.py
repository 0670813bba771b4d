"""mcc: known coefficients, and PyRadiomics' general eigenvalues."""

import numpy as np
import pytest

from pipeline.radiomics.engine import mcc
from pipeline.radiomics.engine.mcc import maximal_correlations


@pytest.fixture(autouse=True, params=[2, 24])
def _few_levels(request, monkeypatch):
    """Every matrix both ways: through the symmetric problem, and through the general one that few levels take."""
    monkeypatch.setattr(mcc, "FEW_LEVELS", request.param)


def coefficients(p):
    p = np.asarray(p, dtype=float)
    p = p / p.sum(axis=(1, 2), keepdims=True)
    return maximal_correlations(p, p.sum(axis=2), p.sum(axis=1))


def general(p):
    """PyRadiomics' way: the eigenvalues of Q, with its epsilon in the denominator."""
    p = np.asarray(p, dtype=float) / np.sum(p)
    q = (p / (p.sum(axis=1)[:, None] * p.sum(axis=0) + np.spacing(1))) @ p.T
    return np.sqrt(np.sort(np.linalg.eigvals(q).real)[-2])


def test_known_coefficients():
    assert coefficients([[[2, 0], [0, 3]]])[0] == pytest.approx(1)
    assert coefficients([[[1, 2], [2, 4]]])[0] == 0
    # Of two levels it is the absolute correlation.
    assert coefficients([[[3, 1], [1, 3]]])[0] == pytest.approx(0.5)
    assert coefficients([[[5]]])[0] == 1


@pytest.mark.parametrize("symmetric", [True, False])
def test_smooth_textures_have_the_general_eigenvalue(symmetric):
    draw = np.random.default_rng(8)
    i = np.arange(30)
    p = np.exp(-((i[:, None] - i) ** 2) / 8) * draw.random((5, 30, 30))
    p = p + p.transpose(0, 2, 1) if symmetric else p
    np.testing.assert_allclose(coefficients(p), [general(one) for one in p], rtol=1e-11)


@pytest.mark.parametrize("rarity", [1e-3, 1e-5, 1e-6])
def test_rare_levels_follow_pyradiomics_epsilon(rarity):
    # The rare level is nearly alone: its eigenvalue moves by 2e-16 / rarity², far more than 1e-9.
    p = np.array([[[0.5, 0.2, 0], [0.2, 0.1, rarity / 9], [0, rarity / 9, rarity]]])
    assert coefficients(p)[0] == pytest.approx(general(p[0]), rel=1e-10)


def test_separate_levels_have_equal_eigenvalues():
    p = np.array([[[4, 1, 0, 0], [1, 2, 0, 0], [0, 0, 1, 0.5], [0, 0, 0.5, 3]]])
    assert coefficients(p)[0] == pytest.approx(1, rel=1e-10)


def test_a_rare_separate_level_follows_pyradiomics_epsilon():
    # Two eigenvalues of 1, of which epsilon lowers that of the rare level to 1 - 2e-4.
    p = np.array([[[0.5, 0.2, 0], [0.2, 0.1, 0], [0, 0, 1e-6]]])
    assert coefficients(p)[0] == pytest.approx(general(p[0]), rel=1e-10)
    assert coefficients(p)[0] == pytest.approx(1 - 1.1e-4, abs=1e-5)


def test_a_level_without_neighbours_changes_nothing():
    p = np.array([[[3, 0, 1], [0, 0, 0], [1, 0, 3]]])
    assert coefficients(p)[0] == pytest.approx(0.5)
