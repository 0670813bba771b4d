"""Holm and Benjamini-Hochberg, validated against R's p.adjust."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import REFERENCE

from pipeline.statistics.multiplicity import benjamini_hochberg, holm

EXPECTED = json.loads((REFERENCE / "expected" / "tables_tests.json").read_text())["p_adjust"]


@pytest.mark.parametrize(("adjust", "name"), [(holm, "holm"), (benjamini_hochberg, "BH")])
def test_equals_p_adjust(adjust, name):
    np.testing.assert_allclose(adjust(EXPECTED["p"]), EXPECTED[name], atol=1e-12, rtol=0)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_an_empty_p_value_stays_empty_and_counts_for_nothing(adjust):
    np.testing.assert_array_equal(
        adjust([0.03, np.nan, 0.02]), [adjust([0.03, 0.02])[0], np.nan, adjust([0.03, 0.02])[1]]
    )
    assert adjust([]).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_order_holds_and_nothing_shrinks(p):
    for adjusted in (holm(p), benjamini_hochberg(p)):
        assert (adjusted >= np.array(p)).all()
        assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    assert (benjamini_hochberg(p) <= holm(p) + 1e-15).all()


def test_an_invalid_p_value_is_refused():
    with pytest.raises(ValueError, match="p-value"):
        holm([0.5, 1.5])
