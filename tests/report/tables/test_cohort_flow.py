"""The cohort flow and the missing values: sums that hold, and are checked."""

import dataclasses

import pandas as pd
import pytest
from study_folder import write_study

from pipeline.contracts.reports.report import FLOW, MISSING
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.tables import check_table
from pipeline.report.inputs import read_inputs
from pipeline.report.tables.cohort_flow import flow_table
from pipeline.report.tables.missing_values import missing_table
from pipeline.report.tables.patient_groups import roles


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return read_inputs(write_study(tmp_path_factory.mktemp("study")))


def with_audit(study, *rows):
    columns = ["scope", "id", "check", "severity", "message"]
    return dataclasses.replace(study, audit=pd.DataFrame([(*row, "info", "gone") for row in rows], columns=columns))


def test_a_case_that_two_rules_name_is_counted_once(study):
    rows = [("patient", "0900", "dropped_unlabelled"), ("patient", "0900", "dropped_no_outline")]
    rows += [("image", "x", "excluded"), ("image", "y", "excluded")]
    flow = flow_table(with_audit(study, *rows), role=roles(study.splits))
    check_table(flow, FLOW, place="flow")
    n = flow.set_index("step")["n"]

    assert (n["patients_source"], n["patients_left"], n["patients"]) == (131, 1, 130)
    assert n["patients_unlabelled"] == 1
    assert "patients_no_outline" not in n
    assert n["images_left"] == n["images_excluded"] == 2


def test_an_excluded_patient_who_is_analysed_is_refused(study):
    with pytest.raises(PipelineError, match="minus those excluded: the parts sum to 129, not 130"):
        flow_table(with_audit(study, ("patient", "0001", "excluded")), role=roles(study.splits))


def test_a_patient_without_a_cohort_is_refused(study):
    role = roles(study.splits).drop("0001")

    with pytest.raises(PipelineError, match="events of the cohorts"):
        flow_table(study, role=role)


def test_boxes_of_the_figure(study):
    flow = flow_table(study, role=roles(study.splits))

    assert set(flow["place"]) == {"source", "left", "analysed", "train", "internal", "external"}
    patients = flow[(flow["unit"] == "patients") & flow["place"].isin(["train", "internal", "external"])]
    assert list(patients["n"]) == [60, 30, 40]


def test_missing_values_by_hand(study):
    one_view = study.cohort[study.cohort["image_id"] != "0001_trans"]
    rois = study.rois[study.rois["image_id"] != "0001_trans"]
    table = missing_table(dataclasses.replace(study, cohort=one_view, rois=rois), role=roles(study.splits))
    check_table(table, MISSING, place="missing")
    rows = table.set_index(["kind", "variable", "cohort"])

    assert rows.loc[("column", "size_mm", "train"), ["n", "n_missing"]].to_list() == [60, 6]
    assert rows.loc[("column", "size_mm", "train"), "fraction"] == pytest.approx(0.1)
    assert rows.loc[("view", "trans", "all"), ["n", "n_missing"]].to_list() == [130, 1]
    assert rows.loc[("view", "long", "all"), "n_missing"] == 0
    # 0004_trans has no region, 0005_trans no radiomics.
    assert rows.loc[("region", "trans", "all"), ["n", "n_missing"]].to_list() == [129, 2]
