"""`decision_curves.csv`: the net benefit of acting on the chosen models, beside treating all and treating none.

Test evaluations only. Bands: bootstrap percentiles, the same samples of patients for every model, drawn within events
and non-events. The prevalence is therefore that of the data, as it is for all curves of one figure: treating all and
treating none have no band, and a band shows the uncertainty of the model alone.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.data.benchmark import EVALUATIONS
from pipeline.contracts.reports.compare import DECISION_CURVES
from pipeline.plan.comparison import CompareParams, DecisionParams
from pipeline.predictions.model_scores import ModelScores, picked
from pipeline.statistics.bootstrap import mean_intervals
from pipeline.statistics.decision_curve import benefits

ALL_PATIENTS, ALL, NONE = "all patients", "treat_all", "treat_none"
Numbers = NDArray[np.float64]


def threshold_grid(params: DecisionParams) -> Numbers:
    """The thresholds low, low + step, … up to high."""
    count = int(np.floor((params.high - params.low) / params.step + 1e-9)) + 1
    return np.round(params.low + params.step * np.arange(count), 12)


def decision_curve_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams) -> pd.DataFrame:
    """`decision_curves.csv`: net benefit at every threshold of the params, numbered from 1."""
    grid, parts = threshold_grid(params.decision), []
    for evaluation in EVALUATIONS:
        group = [model for model in picked(models, chosen=chosen) if model.evaluation == evaluation]
        curves = [(model.feature_set, model.model, model, model.scores) for model in group]
        for first in group[:1]:
            ones = np.ones(len(first.ids))
            curves += [(ALL_PATIENTS, ALL, first, ones), (ALL_PATIENTS, NONE, first, 0 * ones)]
        parts += [
            _curve(model, scores=scores, grid=grid, params=params).assign(feature_set=feature_set, model=name)
            for feature_set, name, model, scores in curves
        ]
    return pd.concat(parts, ignore_index=True)[DECISION_CURVES.names] if parts else DECISION_CURVES.empty()


def _curve(model: ModelScores, *, scores: Numbers, grid: Numbers, params: CompareParams) -> pd.DataFrame:
    gains, drawn = benefits(scores, labels=model.labels, thresholds=grid), params.bootstrap
    sampled = {"replicates": drawn.replicates, "seed": drawn.seed}
    intervals = np.array(mean_intervals(gains, labels=model.labels, **sampled))
    columns = {"point": np.arange(1, grid.size + 1), "threshold": grid, "net_benefit": gains.mean(axis=0)}
    columns |= {"ci_low": intervals[:, 0], "ci_high": intervals[:, 1]}
    return pd.DataFrame(columns).assign(evaluation=model.evaluation)
