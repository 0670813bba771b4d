"""The whole pipeline on pure noise: features without information score no better than chance."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from places import ROOT
from sklearn.metrics import roc_auc_score

from pipeline.benchmark.nested_cv import BenchmarkParams, benchmark_set
from pipeline.compare.delong import delong_table
from pipeline.contracts.reports.compare import CHOSEN
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.params import load_params
from pipeline.plan.comparison import CompareParams
from pipeline.predictions.model_scores import model_scores
from pipeline.reduce.block_reducer import ReduceParams
from pipeline.reduce.blocks import table_block
from pipeline.reduce.reduced import reduce_case, reduce_cases
from pipeline.reduce.result_tables import reduced_table
from pipeline.split.splits import SplitParams, split_table


def noise_study(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """200 patients, 100 of them in training, and 1,000 features that are independent of the outcome."""
    random = np.random.default_rng(seed)
    ids = [f"{i:03d}" for i in range(200)]
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "group_id": ids,
            "label": random.permutation([1] * 60 + [0] * 140),
            "site": "A",
            "cohort": ["train"] * 100 + ["external"] * 100,
        }
    )
    features = pd.DataFrame(random.normal(size=(200, 1000)), columns=[f"f{i:04d}" for i in range(1000)])
    return patients, features.assign(patient_id=ids)


def held_out_scores(seed: int, *, scratch: Path) -> pd.DataFrame:
    """Raw scores of every model with the shipped parameters on pure noise (external rows of resample `final`)."""
    patients, features = noise_study(seed)
    splits = split_table(patients, params=load_params(ROOT / "params" / "split.yaml", SplitParams), seed=seed)
    # Cross-validation is only for the operating point, which cannot change a ranking: `final` alone is scored here.
    splits = splits[splits["resample"] == "final"]
    block = table_block(features, name="noise", patients=patients["patient_id"])
    cases = reduce_cases([block], patients=patients, splits=splits, parts=("all",))
    params_of_reduce = load_params(ROOT / "params" / "reduce.yaml", ReduceParams)
    store = CheckpointStore(scratch / str(seed), key="noise")
    reduce = partial(reduce_case, params=params_of_reduce, seed=seed, store=store)
    reduced = reduced_table(list(map_cases(reduce, cases, workers=1)), blocks=["noise"])
    params = load_params(ROOT / "params" / "benchmark.yaml", BenchmarkParams)
    return benchmark_set(reduced, patients, splits, params=params, seed=seed, feature_set="noise", workers=1)


def significant(raw: pd.DataFrame) -> int:
    """How many comparisons of two models are below 0.05 after Holm, over all families."""
    models = model_scores(raw.assign(threshold=np.nan), place="noise")
    none_chosen = CHOSEN.empty()
    params = load_params(ROOT / "params" / "compare.yaml", CompareParams).model_copy(update={"primary": None})
    table = delong_table(models, chosen=none_chosen, params=params)
    assert len(table) == 2 * 28  # the classifiers of the set, and all pairs
    return int((table["p_holm"] < 0.05).sum())


@pytest.mark.slow
def test_pure_noise_scores_as_pure_noise(tmp_path):
    studies = [held_out_scores(seed, scratch=tmp_path) for seed in range(5)]
    aucs = [[roc_auc_score(rows["label"], rows["score"]) for _, rows in study.groupby("model")] for study in studies]

    assert all(len(one) == 8 for one in aucs)
    assert 0.45 <= np.mean(aucs) <= 0.55
    assert [significant(study) for study in studies] == [0] * 5
