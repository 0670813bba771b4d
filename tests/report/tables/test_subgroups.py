"""Subgroups: levels by hand, AUCs of the patients of a level alone, too few patients, interaction, wrong params."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from study_folder import write_study

from pipeline.contracts.reports.compare import PRIMARY
from pipeline.contracts.reports.report import SUBGROUP_TESTS, SUBGROUPS
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.tables import check_table
from pipeline.predictions.model_scores import model_scores
from pipeline.report.inputs import read_inputs
from pipeline.report.tables.patient_groups import roles
from pipeline.report.tables.subgroup_levels import SubgroupParams, subgroups
from pipeline.report.tables.subgroups import subgroup_tables
from pipeline.statistics.auc_tests import unpaired_test
from pipeline.statistics.roc import placements


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return read_inputs(write_study(tmp_path_factory.mktemp("study")))


def params(*columns, minimum=3):
    return SubgroupParams.model_validate({"columns": list(columns) or None, "min_patients": minimum})


def tables(study, *columns, minimum=3):
    made = subgroup_tables(study, role=roles(study.splits), params=params(*columns, minimum=minimum))
    for table, contract in zip(made, (SUBGROUPS, SUBGROUP_TESTS), strict=True):
        check_table(table, contract, place=contract.name)
    return made


def primary(study, evaluation):
    chosen = study.results["chosen"].set_index("role").loc["primary"]
    models = model_scores(study.predictions[chosen["feature_set"]], place="p.csv")
    return next(m for m in models if (m.model, m.evaluation) == (chosen["model"], evaluation))


def test_each_level_is_the_auc_of_its_patients(study):
    levels, tests = tables(study, {"column": "sex"})
    rows = levels.set_index(["evaluation", "variable", "level"])
    model = primary(study, "external")
    sex = study.patients.set_index("patient_id")["sex"].loc[list(model.ids)].to_numpy()
    placed = {
        name: placements(model.scores[sex == name], labels=model.labels[sex == name]) for name in ("female", "male")
    }

    for name, own in placed.items():
        assert rows.loc[("external", "sex", name), "auc"] == own.auc[0]
    test = unpaired_test(placed["female"], placed["male"])
    found = tests.set_index(["evaluation", "variable"]).loc[("external", "sex")]
    assert found["p_value"] == test.p_value
    assert (found["test"], found["n_levels"], found["declared"]) == ("DeLong, unpaired", 2, "yes")


def test_all_patients_are_as_in_the_tables_of_compare(study):
    levels, _ = tables(study, {"column": "sex"})
    row = levels.set_index(["evaluation", "variable"]).loc[("external", "all")]
    metrics = study.results["metrics"].set_index(["feature_set", "model", "evaluation", "metric"])
    auc = metrics.loc[(row["feature_set"], row["model"], "external", "auc")]
    delong = study.results["delong"]
    test = delong[delong["family"] == PRIMARY].iloc[0]

    assert row[["auc", "ci_low", "ci_high"]].to_list() == pytest.approx(
        auc[["estimate", "ci_low", "ci_high"]].to_list()
    )
    assert row[["difference", "difference_low", "difference_high"]].to_list() == pytest.approx(
        test[["difference", "ci_low", "ci_high"]].to_list()
    )


def test_patients_of_the_levels_sum(study):
    levels, _ = tables(study)
    whole = levels[levels["variable"] == "all"].set_index("evaluation")
    parts = levels[levels["variable"] != "all"].groupby(["evaluation", "variable"])[["n", "n_pos", "n_neg"]].sum()

    assert set(parts.index.get_level_values("variable")) == {"site", "sex", "age", "size_mm", "multifocality"}
    for (evaluation, _), row in parts.iterrows():
        assert row.to_list() == whole.loc[evaluation, ["n", "n_pos", "n_neg"]].to_list()
    assert "missing" in set(levels.loc[levels["variable"] == "size_mm", "level"])
    assert set(levels["declared"]) == {"no"}


def test_a_number_is_cut_at_the_training_median_or_the_given_value(study):
    role = roles(study.splits)
    given = [{"column": "age"}, {"column": "size_mm", "cut": 10}]
    age, size = subgroups(study.patients, role=role, params=params(*given))
    train = study.patients["patient_id"].map(role) == "train"

    assert age.cut == study.patients.loc[train, "age"].median()
    assert list(size.levels) == ["below 10", "10 or more", "missing"]
    known = study.patients.set_index("patient_id")["size_mm"]
    assert size.levels["10 or more"].sum() == (known >= 10).sum()


def test_difference_to_the_comparator_is_tested_across_the_levels(study):
    levels, tests = tables(study, {"column": "sex"})
    rows = levels[(levels["evaluation"] == "external") & (levels["variable"] == "sex")]
    spread = ((rows["difference_high"] - rows["difference_low"]) / (2 * norm.ppf(0.975))) ** 2
    found = tests.set_index("evaluation").loc["external"]

    # Of two levels, Q is the squared difference of the differences over the sum of their variances.
    assert found["difference_q"] == pytest.approx(rows["difference"].diff().iloc[-1] ** 2 / spread.sum())
    assert (found["difference_df"], found["difference_n_levels"], found["difference_remark"]) == (1, 2, "")


def test_levels_where_both_models_rank_alike_are_excluded_from_the_test_of_the_difference(study):
    other = study.predictions[study.results["chosen"].set_index("role").loc["comparator", "feature_set"]]
    own = study.predictions["combined"]
    model = study.results["chosen"].set_index("role").loc["comparator", "model"]
    same = other[(other["model"] == model) & (other["evaluation"] == "external")].set_index("patient_id")["score"]
    male = set(study.patients.loc[study.patients["sex"] == "male", "patient_id"])
    alike = own["patient_id"].isin(male) & (own["evaluation"] == "external")
    changed = own.assign(score=own["score"].where(~alike, own["patient_id"].map(same)))
    _, tests = tables(
        dataclasses.replace(study, predictions=study.predictions | {"combined": changed}), {"column": "sex"}
    )
    found = tests.set_index("evaluation").loc["external"]

    assert np.isnan(found["difference_p_value"])
    assert found["difference_n_levels"] == 1
    assert found["difference_remark"] == "excluded, as the difference has no variance there: 1 of 2 levels"


def test_too_few_patients_have_a_row_and_a_reason(study):
    levels, tests = tables(study, {"column": "sex"}, minimum=6)
    row = levels.set_index(["evaluation", "level"]).loc[("internal", "male")]

    assert (row["n_pos"] < 6, np.isnan(row["auc"])) == (True, True)
    assert row["reason"] == "too few: an AUC needs 6 patients with the event and 6 without"
    assert tests.set_index("evaluation").loc["internal", "remark"] == "fewer than two subgroups have enough patients"


def test_holm_over_the_variables_of_an_evaluation(study):
    _, tests = tables(study)
    own = tests[tests["evaluation"] == "external"]

    for start in ("", "difference_"):
        tested = own.dropna(subset=f"{start}p_value").sort_values(f"{start}p_value")
        p, adjusted = tested[f"{start}p_value"], tested[f"{start}p_holm"]

        assert len(tested) > 2
        assert adjusted.iloc[0] == pytest.approx(min(1, len(tested) * p.iloc[0]))
        assert (adjusted >= p).all()


def test_perfect_levels_have_an_interval_and_a_warning(study):
    own = study.predictions["combined"]
    male = set(study.patients.loc[study.patients["sex"] == "male", "patient_id"])
    score = own["score"].where(~own["patient_id"].isin(male), 0.1 + 0.8 * own["label"])
    changed = dataclasses.replace(study, predictions=study.predictions | {"combined": own.assign(score=score)})
    levels, tests = tables(changed, {"column": "sex"})
    row = levels.set_index(["evaluation", "level"]).loc[("external", "male")]

    assert row["auc"] == 1
    assert row["ci_low"] < 1
    assert row["ci_method"].startswith("Newcombe")
    assert "may be too small" in tests.set_index("evaluation").loc["external", "remark"]


def test_without_a_primary_model_there_are_no_rows(study):
    chosen = study.results["chosen"].assign(role=None)
    levels, tests = tables(dataclasses.replace(study, results=study.results | {"chosen": chosen}), {"column": "sex"})

    assert (len(levels), len(tests)) == (0, 0)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([{"column": "smoking"}], "'smoking' is not in the patients table; its columns are: site, sex, age"),
        ([{"column": "sex", "cut": 3}], "'sex' is a category and has no cut"),
        ([{"column": "sex"}, {"column": "sex"}], "'sex' is named twice"),
        ([{"column": "late"}], "no value in the training patients, and so no median"),
        ([{"column": "note"}], "'note' is text with more than 8 different values"),
    ],
)
def test_wrong_columns_are_refused(study, columns, message):
    late = np.where(study.patients["cohort"] == "train", np.nan, np.arange(len(study.patients)))
    patients = study.patients.assign(late=late, note=[f"free text {n}" for n in range(len(study.patients))])

    with pytest.raises(PipelineError, match=message):
        subgroups(patients, role=roles(study.splits), params=params(*columns))


def test_a_column_that_forms_no_subgroups_is_omitted_unless_named(study):
    late = np.where(study.patients["cohort"] == "train", np.nan, np.arange(len(study.patients)))
    patients = study.patients.assign(same="x", late=late)
    found = subgroups(patients, role=roles(study.splits), params=params())

    assert not {"same", "late"} & {one.name for one in found}
    assert pd.Series(
        subgroups(patients, role=roles(study.splits), params=params({"column": "same"}))[0].levels["x"]
    ).all()


def test_a_category_spelled_missing_is_a_level_beside_the_missing_values(study):
    grade = np.array(["missing", "high", None], dtype=object)[np.arange(len(study.patients)) % 3]
    patients = study.patients.assign(grade=grade)
    (found,) = subgroups(patients, role=roles(study.splits), params=params({"column": "grade"}))

    assert list(found.levels) == ["high", "missing (value)", "missing"]
    assert sum(inside.sum() for inside in found.levels.values()) == len(patients)
