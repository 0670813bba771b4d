"""Sham labels: the outcome is shuffled among training patients and all is fitted again; nothing may be predicted.

A pipeline that leaks the held-out fold into selection, scaling or tuning predicts the sham outcome there. The real
`reduce` and `benchmark` run on every shuffle, on the splits of the study. If the outcome is shuffled within sites, a
site associated with the outcome can still be found: that is not leakage but site confounding.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.benchmark.nested_cv import BenchmarkParams, benchmark_set, case_seed
from pipeline.contracts.data.split import ALL, FINAL
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.reduce.block_reducer import ReduceParams
from pipeline.reduce.reduced import Case, reduce_case, reduce_cases
from pipeline.reduce.result_tables import reduced_table
from pipeline.selftest.inputs import MIN_SHUFFLES, Recipe, Tables
from pipeline.selftest.lights import Check
from pipeline.statistics.roc import placements

Numbers = NDArray[np.float64]
OVERALL, WITHIN_SITE, REAL = "all", "within_site", "real"
MIN_GROUPS = 2  # of a class in the training rows of a fold
DRAWS = 200
MARGIN = 0.05  # minimum distance of the mean AUC from one half that counts as leakage
RULE = (
    "Red if the mean cross-validated AUC on shuffled outcomes, of one set without networks and one classifier, lies "
    "further from one half than the limit: the larger of one twentieth and three standard errors of that mean."
)
SITE_RULE = (
    "Amber if the models predict an outcome that was shuffled within each site, by the same limit: the site alone is "
    "then associated with the outcome, and a model may recognise the scanner."
)
REAL_RULE = (
    "Amber if the permutation p-value of the real outcome (the value) lies above the limit: shuffled outcomes are then "
    "predicted about as well."
)
TOO_FEW = "Too few shuffles gave folds with patients of both outcomes."


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a shuffle needs: patients and splits (resamples of cross-validation only), the cases and blocks to reduce,
    and the parameters of the real stages (one fast classifier).
    """

    patients: pd.DataFrame
    splits: pd.DataFrame
    cases: Sequence[Case]
    blocks: tuple[str, ...]
    reduce: ReduceParams
    benchmark: BenchmarkParams
    seed: int


@dataclass(frozen=True, kw_only=True)
class Shuffle:
    """One shuffle: `kind` real (not shuffled), all, or within_site; `repeat` from 1."""

    kind: str
    repeat: int

    @property
    def name(self) -> str:
        """The unique name of the shuffle."""
        return f"{self.kind}-{self.repeat}"


def shuffles(count: int, *, sites: int) -> list[Shuffle]:
    """The real labels once, `count` shuffles over all, and as many within sites if there are two sites or more."""
    kinds = [OVERALL, WITHIN_SITE] if sites > 1 else [OVERALL]
    return [Shuffle(kind=REAL, repeat=1), *(Shuffle(kind=k, repeat=n + 1) for k in kinds for n in range(count))]


def sham_patients(
    patients: pd.DataFrame, *, training: Sequence[str], shuffle: Shuffle, seed: int, draw: int = 0
) -> pd.DataFrame:
    """The patients table with the labels of `training` patients shuffled; all other labels are kept.

    Whole groups (patients that share an image) exchange labels with groups of the same size, so that groups stay
    intact; within_site, with groups of the same size and site. The patients of a group without a counterpart are
    shuffled one by one with the patients without a group. `draw` numbers the draws of one shuffle.
    """
    if shuffle.kind == REAL:
        return patients
    random = np.random.default_rng(case_seed(seed, "sham labels", shuffle.name, *([str(draw)] if draw else [])))
    rows = patients.reset_index(drop=True)
    own = rows[rows["patient_id"].isin(training)].sort_values("patient_id")
    site = own["site"].fillna("") if shuffle.kind == WITHIN_SITE else pd.Series("", index=own.index)
    before = patients["label"].to_numpy()
    labels = before.copy()
    for units in _alike(own, site=site):
        for target, source in zip(units, random.permutation(len(units)), strict=True):
            labels[target] = before[units[source]]
    return patients.assign(label=pd.Series(labels, index=patients.index, dtype=patients["label"].dtype))


def _alike(own: pd.DataFrame, *, site: pd.Series) -> list[list[list[int]]]:
    """Lists of units (rows of `own`) that may exchange labels: groups of one size and site, two or more of them; the
    patients of all other groups one by one. A group in two sites counts towards its first.
    """
    alike: dict[tuple[str, int], list[list[int]]] = {}
    for _, places in sorted(own.groupby("group_id").indices.items()):
        rows = own.index[places].to_list()
        alike.setdefault((str(site[rows[0]]), len(rows)), []).append(rows)
    for (place, size), units in list(alike.items()):
        if size > 1 and len(units) == 1:
            del alike[place, size]
            alike.setdefault((place, 1), []).extend([row] for row in units[0])
    return [units for _, units in sorted(alike.items())]


def shuffled_auc(shuffle: Shuffle, *, study: Study, store: CheckpointStore) -> tuple[float, int]:
    """Mean AUC over the folds of one shuffle, and the number of folds with both classes; cached in `store`."""
    if (kept := store.load(shuffle.name)) is not None:
        return float(kept["auc"]), int(kept["n_folds"])
    training = sorted(study.splits["patient_id"].unique())
    draws = (
        sham_patients(study.patients, training=training, shuffle=shuffle, seed=study.seed, draw=draw)
        for draw in range(DRAWS)
    )
    folds = _training_rows(study)
    patients = next((drawn for drawn in draws if _can_be_fitted(drawn, folds=folds)), None)
    if patients is None:
        raise PipelineError(
            f"none of {DRAWS} shuffles of the outcome has both classes in the training rows of every fold; lower folds "
            "in params/split.yaml"
        )
    labels = patients.set_index("patient_id")["label"]
    own = CheckpointStore(store.folder / "reduce", key=shuffle.name)
    results = []
    for case in study.cases:
        fitted = list(case.roles.index[case.roles == "train"])
        sham = dataclasses.replace(case, y=labels.loc[fitted].to_numpy().astype(np.int64))
        results.append(reduce_case(sham, params=study.reduce, seed=study.seed, store=own))
    table = reduced_table(results, blocks=list(study.blocks))
    raw = benchmark_set(table, patients, study.splits, params=study.benchmark, seed=study.seed, feature_set="sham")
    aucs = fold_aucs(raw)
    result = {"auc": float(np.mean(aucs)) if aucs else float("nan"), "n_folds": len(aucs)}
    store.save(shuffle.name, result)
    return float(result["auc"]), int(result["n_folds"])


def _training_rows(study: Study) -> list[NDArray[np.intp]]:
    """The rows of the patients table that each resample trains on."""
    train = study.splits[study.splits["role"] == "train"]
    folds = (set(rows) for _, rows in train.groupby("resample")["patient_id"])
    return [np.flatnonzero(study.patients["patient_id"].isin(fold)) for fold in folds]


def _can_be_fitted(patients: pd.DataFrame, *, folds: Sequence[NDArray[np.intp]]) -> bool:
    """Whether the training rows of every fold hold two groups or more of each class, as every fit needs.

    In a small study a shuffle may put all events into one fold; it is drawn again, before any model is fitted.
    """
    label, group = patients["label"].to_numpy(), patients["group_id"].to_numpy()
    return all(len(set(group[rows][label[rows] == value])) >= MIN_GROUPS for rows in folds for value in (0, 1))


def fold_aucs(raw: pd.DataFrame) -> list[float]:
    """The AUC of each held-out fold with both classes; `raw` from `benchmark_set`, of one model."""
    found = []
    for _, fold in raw.groupby("resample", sort=True):
        labels = fold["label"].to_numpy(dtype=np.float64)
        if 0 < labels.sum() < len(labels):
            found.append(float(placements(fold["score"], labels=labels).auc[0]))
    return found


def sham_table(done: Sequence[tuple[Shuffle, float, int]]) -> pd.DataFrame:
    """`sham.csv`: one row per shuffle."""
    rows = [(shuffle.kind, shuffle.repeat, auc, folds) for shuffle, auc, folds in done if shuffle.kind != REAL]
    return pd.DataFrame(rows, columns=["kind", "repeat", "auc", "n_folds"])


def sham_checks(done: Sequence[tuple[Shuffle, float, int]]) -> list[Check]:
    """The lights of the shuffles: over all (red), within sites (amber), and the real outcome among them (amber).

    A shuffle without a fold of both classes has no AUC and is excluded.
    """
    scored = [(shuffle.kind, auc) for shuffle, auc, _ in done if np.isfinite(auc)]
    aucs = {kind: np.array([auc for name, auc in scored if name == kind]) for kind in (REAL, OVERALL, WITHIN_SITE)}
    tried = any(shuffle.kind == WITHIN_SITE for shuffle, _, _ in done)
    return [
        _sham_check(aucs[OVERALL]),
        _site_check(aucs[WITHIN_SITE], tried=tried),
        _real_check(aucs[REAL], aucs[OVERALL]),
    ]


def limit_of(aucs: Numbers) -> float:
    """The maximum distance of the mean from one half: the larger of 0.05 and 3 · SD / √B."""
    return max(MARGIN, 3 * float(aucs.std(ddof=1)) / len(aucs) ** 0.5)


def _sham_check(aucs: Numbers) -> Check:
    title = "Shuffled outcomes are predicted at chance level"
    if len(aucs) < MIN_SHUFFLES:
        return Check(check="sham_labels", light="grey", title=title, rule=RULE, finding=TOO_FEW)
    away, limit = abs(float(aucs.mean()) - 0.5), limit_of(aucs)
    leak = not away <= limit
    return Check(
        check="sham_labels",
        light="red" if leak else "green",
        title=title,
        value=float(aucs.mean()),
        limit=0.5 + limit,
        rule=RULE,
        finding="Shuffled outcomes are predicted: information about held-out patients leaks into the fit."
        if leak
        else "On shuffled outcomes the models perform no better than chance.",
    )


def _site_check(aucs: Numbers, *, tried: bool) -> Check:
    title = "Outcomes shuffled within sites are predicted at chance level"
    if len(aucs) < MIN_SHUFFLES:
        finding = TOO_FEW if tried else "The training patients come from one site, or their site is not known."
        return Check(check="sham_within_site", light="grey", title=title, rule=SITE_RULE, finding=finding)
    value, limit = float(aucs.mean()), 0.5 + limit_of(aucs)
    found = value > limit
    return Check(
        check="sham_within_site",
        light="amber" if found else "green",
        title=title,
        value=value,
        limit=limit,
        rule=SITE_RULE,
        finding="Outcomes shuffled within sites are predicted: the models recognise sites, and sites differ in outcome."
        if found
        else "Outcomes shuffled within sites are not predicted.",
    )


def _real_check(real: Numbers, aucs: Numbers) -> Check:
    title = "The real outcome is predicted better than shuffled ones"
    if not len(real) or len(aucs) < MIN_SHUFFLES:
        return Check(check="real_outcome", light="grey", title=title, rule=REAL_RULE, finding=TOO_FEW)
    p_value = (1 + int((aucs >= real[0]).sum())) / (1 + len(aucs))
    better = p_value <= 0.05
    return Check(
        check="real_outcome",
        light="green" if better else "amber",
        title=title,
        value=p_value,
        limit=0.05,
        rule=REAL_RULE,
        finding="Hardly any shuffled outcome is predicted as well as the real one."
        if better
        else "Shuffled outcomes are predicted as well: these features carry little information about the outcome.",
    )


def sham_study(tables: Tables, *, recipe: Recipe) -> Study:
    """What the shuffles need: every training patient in part `all`, on the resamples of cross-validation."""
    splits = tables.splits[tables.splits["resample"] != FINAL]
    cases = reduce_cases(tables.blocks, patients=tables.patients, splits=splits, parts=(ALL,), repeats=tables.repeats)
    return Study(
        patients=tables.patients,
        splits=splits,
        cases=cases,
        blocks=tuple(block.name for block in tables.blocks),
        reduce=recipe.reduce,
        benchmark=recipe.benchmark,
        seed=recipe.seed,
    )


def training_sites(training: pd.Series, patients: pd.DataFrame) -> int:
    """The number of sites of the training patients; unknown sites do not count."""
    return int(patients.loc[patients["patient_id"].isin(training.index), "site"].dropna().nunique())
