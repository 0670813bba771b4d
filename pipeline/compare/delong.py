"""Tests of models on the same patients, by family, each family with its own corrections for multiple testing.

Families, within one evaluation: `primary comparison` (one test, named beforehand, confirmatory);
`sets at their CV-chosen classifier` (with the networks' own probabilities, each as a set of its own);
`classifiers within <set>`; `all pairs` of all models. All but the first are exploratory. A family of three models or
more is tested as a whole (omnibus) before its pairs are. In evaluation `cv` the tests use pooled out-of-fold scores and
are approximate.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import pandas as pd

from pipeline.contracts.data.benchmark import EVALUATIONS
from pipeline.contracts.reports.compare import CHOSEN_SETS, PRIMARY
from pipeline.plan.comparison import CompareParams
from pipeline.predictions.model_scores import ModelScores, check_same_patients, is_head
from pipeline.statistics.auc_tests import omnibus_test, paired_tests
from pipeline.statistics.multiplicity import benjamini_hochberg, holm
from pipeline.statistics.roc import placements

WITHIN = "classifiers within {}"
ALL_PAIRS = "all pairs"
PAIR = ["set_a", "model_a", "set_b", "model_b"]
COLUMNS = ["evaluation", "family", *PAIR, "auc_a", "auc_b", "difference"]
COLUMNS += ["ci_low", "ci_high", "z", "p_value", "p_holm", "p_bh", "n"]
OMNIBUS_COLUMNS = ["evaluation", "family", "n_models", "chi2", "df", "p_value", "n"]
Key = tuple[str, str]


def families(
    keys: Sequence[Key], *, chosen: pd.DataFrame, evaluation: str, params: CompareParams
) -> Iterator[tuple[str, list[Key]]]:
    """Each family of an evaluation with its members (feature_set, model), of which all pairs are tested in their order.

    Families of one member are left out. Parameters: `keys` (the models of the evaluation, sorted), `chosen` (as
    `choose` gives it).
    """
    best = {row.feature_set: row.model for row in chosen.itertuples() if row.kind == "classifier"}
    primary = params.primary
    if primary and primary.evaluation == evaluation:
        yield PRIMARY, [(name, best[name]) for name in (primary.feature_set, primary.comparator)]
    picked = [key for key in keys if best.get(key[0]) == key[1] or is_head(*key)]
    # The primary set first, so that its differences read "primary minus other"; heads last.
    first = primary.feature_set if primary else ""
    picked.sort(key=lambda key: (is_head(*key), key[0] != first, key))
    groups = {CHOSEN_SETS: picked}
    for name in sorted({feature_set for feature_set, _ in keys}):
        groups[WITHIN.format(name)] = [key for key in keys if key[0] == name and not is_head(*key)]
    if params.all_pairs:
        groups[ALL_PAIRS] = list(keys)
    yield from ((family, members) for family, members in groups.items() if len(members) > 1)


def evaluation_groups(models: Sequence[ModelScores]) -> Iterator[list[ModelScores]]:
    """The models of each evaluation that has two or more of them and patients of both classes.

    Raises TableError where the models of an evaluation were not scored on the same patients.
    """
    for evaluation in EVALUATIONS:
        group = [model for model in models if model.evaluation == evaluation]
        if len(group) < 2:
            continue
        check_same_patients(group)
        if group[0].both_classes:
            yield group


def delong_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams) -> pd.DataFrame:
    """`delong.csv`: difference = AUC a - AUC b on the same patients, with interval, z, p, Holm and BH in its family.

    An evaluation whose patients are all of one class has no rows.
    Raises TableError where the models of an evaluation were not scored on the same patients.
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
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def omnibus_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams) -> pd.DataFrame:
    """`omnibus.csv`: for each family of three models or more, whether all its AUCs could be one (DeLong's chi-square).

    Raises TableError where the models of an evaluation were not scored on the same patients.
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
    return pd.DataFrame(rows, columns=OMNIBUS_COLUMNS)


def places(group: Sequence[ModelScores]) -> dict[Key, int]:
    """Where each model (feature_set, model) stands in a group."""
    return {(model.feature_set, model.model): index for index, model in enumerate(group)}
