import subprocess
import sys

import pandas as pd
import pytest
from places import REFERENCE, ROOT
from study_folder import write_results

from pipeline.consistency.consistency import ConsistencyParams, check_own, check_published, printed_table
from pipeline.contracts.reports.compare import METRICS
from pipeline.contracts.reports.consistency import CONSISTENCY, MATRICES
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table

PUBLISHED = REFERENCE / "published"
DEFAULTS = ConsistencyParams()
CELLS = ["tp", "fn", "tn", "fp"]


def check(table, params=DEFAULTS):
    return check_published(table, params=params, place="published.csv")


def published(name):
    return pd.read_csv(PUBLISHED / f"{name}.csv", dtype=str)


@pytest.fixture(scope="module")
def thyroid():
    return check(published("thyroid_nodes"))


def of(result, check):
    found = result.findings
    return found[found["check"] == check]


def test_the_shipped_params_are_the_defaults():
    assert load_params(ROOT / "params" / "consistency.yaml", ConsistencyParams) == DEFAULTS


def test_breast_table_three_models_share_patients_and_the_clinical_one_does_not():
    # BorderlineSMOTE before the split: 30 % of 272 rows are 82, drawn anew for the clinical model.
    result = check(published("breast_ct"))
    smallest = result.matrices[result.matrices["number"] == 1]

    assert smallest[["n_pos", "n_neg"]].to_numpy().tolist() == [[43, 39]] * 3 + [[38, 44]]
    assert smallest[CELLS].to_numpy().tolist() == [[41, 2, 31, 8], [38, 5, 32, 7], [39, 4, 29, 10], [33, 5, 32, 12]]
    assert set(result.matrices["auc"]) == {"without ties"}
    assert not (result.findings["severity"] == "error").any()
    (message,) = of(result, "one_test_set")["message"]
    assert message.endswith("39 without fit rows 2, 3 and 4; row 5 needs 38 and 44 of the same 82 patients.")
    (message,) = of(result, "prevalence")["message"]
    assert "row 5 (clinical) implies 46.2 to 46.5 %, row 2 (T4&T11) 52.2 to 52.7 %" in message


@pytest.mark.parametrize(
    ("row", "pair", "cells"),
    [
        (2, (42, 220), [31, 11, 157, 63]),
        (3, (42, 220), [30, 12, 159, 61]),
        (4, (42, 220), [31, 11, 137, 83]),
        (5, (42, 220), [26, 16, 151, 69]),
        (6, (42, 220), [36, 6, 53, 167]),
        (7, (42, 220), [8, 34, 200, 20]),
        (8, (15, 135), [12, 3, 97, 38]),
        (8, (30, 270), [24, 6, 194, 76]),
        (9, (42, 221), [35, 7, 138, 83]),
    ],
)
def test_thyroid_table_the_matrices_behind_each_row(thyroid, row, pair, cells):
    own = thyroid.matrices[thyroid.matrices["row"] == row]
    found = own[(own["n_pos"] == pair[0]) & (own["n_neg"] == pair[1])]

    assert cells in found[CELLS].to_numpy().tolist()


def test_thyroid_table_npv_is_a_copy_of_sen_and_breaks_five_rows(thyroid):
    matrix = of(thyroid, "matrix")
    (copied,) = of(thyroid, "copied_columns").itertuples()

    assert matrix["rows"].tolist() == ["3", "4", "5", "6", "7"]
    assert set(thyroid.matrices.loc[thyroid.matrices["row"].between(3, 7), "left_out"]) == {"NPV"}
    for message, corrected in zip(matrix["message"], ("0.930", "0.926", "0.904", "0.898", "0.855"), strict=True):
        assert f"NPV {corrected} (printed:" in message
    assert copied.message.startswith("Columns SEN and NPV are equal in rows 3, 4, 5, 6 and 7")
    assert copied.severity == "error"


def test_thyroid_table_single_models_share_a_set_that_is_not_the_combined_models(thyroid):
    (message,) = of(thyroid, "one_test_set")["message"]

    assert "42 with the event and 220 without fit rows 2, 3, 4, 5, 6 and 7; row 8 needs 15 and 135" in message


def test_thyroid_row_does_not_fit_the_declared_cohort_and_the_one_that_fits_is_named():
    row = published("thyroid_nodes").iloc[[0]].assign(n_pos="22", n_neg="128", cohort="internal")
    (message,) = of(check(row), "matrix")["message"]

    assert "no confusion matrix of 150 patients (22 with the event, 128 without) gives" in message
    assert "Other test sets would fit all of it: 262 (42 with the event, 220 without)." in message


def test_recurrence_table_needs_sixty_patients_without_ties():
    (message,) = of(check(published("recurrence")), "test_set_sizes")["message"]

    assert (
        "Without tied scores: 60 (11 with the event, 49 without); 60 (49 with the event, 11 without); 75 (" in message
    )


def test_an_auc_that_declared_sizes_cannot_have():
    table = pd.DataFrame({"model": ["m"], "n_pos": ["2"], "n_neg": ["3"], "SEN": ["0.50"], "AUC": ["0.90"]})
    (found,) = of(check(table), "auc").itertuples()

    assert found.severity == "error"
    assert "AUC 0.90 cannot come from 5 patients (2 with the event, 3 without)" in found.message


def test_a_table_of_cohort_sizes_alone_is_checked_for_its_sums():
    table = pd.DataFrame({"cohort": ["a", "b", "total"], "n_pos": ["3", "4", "8"], "n_neg": ["5", "6", ""]})
    result = check(table)

    assert result.findings["message"].tolist() == ["n_pos of rows 2 and 3 add up to 7, but row 4 has 8."]
    assert len(result.matrices) == 0


def test_truncated_figures_are_distinguished_from_rounded_ones():
    # 2 of 3 truncated to .66, 5 of 6 to .83
    table = pd.DataFrame({"n_pos": ["3"], "n_neg": ["6"], "SEN": ["0.66"], "SPE": ["0.83"]})
    result = check(table)

    assert result.matrices["rounding"].tolist() == ["truncation"]
    assert "only if they were truncated" in of(result, "matrix")["message"].iloc[0]


def test_a_declared_total_is_divided_into_classes_by_the_search():
    # 41 of 43 and 31 of 39
    table = pd.DataFrame({"n": ["82"], "ACC": ["87.8"], "SEN": ["95.3"], "SPE": ["79.5"]})
    (message,) = of(check(table), "test_set_sizes")["message"]

    assert message.startswith("Row 2: of any division of 82 patients into those with the event and those without, 1")
    assert message.endswith("82 (43 with the event, 39 without).")


def test_a_study_without_test_patients_has_nothing_to_check(predictions, tmp_path):
    write_results(predictions[predictions["evaluation"] == "cv"], tmp_path, primary=None)
    result = check_own(read_table(tmp_path / "metrics.csv", METRICS), params=DEFAULTS, place="metrics.csv")

    assert len(result.findings) == len(result.matrices) == 0


def test_our_own_printed_table_holds(tmp_path, predictions):
    write_results(predictions, tmp_path)
    metrics = read_table(tmp_path / "metrics.csv", METRICS)
    table = printed_table(metrics)
    result = check(table)

    assert set(table["cohort"]) == {"internal", "external"}
    assert table["SEN"].str.fullmatch(r"[01]\.\d{3}").all()
    assert set(result.findings["severity"]) <= {"warning"}
    assert set(result.matrices["row"]) == set(range(2, len(table) + 2))
    assert len(result.matrices) == len(table)
    wide = metrics.pivot_table(index=["feature_set", "model", "evaluation"], columns="metric", values="estimate")
    assert result.matrices[CELLS].to_numpy().tolist() == wide[CELLS].dropna().astype(int).to_numpy().tolist()


@pytest.fixture
def predictions():
    from study import study_predictions

    return pd.concat(study_predictions().values(), ignore_index=True)


def run(*flags):
    command = [sys.executable, "-m", "stages.consistency", *(str(flag) for flag in flags)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_stage_checks_a_published_table_without_params(tmp_path):
    done = run("--table", PUBLISHED / "breast_ct.csv", "--out", tmp_path)
    findings = read_table(tmp_path / "consistency.csv", CONSISTENCY)

    assert done.returncode == 0
    assert done.stderr.splitlines()[-1].endswith("contradictions: 0, doubts: 2; every one is in consistency.csv")
    assert findings["number"].tolist() == list(range(1, len(findings) + 1))
    assert len(read_table(tmp_path / "matrices.csv", MATRICES)) == 20


def test_stage_checks_our_metrics(tmp_path, predictions):
    write_results(predictions, tmp_path)
    done = run("--params", "params/consistency.yaml", "--metrics", tmp_path / "metrics.csv", "--out", tmp_path)

    assert done.returncode == 0
    assert done.stderr.strip().endswith("no figure contradicts another")


def test_stage_reports_in_a_sentence_what_cannot_be_read(tmp_path):
    (tmp_path / "t.csv").write_text("model,kappa\na,0.5\n", encoding="utf-8")
    for table, message in (
        (tmp_path / "t.csv", "none of the columns"),
        (tmp_path / "absent.csv", "there is no such table"),
    ):
        done = run("--table", table, "--out", tmp_path)

        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr
