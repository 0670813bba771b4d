"""clinical_values: impossible ages, and values far from the others."""

import numpy as np
import pandas as pd
import pytest

from pipeline.cohort.clinical_values import value_findings

N = 120


def table(**columns):
    return pd.DataFrame({"patient_id": [f"P{n}" for n in range(N)]} | columns)


def drawn(kind):
    rng = np.random.default_rng(5)
    return {
        "normal": rng.normal(50, 10, N).round(),
        "skewed": np.exp(rng.normal(1, 1, N)),
        "counts": rng.poisson(2, N).astype(float),
        "many zeros": np.where(rng.random(N) < 0.4, 0, np.exp(rng.normal(2, 1, N))),
        "codes": rng.integers(0, 3, N).astype(float),
    }[kind]


@pytest.mark.parametrize("kind", ["normal", "skewed", "counts", "many zeros", "codes"])
def test_plausible_numbers(kind):
    assert value_findings(table(x=drawn(kind))) == []


@pytest.mark.parametrize("name", ["age", "Age", "patient_age", "age_years", "age at diagnosis"])
def test_impossible_ages_are_an_error_with_patients_and_values(name):
    ages = drawn("normal")
    ages[3], ages[7] = 450, -3
    (only,) = value_findings(table(**{name: ages}))
    assert (only.check, only.id, only.severity) == ("clinical_range", name, "error")
    assert "450 of patient P3, -3 of patient P7, outside 0 to 120 years; correct the age" in only.message


@pytest.mark.parametrize("name", ["stage", "age_months", "gestational age", "dosage"])
def test_other_columns_are_no_ages_in_years(name):
    assert not any(
        finding.check == "clinical_range" for finding in value_findings(table(**{name: drawn("normal") * 5}))
    )


def test_outliers_are_a_warning_with_patients_and_values():
    values = drawn("skewed")
    values[11] = 1e6
    (only,) = value_findings(table(crp=values))
    assert (only.check, only.severity) == ("clinical_outliers", "warning")
    assert "column crp has 1e+06 of patient P11, more than 5 standard deviations" in only.message


def test_texts_and_missing_values_are_left_alone():
    ages = drawn("normal")
    ages[::2] = np.nan
    assert value_findings(table(age=ages, sex=["F"] * N, label=[1] * N)) == []
