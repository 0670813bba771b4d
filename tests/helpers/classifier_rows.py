"""Rows whose classes differ by a known effect, and a small classifier fitted to them."""

import hashlib
from typing import get_args

import numpy as np
from places import ROOT

from pipeline.benchmark.classifiers import ClassifierParams, ModelName, train_final
from pipeline.benchmark.design_matrices import inner_folds
from pipeline.benchmark.model_files import to_bytes
from pipeline.foundation.params import read_yaml

MODELS = get_args(ModelName)
SHIPPED = {
    key: value
    for key, value in read_yaml(ROOT / "params" / "benchmark.yaml").items()
    if key not in ("classifiers", "inner_folds")
}
PARAMS = ClassifierParams.model_validate(SHIPPED | {"trees": 20, "tuning_trees": 10, "boosting_rounds": 30})


def rows(*, n=60, effect=1.0, columns=5, event_rate=0.3, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < event_rate).astype(np.int64)
    return rng.normal(size=(n, columns)) + effect * y[:, None], y


def fit(name, X, y, *, params=PARAMS, seed=7):
    folds = inner_folds(y, np.arange(len(y)).astype(str), folds=3, seed=1)
    return train_final(name, X, y, value=getattr(params.grids, name)[0], params=params, seed=seed, folds=folds)


def digests():
    """The SHA-256 of the file of every classifier."""
    return {name: hashlib.sha256(to_bytes(fit(name, *rows()))[1]).hexdigest() for name in MODELS}
