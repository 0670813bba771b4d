"""`transport.csv`: whether the AUC of a chosen model changes from the internal to the external patients."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from pipeline.contracts.reports.compare import TRANSPORT
from pipeline.predictions.model_scores import ModelScores
from pipeline.statistics.auc_tests import unpaired_test
from pipeline.statistics.multiplicity import holm
from pipeline.statistics.roc import placements


def transport_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame) -> pd.DataFrame:
    """DeLong's unpaired test of external minus internal AUC of each chosen model, Holm over the models; exploratory.

    Models without both evaluations, or with one class in either, have no row, nor do those with a patient in both.
    """
    picked = set(zip(chosen["feature_set"], chosen["model"], strict=True))
    found = {(model.feature_set, model.model, model.evaluation): model for model in models if model.both_classes}
    rows = []
    for feature_set, name in sorted(picked):
        a, b = (found.get((feature_set, name, evaluation)) for evaluation in ("external", "internal"))
        if a is None or b is None or set(a.ids) & set(b.ids):
            continue
        test = unpaired_test(placements(a.scores, labels=a.labels), placements(b.scores, labels=b.labels))
        shared = {"feature_set": feature_set, "model": name, "evaluation_a": a.evaluation, "evaluation_b": b.evaluation}
        rows.append(shared | asdict(test) | {"n_a": len(a.ids), "n_b": len(b.ids)})
    if not rows:
        return TRANSPORT.empty()
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p_value"]))[TRANSPORT.names]
