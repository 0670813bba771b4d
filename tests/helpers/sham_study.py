"""A small study of noise for the self-tests: features that are unrelated to the outcome."""

import numpy as np
import pandas as pd
from places import ROOT

from pipeline.benchmark.nested_cv import BenchmarkParams
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.params import load_params
from pipeline.predictions.thresholds import YOUDEN
from pipeline.reduce.block_reducer import ReduceParams
from pipeline.reduce.blocks import table_block
from pipeline.selftest.inputs import Recipe, Tables
from pipeline.selftest.sham_labels import Study, sham_checks, sham_study, shuffled_auc, shuffles
from pipeline.split.splits import SplitParams, split_table

N_PATIENTS, N_FEATURES, SHUFFLES = 90, 150, 20
SPLIT = SplitParams(folds=3, repeats=1, holdout_fraction=0.25)


def recipe() -> Recipe:
    """The shipped parameters, with fewer lambdas and one value of one classifier, for speed."""
    reduce = load_params(ROOT / "params" / "reduce.yaml", ReduceParams)
    lasso = reduce.lasso.model_copy(update={"n_lambdas": 15, "folds": 3})
    reduce = reduce.model_copy(update={"agreement": None, "half_samples": 3, "lasso": lasso})
    benchmark = load_params(ROOT / "params" / "benchmark.yaml", BenchmarkParams)
    grids = benchmark.grids.model_copy(update={"lr": (1.0,)})
    benchmark = benchmark.model_copy(update={"classifiers": ("lr",), "grids": grids})
    return Recipe(reduce=reduce, benchmark=benchmark, threshold=YOUDEN, seed=11)


def tables(*, seed: int = 1, signal: float = 0.0, events: int = 36, twins: bool = False) -> Tables:
    """90 patients at two sites, 60 in training; `signal` shifts one feature in patients with the event.

    `twins`: every second row is an image of the patient before it, with the same features and group.
    """
    random = np.random.default_rng(seed)
    ids = [f"p{i:02d}" for i in range(N_PATIENTS)]
    label = random.permutation([1] * events + [0] * (N_PATIENTS - events))
    values = random.normal(size=(N_PATIENTS, N_FEATURES))
    values[:, 0] += signal * label
    groups = list(ids)
    if twins:
        for i in range(1, N_PATIENTS, 2):
            values[i], label[i], groups[i] = values[i - 1] + 0.01 * values[i], label[i - 1], ids[i - 1]
    patients = pd.DataFrame({"patient_id": ids, "group_id": groups, "label": label})
    patients["site"] = np.where(np.arange(N_PATIENTS) % 2 == 0, "A", "B")
    patients["cohort"] = ["train"] * 60 + ["external"] * 30
    # Twins leak if the split does not know of them: each row is then a separate patient.
    known = patients.assign(group_id=patients["patient_id"]) if twins else patients
    features = pd.DataFrame(values, columns=[f"f{i:03d}" for i in range(N_FEATURES)]).assign(patient_id=ids)
    block = table_block(features, name="noise", patients=ids)
    splits = split_table(known, params=SPLIT, seed=seed)
    return Tables(patients=patients, splits=splits, blocks=(block,), repeats=None)


def study(**changes: object) -> Study:
    """The study whose labels are permuted."""
    return sham_study(tables(**changes), recipe=recipe())  # type: ignore[arg-type]


def lights(one: Study, *, folder, sites: int = 1) -> dict[str, str]:
    """Run all permutations and return the light of each check."""
    store = CheckpointStore(folder, key="shuffles")
    cases = shuffles(SHUFFLES, sites=sites)
    done = [(case, *shuffled_auc(case, study=one, store=store)) for case in cases]
    return {check.check: check.light for check in sham_checks(done)}
