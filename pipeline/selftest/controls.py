"""What the negative controls share: the images that are used, the folds of the study, the scores and their table.

A negative control scores features that should not predict the outcome, on the cross-validation folds of the study, with
the real reduction and one fast classifier. Sources: Lipsitch et al. 2010 (Epidemiology 21:383) on negative controls;
Welch et al. 2019 (Radiother Oncol 130:2) and READII on shuffled voxels and other regions in radiomics.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import pandas as pd

from pipeline.benchmark.nested_cv import benchmark_set, case_seed
from pipeline.contracts.data.split import ALL, FINAL
from pipeline.contracts.reports.selftest import CONTROLS
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.lazy import LazySequence
from pipeline.radiomics.features import IMAGE_VOXELS
from pipeline.reduce.blocks import Block
from pipeline.reduce.reduced import Case, Cases, Reduced, reduce_case, reduce_cases
from pipeline.reduce.repeats import Repeats
from pipeline.reduce.result_tables import reduced_table
from pipeline.selftest.inputs import Inputs, Recipe
from pipeline.selftest.sham_labels import fold_aucs
from pipeline.statistics.fold_interval import corrected_resampled_interval
from pipeline.statistics.roc import NO_INTERVAL, Interval

CHANCE = 0.5
KEYS = ["resample", "part", "patient_id", "role"]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A control on the folds: mean AUC, its interval (Nadeau-Bengio), and the patients, images and folds behind it.

    NaN if no fold has both outcomes; the interval is also NaN if all folds have one AUC.
    """

    control: str
    auc: float
    interval: Interval
    n_patients: int
    n_images: int
    n_folds: int

    @property
    def lower(self) -> float:
        """The lower limit; the AUC itself if the folds do not differ, since there is no doubt then."""
        return self.interval[0] if np.isfinite(self.interval[0]) else self.auc

    @property
    def upper(self) -> float:
        """The upper limit; the AUC itself if the folds do not differ."""
        return self.interval[1] if np.isfinite(self.interval[1]) else self.auc

    @property
    def known(self) -> bool:
        """Whether there is an AUC."""
        return bool(np.isfinite(self.auc))

    @property
    def above_chance(self) -> bool:
        """Whether the interval lies above one half."""
        return self.known and self.lower > CHANCE


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Blocks to be reduced on every fold; `sets` names the blocks of each control that is scored on the result."""

    sets: Mapping[str, tuple[str, ...]]
    cases: Cases
    blocks: tuple[str, ...]
    patients: pd.DataFrame
    splits: pd.DataFrame
    n_images: int

    @property
    def name(self) -> str:
        """The name of the trial, unique among the controls."""
        return "+".join(self.sets)


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """One control, reduced: `reduced` as in its contract."""

    control: str
    reduced: pd.DataFrame
    patients: pd.DataFrame
    splits: pd.DataFrame
    n_images: int


def control_images(
    cohort: pd.DataFrame, *, rois: pd.DataFrame, training: Sequence[str], budget: int | None, seed: int
) -> pd.DataFrame:
    """The rows of `cohort.csv` that the controls use: all usable images of training patients, drawn in an order that
    depends on the seed alone, until the next patient would exceed `budget` (None = all).

    `budget` in voxels: each image costs its ROI voxels and IMAGE_VOXELS. In the order of `cohort`; empty if 0.
    """
    usable = rois[(rois["status"] == "ok") & rois["patient_id"].isin(training)]
    cost = (usable["n_voxels"].astype(int) + IMAGE_VOXELS).groupby(usable["patient_id"]).sum().sort_index()
    order = np.random.default_rng(case_seed(seed, "negative controls")).permutation(len(cost))
    drawn = cost.iloc[order]
    kept = drawn.index if budget is None else drawn.index[(drawn.cumsum() <= budget).to_numpy()]
    return cohort[cohort["patient_id"].isin(kept) & cohort["image_id"].isin(usable["image_id"])]


def cv_splits(inputs: Inputs, *, known: Sequence[str]) -> pd.DataFrame | None:
    """The rows of the splits that belong to cross-validation and to the patients `known`; None if a fit is impossible:
    the training rows of every resample must hold two groups or more of each outcome.
    """
    splits = inputs.tables.splits
    splits = splits[(splits["resample"] != FINAL) & splits["patient_id"].isin(known)]
    about = inputs.tables.patients[["patient_id", "group_id", "label"]]
    train = splits[splits["role"] == "train"].merge(about, on="patient_id")
    groups = train.groupby(["resample", "label"])["group_id"].nunique().unstack("label", fill_value=0)
    needed = groups.reindex(index=splits["resample"].unique(), columns=[0, 1], fill_value=0)
    return splits if len(needed) and (needed >= 2).all(axis=None) else None


def trial(
    blocks: Sequence[Block],
    *,
    inputs: Inputs,
    sets: Mapping[str, tuple[str, ...]],
    known: Sequence[str],
    n_images: int,
    parts: Sequence[str] = (ALL,),
    repeats: Repeats | None = None,
) -> Trial | None:
    """The blocks on the folds of the study, for the patients `known`; None if there are too few for a fit.

    `repeats` as for `reduce_cases`: only for features of the lesion, whose masks were repeated.
    """
    splits = cv_splits(inputs, known=known)
    if splits is None:
        return None
    patients = inputs.tables.patients[inputs.tables.patients["patient_id"].isin(splits["patient_id"])]
    cases = reduce_cases(blocks, patients=patients, splits=splits, parts=parts, repeats=repeats)
    names = tuple(block.name for block in blocks)
    return Trial(sets=sets, cases=cases, blocks=names, patients=patients, splits=splits, n_images=n_images)


def lesion_trial(inputs: Inputs) -> list[Trial]:
    """The set under test as it is, for all training patients; no trial if a fit is impossible."""
    tables, known = inputs.tables, sorted(inputs.training.index)
    sets = {"lesion": tuple(block.name for block in tables.blocks)}
    usable = inputs.rois[(inputs.rois["status"] == "ok") & inputs.rois["patient_id"].isin(known)]
    found = trial(tables.blocks, inputs=inputs, sets=sets, known=known, n_images=len(usable), repeats=tables.repeats)
    return [] if found is None else [found]


def reductions(
    trials: Sequence[Trial], *, recipe: Recipe, store: CheckpointStore
) -> tuple[Sequence[tuple[str, Case]], Callable[[tuple[str, Case]], Reduced]]:
    """Every case of every trial with the name of its trial, and the function that reduces one; kept in `store`."""
    keys = [(trial, case) for trial, one in enumerate(trials) for case in range(len(one.cases))]
    units = LazySequence(partial(_unit, trials=tuple(trials)), keys)
    return units, partial(_reduced, recipe=recipe, store=store)


def _unit(key: tuple[int, int], *, trials: Sequence[Trial]) -> tuple[str, Case]:
    trial, case = key
    return trials[trial].name, trials[trial].cases[case]


def _reduced(unit: tuple[str, Case], *, recipe: Recipe, store: CheckpointStore) -> Reduced:
    name, case = unit
    own = CheckpointStore(store.folder / "controls", key=name)
    return reduce_case(case, params=recipe.reduce, seed=recipe.seed, store=own)


def scorings(trials: Sequence[Trial], results: Sequence[Reduced]) -> list[Scoring]:
    """One scoring per control; `results` in the order of `reductions`."""
    found, left = [], iter(results)
    for one in trials:
        own = list(islice(left, len(one.cases)))
        table = reduced_table(own, blocks=one.blocks)
        for control, used in one.sets.items():
            columns = [name for name in table if name in KEYS or str(name).partition(".")[0] in used]
            found.append(
                Scoring(
                    control=control,
                    reduced=table[columns],
                    patients=one.patients,
                    splits=one.splits,
                    n_images=one.n_images,
                )
            )
    return found


def score(scoring: Scoring, *, recipe: Recipe) -> Scored:
    """Fit and score the classifier of the self-tests on every fold."""
    raw = benchmark_set(
        scoring.reduced,
        scoring.patients,
        scoring.splits,
        params=recipe.benchmark,
        seed=recipe.seed,
        feature_set=scoring.control,
    )
    return score_folds(raw, control=scoring.control, n_images=scoring.n_images, n_patients=len(scoring.patients))


def score_folds(raw: pd.DataFrame, *, control: str, n_patients: int, n_images: int) -> Scored:
    """The result of `raw`: resample, patient_id, label and score of held-out patients, of one model."""
    aucs = np.array(fold_aucs(raw))
    interval = NO_INTERVAL
    if len(aucs):
        n_test = np.full(len(aucs), float(raw.groupby("resample").size().mean()))
        interval = corrected_resampled_interval(aucs, n_train=n_patients - n_test, n_test=n_test)
    return Scored(
        control=control,
        auc=float(aucs.mean()) if len(aucs) else float("nan"),
        interval=interval,
        n_patients=n_patients,
        n_images=n_images,
        n_folds=len(aucs),
    )


def controls_table(scored: Sequence[Scored]) -> pd.DataFrame:
    """`controls.csv`: one row per control that was tried."""
    rows = [
        {
            "control": one.control,
            "auc": one.auc,
            "ci_low": one.interval[0],
            "ci_high": one.interval[1],
            "n_patients": one.n_patients,
            "n_images": one.n_images,
            "n_folds": one.n_folds,
        }
        for one in scored
    ]
    return pd.DataFrame(rows, columns=CONTROLS.names)
