"""TreeSHAP of the four tree models: exact, with the training rows that each node holds (Lundberg et al. 2020).

No background is needed: a feature that is not known sends a patient down both branches, by their training rows.
"""

import json
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

Floats = NDArray[np.float64]
Explained = tuple[Floats, float, Floats]  # contributions (n, p), base, output (n,)


def forest_values(model: Any, X: Floats) -> Explained:
    """Contributions to the probability of the event of a random forest or of extremely randomised trees."""
    event = list(model.classes_).index(1)
    explainer = _explainer(model)
    values = explainer.shap_values(X, check_additivity=False)[:, :, event]
    output = model.predict_proba(X)[:, event]
    return np.ascontiguousarray(values), float(explainer.expected_value[event]), np.asarray(output)


def boosted_values(model: Any, X: Floats) -> Explained:
    """Contributions to the log-odds of a LightGBM booster, by the library's own TreeSHAP in double precision."""
    found = np.asarray(model.predict(X, pred_contrib=True, num_threads=1), dtype=np.float64)
    output = np.asarray(model.predict(X, raw_score=True, num_threads=1), dtype=np.float64)
    return found[:, :-1], float(found[0, -1]), output


def xgboost_values(model: Any, X: Floats) -> Explained:
    """Contributions to the log-odds of an XGBoost booster with the objective binary:logistic.

    The library adds up in float32 and misses its own output by some 1e-6; so trees and output are added up here, in
    double precision: the output is the sum of the leaves that the library itself assigns to the patient.
    """
    import xgboost

    learner = json.loads(bytes(model.save_raw("json")))["learner"]
    offset = _offset(learner["learner_model_param"]["base_score"])
    trees = [_tree(tree) for tree in learner["gradient_booster"]["model"]["trees"]]
    leaves = np.asarray(model.predict(xgboost.DMatrix(X, nthread=1), pred_leaf=True), dtype=np.int64)
    leaves = leaves.reshape(len(X), len(trees))
    # The order of the sum is fixed, so that a patient's output does not depend on the other rows.
    output = offset + sum((tree["values"][leaves[:, n], 0] for n, tree in enumerate(trees)), np.zeros(len(X)))
    ensemble = {"trees": trees, "base_offset": offset, "input_dtype": np.float64, "internal_dtype": np.float64}
    explainer = _explainer(ensemble)
    # XGBoost compares in float32, so that a value may lie on another side of a threshold than in double precision.
    values = explainer.shap_values(X.astype(np.float32).astype(np.float64), check_additivity=False)
    return values, float(np.ravel(explainer.expected_value)[0]), output


def _explainer(model: Any) -> Any:
    with warnings.catch_warnings():
        # On import the library makes colour maps in a way that matplotlib will drop; none is used here.
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import shap
    return shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")


def _offset(base_score: str) -> float:
    """The log-odds before the first tree; saved as a probability, in brackets by newer versions of the library."""
    found = json.loads(base_score)
    return float(logit(found[0] if isinstance(found, list) else found))


def _tree(tree: dict[str, Any]) -> dict[str, Any]:
    """One tree in the arrays that shap reads; XGBoost goes left below a threshold, shap at or below it."""
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    leaf = left < 0
    given = np.array(tree["split_conditions"], dtype=np.float32)  # of a leaf: its value
    below = np.nextafter(given, np.float32(-np.inf))
    return {
        "children_left": left,
        "children_right": right,
        "children_default": np.where(np.array(tree["default_left"]) == 1, left, right),
        "features": np.where(leaf, -2, np.array(tree["split_indices"])),
        "thresholds": np.where(leaf, 0, below).astype(np.float64),
        "values": np.where(leaf, given, 0).astype(np.float64)[:, np.newaxis],
        "node_sample_weight": np.array(tree["sum_hessian"], dtype=np.float64),
    }
