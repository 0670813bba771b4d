"""Contributions of the features to a classifier's output for one patient (SHAP values).

Additive: the base (the output before any feature is known) plus the contributions is the output, checked for every
patient.
Lundberg and Lee, NeurIPS 2017 (SHAP); Lundberg et al., Nat Mach Intell 2020;2:56 (trees); Štrumbelj and Kononenko,
Knowl Inf Syst 2014;41:647 (sampled orders of the features). They explain the model, not the disease, and features that
are correlated share the credit as the model happens to use them.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.benchmark.classifiers import ModelName, scores
from pipeline.explain.sampled_orders import sampled_values
from pipeline.explain.trees import boosted_values, forest_values, xgboost_values
from pipeline.foundation.errors import PipelineError
from pipeline.statistics.prototypes import Prototypes

Floats = NDArray[np.float64]
Unit = Literal["log-odds", "probability"]
LOG_ODDS: tuple[ModelName, ...] = ("lr", "xgboost", "lightgbm")
TREES: tuple[ModelName, ...] = ("rf", "extratrees", "xgboost", "lightgbm")
EXACT, SAMPLED = 1e-6, 1e-2  # largest difference between base + contributions and output
ORDERS = 40  # orders of the features that the sampling explainer walks through, each in both directions


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """Contributions `values` (n, p) to `output` (n,), both in `unit`; `base` is the output without any knowledge.

    `explainer`: linear, tree or permutation. `max_error`: the largest |base + sum of contributions - output|, at most
    `bound`. `sampling_error`: the largest standard error of a contribution over the sampled orders; 0 for the exact
    explainers, NaN for one order. `n_background`: the training rows that the background stands for; 0 if the model
    holds its own.
    """

    values: Floats
    base: float
    output: Floats
    unit: Unit
    explainer: str
    max_error: float
    bound: float
    sampling_error: float
    n_background: int


def unit_of(name: ModelName) -> Unit:
    """The unit in which a classifier is explained: that in which its features add up."""
    return "log-odds" if name in LOG_ODDS else "probability"


def attributions(
    model: Any, X: Floats, *, name: ModelName, background: Prototypes, seed: int, orders: int = ORDERS
) -> Attribution:
    """The contributions of the p features of each row of `X` (n, p) to the output of a fitted classifier.

    lr: coefficient times distance from the mean of the training rows (closed form), log-odds. Trees: TreeSHAP by the
    weight of the training rows in each node, probability (rf, extratrees) or log-odds (xgboost, lightgbm). svm, knn,
    mlp: `orders` random orders of the features, drawn from `seed`, against every prototype of `background`, weighted by
    its rows; probability. A row's values do not depend on the other rows.

    `background` holds means of training rows, never a row of a patient. Raises ValueError if X has no column, and
    PipelineError if a row's contributions do not add up to the model's output.
    """
    if X.shape[1] == 0:
        msg = "X has no column: a model without features has no contributions"
        raise ValueError(msg)
    values, base, output, errors = _explained(model, X, name=name, background=background, seed=seed, orders=orders)
    explainer = "linear" if name == "lr" else "tree" if name in TREES else "permutation"
    bound = SAMPLED if explainer == "permutation" else EXACT
    return Attribution(
        values=values,
        base=base,
        output=output,
        unit=unit_of(name),
        explainer=explainer,
        max_error=checked_sum(values, base=base, output=output, name=name, bound=bound),
        bound=bound,
        sampling_error=float(errors.max(initial=0.0)),
        n_background=0 if explainer == "tree" else int(background.counts.sum()),
    )


def _explained(
    model: Any, X: Floats, *, name: ModelName, background: Prototypes, seed: int, orders: int
) -> tuple[Floats, float, Floats, Floats]:
    """Contributions, base, output, and standard errors (none for the exact explainers)."""
    exact = np.zeros(0)
    if name == "lr":
        return (*_linear(model, X, background=background), exact)
    if name in ("rf", "extratrees"):
        return (*forest_values(model, X), exact)
    if name == "xgboost":
        return (*xgboost_values(model, X), exact)
    if name == "lightgbm":
        return (*boosted_values(model, X), exact)
    return sampled_values(partial(scores, model), X, background=background, orders=orders, seed=seed)


def checked_sum(values: Floats, *, base: float, output: Floats, name: str, bound: float) -> float:
    """The largest |base + sum of a row's contributions - output|; 0 without rows.

    Raises PipelineError that names the model and the difference if it exceeds `bound`, or is not a number.
    """
    error = float(np.abs(base + values.sum(axis=1) - output).max(initial=0.0))
    if not error <= bound:
        raise PipelineError(
            f"the contributions to {name} differ from its output by {error:.2g}, and they must add up to it within "
            f"{bound:g}; set shap: false in params/explain.yaml to go on without explanations"
        )
    return error


def _linear(model: Any, X: Floats, *, background: Prototypes) -> tuple[Floats, float, Floats]:
    """coefficient · (x - mean) of a logistic regression behind a standardisation; the log-odds at the mean; log-odds.

    The mean of the prototypes, weighted by their rows, is the mean of the training rows.
    """
    scale, regression = model.named_steps["scale"], model.named_steps["model"]
    slopes = regression.coef_[0] / scale.scale_
    mean = np.average(background.centres, axis=0, weights=background.counts)
    base = float(model.decision_function(mean[np.newaxis])[0])
    return (X - mean) * slopes, base, np.asarray(model.decision_function(X), dtype=np.float64)
