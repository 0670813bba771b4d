"""Flags on drawn nodules: the study's own kind at about the nominal rate, five wrong inputs always, no row kept."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from flag_study import WRONG, FlagStudy, N, flag_study, measured

from pipeline.contracts.data.predict import FLAGS, SEVERITIES
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.tables import check_table, read_table, write_table
from pipeline.predict.flag_messages import ORDER
from pipeline.predict.flags import References, flags_of, flags_table

NEW = range(200, 260)


@pytest.fixture(scope="module")
def study() -> FlagStudy:
    return flag_study(*measured(range(N)))


@pytest.fixture(scope="module")
def usual() -> tuple[pd.DataFrame, pd.DataFrame]:
    """New patients of the same kind."""
    return measured(NEW)


def test_patients_of_the_same_kind_are_flagged_at_about_the_nominal_rate(study, usual):
    flags = study.flags(*usual)
    rates = Counter((one.flag, one.severity) for one in flags)
    outside = {one.patient_id for one in flags if one.severity == "outside"}

    # Of 60 patients 3 are expected per check (of 7 or more the probability is 3 %), and 0.6 beyond the upper limit.
    assert max([0, *(count for (_, severity), count in rates.items() if severity == "unusual")]) <= 7
    assert len(outside) <= 3
    assert len({one.patient_id for one in flags}) < len(NEW) / 3


@pytest.mark.parametrize("name", WRONG)
def test_every_wrong_input_is_outside(study, name):
    raw, facts = measured(NEW[:6], spoil=WRONG[name])

    outside = {one.patient_id for one in study.flags(raw, facts) if one.severity == "outside"}
    assert outside == set(raw.index)


def test_an_image_that_is_not_spoilt_is_not_outside(study):
    """The same six drawings as they are: the spoiling is what the test above finds."""
    raw, facts = measured(NEW[:6])

    assert [one for one in study.flags(raw, facts) if one.severity == "outside"] == []


def test_single_facts_of_a_patient(study, usual):
    raw, facts = usual
    raw, facts = raw.head(1), facts.head(1).assign(site="Z", mask_source="predicted", spacing_x_mm=0.1)
    clinical = pd.DataFrame({"age": [150], "sex": ["X"]}, index=raw.index)

    found = {(one.flag, one.about): one.severity for one in study.flags(raw, facts, clinical)}
    expected = {("site", "Z"), ("mask_source", "predicted"), ("spacing", "x"), ("clinical_range", "age")}
    assert {key for key, severity in found.items() if severity == "outside"} == expected | {("clinical_level", "sex")}


def test_flags_are_sorted_by_patient_then_severity(study):
    raw, facts = measured(NEW[:4], spoil=WRONG["another organ"])
    found = study.flags(raw, facts.assign(view="other"))

    keys = [(one.patient_id, ORDER.index(one.severity)) for one in found]
    assert keys == sorted(keys)
    assert len(found) > 8


def test_a_patient_without_images_is_flagged_for_its_view(study, usual):
    raw, facts = usual
    nothing = raw.head(1) * np.nan
    reduced = study.z_scores(raw.head(1)) * 0  # imputed

    found = flags_of(
        study.references,
        reduced={"all": reduced},
        raw={("radiomics", "all"): nothing},
        facts=facts.head(0),
        clinical=None,
    )
    assert {one.flag for one in found} == {"view_missing", "imputed"}


def test_sites_may_come_from_the_patients(study, usual):
    raw, facts = usual
    found = flags_of(
        study.references,
        reduced={"all": study.z_scores(raw.head(1))},
        raw={("radiomics", "all"): raw.head(1)},
        facts=facts,
        clinical=study.clinical.head(1).set_index(raw.index[:1]),
        sites={raw.index[0]: "Q"},
    )

    assert ("site", "Q") in {(one.flag, one.about) for one in found}


def test_a_check_without_limits_is_said_not_passed_over(study, usual):
    content = study.references.model_copy(
        update={
            "clouds": study.references.clouds.model_copy(update={"limits": {}}),
            "blocks": study.references.blocks.model_copy(update={"limits": {}}),
            "facts": study.references.facts.model_copy(update={"limits": None}),
        }
    )
    raw, facts = usual
    found = flags_of(
        content,
        reduced={"all": study.z_scores(raw.head(1))},
        raw={("radiomics", "all"): raw.head(1)},
        facts=facts,
        clinical=study.clinical.head(1).set_index(raw.index[:1]),
    )

    names = {"distance", "prototype_distance", "features_outside", "image_facts"}
    assert {one.flag for one in found if one.severity == "note"} == {f"{name}_unchecked" for name in names}


def test_the_table_keeps_its_contract(study, tmp_path):
    raw, facts = measured(NEW[:3], spoil=WRONG["inverted grey"])
    table = flags_table(study.flags(raw, facts))

    check_table(table, FLAGS, place="flags")
    write_table(table, tmp_path / "flags.csv", FLAGS)
    assert len(read_table(tmp_path / "flags.csv", FLAGS)) == len(table)
    check_table(flags_table([]), FLAGS, place="flags")
    assert SEVERITIES == ORDER


def test_the_references_survive_their_text_and_an_altered_one_is_refused(study):
    text = study.references.to_json()

    assert References.from_json(text) == study.references
    with pytest.raises(PipelineError, match=r"blocks.ranges.0.*differ in number"):
        References.from_json(text.replace('"low":[', '"low":[0.0,', 1))
    with pytest.raises(PipelineError, match=r"the whole text: .*make the bundle again"):
        References.from_json(text[:-10])


def test_no_row_of_a_patient_is_in_the_references(study):
    """No three numbers of a patient stand beside each other, as they would in a row that is kept."""
    text = study.references.to_json()

    for patient in study.raw.index:
        for values in (study.raw.loc[patient].to_numpy(), study.z_scores(study.raw).loc[patient].to_numpy()):
            rounded = [f"{value:.6g}" for value in values if value % 1]
            assert not any(",".join(rounded[place : place + 3]) in text for place in range(len(rounded) - 2))
        assert patient not in text


def test_held_out_patients_change_nothing(study):
    """The references of the same training patients, with the other rows spoilt, are the same to the last digit."""
    assert flag_study(study.raw, study.facts, spoilt=True).references.to_json() == study.references.to_json()
    assert len(study.held_out) == N // 4
