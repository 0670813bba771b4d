import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from small_bundle import patients as training
from small_bundle import small_bundle

from pipeline.contracts.data.predict import FLAGS, NEW_CONTRIBUTIONS, NEW_PREDICTIONS
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import CohortError
from pipeline.foundation.tables import check_table
from pipeline.predict.flags import flags_table
from pipeline.predict.new_patients import read_new_patients
from pipeline.predict.prediction import contributions_table, predict

BUNDLE = small_bundle()


def predicted(folder, text, *, bundle=BUNDLE):
    (folder / "new.csv").write_text(text, encoding="utf-8")
    new = read_new_patients(folder / "new.csv", about=bundle.about)
    store = ContentStore(folder / "store", limit_bytes=0)
    return predict(bundle, new, root=folder, folder=folder / "work", spread=map, store=store)


def row(found, patient):
    return found.table.set_index("patient_id").loc[patient]


def test_a_probability_is_the_classifier_recalibrated_and_called_at_the_threshold(tmp_path):
    found = predicted(tmp_path, "patient_id,site,age,sex\n1,A,30,F\n2,A,70,M\n")

    fitted = BUNDLE.model("all")
    table = pd.DataFrame({"age": [30.0, 70.0], "age_missing": 0.0, "sex=F": [1.0, 0.0], "sex=M": [0.0, 1.0]})
    raw = fitted.score(table.add_prefix("clinical."))
    np.testing.assert_allclose(found.table["probability"], expit(0.1 + 0.8 * logit(raw)), rtol=0, atol=1e-12)
    assert found.table["called"].tolist() == ["negative", "positive"]
    assert found.table["score_all"].tolist() == raw.tolist()
    # Of the bootstrap lines 0.0 + 0.8 x and 0.2 + 0.8 x, the 2.5th and 97.5th percentiles.
    ends = expit(np.array([0.0, 0.2])[:, None] + 0.8 * logit(raw))
    np.testing.assert_allclose(found.table["low"], ends[0] + 0.025 * (ends[1] - ends[0]), atol=1e-12)
    np.testing.assert_allclose(found.table["high"], ends[0] + 0.975 * (ends[1] - ends[0]), atol=1e-12)
    check_table(found.table, NEW_PREDICTIONS, place="predictions")


def test_a_patient_alone_gets_the_numbers_of_a_patient_among_many(tmp_path):
    many = predicted(tmp_path, "patient_id,site,age,sex\n1,A,30,F\n2,A,70,M\n3,A,,\n")
    alone = predicted(tmp_path, "patient_id,site,age,sex\n2,A,70,M\n")

    pd.testing.assert_series_equal(row(alone, "2"), row(many, "2"), check_exact=True)


def test_contributions_sum_to_the_log_odds_of_the_classifier(tmp_path):
    found = predicted(tmp_path, "patient_id,site,age,sex\n1,A,30,F\n2,A,70,M\n")

    table = contributions_table(found.explained)
    check_table(table, NEW_CONTRIBUTIONS, place="contributions")
    sums = table.groupby("patient_id")["contribution"].sum() + found.explained.base
    np.testing.assert_allclose(sums, logit(found.table["score_all"].astype(float)), atol=1e-6)
    assert table.loc[table["contribution"].abs().idxmax(), "feature"] == "clinical.age"


def test_a_missing_value_is_imputed_as_in_training_and_said(tmp_path):
    found = predicted(tmp_path, "patient_id,site,age,sex\n1,A,,F\n")

    median = training().loc[:49, "age"].median()
    table = pd.DataFrame({"age": [median], "age_missing": 1.0, "sex=F": 1.0, "sex=M": 0.0}).add_prefix("clinical.")
    assert row(found, "1")["score_all"] == BUNDLE.model("all").score(table)[0]
    assert row(found, "1")["imputed"] == "age"
    assert any("age" in flag.about for flag in found.flags)


def test_an_unknown_category_and_an_absurd_age_are_flagged_as_outside(tmp_path):
    found = predicted(tmp_path, "patient_id,site,age,sex\n1,A,52,X\n2,A,119,F\n3,A,52,F\n")

    check_table(flags_table(found.flags), FLAGS, place="flags")
    severe = {flag.patient_id for flag in found.flags if flag.severity == "outside"}
    assert severe == {"1", "2"}
    assert row(found, "3")["severity"] != "outside"


def test_two_spellings_of_one_id_and_an_impossible_age_stop_the_table(tmp_path):
    with pytest.raises(CohortError, match="the ids 'P1' and 'p1' differ only by"):
        predicted(tmp_path, "patient_id,site,age,sex\np1,A,52,F\nP1,A,53,F\n3,A,54,F\n")
    with pytest.raises(CohortError, match="outside 0 to 120 years"):
        predicted(tmp_path, "patient_id,site,age,sex\n1,A,190,F\n")


def test_other_software_is_a_flag_of_every_patient(tmp_path):
    found = predicted(tmp_path, "patient_id,site,age,sex\n1,A,52,F\n", bundle=small_bundle(code="0" * 64))

    assert [flag.flag for flag in found.flags] == ["software"]
    assert "another version of the pipeline's code" in found.flags[0].message
