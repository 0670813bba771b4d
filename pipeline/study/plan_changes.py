"""The feature sets and the primary comparison that are left when blocks or cohorts of the plan do not exist."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.plan.feature_sets import CLINICAL, RADIOMICS

HELD_OUT = ("external", "internal")  # the first is preferred


def fitting_sets(
    sets: Mapping[str, Sequence[str]], *, clinical: bool, renamed: Mapping[str, str]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The sets that can be built, and for each set that goes because another has the same blocks, that other.

    `clinical` = there are clinical columns, `renamed` = blocks that stand in for others. A set without a block left
    goes; sets that need no change stay as they are.
    """
    names = {CLINICAL: None} if not clinical else {}
    changed = {
        name: list(dict.fromkeys(renamed.get(b, b) for b in blocks if b not in names)) for name, blocks in sets.items()
    }
    same = {name: frozenset(blocks) for name, blocks in changed.items()}
    kept: dict[frozenset[str], str] = {}
    for name in sorted(sets, key=lambda name: changed[name] != list(sets[name])):  # unchanged sets first
        kept.setdefault(same[name], name)
    left, successors = {}, {}
    for name, blocks in changed.items():
        if blocks and (blocks == list(sets[name]) or kept[same[name]] == name):
            left[name] = blocks
        elif blocks:
            successors[name] = kept[same[name]]
    return left, successors


def fitting_primary(
    primary: Mapping[str, Any] | None,
    *,
    sets: Mapping[str, Sequence[str]],
    successors: Mapping[str, str],
    evaluations: Sequence[str],
) -> dict[str, Any] | None:
    """The primary comparison on what exists; None if there is no held-out cohort or no second set.

    A set that went is replaced by that with the same blocks, else the main set by the one with most blocks, and the
    comparator by `radiomics`, else by the largest set within the main one.
    """
    if primary is None or not evaluations:
        return None
    chosen = [successors.get(primary[key], primary[key]) for key in ("feature_set", "comparator")]
    main = chosen[0] if chosen[0] in sets else max(sets, key=lambda name: len(sets[name]))
    comparator = chosen[1]
    if comparator not in sets or comparator == main:
        within = [name for name in sets if set(sets[name]) < set(sets[main])]
        if RADIOMICS in sets and main != RADIOMICS:
            comparator = RADIOMICS
        elif within:
            comparator = max(within, key=lambda name: len(sets[name]))
        else:
            return None
    at = primary["evaluation"] if primary["evaluation"] in evaluations else evaluations[0]
    return {"feature_set": main, "comparator": comparator, "evaluation": at}


def usable_evaluations(patients: pd.DataFrame, *, holdout_fraction: float) -> list[str]:
    """The held-out cohorts with patients of both classes, external first.

    `patients` has label and cohort. If no cohort is given, `holdout_fraction` of each class becomes the cohort
    internal.
    """
    if patients["cohort"].isna().all():
        smaller = min(int((patients["label"] == label).sum()) for label in (0, 1))
        return ["internal"] if round(holdout_fraction * smaller) else []
    classes = patients.dropna(subset=["label"]).groupby("cohort")["label"].nunique()
    return [name for name in HELD_OUT if classes.get(name, 0) == 2]
