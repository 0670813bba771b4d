"""The check of the planned comparison against patients and splits: what fits, and what is refused."""

import pandas as pd
import pytest

from pipeline.foundation.errors import PipelineError
from pipeline.plan.comparison import PrimaryParams
from pipeline.plan.feature_sets import FusionParams
from pipeline.split.plan_check import check_plan

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


def check(*, patients=PATIENTS, primary=PRIMARY, networks=("carnet",), tables=(), trained=True, **sets):
    sets = sets or {"clinical": ["clinical"], "combined": ["clinical", "radiomics", "carnet"]}
    fusion = FusionParams.model_validate({"sets": sets, "match_parts": True})
    check_plan(
        SPLITS, patients=patients, fusion=fusion, primary=primary, networks=networks, trained=trained, tables=tables
    )


def test_a_plan_that_fits_passes():
    check()
    check(primary=None, mine=["mine"], tables=["mine"])


def test_only_a_trained_network_has_a_logit():
    check(primary=None, score=["clinical", "carnet_logit"])
    with pytest.raises(
        PipelineError, match="'carnet_logit' does not exist; the blocks are clinical, radiomics, carnet "
    ):
        check(primary=None, score=["clinical", "carnet_logit"], trained=False)


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

    assert "block 'carnet' does not exist; the blocks are clinical, radiomics (" in str(error.value)
    assert "block 'clinical' has no column" in str(error.value)
    assert "(clinical, combined)" in str(error.value)
