"""The eight classifiers: how each is built, fitted and scored. One hyperparameter of each is tuned.

Every score increases with the probability of the event. Class weights are inversely proportional to class frequency if
the model supports them: lr, svm, rf and extratrees as class weights, xgboost and lightgbm as the weight of the positive
class, mlp as sample weights. knn has none: its score is the fraction of events among the neighbours.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy.special import logit

from pipeline.foundation.params import Params
from pipeline.predictions.operating_point import MIN_SLOPE

ModelName = Literal["lr", "svm", "knn", "mlp", "rf", "extratrees", "xgboost", "lightgbm"]
TUNED: dict[ModelName, str] = {
    "lr": "C",
    "svm": "C",
    "knn": "n_neighbors",
    "mlp": "alpha",
    "rf": "min_samples_leaf",
    "extratrees": "min_samples_leaf",
    "xgboost": "max_depth",
    "lightgbm": "num_leaves",
}
"""The hyperparameter that is tuned, by its name in the library."""

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]
Folds = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
Value = float | int


class Grids(Params):
    """The values that tuning tries for each model, from the simplest to the most flexible."""

    lr: tuple[float, ...]
    svm: tuple[float, ...]
    knn: tuple[int, ...]
    mlp: tuple[float, ...]
    rf: tuple[int, ...]
    extratrees: tuple[int, ...]
    xgboost: tuple[int, ...]
    lightgbm: tuple[int, ...]

    @field_validator("*")
    @classmethod
    def _values(cls, values: tuple[Value, ...]) -> tuple[Value, ...]:
        if not 1 <= len(values) <= 10 or not all(0 < value < 1e6 for value in values):
            raise ValueError("must be a list of 1 to 10 numbers above 0 and below 1e6")
        return values

    @field_validator("lightgbm")
    @classmethod
    def _leaves(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if min(values) < 2:
            raise ValueError("a tree needs at least 2 leaves")
        return values


class ClassifierParams(Params):
    """What the classifiers share: class weights, sizes that are not tuned, and the tuning grids."""

    class_weights: Literal["balanced", "none"]
    trees: int = Field(ge=10, le=5000)
    tuning_trees: int = Field(ge=10, le=5000)
    boosting_rounds: int = Field(ge=1, le=5000)
    learning_rate: float = Field(gt=0, le=1)
    svm_kernel: Literal["rbf", "linear"]
    mlp_hidden: int = Field(ge=1, le=1024)
    mlp_epochs: int = Field(ge=3, le=5000)
    grids: Grids


def train(name: ModelName, X: Matrix, y: Labels, *, value: Value, params: ClassifierParams, seed: int) -> Any:
    """Fit one classifier at one value of its tuned hyperparameter, ready for `scores`.

    `X` (n, features) without missing values, `y` (n,) of 0 and 1, both present. The SVM is not calibrated: its score is
    the decision value, which ranks patients as its probability does.
    """
    return _TRAINERS[name](X, y, value, params, seed)


def train_final(
    name: ModelName, X: Matrix, y: Labels, *, value: Value, params: ClassifierParams, seed: int, folds: Folds
) -> Any:
    """Fit as `train`, but with a probability as every score: the SVM gets Platt scaling on `folds` of its own rows.

    Source: Platt 1999; the sigmoid is fitted to the decision values of the held-out folds, the SVM to all rows. If the
    held-out values rank no better than chance, the sigmoid is almost flat at the prevalence and still increasing.
    """
    if name != "svm":
        return train(name, X, y, value=value, params=params, seed=seed)
    from sklearn.calibration import CalibratedClassifierCV

    machine = _support_vectors(value, params)
    calibrated = CalibratedClassifierCV(machine, method="sigmoid", cv=list(folds), ensemble=False).fit(X, y)
    sigmoid = calibrated.calibrated_classifiers_[0].calibrators[0]  # probability = expit(-(a_ · value + b_))
    if sigmoid.a_ > -MIN_SLOPE:
        sigmoid.a_, sigmoid.b_ = -MIN_SLOPE, -float(logit(y.mean()))
    # The folds are no longer needed: a saved model does not carry row numbers.
    return calibrated.set_params(cv=None)


def scores(model: Any, X: Matrix) -> Matrix:
    """The score of each row of `X`, shape (n,): a probability, or the decision value of an uncalibrated SVM."""
    if len(X) == 0:
        return np.empty(0)
    kind = type(model).__module__.partition(".")[0]
    if kind == "xgboost":
        import xgboost

        return np.asarray(model.predict(xgboost.DMatrix(X, nthread=1)), dtype=np.float64)
    if kind == "lightgbm":
        return np.asarray(model.predict(X, num_threads=1), dtype=np.float64)
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(X)[:, list(model.classes_).index(1)], dtype=np.float64)
    return np.asarray(model.decision_function(X), dtype=np.float64)


def grid(name: ModelName, *, params: ClassifierParams, rows: int) -> list[Value]:
    """The values to try if the smallest fit has `rows` rows: no more neighbours than rows, each value once."""
    values: tuple[Value, ...] = getattr(params.grids, name)
    if name == "knn":
        values = tuple(min(int(value), rows) for value in values)
    return list(dict.fromkeys(values))


def prevalence(y: Labels) -> Any:
    """The model for a matrix without columns: every patient scores the fraction of events in `y`."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior").fit(np.empty((len(y), 0)), y)


def _weights(params: ClassifierParams) -> Literal["balanced"] | None:
    return "balanced" if params.class_weights == "balanced" else None


def _event_weight(y: Labels, params: ClassifierParams) -> float:
    """The weight of an event relative to a non-event that gives both classes the same total weight."""
    return float((len(y) - y.sum()) / y.sum()) if params.class_weights == "balanced" else 1.0


def _standardised(model: Any) -> Any:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    return Pipeline([("scale", StandardScaler()), ("model", model)])


def _lr(X: Matrix, y: Labels, value: Value, params: ClassifierParams, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    ridge = LogisticRegression(C=value, class_weight=_weights(params), max_iter=100_000, random_state=seed)
    return _standardised(ridge).fit(X, y)


def _support_vectors(value: Value, params: ClassifierParams) -> Any:
    from sklearn.svm import SVC

    return _standardised(SVC(C=value, kernel=params.svm_kernel, class_weight=_weights(params)))


def _svm(X: Matrix, y: Labels, value: Value, params: ClassifierParams, seed: int) -> Any:
    del seed  # libsvm uses no random numbers here
    return _support_vectors(value, params).fit(X, y)


def _knn(X: Matrix, y: Labels, value: Value, params: ClassifierParams, seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    del params, seed
    return _standardised(KNeighborsClassifier(n_neighbors=int(value), algorithm="brute")).fit(X, y)


def _mlp(X: Matrix, y: Labels, value: Value, params: ClassifierParams, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier
    from sklearn.utils.class_weight import compute_sample_weight

    epochs = params.mlp_epochs
    # A fixed number of epochs, and so no warning that training has not converged: at this tolerance no epoch after
    # the first counts as progress, and training stops once more than n_iter_no_change epochs made none.
    network = MLPClassifier(
        hidden_layer_sizes=(params.mlp_hidden,),
        alpha=value,
        learning_rate_init=0.01,
        max_iter=epochs + 1,
        n_iter_no_change=epochs - 2,
        tol=1e9,
        random_state=seed,
    )
    return _standardised(network).fit(X, y, model__sample_weight=compute_sample_weight(_weights(params), y))


def _forest(X: Matrix, y: Labels, value: Value, params: ClassifierParams, seed: int, *, extra: bool) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

    kind = ExtraTreesClassifier if extra else RandomForestClassifier
    forest = kind(params.trees, min_samples_leaf=int(value), class_weight=_weights(params), random_state=seed, n_jobs=1)
    return forest.fit(X, y)


def _rf(X: Matrix, y: Labels, value: Value, params: ClassifierParams, seed: int) -> Any:
    return _forest(X, y, value, params, seed, extra=False)


def _extratrees(X: Matrix, y: Labels, value: Value, params: ClassifierParams, seed: int) -> Any:
    return _forest(X, y, value, params, seed, extra=True)


def _xgboost(X: Matrix, y: Labels, value: Value, params: ClassifierParams, seed: int) -> Any:
    import xgboost

    settings = {
        "objective": "binary:logistic",
        "max_depth": int(value),
        "eta": params.learning_rate,
        "scale_pos_weight": _event_weight(y, params),
        "tree_method": "hist",
        "device": "cpu",
        "nthread": 1,
        "seed": seed,
        "verbosity": 0,
    }
    return xgboost.train(settings, xgboost.DMatrix(X, y, nthread=1), num_boost_round=params.boosting_rounds)


def _lightgbm(X: Matrix, y: Labels, value: Value, params: ClassifierParams, seed: int) -> Any:
    import lightgbm

    settings = {
        "objective": "binary",
        "num_leaves": int(value),
        "learning_rate": params.learning_rate,
        "scale_pos_weight": _event_weight(y, params),
        "min_data_in_leaf": 5,  # with its default of 20 a half of 40 patients could not be split
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": seed,
        "verbosity": -1,
    }
    return lightgbm.train(settings, lightgbm.Dataset(X, y, params=settings), num_boost_round=params.boosting_rounds)


_TRAINERS: dict[str, Callable[[Matrix, Labels, Value, ClassifierParams, int], Any]] = {
    "lr": _lr,
    "svm": _svm,
    "knn": _knn,
    "mlp": _mlp,
    "rf": _rf,
    "extratrees": _extratrees,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
}
