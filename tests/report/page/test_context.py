"""page.context: a held-out cohort that is too small to say anything is named where the comparison is judged."""

import copy
import dataclasses

import pytest
from places import ROOT
from study_folder import write_study

from pipeline.foundation.params import load_params
from pipeline.report.inputs import read_inputs
from pipeline.report.params import ReportParams
from pipeline.report.report import make_report

PARAMS = load_params(ROOT / "params" / "report.yaml", ReportParams)
TOO_FEW = "cannot show which of the two is better"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return read_inputs(write_study(tmp_path_factory.mktemp("study")))


@pytest.mark.parametrize(("minimum", "is_small"), [(12, False), (13, True)])  # 12 external patients have the event
def test_a_small_holdout_is_not_said_to_favour_a_model(study, minimum, is_small):
    params = copy.deepcopy(dict(study.params))
    params["cohort"]["tables"]["min_test_class_count"] = minimum

    page = make_report(dataclasses.replace(study, params=params), params=PARAMS).page

    assert (TOO_FEW in page) == is_small
    assert ("interval of the difference lies above zero" in page or "includes zero" in page) == (not is_small)
