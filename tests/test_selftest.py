"""selftest: the parameters, the table of lights, which lights stop the run, and what is tried."""

import pandas as pd
import pytest
from house import ROOT
from study import study_predictions

from pipeline import result_contracts
from pipeline.compare import choose, fold_table
from pipeline.errors import ParamsError
from pipeline.fusion import FusionParams
from pipeline.model_scores import model_scores
from pipeline.params import load_params
from pipeline.plan import PrimaryParams
from pipeline.selftest import SelftestParams, chosen_models, described_patients, failing, selftest_table, training_sites
from pipeline.selftest_inputs import _blocks_to_try
from pipeline.selftests.checks import Check
from pipeline.tables import check_table

PARAMS = load_params(ROOT / "params" / "selftest.yaml", SelftestParams)


def check(name, light):
    return Check(check=name, light=light, title=f"Title {name}", rule="Rule.", finding="Finding.", value=1.0)


def test_fewer_than_twenty_shuffles_are_refused(tmp_path):
    path = tmp_path / "selftest.yaml"
    path.write_text((ROOT / "params" / "selftest.yaml").read_text().replace("shuffles: 20 ", "shuffles: 19 "))
    with pytest.raises(ParamsError, match=r"key .shuffles. has the value 19: .*greater than or equal to 20"):
        load_params(path, SelftestParams)


def test_table_keeps_its_contract():
    table = selftest_table([check("b", "green"), check("a", "grey")])

    check_table(table, result_contracts.SELFTEST, place="selftest")
    assert table["limit"].isna().all()


def test_red_stops_the_run_but_for_insample_networks_that_are_allowed():
    checks = [check("networks_apart", "red"), check("sham_labels", "amber"), check("garbage_rows", "green")]

    def stopped(strategies, *, allow):
        return [one.check for one in failing(checks, strategies=strategies, allow_insample=allow)]

    assert stopped({"insample"}, allow=False) == ["networks_apart"]
    assert stopped({"insample"}, allow=True) == []
    assert stopped({"crossfit"}, allow=True) == ["networks_apart"]  # a leak of another kind is no published practice


def test_networks_are_left_out_of_the_set_that_is_tried():
    fusion = FusionParams.model_validate(
        {"sets": {"deep": ["net"], "all": ["clinical", "radiomics", "net"]}, "match_parts": True}
    )

    def tried(name):
        params = PARAMS.model_copy(update={"feature_set": name})
        return _blocks_to_try(params, fusion=fusion, nets=("net",), place="params/fusion.yaml")

    assert tried("all") == ("clinical", "radiomics")
    with pytest.raises(ParamsError, match="names deep, which has networks only"):
        tried("deep")
    with pytest.raises(ParamsError, match=r"names none, which is not in params/fusion\.yaml; the sets are deep, all"):
        tried("none")


@pytest.mark.parametrize(("evaluation", "expected"), [("internal", "internal"), (None, "external")])
def test_models_are_tried_where_the_primary_comparison_is(evaluation, expected):
    predictions = pd.concat(study_predictions().values(), ignore_index=True)
    models = model_scores(predictions, place="p")
    named = {"feature_set": "combined", "comparator": "clinical", "evaluation": evaluation}
    primary = PrimaryParams.model_validate(named) if evaluation else None
    chosen = choose(fold_table(predictions), models, primary=primary)
    own, first = chosen_models(models, chosen=chosen)

    assert {model.evaluation for model in own} == {expected}
    assert len(own) == len(chosen)
    assert (first.feature_set if first else None) == ("combined" if evaluation else None)


def test_described_patients_are_those_of_the_images():
    cohort = pd.DataFrame({"image_id": ["i1", "i2"], "patient_id": ["p1", "p2"]})
    table = pd.DataFrame({"resample": ["final"], "part": ["a"], "image_id": ["i2"]})

    assert list(described_patients({"net": table}, cohort=cohort)["net"]["patient_id"]) == ["p2"]


def test_unknown_sites_do_not_count():
    patients = pd.DataFrame({"patient_id": list("abc"), "site": ["A", None, "B"]})

    assert training_sites(pd.Series([0, 1], index=["a", "b"]), patients) == 1
    assert training_sites(pd.Series([0, 1], index=["a", "c"]), patients) == 2
