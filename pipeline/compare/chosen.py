"""Compare the models: the AUC of every fold, the classifier of each set, the primary comparison, the short summary."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.contracts.reports.compare import CHOSEN, FOLDS, PRIMARY
from pipeline.foundation.errors import PipelineError, listed
from pipeline.plan.comparison import PrimaryParams
from pipeline.predictions.model_scores import ModelScores, is_head
from pipeline.statistics.roc import placements

TIE = 1e-12  # mean AUCs that differ by less are equal


def fold_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """`folds.csv`: the AUC of every model in every held-out fold; empty if a fold holds one class only."""
    rows = []
    # Sorted, so that the order of rows cannot change the last digit of a sum.
    held_out = predictions[predictions["evaluation"] == "cv"].sort_values("patient_id", kind="stable")
    for key, fold in held_out.groupby(["feature_set", "model", "resample"], sort=True):
        labels = fold["label"].to_numpy(dtype=np.float64) == 1.0
        n_pos, n_neg = int(labels.sum()), int((~labels).sum())
        auc = float(placements(fold["score"], labels=labels).auc[0]) if n_pos and n_neg else float("nan")
        rows.append((*key, auc, n_pos, n_neg))
    return pd.DataFrame(rows, columns=FOLDS.names)


def choose(folds: pd.DataFrame, models: Sequence[ModelScores], *, primary: PrimaryParams | None) -> pd.DataFrame:
    """`chosen.csv`: the classifier of each set by the highest mean per-fold AUC (ties: lower SD, then name).

    Only the cross-validation of the training patients is used. The probability of a network's classification head is
    not a classifier of its set and has a row of its own. A set with one classifier needs no cross-validation.
    Raises PipelineError if the classifiers of a set have no fold to choose by, or a primary set is absent.
    """
    summary = folds.dropna(subset="auc").groupby(["feature_set", "model"])["auc"].agg(["mean", "std", "count"])
    names = sorted({(model.feature_set, model.model) for model in models})
    rows = []
    for feature_set in sorted({name for name, _ in names}):
        own = [model for name, model in names if name == feature_set]
        classifiers = [model for model in own if not is_head(feature_set, model)]
        if classifiers:
            key = (feature_set, _best(feature_set, classifiers=classifiers, folds=folds, summary=summary))
            row = (*key, "classifier", *_fold_summary(key, summary=summary), len(classifiers))
            rows.append((*row, *_role(feature_set, primary=primary)))
        heads = [(feature_set, model) for model in own if is_head(feature_set, model)]
        rows += [(*head, "head", *_fold_summary(head, summary=summary), 1, None, None) for head in heads]
    table = pd.DataFrame(rows, columns=CHOSEN.names)
    _check_primary(table, models=models, primary=primary)
    return table


def _best(feature_set: str, *, classifiers: Sequence[str], folds: pd.DataFrame, summary: pd.DataFrame) -> str:
    scored = [(feature_set, model) for model in classifiers if (feature_set, model) in summary.index]
    if len(classifiers) == 1:
        return classifiers[0]
    if not scored:
        reason = _no_fold(folds[(folds["feature_set"] == feature_set) & folds["model"].isin(classifiers)])
        raise PipelineError(f"set {feature_set} has {len(classifiers)} classifiers and {reason}")
    means = summary.loc[scored].fillna({"std": 0.0})
    equal = means[means["mean"] > means["mean"].max() - TIE]
    return str(min(equal.index, key=lambda key: (equal.loc[key, "std"], key[1]))[1])


def _no_fold(own: pd.DataFrame) -> str:
    """Why none of the folds of a set, rows of `folds.csv`, has an AUC, and the remedy."""
    if own.empty:
        return (
            "no cross-validation to choose by; its predictions need rows of evaluation cv, "
            "or a feature_set for every model"
        )
    both = own["n_pos"].any() and own["n_neg"].any()
    which = "patients of one label only" if both else f"patients of the label {int(own['n_pos'].any())} only"
    return (
        f"a cross-validation, evaluation cv, where every fold holds {which}, so that there is no AUC to choose by; "
        "every fold needs patients of both labels"
    )


def _fold_summary(key: tuple[str, str], *, summary: pd.DataFrame) -> tuple[float, float, int]:
    """Mean, SD and number of the per-fold AUCs of a model."""
    if key not in summary.index:
        return float("nan"), float("nan"), 0
    row = summary.loc[key]
    return float(row["mean"]), float(row["std"]), int(row["count"])


def _role(feature_set: str, *, primary: PrimaryParams | None) -> tuple[str | None, str | None]:
    """Whether a set is the primary one or its comparator, and in which evaluation."""
    if primary is None or feature_set not in (primary.feature_set, primary.comparator):
        return None, None
    return "primary" if feature_set == primary.feature_set else "comparator", primary.evaluation


def _check_primary(chosen: pd.DataFrame, *, models: Sequence[ModelScores], primary: PrimaryParams | None) -> None:
    if primary is None:
        return
    classifiers = list(chosen.loc[chosen["kind"] == "classifier", "feature_set"])
    absent = [key for key in ("feature_set", "comparator") if getattr(primary, key) not in classifiers]
    faults = [
        f"key 'primary.{key}' names the set {getattr(primary, key)}, which has no predictions; "
        f"the sets are {', '.join(classifiers)}; name one of them, or set primary to null"
        for key in absent
    ]
    found = sorted({model.evaluation for model in models})
    both = {m.feature_set for m in models if m.evaluation == primary.evaluation and m.both_classes}
    present = {primary.feature_set, primary.comparator} & set(classifiers)
    if not both or not present <= both:
        faults.append(
            f"key 'primary.evaluation' names {primary.evaluation}, where the primary sets have no "
            f"patients of both classes; the data hold {', '.join(found)}; name another one, or set primary to null"
        )
    if len(faults) == 1:
        raise PipelineError(f"params/compare.yaml: {faults[0]}")
    if faults:
        raise PipelineError(listed(faults, heading=f"params/compare.yaml: {len(faults)} values do not fit these data"))


def summary_json(metrics: pd.DataFrame, *, delong: pd.DataFrame, chosen: pd.DataFrame) -> str:
    """`metrics.json`: the primary comparison in a few numbers, empty (`{}`) if there is none."""
    content: dict[str, Any] = {}
    for row in chosen[chosen["role"] == "primary"].itertuples():
        key = (row.feature_set, row.model, row.evaluation, "auc")
        auc = metrics.set_index(["feature_set", "model", "evaluation", "metric"]).loc[key]
        test = delong[delong["family"] == PRIMARY].iloc[0]
        numbers = {
            "auc": auc["estimate"],
            "auc_ci_low": auc["ci_low"],
            "auc_ci_high": auc["ci_high"],
            "auc_comparator": test["auc_b"],
            "difference": test["difference"],
            "p_value": test["p_value"],
        }
        content["primary"] = {name: None if pd.isna(value) else float(value) for name, value in numbers.items()}
        content["primary"]["n"] = int(test["n"])
    return json.dumps(content, indent=2, sort_keys=True) + "\n"
