"""ICC, validated against irr and psych (R), and known properties."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from places import REFERENCE
from scipy.stats import f as f_distribution

from pipeline.statistics.icc import icc

EXPECTED = json.loads((REFERENCE / "expected" / "icc.json").read_text())
READERS = pd.read_csv(REFERENCE / "readers_long.csv")
JUDGES = pd.read_csv(REFERENCE / "shrout_fleiss.csv").drop(columns="target").to_numpy()
FORMS = ("ICC(1)", "ICC(k)", "ICC(C,1)", "ICC(C,k)", "ICC(A,1)", "ICC(A,k)")
PSYCH = dict(zip(FORMS, ("ICC1", "ICC1k", "ICC3", "ICC3k", "ICC2", "ICC2k"), strict=True))
PSYCH_KEYS = ("ICC", "lo", "hi", "F", "df1", "df2", "p")
CLOSE = {"abs": 1e-8, "rel": 1e-8}  # relative, for an F above 100


def readers(*names):
    """Values of all features, shape (lesions, readers, features), and the feature names."""
    features = list(dict.fromkeys(READERS["feature"]))
    wide = READERS.pivot(index="lesion", columns=["reader", "feature"], values="value")
    return np.stack([wide[name][features].to_numpy() for name in names], axis=1), features


DATA = [
    ("shrout_fleiss", JUDGES[:, :, np.newaxis], ["shrout_fleiss"]),
    ("inter_R1_R2", *readers("R1", "R2")),
    ("intra_R1_R1b", *readers("R1", "R1b")),
]


@pytest.mark.parametrize(("source", "values", "names"), DATA, ids=[source for source, _, _ in DATA])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_equals_r(source, values, names, form):
    # irr::icc(m, model = "oneway" | "twoway", type = "consistency" | "agreement", unit = "single" | "average")
    # psych::ICC(m, lmer = FALSE)
    k = values.shape[1]
    found = icc(values, form=form, names=names).set_index("feature")
    for name, row in found.iterrows():
        expected = EXPECTED[source] if name == source else EXPECTED[source][name]
        irr = expected["irr"][form.replace("k", str(k))]
        assert [row["icc"], row["f_value"], row["df1"]] == pytest.approx([irr["value"], irr["F"], irr["df1"]], **CLOSE)
        if form == "ICC(A,k)":
            single = expected["irr"]["ICC(A,1)"]
            limits = [k * limit / (1 + (k - 1) * limit) for limit in (single["lbound"], single["ubound"])]
            assert row[["ci_low", "ci_high"]].tolist() == pytest.approx(limits, **CLOSE)
        else:
            ours, theirs = row[["ci_low", "ci_high", "df_interval"]], [irr["lbound"], irr["ubound"], irr["df2"]]
            assert ours.tolist() == pytest.approx(theirs, **CLOSE)
            # irr tests the agreement forms with the degrees of freedom of their interval.
            assert f_distribution.sf(row["f_value"], row["df1"], row["df_interval"]) == pytest.approx(irr["p"], **CLOSE)
        if psych := expected.get("psych", {}).get(PSYCH[form]):
            ours = row[["icc", "ci_low", "ci_high", "f_value", "df1", "df2", "p_value"]]
            assert ours.tolist() == pytest.approx([psych[key] for key in PSYCH_KEYS], **CLOSE)


def test_the_filter_of_the_reference_keeps_the_same_features():
    values, names = readers("R1", "R2")
    found = icc(values, names=names)

    assert (found["ci_low"] >= 0.75).tolist() == EXPECTED["keep_icc_lower_ge_0.75"]


def test_one_way_by_hand():
    # Subject means 1 and 3: MSR = 2 · 2 = 4; within ±1 about each: MSW = 4 / 2 = 2; (4 - 2) / (4 + 2).
    found = icc([[0, 2], [2, 4]], form="ICC(1)").iloc[0]

    assert (found["icc"], found["f_value"], found["df1"], found["df2"]) == pytest.approx((1 / 3, 2, 1, 2), abs=1e-15)


def test_negative_agreement_stays_negative():
    opposed = [[0, 3.1], [1, 2], [2, 1], [3, 0]]

    assert icc(opposed, form="ICC(C,1)")["icc"][0] < -0.9


def test_a_shift_between_readers_is_agreement_lost_and_consistency_kept():
    values = np.arange(8.0)[:, np.newaxis] + [0, 5]

    assert icc(values, form="ICC(C,1)")["icc"][0] == 1
    assert icc(values)["icc"][0] == pytest.approx(6 / (6 + 12.5), abs=1e-12)  # MSR 12, MSC 100, MSE 0


@pytest.mark.parametrize("form", FORMS)
def test_equal_repeats_agree_wholly(form):
    found = icc(np.repeat([[0.1], [0.7], [1e6]], 3, axis=1), form=form).iloc[0]

    assert found[["icc", "ci_low", "ci_high", "p_value"]].tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("values", [np.full((5, 3), 0.1), [[1.0, 2.0]], [[1.0, 2.0], [np.nan, 3.0]], np.ones((0, 2))])
def test_a_constant_feature_and_one_subject_have_no_icc(form, values):
    found = icc(values, form=form).iloc[0]

    assert found[["icc", "ci_low", "ci_high", "p_value"]].isna().all()


def test_rounding_noise_is_a_constant():
    values = 0.3 + 1e-17 * np.arange(10).reshape(5, 2) + np.finfo(float).eps * (np.arange(10).reshape(5, 2) % 2)

    assert np.isnan(icc(values)["icc"][0])


def test_a_mean_form_without_a_positive_denominator_is_undefined():
    found = icc([[1.0, 0.0], [0.0, 1.0]], form="ICC(A,k)")  # MSR = MSC = 0, MSE = 1

    assert np.isnan(found["icc"][0])


def test_incomplete_subjects_affect_only_their_feature():
    values, names = readers("R1", "R2")
    holed = values.copy()
    holed[3, 1, 0] = holed[7, :, 0] = np.nan
    found, whole = icc(holed, names=names), icc(values, names=names)

    assert found["n_subjects"].tolist() == [28, 30, 30, 30, 30, 30]
    pd.testing.assert_frame_equal(found[1:], whole[1:])
    alone = icc(np.delete(values[:, :, :1], [3, 7], axis=0), names=names[:1])
    pd.testing.assert_frame_equal(found[:1], alone)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.ones((5, 1)), {}, "raters of 2 or more"),
        (np.ones(5), {}, "raters of 2 or more"),
        ([[1.0, np.inf], [0.0, 1.0]], {}, "infinite"),
        (np.ones((5, 2)), {"form": "ICC2"}, "must be one of"),
        (np.ones((5, 2)), {"names": ["a", "b"]}, r"names \(2\) must be as many as the features \(1\)"),
        (np.ones((5, 2)), {"level": 1.0}, "between 0 and 1"),
    ],
)
def test_invalid_arguments_are_refused(values, options, message):
    with pytest.raises(ValueError, match=message):
        icc(values, **options)


@given(
    arrays(np.float64, (6, 3), elements=st.floats(-10, 10).map(lambda x: round(x, 3))),
    st.sampled_from(FORMS),
    st.sampled_from([-4.0, 0.5, 1e6]),
)
def test_unit_and_origin_do_not_matter(values, form, scale):
    before = icc(values, form=form).iloc[0]
    after = icc(values * scale + 7 * scale, form=form).iloc[0]

    if before["icc"] < 0.9999 and abs(before["icc"]) > 1e-6:  # otherwise rounding decides
        assert [after["icc"], after["p_value"]] == pytest.approx([before["icc"], before["p_value"]], abs=1e-6)


@given(arrays(np.float64, (6, 3), elements=st.floats(-10, 10).map(lambda x: round(x, 3))), st.sampled_from(FORMS))
def test_no_icc_lies_above_one_or_outside_its_interval(values, form):
    found = icc(values, form=form).iloc[0]

    assert not found["icc"] > 1
    if found["icc"] > 0 and not found[["ci_low", "ci_high"]].isna().any():
        assert found["ci_low"] <= found["icc"] <= found["ci_high"] <= 1
