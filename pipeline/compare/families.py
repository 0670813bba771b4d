"""Families of tests: which models of an evaluation are compared with each other.

Within one evaluation: `primary comparison` (one test, prespecified, confirmatory);
`sets at their CV-chosen classifier` (with the classification heads of the networks, each as a set of its own);
`classifiers within <set>`; `all pairs` of all models. All but the first are exploratory.
"""

from collections.abc import Iterator, Sequence

import pandas as pd

from pipeline.contracts.data.benchmark import EVALUATIONS
from pipeline.contracts.reports.compare import CHOSEN_SETS, PRIMARY
from pipeline.plan.comparison import CompareParams
from pipeline.predictions.model_scores import ModelScores, check_same_patients, is_head

WITHIN = "classifiers within {}"


ALL_PAIRS = "all pairs"


PAIR = ["set_a", "model_a", "set_b", "model_b"]


Key = tuple[str, str]


def families(
    keys: Sequence[Key], *, chosen: pd.DataFrame, evaluation: str, params: CompareParams
) -> Iterator[tuple[str, list[Key]]]:
    """Each family of an evaluation with its members (feature_set, model), of which all pairs are tested in their order.

    Families of one member are dropped. Parameters: `keys` (the models of the evaluation, sorted), `chosen` (from
    `choose`).
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

    Raises TableError if the models of an evaluation were not scored on the same patients.
    """
    for evaluation in EVALUATIONS:
        group = [model for model in models if model.evaluation == evaluation]
        if len(group) < 2:
            continue
        check_same_patients(group)
        if group[0].both_classes:
            yield group


def places(group: Sequence[ModelScores]) -> dict[Key, int]:
    """The position of each model (feature_set, model) in a group."""
    return {(model.feature_set, model.model): index for index, model in enumerate(group)}
