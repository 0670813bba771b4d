"""Selected features: frequency of selection, number kept per fit, stability."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.data.split import ALL, FINAL
from pipeline.report.inputs import ReportInputs
from pipeline.statistics.selection_stability import stability

FIT = ["resample", "part"]
RESAMPLES, HALF_SAMPLES = "resamples", "half_samples"
STABILITY = [
    *("feature_set", "block", "source", "part", "stability", "ci_low", "ci_high"),
    *("n_fits", "n_features"),
]


def selection_tables(study: ReportInputs) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How often each feature was selected over the fits of cross-validation, and how many features a fit kept.

    A fit is one resample and part; fits that kept nothing count. Blocks without selection (clinical) are not
    included. `coefficient` is the mean over the parts of resample `final` that selected the feature, `half_samples` the
    share of all half-samples of these parts that selected it (empty if none were drawn).
    """
    frequencies, kept = [], []
    for name in study.sets:
        halves = study.half_samples[name].groupby(["block", "feature"])["n_selected"].sum()
        for block, rows in selected_by_rule(study, name).groupby("block", sort=True):
            # Every fit has a row for its intercept, with or without features; names in brackets are not features.
            fits, own = rows[FIT].drop_duplicates(), rows[~rows["feature"].str.startswith("(")]
            table = _frequencies(own, fits=fits, names=(name, str(block)))
            drawn = _half_samples(study, name, str(block))["n_samples"].sum()
            counts = [halves.get((block, feature), 0) for feature in table["feature"]]
            table["half_samples"] = np.array(counts) / drawn if drawn else float("nan")
            frequencies.append(table)
            kept.append(_kept(own, fits=fits, names=(name, str(block))))
    columns = ["feature_set", "block", "feature", "n_selected", "n_fits", "frequency", "n_final", "coefficient"]
    columns.append("half_samples")
    table = pd.concat(frequencies, ignore_index=True) if frequencies else pd.DataFrame(columns=columns)
    counts = ["feature_set", "block", "n_fits", "n_empty", "median", "min", "max"]
    return table.reindex(columns=columns), pd.DataFrame(kept, columns=counts)


def selected_by_rule(study: ReportInputs, feature_set: str) -> pd.DataFrame:
    """The selected features of a set by the rule for lambda that its classifiers used (params/reduce.yaml)."""
    rule = study.params.get("reduce", {}).get("lasso", {}).get("rule")
    chosen = study.selected[feature_set]
    return chosen if rule is None else chosen[chosen["rule"] == rule]


def stability_table(study: ReportInputs) -> pd.DataFrame:
    """Nogueira's stability of the selection in each set and block (`statistics.selection_stability`), 95 % interval.

    Source `resamples`: the fits of cross-validation, both parts together (part `all`), among the features that were
    candidates in resample `final` or selected in any fit; without half-samples the candidates are not known, and there
    is no row. Blocks of networks are excluded, since their components differ between fits. Source `half_samples`:
    the half-samples of each part of `final`, among its candidates; within a part the components are the same. The
    fits share patients, so the interval is approximate.
    """
    rows = []
    for name in study.sets:
        for block, candidates in study.half_samples[name].groupby("block", sort=True):
            if block not in study.nets:
                kept = _kept_in_resamples(selected_by_rule(study, name), block=str(block), candidates=candidates)
                rows.append((name, block, RESAMPLES, ALL, kept))
            for part, own in candidates.groupby("part", sort=True):
                rows.append((name, block, HALF_SAMPLES, part, _kept_in_halves(own)))
    table = pd.DataFrame([_stability_row(*keys, kept=kept) for *keys, kept in rows], columns=STABILITY)
    return table.astype({"n_fits": "Int64", "n_features": "Int64"})


def _stability_row(*keys: object, kept: NDArray[np.bool_]) -> tuple[Any, ...]:
    found = stability(kept)
    return *keys, found.estimate, found.ci_low, found.ci_high, found.n_fits, found.n_features


def _kept_in_resamples(selected: pd.DataFrame, *, block: str, candidates: pd.DataFrame) -> NDArray[np.bool_]:
    """Which features each fit of cross-validation kept: (fits, features)."""
    rows = selected[(selected["block"] == block) & (selected["resample"] != FINAL)]
    own = rows[~rows["feature"].str.startswith("(")]
    fits = pd.MultiIndex.from_frame(rows[FIT].drop_duplicates())
    features = pd.Index(sorted(set(candidates["feature"]) | set(own["feature"])))
    kept = np.zeros((len(fits), len(features)), dtype=np.bool_)
    kept[fits.get_indexer(pd.MultiIndex.from_frame(own[FIT])), features.get_indexer(pd.Index(own["feature"]))] = True
    return kept


def _kept_in_halves(candidates: pd.DataFrame) -> NDArray[np.bool_]:
    """Which of the candidates each half-sample of a part kept: (half-samples, candidates)."""
    kept = np.zeros((int(candidates["n_samples"].max()), len(candidates)), dtype=np.bool_)
    for place, numbers in enumerate(candidates["samples"].fillna("")):
        kept[[int(number) - 1 for number in str(numbers).split()], place] = True
    return kept


def _half_samples(study: ReportInputs, feature_set: str, block: str) -> pd.DataFrame:
    """The number of half-samples of each part of a block."""
    table = study.half_samples[feature_set]
    return table.loc[table["block"] == block, ["part", "n_samples"]].drop_duplicates()


def _frequencies(own: pd.DataFrame, *, fits: pd.DataFrame, names: tuple[str, str]) -> pd.DataFrame:
    folds = int((fits["resample"] != FINAL).sum())
    final = own["resample"] == FINAL
    table = pd.DataFrame({"feature": sorted(own["feature"].unique())})
    table["n_selected"] = table["feature"].map(own[~final].groupby("feature").size()).fillna(0).astype(int)
    table["frequency"] = table["n_selected"] / folds if folds else float("nan")
    table["n_final"] = table["feature"].map(own[final].groupby("feature").size()).fillna(0).astype(int)
    table["coefficient"] = table["feature"].map(own[final].groupby("feature")["coefficient"].mean())
    return table.assign(feature_set=names[0], block=names[1], n_fits=folds)


def _kept(own: pd.DataFrame, *, fits: pd.DataFrame, names: tuple[str, str]) -> tuple[Any, ...]:
    sizes = fits.merge(own.groupby(FIT).size().rename("kept").reset_index(), on=FIT, how="left")["kept"].fillna(0)
    return *names, len(sizes), int((sizes == 0).sum()), sizes.median(), sizes.min(), sizes.max()
