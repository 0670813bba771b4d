"""Which network is trained on whom and predicts whose masks: never one that has seen the patient's group."""

import pytest
from drawn_nodules import drawn_study, splits_of

from pipeline.contracts.reports.segment import OTHER_HALF_MASKS
from pipeline.foundation.errors import CohortError
from pipeline.segment.jobs import check_jobs, segment_jobs


@pytest.fixture
def study(tmp_path):
    _, patients = drawn_study(tmp_path, n=24)
    groups = dict(zip(patients["patient_id"], patients["group_id"], strict=True))
    return splits_of(patients, folds=3), groups


def jobs_of(splits, *, networks=("unet", "trfe"), masks_by="unet", folds_on_test=False):
    return segment_jobs(splits, networks=networks, masks_by=masks_by, folds_on_test=folds_on_test)


@pytest.mark.parametrize("folds_on_test", [False, True])
def test_no_group_of_a_predicted_patient_is_in_the_training_of_its_network(study, folds_on_test):
    splits, groups = study
    for job in jobs_of(splits, folds_on_test=folds_on_test):
        trained = {groups[one] for one in job.trained}
        predicted = {groups[one] for one in (*job.predicted, *job.extra)}

        assert trained, job.name
        assert not trained & predicted, job.name
    check_jobs(jobs_of(splits), outlined=frozenset(groups), groups=groups)


def test_every_patient_of_a_resample_is_predicted_once(study):
    splits, _ = study
    jobs = jobs_of(splits)
    for resample, rows in splits.groupby("resample"):
        masks = [one for job in jobs if (job.network, job.resample) == ("unet", resample) for one in job.predicted]

        assert sorted(masks) == sorted(rows["patient_id"])


def test_part_all_knows_all_training_patients_and_each_half_only_its_own(study):
    splits, _ = study
    by_name = {job.name: job for job in jobs_of(splits)}
    rows = splits[splits["resample"] == "cv-1-2"].set_index("patient_id")

    assert len(by_name) == 4 * (3 + 1)  # only the network whose masks are needed is trained on halves
    assert by_name["unet/cv-1-2_all"].trained == set(rows.index[rows["role"] == "train"])
    assert set(by_name["unet/cv-1-2_all"].predicted) == set(rows.index[rows["role"] == "cv"])
    assert by_name["unet/cv-1-2_a"].trained == set(rows.index[rows["half"] == "a"])
    assert by_name["unet/cv-1-2_a"].predicted == dict.fromkeys(by_name["unet/cv-1-2_b"].trained, OTHER_HALF_MASKS)


def test_without_needed_masks_no_half_is_trained(study):
    assert {job.part for job in jobs_of(study[0], masks_by=None)} == {"all"}


def test_folds_score_the_held_out_cohorts_under_a_name_of_their_own(study):
    splits, _ = study
    jobs = {job.name: job for job in jobs_of(splits, networks=("unet",), folds_on_test=True)}
    internal = {f"P{number:02d}" for number in range(18, 24)}

    assert jobs["unet/cv-1-1_all"].extra == dict.fromkeys(internal, "folds_internal")
    assert not jobs["unet/final_all"].extra
    assert not jobs["unet/cv-1-1_a"].extra
    assert set(jobs["unet/final_all"].predicted.values()) == {"internal"}


def test_final_without_held_out_cohorts_trains_only_what_is_used(study):
    splits = study[0][study[0]["role"] != "internal"]

    assert [job.name for job in jobs_of(splits, networks=("unet",)) if job.resample == "final"] == [
        "unet/final_a",
        "unet/final_b",
    ]


def test_a_training_patient_without_a_half_is_one_sentence(study):
    splits = study[0].copy()
    splits.loc[(splits["resample"] == "final") & (splits["patient_id"] == "P05"), "half"] = None

    with pytest.raises(CohortError, match=r"half of every training patient:\n  - resample final, patient P05: role"):
        jobs_of(splits)


def test_groups_on_both_sides_and_too_few_given_masks_are_listed(study):
    splits, groups = study
    one = splits["resample"] == "final"
    splits.loc[one & (splits["patient_id"] == "P01"), ["role", "half"]] = ["internal", None]
    jobs = jobs_of(splits[one], masks_by=None, networks=("unet",))

    with pytest.raises(CohortError, match="resample final, part all: group P00 is on both sides"):
        check_jobs(jobs, outlined=frozenset(groups), groups=groups)
    with pytest.raises(CohortError, match="resample final, part all: 1 training patients with a given mask"):
        check_jobs(jobs, outlined=frozenset({"P00", "P20"}), groups=groups)
