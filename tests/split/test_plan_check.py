"""The check of the planned comparison against patients and splits: what fits, and what is refused."""

import pandas as pd
import pytest

from pipeline.foundation.errors import PipelineError
from pipeline.plan.comparison import PrimaryParams
from pipeline.plan.feature_sets import FusionParams
from pipeline.plan.radiomics_use import RadiomicsUse
from pipeline.split.plan_check import check_plan, plan_notes

PATIENTS = pd.DataFrame(
    {
        "patient_id": ["1", "2", "3", "4", "5"],
        "group_id": ["1", "2", "3", "4", "5"],
        "label": [0, 1, 0, 1, 0],
        "site": "A",
        "cohort": None,
        "age": 50,
    }
)
SPLITS = pd.DataFrame(
    {
        "resample": "final",
        "patient_id": PATIENTS["patient_id"],
        "role": ["train", "train", "internal", "internal", "external"],
    }
)
PRIMARY = PrimaryParams(feature_set="combined", comparator="clinical", evaluation="internal")


USE = RadiomicsUse(used=True, outlines=True)


def check(*, patients=PATIENTS, primary=PRIMARY, networks=("carnet",), tables=(), trained=None, plan=None, **sets):
    sets = sets or {"clinical": ["clinical"], "combined": ["clinical", "radiomics", "carnet"]}
    fusion = FusionParams.model_validate({"sets": sets, "match_parts": True})
    plan = {"tested": next(iter(sets)), "filtered": True, "repeated": "perturbation", "use": USE} | (plan or {})
    check_plan(
        SPLITS,
        patients=patients,
        fusion=fusion,
        primary=primary,
        networks=networks,
        trained=networks if trained is None else trained,
        tables=tables,
        **plan,
    )


def test_a_plan_that_fits_passes():
    check()
    check(primary=None, mine=["mine"], tables=["mine"])


def test_only_a_trained_network_has_a_logit():
    check(primary=None, score=["clinical", "carnet_logit"])
    with pytest.raises(
        PipelineError, match=r"'carnet_logit' does not exist; the blocks are clinical, .*, peritumoral, carnet "
    ):
        check(primary=None, score=["clinical", "carnet_logit"], trained=())


def test_an_evaluation_without_both_classes_is_refused_and_the_other_named():
    primary = PRIMARY.model_copy(update={"evaluation": "external"})

    with pytest.raises(PipelineError) as error:
        check(primary=primary)

    assert str(error.value) == (
        "params/compare.yaml: key 'primary.evaluation' names external, but these data have no external patients of "
        "both classes; name internal, or set primary to null"
    )


def test_a_primary_set_that_is_not_defined_is_refused():
    with pytest.raises(PipelineError, match=r"'primary.comparator' names the set clinical.*sets are combined;"):
        check(combined=["radiomics"])


def test_an_unknown_block_and_a_clinical_block_without_columns_are_reported_at_once():
    with pytest.raises(PipelineError, match="2 params do not fit these data") as error:
        check(patients=PATIENTS.drop(columns="age"), networks=())

    assert "block 'carnet' does not exist; the blocks are clinical, radiomics" in str(error.value)
    assert "block 'clinical' has no column" in str(error.value)
    assert "(clinical, combined)" in str(error.value)


@pytest.mark.parametrize(
    ("tested", "message"),
    [
        ("radiomics", "names radiomics, which is not in params/fusion.yaml; the sets are clinical, deep;"),
        ("deep", "'feature_set' names deep, which has networks only; name a set with another block"),
    ],
)
def test_the_set_of_the_self_tests_is_checked_before_the_hours(tested, message):
    with pytest.raises(PipelineError, match=message):
        check(primary=None, clinical=["clinical"], deep=["carnet", "carnet_logit"], plan={"tested": tested})


def test_a_filter_by_agreement_needs_repeated_masks_where_there_are_contours():
    with pytest.raises(PipelineError, match=r"'agreement' asks for .*source is none in params/agreement.yaml"):
        check(plan={"repeated": "none"})
    unused = USE.model_copy(update={"used": False})
    with pytest.raises(PipelineError, match="asks for features that agree between repeated masks"):
        check(primary=None, regions=["habitat"], plan={"repeated": "none", "use": unused})
    check(plan={"repeated": "none", "filtered": False})
    check(plan={"repeated": "none", "use": USE.model_copy(update={"outlines": False})})


def test_what_will_be_passed_over_is_told_beforehand():
    assert plan_notes(USE, blocks=()) == []
    (unused,) = plan_notes(RadiomicsUse(used=False, outlines=False), blocks=())
    (whole,) = plan_notes(RadiomicsUse(used=True, outlines=False), blocks=())

    assert unused.startswith("no set of params/fusion.yaml uses radiomics")
    assert whole.startswith("every mask covers its whole image")
    regions = plan_notes(RadiomicsUse(used=False, outlines=False), blocks=["habitat"])
    assert [note[:10] for note in regions] == [unused[:10], whole[:10]]
    assert "agreement" not in regions[0]
    assert plan_notes(RadiomicsUse(used=False, predicted=True, outlines=True), blocks=()) == []
