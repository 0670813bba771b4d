"""What a predicted mask does to the result: agreement of every feature with that of the given mask, and the AUCs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.contracts.reports.regions import MASK_EFFECT, MASK_EFFECT_AUC, MASK_EFFECT_CLASSES
from pipeline.predictions.model_scores import ModelScores, check_same_patients, model_scores
from pipeline.report.tables.feature_classes import ALL, GOOD
from pipeline.statistics.auc_tests import paired_tests
from pipeline.statistics.icc import icc
from pipeline.statistics.roc import placements

MIN_IMAGES = 3  # fewer give no interval worth the name
AUC = {"cv": "auc_pooled"}  # the metric that DeLong compares, if it is not `auc`
EVALUATIONS = ("internal", "external", "cv")


def mask_effect_table(given: pd.DataFrame, *, predicted: pd.DataFrame, dictionary: pd.DataFrame) -> pd.DataFrame:
    """`MASK_EFFECT`: ICC(A,1), absolute agreement of single measurements, known as ICC(2,1) too, of every feature.

    `given` and `predicted` have the same images (index) and are those of both masks. An image that lacks a feature in
    one of them does not count for it. No row with fewer than `MIN_IMAGES` images.
    """
    if len(given) < MIN_IMAGES:
        return MASK_EFFECT.empty()
    features = [name for name in given.columns if name in predicted.columns]
    pair = np.stack([table[features].to_numpy(dtype=np.float64) for table in (given, predicted)], axis=1)
    found = icc(pair, names=features)
    classes = dict(zip(dictionary["feature"], dictionary["class"].fillna("other"), strict=True))
    return pd.DataFrame(
        {
            "feature": found["feature"],
            "feature_class": found["feature"].map(classes).fillna("other"),
            **{name: found[name] for name in ("icc", "ci_low", "ci_high")},
            "n_images": found["n_subjects"],
        }
    )


def mask_effect_class_table(effect: pd.DataFrame) -> pd.DataFrame:
    """`MASK_EFFECT_CLASSES` of `MASK_EFFECT`; a feature whose ICC is undefined does not count as good."""
    if not len(effect):
        return MASK_EFFECT_CLASSES.empty()
    groups = [(ALL, effect), *((str(name), rows) for name, rows in effect.groupby("feature_class", sort=True))]
    rows = []
    for name, own in groups:
        good = int((own["icc"] >= GOOD).sum())
        quartiles = own["icc"].quantile([0.5, 0.25, 0.75]).to_list()
        rows.append((name, len(own), good, good / len(own), *quartiles, int(own["n_images"].max()), GOOD))
    return pd.DataFrame(rows, columns=MASK_EFFECT_CLASSES.names)


def mask_effect_auc_table(
    results: Mapping[str, pd.DataFrame],
    *,
    predictions: Mapping[str, pd.DataFrame],
    pairs: Sequence[tuple[str, str]],
) -> pd.DataFrame:
    """`MASK_EFFECT_AUC`: the same classifier, the one chosen for the set with radiomics of given masks, on that set and
    on the set with those of predicted masks: AUCs from `metrics`, and DeLong's test of their difference on the same
    patients. `predictions` are by set.

    Raises TableError if the two sets were not scored on the same patients.
    """
    metrics = results["metrics"].set_index(["feature_set", "model", "evaluation", "metric"])
    chosen = results["chosen"].query("kind == 'classifier'").set_index("feature_set")["model"]
    rows = []
    for given, predicted in pairs:
        model = chosen[given]
        for evaluation in EVALUATIONS:
            keys = [(name, model, evaluation, AUC.get(evaluation, "auc")) for name in (given, predicted)]
            if not all(key in metrics.index for key in keys):
                continue
            row: dict[str, Any] = {"set_given": given, "set_predicted": predicted, "evaluation": evaluation}
            row["model"] = model
            for side, key in zip(("given", "predicted"), keys, strict=True):
                own = metrics.loc[key]
                row |= {f"{side}_auc": own["estimate"], "n": own["n_pos"] + own["n_neg"]}
                row |= {f"{side}_low": own["ci_low"], f"{side}_high": own["ci_high"]}
            both = [_scores(predictions[name], model=model, evaluation=evaluation) for name in (predicted, given)]
            rows.append(row | _difference(both))
    return pd.DataFrame(rows, columns=MASK_EFFECT_AUC.names).astype({"n": "Int64"})


def _scores(predictions: pd.DataFrame, *, model: str, evaluation: str) -> ModelScores:
    own = predictions[(predictions["model"] == model) & (predictions["evaluation"] == evaluation)]
    (found,) = model_scores(own, place=f"data/predictions, model {model}")
    return found


def _difference(both: Sequence[ModelScores]) -> dict[str, float]:
    """predicted - given, with its interval and p-value; `both` are the scores of the two in this order."""
    check_same_patients(both)
    placed = placements([one.scores for one in both], labels=both[0].labels)
    test = paired_tests(placed, pairs=[(0, 1)]).iloc[0]
    return {name: float(test[name]) for name in ("difference", "ci_low", "ci_high", "p_value")}
