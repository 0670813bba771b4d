"""What a predicted mask does to the result: agreement of every feature with that of the given mask, and the AUCs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.contracts.reports.compare import CHOSEN_SETS
from pipeline.contracts.reports.regions import MASK_EFFECT, MASK_EFFECT_AUC, MASK_EFFECT_CLASSES
from pipeline.report.tables.feature_classes import ALL, GOOD
from pipeline.statistics.icc import icc

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


def mask_effect_auc_table(results: Mapping[str, pd.DataFrame], *, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """`MASK_EFFECT_AUC`: each set with radiomics of given masks beside that of predicted ones, at their chosen
    classifiers, from `metrics`, `delong` and `chosen`.
    """
    metrics = results["metrics"].set_index(["feature_set", "model", "evaluation", "metric"])
    chosen = results["chosen"].query("kind == 'classifier'").set_index("feature_set")["model"]
    rows = []
    for given, predicted in pairs:
        for evaluation in EVALUATIONS:
            keys = [(name, chosen[name], evaluation, AUC.get(evaluation, "auc")) for name in (given, predicted)]
            if not all(key in metrics.index for key in keys):
                continue
            row: dict[str, Any] = {"set_given": given, "set_predicted": predicted, "evaluation": evaluation}
            for side, key in zip(("given", "predicted"), keys, strict=True):
                own = metrics.loc[key]
                row |= {f"model_{side}": key[1], f"{side}_auc": own["estimate"], "n": own["n_pos"] + own["n_neg"]}
                row |= {f"{side}_low": own["ci_low"], f"{side}_high": own["ci_high"]}
            rows.append(row | _difference(results["delong"], given=keys[0], predicted=keys[1]))
    return pd.DataFrame(rows, columns=MASK_EFFECT_AUC.names).astype({"n": "Int64"})


def _difference(delong: pd.DataFrame, *, given: tuple[str, ...], predicted: tuple[str, ...]) -> dict[str, float]:
    """predicted - given with its interval and p-values; empty if the pair was not tested. A test names a pair once."""
    own = delong[(delong["evaluation"] == given[2]) & (delong["family"] == CHOSEN_SETS)]
    for first, second, sign in ((predicted, given, 1.0), (given, predicted, -1.0)):
        rows = own
        for side, key in (("a", first), ("b", second)):
            rows = rows[(rows[f"set_{side}"] == key[0]) & (rows[f"model_{side}"] == key[1])]
        if len(rows):
            row = rows.iloc[0]
            ends = sorted((sign * row["ci_low"], sign * row["ci_high"]))
            return {
                "difference": sign * row["difference"],
                "ci_low": ends[0],
                "ci_high": ends[1],
                "p_value": row["p_value"],
                "p_holm": row["p_holm"],
            }
    return {}
