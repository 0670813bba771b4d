"""Cohen's kappa, validated against R (vcd)."""

import json

import numpy as np
import pytest
from places import REFERENCE
from scipy.stats import norm

from pipeline.statistics.kappa import cohen_kappa

EXPECTED = json.loads((REFERENCE / "expected" / "kappa.json").read_text())


@pytest.mark.parametrize("table", ["k2", "k3"])
def test_equals_vcd(table):
    # vcd: k <- Kappa(table); confint(k)
    expected = EXPECTED[table]["vcd_unweighted"]
    found = cohen_kappa(EXPECTED[table]["table"])

    assert found.estimate == pytest.approx(expected["k"], abs=1e-7)
    assert (found.ci_high - found.estimate) / norm.ppf(0.975) == pytest.approx(expected["ase"], abs=1e-7)
    assert found[1:] == pytest.approx(tuple(expected["ci"]), abs=1e-7)


def test_by_hand():
    # 20 + 15 of 50 agree; by chance (25/50)(30/50) + (25/50)(20/50) = 0.5.
    assert cohen_kappa([[20, 5], [10, 15]]).estimate == pytest.approx((0.7 - 0.5) / 0.5)


def test_edges():
    assert cohen_kappa([[5, 0], [0, 5]])[0] == 1
    assert np.isnan(cohen_kappa([[5, 0], [0, 5]])[1:]).all()
    assert np.isnan(cohen_kappa([[0, 0], [0, 9]])).all()
    assert cohen_kappa([[0, 0], [3, 7]]).estimate == 0  # all called one category: no better than chance


@pytest.mark.parametrize("table", [[[1, 2]], [[1]], [[0, 0], [0, 0]], [[1, -1], [2, 3]], [[1, np.nan], [2, 3]]])
def test_an_invalid_table_is_refused(table):
    with pytest.raises(ValueError, match=r"shape|counts"):
        cohen_kappa(table)
