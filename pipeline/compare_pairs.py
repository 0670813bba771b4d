"""Paired DeLong tests by family, each family with its own Holm and Benjamini-Hochberg correction.

Families, within one evaluation: `primary comparison` (one test, named beforehand, confirmatory);
`sets at their CV-chosen classifier` (with the networks' own probabilities, each as a set of its own);
`classifiers within <set>`; `all pairs` of all models. All but the first are exploratory. In evaluation `cv` the tests
use pooled out-of-fold scores and are approximate.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import pandas as pd

from pipeline.compare import PRIMARY
from pipeline.contracts import EVALUATIONS
from pipeline.model_scores import ModelScores, check_same_patients, is_head
from pipeline.plan import CompareParams
from pipeline.statistics.multiplicity import benjamini_hochberg, holm
from pipeline.statistics.roc import paired_tests, placements

CHOSEN = "sets at their CV-chosen classifier"
WITHIN = "classifiers within {}"
ALL_PAIRS = "all pairs"
COLUMNS = ["evaluation", "family", "set_a", "model_a", "set_b", "model_b", "auc_a", "auc_b", "difference"]
COLUMNS += ["ci_low", "ci_high", "z", "p_value", "p_holm", "p_bh", "n"]
Key = tuple[str, str]
Pairs = list[tuple[Key, Key]]


def families(
    keys: Sequence[Key], *, chosen: pd.DataFrame, evaluation: str, params: CompareParams
) -> Iterator[tuple[str, Pairs]]:
    """Each family of an evaluation with its pairs of (feature_set, model); those without a pair are left out.

    Parameters: `keys` (the models of the evaluation, sorted), `chosen` (as `choose` gives it).
    """
    best = {row.feature_set: row.model for row in chosen.itertuples() if row.kind == "classifier"}
    primary = params.primary
    if primary and primary.evaluation == evaluation:
        sides = [(name, best[name]) for name in (primary.feature_set, primary.comparator)]
        yield PRIMARY, [(sides[0], sides[1])]
    picked = [key for key in keys if best.get(key[0]) == key[1] or is_head(*key)]
    # The primary set first, so that its differences read "primary minus other"; heads last.
    first = primary.feature_set if primary else ""
    picked.sort(key=lambda key: (is_head(*key), key[0] != first, key))
    groups = {CHOSEN: picked}
    for name in sorted({feature_set for feature_set, _ in keys}):
        groups[WITHIN.format(name)] = [key for key in keys if key[0] == name and not is_head(*key)]
    if params.all_pairs:
        groups[ALL_PAIRS] = list(keys)
    for family, members in groups.items():
        pairs = list(combinations(members, 2))
        if pairs:
            yield family, pairs


def delong_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams) -> pd.DataFrame:
    """`delong.csv`: difference = AUC a - AUC b on the same patients, with interval, z, p, Holm and BH in its family.

    An evaluation whose patients are all of one class has no rows.
    Raises TableError where the models of an evaluation were not scored on the same patients.
    """
    parts = []
    for evaluation in EVALUATIONS:
        group = [model for model in models if model.evaluation == evaluation]
        if len(group) < 2:
            continue
        check_same_patients(group)
        if group[0].both_classes:
            parts += _evaluation_parts(group, chosen=chosen, params=params)
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _evaluation_parts(
    group: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams
) -> list[pd.DataFrame]:
    placed = placements([model.scores for model in group], labels=group[0].labels)
    place = {(model.feature_set, model.model): index for index, model in enumerate(group)}
    parts = []
    for family, pairs in families(list(place), chosen=chosen, evaluation=group[0].evaluation, params=params):
        tests = paired_tests(placed, pairs=[(place[a], place[b]) for a, b in pairs])
        tests["p_holm"], tests["p_bh"] = holm(tests["p_value"]), benjamini_hochberg(tests["p_value"])
        names = [(*a, *b) for a, b in pairs]
        tests[["set_a", "model_a", "set_b", "model_b"]] = pd.DataFrame(names, dtype="str", index=tests.index)
        parts.append(tests.assign(evaluation=group[0].evaluation, family=family, n=len(group[0].ids)))
    return parts
