"""`mcnemar.csv`: whether two models classify the same patients equally well, each at its frozen threshold.

Families `primary comparison` and `sets at their CV-chosen classifier` (`compare.families`), in the test evaluations.
Holm's correction within each family and measure.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from pipeline.compare.families import evaluation_groups, families, places
from pipeline.contracts.reports.compare import CHOSEN_SETS, MCNEMAR, PRIMARY
from pipeline.plan.comparison import CompareParams
from pipeline.predictions.model_scores import ModelScores
from pipeline.statistics.mcnemar import mcnemar
from pipeline.statistics.multiplicity import holm

METHOD = "Newcombe, square-and-add"


def mcnemar_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams) -> pd.DataFrame:
    """McNemar's exact test of accuracy (all patients), sensitivity (events) and specificity (non-events).

    difference = a - b with Newcombe's square-and-add interval. Models without a threshold have no rows.
    Raises TableError if the models of an evaluation were not scored on the same patients.
    """
    parts = []
    for group in evaluation_groups(models):
        usable = {key: group[index] for key, index in places(group).items() if group[index].threshold is not None}
        evaluation = group[0].evaluation
        for family, members in families(list(places(group)), chosen=chosen, evaluation=evaluation, params=params):
            if family not in (PRIMARY, CHOSEN_SETS):
                continue
            pairs = combinations([usable[key] for key in members if key in usable], 2)
            table = pd.DataFrame([row for a, b in pairs for row in _rows(a, b)])
            if len(table):
                table["p_holm"] = table.groupby("measure")["p_value"].transform(holm)
                parts.append(table.assign(evaluation=evaluation, family=family))
    return pd.concat(parts, ignore_index=True)[MCNEMAR.names] if parts else MCNEMAR.empty()


def _rows(a: ModelScores, b: ModelScores) -> Iterator[dict[str, Any]]:
    right_a, right_b = a.right(), b.right()
    all_patients = a.labels | ~a.labels
    for measure, group in {"accuracy": all_patients, "sensitivity": a.labels, "specificity": ~a.labels}.items():
        test = mcnemar(right_a[group], right_b[group])
        yield {
            "set_a": a.feature_set,
            "model_a": a.model,
            "set_b": b.feature_set,
            "model_b": b.model,
            "measure": measure,
            "only_a_right": test.only_a,
            "only_b_right": test.only_b,
            "difference": test.difference,
            "ci_low": test.ci_low,
            "ci_high": test.ci_high,
            "ci_method": METHOD,
            "p_value": test.p_value,
            "n": test.n,
        }
