import numpy as np
import pandas as pd
import pytest
from small_bundle import small_bundle

from pipeline.predict.scores import Fitted, fitted_steps, mean_of_parts, probabilities, unharmonised
from pipeline.reduce.block_reducer import BlockReducer, ReduceParams
from pipeline.reduce.steps.combat import Combat


def harmonised(policy):
    combat = Combat(mean_only=False, unseen_site=policy, min_rows=5)
    combat.sites_ = ["A", "B"]
    reducer = BlockReducer(kind="radiomics", params=ReduceParams.model_construct(), indicators=(), seed=1)
    reducer.steps_ = [combat]
    return Fitted(reducers={("radiomics", "all"): reducer}, models={})


SITES = pd.Series({"1": "A", "2": "C", "3": None})


def test_a_site_that_is_refused_or_missing_fails_by_patient():
    refused, exempt = unharmonised(harmonised("refuse"), SITES)

    assert sorted(refused) == ["2", "3"]
    assert "'C' is none of them" in refused["2"]
    assert exempt == {}


def test_a_pooled_site_is_predicted_and_said():
    refused, exempt = unharmonised(harmonised("pooled"), SITES)

    assert list(refused) == ["3"]
    assert "fill it in" in refused["3"]
    assert list(exempt) == ["2"]


def test_a_study_without_harmonisation_refuses_no_site():
    assert unharmonised(fitted_steps(small_bundle()), SITES) == ({}, {})


def test_the_mean_of_the_parts_is_by_patient():
    scores = pd.DataFrame({"a": [0.2, 0.9], "b": [0.4, 0.5]}, index=pd.Index(["P2", "P1"], name="patient_id"))

    np.testing.assert_allclose(mean_of_parts(scores), [0.3, 0.7])


@pytest.mark.parametrize("raw", [0.001, 0.5, 0.999])
def test_the_interval_holds_the_probability(raw):
    scores = pd.DataFrame({"all": [raw]}, index=pd.Index(["1"], name="patient_id"))

    found = probabilities(small_bundle(), scores).iloc[0]

    assert 0 <= found["low"] <= found["probability"] <= found["high"] <= 1
