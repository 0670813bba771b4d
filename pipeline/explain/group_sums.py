"""Which data a model leans on: contributions added up within blocks, views, radiomics classes and filters."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.reports.explain import GROUPINGS, SHAP_GROUPS
from pipeline.explain.contributions import Explained
from pipeline.plan.feature_names import block_of, view_of, without_part
from pipeline.radiomics.definitions import DEFINITIONS
from pipeline.statistics.bootstrap import percentile_interval

Floats = NDArray[np.float64]
NO_VIEW, NOT_RADIOMICS = "no view", "not radiomics"


def group_of(column: str, *, grouping: str) -> str:
    """The group of a column such as `radiomics.wavelet-LH_glcm_Idm@long`: glcm by class, wavelet-LH by filter.

    Radiomics of a habitat or a ring belongs to its class and filter as well; a column without a view, a class or a
    filter belongs to the group `NO_VIEW` or `NOT_RADIOMICS`.
    """
    if grouping == "feature":
        return column
    if grouping == "block":
        return block_of(column)
    plain = without_part(column)
    if grouping == "view":
        return view_of(plain) or NO_VIEW
    words = plain.partition(".")[2].partition("@")[0].rsplit("_", 3)[-3:]
    if len(words) != 3 or words[2] not in DEFINITIONS.get(words[1], {}):
        return NOT_RADIOMICS
    return words[1] if grouping == "class" else words[0]


def group_counts(groups: NDArray[np.str_], *, replicates: int, seed: int) -> Floats:
    """How often each of the n patients is drawn in each bootstrap sample, shape (replicates, n).

    Groups of patients (`groups`, (n,)) are drawn with replacement, as many as there are, and whole.
    """
    names, place = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, len(names), size=(replicates, len(names)))
    flat = drawn + len(names) * np.arange(replicates)[:, np.newaxis]
    counts = np.bincount(flat.ravel(), minlength=replicates * len(names)).reshape(replicates, len(names))
    return counts[:, place].astype(np.float64)


def group_table(sets: Sequence[Explained], *, replicates: int, seed: int) -> pd.DataFrame:
    """`shap_groups.csv`: for each grouping and group, the mean over patients of |sum of the group's contributions|.

    The sum comes before the absolute value, so that features of a group which cancel each other count for nothing. A
    block of the set without a feature has 0. Percentile intervals over `replicates` bootstrap samples of whole groups
    of patients (Efron and Tibshirani 1993); none for a group that never contributes.
    """
    tables = [_set_table(one, replicates=replicates, seed=seed) for one in sets if one.columns()]
    return pd.concat(tables, ignore_index=True) if tables else SHAP_GROUPS.empty()


def _set_table(one: Explained, *, replicates: int, seed: int) -> pd.DataFrame:
    contributions = one.contributions()
    counts = group_counts(one.groups, replicates=replicates, seed=seed)
    rows = []
    for grouping in GROUPINGS:
        names = [group_of(column, grouping=grouping) for column in contributions]
        members = dict.fromkeys(one.blocks, 0) if grouping == "block" else {}
        members |= {name: names.count(name) for name in names}
        sums = contributions.T.groupby(names).sum().T.reindex(columns=list(members), fill_value=0.0).abs()
        total = float(sums.mean().sum())
        for name, count in members.items():
            values = sums[name].to_numpy()
            low, high = percentile_interval(np.round(counts @ values / counts.sum(axis=1), 12))
            mean = float(values.mean())
            share = mean / total if total > 0 else None
            rows.append((one.feature_set, grouping, name, one.unit, count, mean, low, high, share))
    return pd.DataFrame(rows, columns=SHAP_GROUPS.names)
