"""DeLong tests between models on the same patients, corrected for multiple testing within each family.

A family of three models or more is tested as a whole (omnibus) before its pairs. In evaluation `cv` the tests use
pooled out-of-fold scores and are approximate.
"""

from collections.abc import Sequence
from itertools import combinations

import pandas as pd

from pipeline.compare.families import PAIR, evaluation_groups, families, places
from pipeline.contracts.reports.compare import DELONG, OMNIBUS
from pipeline.plan.comparison import CompareParams
from pipeline.predictions.model_scores import ModelScores
from pipeline.statistics.auc_tests import omnibus_test, paired_tests
from pipeline.statistics.multiplicity import benjamini_hochberg, holm
from pipeline.statistics.roc import placements


def delong_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams) -> pd.DataFrame:
    """`delong.csv`: difference = AUC a - AUC b on the same patients, with interval, z, p, Holm and BH in its family.

    An evaluation whose patients are all of one class has no rows.
    Raises TableError if the models of an evaluation were not scored on the same patients.
    """
    parts = []
    for group in evaluation_groups(models):
        placed = placements([model.scores for model in group], labels=group[0].labels)
        place = places(group)
        for family, members in families(list(place), chosen=chosen, evaluation=group[0].evaluation, params=params):
            pairs = list(combinations(members, 2))
            tests = paired_tests(placed, pairs=[(place[a], place[b]) for a, b in pairs])
            tests["p_holm"], tests["p_bh"] = holm(tests["p_value"]), benjamini_hochberg(tests["p_value"])
            tests[PAIR] = pd.DataFrame([(*a, *b) for a, b in pairs], dtype="str", index=tests.index)
            parts.append(tests.assign(evaluation=group[0].evaluation, family=family, n=len(group[0].ids)))
    return pd.concat(parts, ignore_index=True)[DELONG.names] if parts else DELONG.empty()


def omnibus_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams) -> pd.DataFrame:
    """`omnibus.csv`: for each family of three models or more, whether all its AUCs are equal (DeLong's chi-square).

    Raises TableError if the models of an evaluation were not scored on the same patients.
    """
    rows = []
    for group in evaluation_groups(models):
        place, evaluation = places(group), group[0].evaluation
        for family, members in families(list(place), chosen=chosen, evaluation=evaluation, params=params):
            if len(members) < 3:
                continue
            scores = [group[place[key]].scores for key in members]
            test = omnibus_test(placements(scores, labels=group[0].labels))
            rows.append((evaluation, family, len(members), test.chi2, test.df, test.p_value, len(group[0].ids)))
    return pd.DataFrame(rows, columns=OMNIBUS.names)
