"""Sample size by feature set: candidates by hand, what the study has, which params are allowed."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from study_folder import write_study

from pipeline.contracts.reports.report import SAMPLE_SIZE
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.tables import check_table
from pipeline.report.inputs import read_inputs
from pipeline.report.regions import Regions
from pipeline.report.tables.patient_groups import roles
from pipeline.report.tables.sample_size import SampleSizeParams, sample_size_table
from pipeline.statistics.sample_size import r_squared_of_auc, required_patients


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return read_inputs(write_study(tmp_path_factory.mktemp("study")))


def rows(study, **params):
    table = sample_size_table(study, role=roles(study.splits), params=SampleSizeParams(**params))
    check_table(table, SAMPLE_SIZE, place="sample size")
    return table.set_index(["feature_set", "criterion"])


def test_candidates_by_hand(study):
    row = rows(study).loc[("clinical", "all")]

    # age, size_mm with its indicator, one of two levels of sex, multifocality
    assert row["parameters"] == 5
    assert (row["n_train"], row["events_train"], row["n_fit"]) == (60, 18, 30)
    assert row["epp_available"] == pytest.approx(18 / 5)
    assert rows(study).loc[("radiomics", "all"), "parameters"] == 2 * 2  # two features, two views


def test_the_criteria_are_those_of_the_papers(study):
    found = rows(study, r_squared=0.2).loc["clinical"]
    asked = required_patients(5, prevalence=0.3, r_squared=0.2)

    assert found["required_n"].to_dict() == {
        "shrinkage": asked.shrinkage,
        "optimism": asked.optimism,
        "overall_risk": asked.overall_risk,
        "all": asked.required,
    }
    assert found.loc["all", "epp"] == pytest.approx(asked.epp)
    assert set(found["enough"]) == {"no"}
    assert set(found["r_squared_from"]) == {"as given"}


def test_r_squared_can_be_derived_from_an_auc(study):
    assert rows(study, auc=0.8).loc[("clinical", "all"), "r_squared"] == r_squared_of_auc(0.8, prevalence=0.3)


def test_networks_count_by_the_width_of_their_embedding(study):
    wide = {net: [card | {"embedding_width": 64} for card in cards] for net, cards in study.cards.items()}
    unknown, known = rows(study), rows(dataclasses.replace(study, cards=wide))

    assert known.loc[("combined", "all"), "parameters"] == 5 + 4 + 128
    assert unknown["parameters"].isna()[("combined", "all")]
    assert unknown["required_n"].isna()[("combined", "all")]
    assert "no table" in unknown.loc[("combined", "all"), "note"]


def test_regions_count_by_their_columns_and_predicted_masks_as_given_ones(study):
    columns = {"resample": ["final"], "part": ["all"], "image_id": ["0001_long"], "habitat_1_fraction": [1.0]}
    habitats = pd.DataFrame(columns | {"habitat_2_fraction": [np.nan]})  # a number of habitats that none has
    dictionary = pd.concat([study.dictionary, study.dictionary.head(1).assign(feature="ring", block="peritumoral")])
    sets = {"clinical": ["habitat"], "radiomics": ["peritumoral"], "combined": ["radiomics_predicted"]}
    params = study.params | {"fusion": {"sets": sets}}
    found = rows(dataclasses.replace(study, params=params, dictionary=dictionary, regions=Regions(habitats=habitats)))[
        "parameters"
    ]

    assert [found[name, "all"] for name in sets] == [1 * 2, 1 * 2, 2 * 2]  # two views


def test_what_reaches_the_lasso_is_counted(study):
    found = rows(study)

    assert found.loc[("radiomics", "all"), ["n_offered", "n_fitted"]].to_list() == [2, 2]
    assert found.loc[("clinical", "all"), ["n_offered", "n_fitted"]].to_list() == [1, 1]


def test_an_impossible_r_squared_is_refused(study):
    with pytest.raises(PipelineError, match=r"0.9: with 0.300 of the training patients .* stays below 0.705"):
        rows(study, r_squared=0.9)


def test_both_are_refused():
    with pytest.raises(ValidationError, match="keep one of them"):
        SampleSizeParams(r_squared=0.1, auc=0.8)


def test_training_patients_of_one_class_have_no_table(study):
    patients = study.patients.assign(label=1)

    assert len(rows(dataclasses.replace(study, patients=patients))) == 0
