"""Audit of clinical numbers: ages that no person has, and values far from those of the other patients."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.cohort.findings import Finding, error, some_of, warning
from pipeline.contracts.data.cohort import NOT_CLINICAL

AGE = re.compile(r"(.*[^a-z])?age([^a-z].*)?", re.IGNORECASE)  # age, patient_age, age (years)
NOT_YEARS = re.compile(r"month|day|week|gestation|group|_(m|d|w)$", re.IGNORECASE)
AGE_YEARS = (0, 120)
FAR = 5.0  # robust standard deviations
ROBUST_SD = 1.4826  # times the median absolute deviation = the standard deviation of a normal distribution
MIN_VALUES, MIN_LEVELS = 20, 10  # of a column whose outliers are looked for


def value_findings(patients: pd.DataFrame) -> list[Finding]:
    """Findings about the clinical numbers of `patients`, one per column, each with patients and values.

    An age outside AGE_YEARS is an error. Values more than FAR robust standard deviations from the median are a warning;
    those of a column of values >= 0, which may be skewed, must be as far on the logarithmic scale too.
    """
    found = []
    for name in [str(column) for column in patients.columns if column not in NOT_CLINICAL]:
        if not pd.api.types.is_numeric_dtype(patients[name]) or pd.api.types.is_bool_dtype(patients[name]):
            continue
        values = patients[name].to_numpy(dtype=np.float64, na_value=np.nan)
        impossible = np.zeros(len(values), dtype=np.bool_)
        if AGE.fullmatch(name) and not NOT_YEARS.search(name):
            impossible = (values < AGE_YEARS[0]) | (values > AGE_YEARS[1])
        if impossible.any():
            message = f"column {name} has {_cases(patients, values, impossible)}, outside {AGE_YEARS[0]} to "
            message += f"{AGE_YEARS[1]} years; correct the age, or leave it empty"
            found.append(error(name, scope="column", check="clinical_range", message=message))
        far = _outliers(np.where(impossible, np.nan, values))
        if far.any():
            message = f"column {name} has {_cases(patients, values, far)}, more than {FAR:g} standard deviations from "
            message += f"the median of {np.nanmedian(values):g}; check these values and their units"
            found.append(warning(name, scope="column", check="clinical_outliers", message=message))
    return found


def _outliers(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    given = values[np.isfinite(values)]
    if given.size < MIN_VALUES or np.unique(given).size < MIN_LEVELS:
        return np.zeros(len(values), dtype=np.bool_)
    far = _far(values)
    if given.min() >= 0 and (positive := given[given > 0]).size:
        far &= _far(np.log(values + positive.min()))
    return far


def _far(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    distance = np.abs(values - np.nanmedian(values))
    spread = float(np.nanmedian(distance))
    if spread == 0:  # most values are equal, so that nothing says how far is far
        return np.zeros(len(values), dtype=np.bool_)
    return np.asarray(distance > FAR * ROBUST_SD * spread)  # False for NaN


def _cases(patients: pd.DataFrame, values: NDArray[np.float64], which: NDArray[np.bool_]) -> str:
    ids = patients["patient_id"].to_numpy()
    return some_of([f"{values[row]:g} of patient {ids[row]}" for row in np.flatnonzero(which).tolist()], limit=5)
