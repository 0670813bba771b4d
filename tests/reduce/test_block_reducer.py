"""Harmonisation and half-samples inside a reduction: requested or not, and learned on training rows alone."""

import numpy as np
import pandas as pd
import pytest
from places import ROOT

from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import load_params
from pipeline.reduce.block_reducer import BlockReducer, ReduceParams
from pipeline.reduce.blocks import table_block
from pipeline.reduce.reduced import reduce_case, reduce_cases
from pipeline.reduce.result_tables import half_sample_table, reduced_table, selected_table
from pipeline.reduce.steps.combat import Combat, CombatParams
from pipeline.split.splits import SplitParams, split_table

SHIPPED = load_params(ROOT / "params" / "reduce.yaml", ReduceParams)
ASKED = {"method": "combat", "kinds": ["table"], "mean_only": False, "unseen_site": "pooled", "min_rows": 5}
COARSE = {"lasso": SHIPPED.lasso.model_copy(update={"n_lambdas": 20, "folds": 3}), "half_samples": 5}


def settings(**changes):
    return SHIPPED.model_copy(update=COARSE | {"harmonisation": CombatParams.model_validate(ASKED)} | changes)


def study(*, site_effect=3.0, seed=0):
    """90 patients of sites A and B, the last 20 external and of site C; the first of 12 features is planted."""
    generator = np.random.default_rng(seed)
    ids = [f"P{place:02d}" for place in range(90)]
    site = np.where(np.arange(90) >= 70, "C", np.where(np.arange(90) % 3 == 0, "A", "B"))
    label = (np.arange(90) // 3 % 2).astype(int)
    patients = pd.DataFrame({"patient_id": ids, "group_id": ids, "label": label, "site": site})
    patients["cohort"] = np.where(site == "C", "external", "train")
    values = generator.normal(size=(90, 12))
    values[:, 0] += 1.5 * label
    values += site_effect * (site == "A")[:, None]
    table = pd.DataFrame(values, columns=[f"x{place:02d}" for place in range(12)])
    return patients, table.assign(patient_id=ids)


def reduced(patients, table, folder, *, params=None):
    splits = split_table(patients, params=SplitParams(folds=2, repeats=1, holdout_fraction=0), seed=1)
    block = table_block(table, name="own", patients=patients["patient_id"])
    cases = reduce_cases([block], patients=patients, splits=splits, parts=("all",))
    store = CheckpointStore(folder, key="k")
    return [reduce_case(case, params=params or settings(), seed=3, store=store) for case in cases]


def test_harmonisation_brings_the_means_of_sites_together(tmp_path):
    patients, table = study()
    gaps = {}
    for name, params in {"with": settings(), "without": settings(harmonisation=None)}.items():
        rows = reduced_table(reduced(patients, table, tmp_path / name, params=params), blocks=["own"])
        rows = rows[(rows["resample"] == "final") & (rows["role"] == "train")]
        means = rows.groupby(rows["patient_id"].map(patients.set_index("patient_id")["site"]))["own.x00"].mean()
        gaps[name] = abs(means["A"] - means["B"])

    assert gaps["without"] > 1
    assert gaps["with"] < gaps["without"] / 3


def test_an_external_site_is_not_harmonised_and_reported(tmp_path):
    results = reduced(*study(), tmp_path)

    assert [note for result in results for note in result.notes] == [
        "resample final, part all, block own: 20 patients of site C, which has fewer than 5 training rows, "
        "are not harmonised"
    ]


def test_a_refused_site_is_an_error_that_names_the_case(tmp_path):
    refused = settings(harmonisation=CombatParams.model_validate(ASKED | {"unseen_site": "refuse"}))
    with pytest.raises(PipelineError, match=r"resample final, part all, block own: .* C \(20 patients, first P70\)"):
        reduced(*study(), tmp_path, params=refused)


def test_garbage_in_test_rows_and_their_sites_leaves_training_artefacts_unchanged(tmp_path):
    patients, table = study()
    dirty_patients, dirty = patients.copy(), table.copy()
    dirty.iloc[70:, :12] = np.random.default_rng(9).normal(scale=1e6, size=(20, 12))
    dirty_patients.loc[70:, "site"] = np.where(np.arange(20) % 2, "A", "Z")
    dirty_patients.loc[70:, "label"] = 1 - dirty_patients.loc[70:, "label"]
    clean, other = reduced(patients, table, tmp_path / "a"), reduced(dirty_patients, dirty, tmp_path / "b")

    assert selected_table(clean).to_csv() == selected_table(other).to_csv()
    assert half_sample_table(clean).to_csv() == half_sample_table(other).to_csv()
    before, after = (reduced_table(results, blocks=["own"]) for results in (clean, other))
    trained = before["role"].isin(["train", "cv"])
    assert before[trained].to_csv() == after[trained].to_csv()
    assert before.to_csv() != after.to_csv()


def test_no_outcome_affects_harmonised_values():
    patients, table = study()
    X, sites = table.drop(columns="patient_id").set_axis(patients["patient_id"]), patients.set_index("patient_id")
    fitted = [
        BlockReducer(kind="table", params=settings(), indicators=(), seed=1, sites=sites["site"]).fit(
            X, y, np.arange(90).astype(str)
        )
        for y in (np.arange(90) % 2, np.arange(90) // 2 % 2)
    ]
    steps = [next(step for step in one.steps_ if isinstance(step, Combat)) for one in fitted]

    assert (steps[0].gamma_ == steps[1].gamma_).all()
    assert (steps[0].delta_ == steps[1].delta_).all()
