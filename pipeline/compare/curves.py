"""`curves.csv`: the points of the ROC and precision-recall curves of the chosen models, in every evaluation."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.contracts.reports.compare import CURVES
from pipeline.predictions.model_scores import ModelScores
from pipeline.statistics.precision_recall import precision_recall_points
from pipeline.statistics.roc import roc_corners


def curve_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame) -> pd.DataFrame:
    """roc (x = 1 - specificity, y = sensitivity) and precision_recall (x = sensitivity, y = PPV), numbered from 1.

    ROC points are the corners of the curve; precision-recall points are those at which the sensitivity increases.
    A model whose patients are all of one class has no curve.
    """
    picked = set(zip(chosen["feature_set"], chosen["model"], strict=True))
    parts = []
    for model in models:
        if (model.feature_set, model.model) not in picked or not model.both_classes:
            continue
        curves = {"roc": roc_corners, "precision_recall": precision_recall_points}
        for curve, points in curves.items():
            x, y = points(model.scores, labels=model.labels)
            table = pd.DataFrame({"point": np.arange(1, x.size + 1), "x": x, "y": y})
            shared = {"feature_set": model.feature_set, "model": model.model, "evaluation": model.evaluation}
            parts.append(table.assign(**shared, curve=curve)[CURVES.names])
    return pd.concat(parts, ignore_index=True) if parts else CURVES.empty()
