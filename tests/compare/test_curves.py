"""curves.csv: curves whose areas are the numbers in metrics.csv."""

import numpy as np
import pandas as pd
import pytest
from study import study_predictions

from pipeline.compare.chosen import choose, fold_table
from pipeline.compare.curves import curve_table
from pipeline.contracts.reports.compare import CURVES
from pipeline.foundation.tables import check_table
from pipeline.predictions.model_scores import model_scores
from pipeline.statistics.precision_recall import average_precision
from pipeline.statistics.roc import placements

PREDICTIONS = pd.concat(study_predictions().values(), ignore_index=True)


def drawn(predictions):
    models = model_scores(predictions, place="p.csv")
    chosen = choose(fold_table(predictions), models, primary=None)
    return models, chosen, curve_table(models, chosen=chosen)


def test_areas_under_the_curves_are_the_measures():
    models, chosen, curves = drawn(PREDICTIONS)
    check_table(curves, CURVES, place="curves")
    by_curve = curves.set_index(["feature_set", "model", "evaluation", "curve"]).sort_index()

    picked = [m for m in models if (chosen[["feature_set", "model"]] == [m.feature_set, m.model]).all(axis=1).any()]
    assert len(picked) == 3 * len(chosen)
    for model in picked:
        key = (model.feature_set, model.model, model.evaluation)
        roc, precision = by_curve.loc[(*key, "roc")], by_curve.loc[(*key, "precision_recall")]
        auc = placements(model.scores, labels=model.labels).auc[0]
        steps = (np.diff(precision["x"], prepend=0) * precision["y"]).sum()
        assert np.trapezoid(roc["y"], roc["x"]) == pytest.approx(auc, abs=1e-12)
        assert steps == pytest.approx(average_precision(model.scores, labels=model.labels)[0], abs=1e-12)
        assert roc["point"].tolist() == list(range(1, len(roc) + 1))
    assert len(curves.groupby(["feature_set", "model"])) == len(chosen)


def test_one_class_has_no_curve():
    one = PREDICTIONS[(PREDICTIONS["evaluation"] != "internal") | (PREDICTIONS["label"] == 0)]

    assert "internal" not in set(drawn(one)[2]["evaluation"])
