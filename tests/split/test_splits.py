"""The splits: what each resample holds, grouping and stratification, and what is refused."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT

from pipeline.contracts.data.cohort import COHORT, PATIENTS
from pipeline.contracts.data.split import SPLITS
from pipeline.foundation.errors import CohortError, ParamsError
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.selftest.dates import dates_check
from pipeline.split.splits import SplitParams, split_table

PARAMS = SplitParams(folds=5, repeats=2, holdout_fraction=0.25)


def cohort_of(n=120, *, cohorts=True, events=0.3, group_size=1):
    place = np.arange(n)
    names = np.array(["train", "train", "train", "internal", "external"])
    table = pd.DataFrame({"patient_id": [f"P{number:04d}" for number in place]})
    table["group_id"] = [f"G{number // group_size:04d}" for number in place]
    table["label"] = (place // group_size % 10 < 10 * events).astype(int)
    table["site"] = "A"
    table["cohort"] = names[place // 10 % 5] if cohorts else None
    return table


def test_resamples_and_roles_of_given_cohorts():
    patients = cohort_of()
    table = split_table(patients, params=PARAMS, seed=1)

    names = [f"cv-{repeat}-{fold}" for repeat in (1, 2) for fold in range(1, 6)] + ["final"]
    assert list(table["resample"].unique()) == names
    final = table[table["resample"] == "final"].set_index("patient_id")["role"]
    assert (final == patients.set_index("patient_id")["cohort"]).all()
    training = set(patients.loc[patients["cohort"] == "train", "patient_id"])
    for name, rows in table[table["resample"] != "final"].groupby("resample"):
        assert set(rows["patient_id"]) == training, name
        assert set(rows["role"]) == {"train", "cv"}


def test_names_are_padded_to_equal_width():
    table = split_table(cohort_of(400), params=SplitParams(folds=10, repeats=10, holdout_fraction=0), seed=1)

    assert {"cv-01-01", "cv-10-10"} < set(table["resample"])


def test_every_training_patient_is_tested_once_per_repeat():
    table = split_table(cohort_of(), params=PARAMS, seed=1)
    tested = table[table["role"] == "cv"]

    for repeat in ("cv-1", "cv-2"):
        counts = tested[tested["resample"].str.startswith(repeat)]["patient_id"].value_counts()
        assert set(counts) == {1}
        assert len(counts) == 80
    first, again = (set(tested.loc[tested["resample"] == name, "patient_id"]) for name in ("cv-1-1", "cv-2-1"))
    assert first != again


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), group_size=st.integers(1, 3), cohorts=st.booleans())
def test_groups_stay_whole_and_classes_are_balanced(seed, group_size, cohorts):
    patients = cohort_of(180, cohorts=cohorts, group_size=group_size)
    # Whole groups in one cohort: blocks of ten patients are not blocks of groups.
    patients["cohort"] = patients.groupby("group_id")["cohort"].transform("first")
    about = patients.set_index("patient_id")
    table = split_table(patients, params=SplitParams(folds=3, repeats=1, holdout_fraction=0.2), seed=seed)
    table["group_id"] = about.loc[table["patient_id"], "group_id"].to_numpy()
    table["label"] = about.loc[table["patient_id"], "label"].to_numpy()

    for _, rows in table.groupby("resample"):
        assert rows.groupby("group_id")["role"].nunique().max() == 1
        assert rows.groupby("group_id")["half"].nunique(dropna=False).max() == 1
        train = rows[rows["role"] == "train"]
        assert train["half"].notna().all()
        assert rows.loc[rows["role"] != "train", "half"].isna().all()
        for label in (0, 1):
            counts = train[train["label"] == label].groupby("half").size()
            assert abs(counts["a"] - counts["b"]) <= group_size
    folds = table[table["role"] == "cv"]
    for label in (0, 1):
        counts = folds[folds["label"] == label].groupby("resample").size()
        assert len(counts) == 3
        assert counts.max() - counts.min() <= group_size


def test_holdout_is_stratified_and_only_if_no_cohort_is_given():
    patients = cohort_of(200, cohorts=False, events=0.3)
    table = split_table(patients, params=PARAMS, seed=3)
    final = table[table["resample"] == "final"].merge(patients[["patient_id", "label"]])

    assert final.groupby("role").size().to_dict() == {"internal": 50, "train": 150}
    assert final[final["role"] == "internal"]["label"].sum() == 15


def test_no_holdout_means_all_train():
    table = split_table(cohort_of(cohorts=False), params=SplitParams(folds=5, repeats=1, holdout_fraction=0), seed=3)

    assert set(table.loc[table["resample"] == "final", "role"]) == {"train"}


def dated(patients):
    """The same patients, dated day by day in their order, with every third date by month."""
    days = pd.date_range("2020-01-01", periods=len(patients), freq="7D").strftime("%Y-%m-%d")
    return patients.assign(date=[day[: 7 if n % 3 == 0 else 10] for n, day in enumerate(days)])


def test_holdout_latest_draws_the_last_patients_and_random_never_reads_dates():
    patients = dated(cohort_of(200, cohorts=False))
    table = split_table(patients, params=PARAMS.model_copy(update={"holdout": "latest"}), seed=3)
    final = table[table["resample"] == "final"].set_index("patient_id")["role"]

    assert dates_check(patients, splits=table).light == "green"
    assert (final == "internal").sum() == 50
    assert set(final.index[final == "internal"]) - set(patients["patient_id"].iloc[-53:]) == set()
    random = split_table(patients, params=PARAMS, seed=3)
    pd.testing.assert_frame_equal(random, split_table(patients.drop(columns="date"), params=PARAMS, seed=3))
    assert dates_check(patients, splits=random).light == "amber"


def test_holdout_latest_needs_dates_only_if_it_draws():
    latest = PARAMS.model_copy(update={"holdout": "latest"})

    with pytest.raises(CohortError, match="120 of 120 patients have no date"):
        split_table(cohort_of(cohorts=False), params=latest, seed=1)
    assert split_table(cohort_of(), params=latest, seed=1).equals(split_table(cohort_of(), params=PARAMS, seed=1))


def test_neither_features_nor_row_order_nor_test_patients_affect_a_training_patient():
    patients = cohort_of()
    first = split_table(patients, params=PARAMS, seed=1)
    noisy = patients.assign(age=np.arange(120)[::-1], site="B").sample(frac=1, random_state=5)
    held_out = noisy["cohort"] != "train"
    noisy.loc[held_out, "label"] = 1 - noisy.loc[held_out, "label"]
    noisy = noisy[noisy["cohort"] != "external"]
    second = split_table(noisy, params=PARAMS, seed=1)

    kept = first[first["role"] != "external"].reset_index(drop=True)
    pd.testing.assert_frame_equal(second.reset_index(drop=True), kept)


def test_seed_decides():
    patients = cohort_of()

    assert split_table(patients, params=PARAMS, seed=1).equals(split_table(patients, params=PARAMS, seed=1))
    assert not split_table(patients, params=PARAMS, seed=1).equals(split_table(patients, params=PARAMS, seed=2))


def test_half_empty_cohort_is_refused():
    patients = cohort_of()
    patients.loc[3:5, "cohort"] = None

    with pytest.raises(CohortError, match="3 of 120 patients have no cohort, first P0003"):
        split_table(patients, params=PARAMS, seed=1)


def test_group_across_cohorts_is_refused():
    patients = cohort_of()
    patients.loc[[0, 35], "group_id"] = "G9999"

    with pytest.raises(CohortError, match=r"group G9999 \(P0000, P0035\) lies in internal and train"):
        split_table(patients, params=PARAMS, seed=1)


def test_no_training_cohort_is_refused():
    with pytest.raises(CohortError, match="no patient is in the cohort train"):
        split_table(cohort_of().assign(cohort="external"), params=PARAMS, seed=1)


def test_too_few_events_are_one_sentence_with_numbers():
    patients = cohort_of(60, cohorts=False, events=0)
    patients.loc[:3, "label"] = 1

    with pytest.raises(CohortError) as caught:
        split_table(patients, params=SplitParams(folds=5, repeats=1, holdout_fraction=0), seed=1)

    message = str(caught.value)
    assert "4 events and 56 non-events" in message
    assert "lower folds to 4" in message
    assert "\n" not in message
    split_table(patients, params=SplitParams(folds=4, repeats=1, holdout_fraction=0), seed=1)


PLAN = ("common", "fusion", "compare", "embed", "agreement", "reduce", "selftest")


def run(tmp_path, params, *, patients=None, **others):
    (tmp_path / "split.yaml").write_text(params, encoding="utf-8")
    table = cohort_of() if patients is None else patients
    write_table(table.assign(age=50), tmp_path / "patients.csv", PATIENTS)
    (tmp_path / "blocks").mkdir()
    write_table(COHORT.empty(), tmp_path / "cohort.csv", COHORT)
    paths = {"params": tmp_path / "split.yaml", "blocks": tmp_path / "blocks"}
    paths |= {name: ROOT / "params" / f"{name}.yaml" for name in PLAN}
    paths |= {
        "patients": tmp_path / "patients.csv",
        "splits": tmp_path / "splits.csv",
        "cohort": tmp_path / "cohort.csv",
        "settings": tmp_path / "settings",
        "planned": tmp_path / "networks" / "planned.json",
        **others,
    }
    flags = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    command = [sys.executable, "-m", "stages.split", *flags, "--min-test-class-count", "10"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_stage_writes_the_table(tmp_path):
    done = run(tmp_path, (ROOT / "params" / "split.yaml").read_text(encoding="utf-8"))

    assert done.returncode == 0, done.stderr
    assert "120 patients (80 train, 20 internal, 20 external), 6 resamples" in done.stderr
    assert len(read_table(tmp_path / "splits.csv", SPLITS)) == 5 * 80 + 120
    written = {file.stem for file in (tmp_path / "settings").glob("*.json")}
    assert written == {"densenet121", "carnet", "radiomics"}
    assert json.loads((tmp_path / "networks" / "planned.json").read_text("utf-8")) == ["densenet121", "carnet"]


def test_stage_warns_of_a_drawn_holdout_that_is_too_small_to_say_anything(tmp_path):
    params = "folds: 2\nrepeats: 1\nholdout_fraction: 0.1\n"
    compare = (ROOT / "params" / "compare.yaml").read_text(encoding="utf-8")
    (tmp_path / "compare.yaml").write_text(compare.replace("evaluation: external", "evaluation: internal"))
    done = run(tmp_path, params, patients=cohort_of().assign(cohort=None), compare=tmp_path / "compare.yaml")

    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "warning" in line]
    assert "the drawn cohort internal has " in line
    assert "fewer than 10 of one (min_test_class_count in params/cohort.yaml)" in line


def test_stage_refuses_a_wrong_value_in_one_sentence(tmp_path):
    done = run(tmp_path, "folds: 1\nrepeats: 1\nholdout_fraction: 0.2\n")

    assert done.returncode == 1
    assert "key 'folds' has the value 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_given_folds_are_those_of_the_resamples():
    patients = cohort_of()
    training = patients["cohort"] == "train"
    patients["fold"] = pd.array(np.where(training, np.arange(len(patients)) % 3, 0), dtype="Int64")
    patients.loc[~training, "fold"] = pd.NA
    table = split_table(patients, params=SplitParams(folds="given", repeats=1, holdout_fraction=0), seed=1)

    assert list(table["resample"].unique()) == [*(f"cv-1-{number}" for number in range(1, 4)), "final"]
    fold = patients.set_index("patient_id")["fold"]
    for number in range(3):
        held_out = table[(table["resample"] == f"cv-1-{number + 1}") & (table["role"] == "cv")]
        assert set(fold[held_out["patient_id"]]) == {number}
    assert (table["role"] == "cv").sum() == training.sum()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("folds: drawn\nrepeats: 1", r"key 'folds' has the value 'drawn': it must be a whole number from 2 to 20, or"),
        ("folds: true\nrepeats: 1", r"key 'folds' has the value True: it must be a whole number"),
        ("folds: given\nrepeats: 2", r"key 'repeats' has the value 2, and given folds are not redrawn; set it to 1$"),
    ],
)
def test_folds_are_a_number_or_given(text, message, tmp_path):
    (tmp_path / "split.yaml").write_text(f"{text}\nholdout_fraction: 0\n")
    with pytest.raises(ParamsError, match=message):
        load_params(tmp_path / "split.yaml", SplitParams)
