"""Patients, a logistic regression fitted to them, and the part of a nomogram that follows from it."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.predictions.operating_point import OperatingPoint
from pipeline.report.nomogram import linear_terms, part_nomogram

FEATURES = [
    *("clinical.age", "clinical.sex=F", "clinical.sex=M", "clinical.size_mm", "clinical.size_mm_missing"),
    *("net.pc001", "net.pc002", "radiomics.a@long"),
]
POINT = OperatingPoint(intercept=-0.4, slope=1.7, threshold=0.3)


def patients(*, n=80, seed=0):
    rng = np.random.default_rng(seed)
    female, gap = rng.random(n) < 0.6, rng.random(n) < 0.2
    columns = {
        "clinical.age": rng.integers(20, 80, n).astype(float),
        "clinical.sex=F": female * 1.0,
        "clinical.sex=M": ~female * 1.0,
        "clinical.size_mm": np.where(gap, 12.5, rng.normal(12, 3, n)),
        "clinical.size_mm_missing": gap * 1.0,
        **{name: rng.normal(size=n) for name in FEATURES[5:]},
    }
    return pd.DataFrame(columns)[FEATURES]


def fitted(train, *, seed=0):
    rng = np.random.default_rng(seed)
    y = (train["net.pc001"] + train["clinical.sex=F"] + rng.logistic(size=len(train)) > 1).astype(int).to_numpy()
    ridge = LogisticRegression(C=1.0, class_weight="balanced")
    return Pipeline([("scale", StandardScaler()), ("model", ridge)]).fit(train.to_numpy(), y)


def a_part(part="all", *, seed=0):
    train = patients(seed=seed)
    model = fitted(train, seed=seed)
    intercept, coefficients = linear_terms(model, features=FEATURES)
    return model, part_nomogram(part, intercept=intercept, coefficients=coefficients, train=train)
