"""own_tables: the tables of a small study, by hand."""

import pytest
from places import ROOT
from study_folder import write_study

from pipeline.foundation.params import load_params
from pipeline.report.inputs import read_inputs
from pipeline.report.own_tables import report_tables
from pipeline.report.params import ReportParams


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    params = load_params(ROOT / "params" / "report.yaml", ReportParams)
    return report_tables(read_inputs(write_study(tmp_path_factory.mktemp("study"))), params=params)


def test_flow_sums(tables):
    flow = tables["flow"].set_index("step")["n"]

    assert flow["patients_source"] == 131
    assert flow["patients_source"] - flow["patients_left"] == flow["patients"] == 130
    for what in ("patients", "events", "images"):
        assert sum(flow[f"{name}_{what}"] for name in ("train", "internal", "external")) == flow[what]
    assert flow["rois"] + flow["rois_failed"] == flow["images"]


def test_baseline_by_hand(tables):
    table = tables["baseline"].set_index(["variable", "level", "cohort"])

    assert table.loc[("outcome", "event", "external"), "n"] == 12
    assert table.loc[("outcome", "event", "external"), "fraction"] == pytest.approx(0.3)
    assert table.loc[("size_mm", "missing", "train"), "n"] == 6  # every tenth of the first sixty
    assert table.loc[("sex", "male", "train"), "n"] == 20  # every third
    categories = table[table["kind"] == "category"].reset_index()
    for _, rows in categories.groupby(["variable", "cohort"]):
        assert rows["fraction"].sum() == pytest.approx(1)
    # Ages of the training patients: 30 to 69 once, then 30 to 49 again.
    ages = sorted([*range(30, 70), *range(30, 50)])
    assert table.loc[("age", "value", "train"), "median"] == (ages[29] + ages[30]) / 2
