"""Which patients are trained on and which are embedded, by hand on seven patients."""

import pandas as pd
import pytest

from pipeline.embed.strategy import check_jobs, plan_jobs
from pipeline.foundation.errors import CohortError

ROWS = [
    ("cv-1-1", "p1", "train", "a"),
    ("cv-1-1", "p2", "train", "b"),
    ("cv-1-1", "p3", "train", "a"),
    ("cv-1-1", "p4", "train", "b"),
    ("cv-1-1", "p5", "cv", None),
    ("final", "p1", "train", "b"),
    ("final", "p2", "train", "a"),
    ("final", "p3", "train", "b"),
    ("final", "p4", "train", "a"),
    ("final", "p5", "train", "a"),
    ("final", "p6", "internal", None),
    ("final", "p7", "external", None),
]
SPLITS = pd.DataFrame(ROWS, columns=["resample", "patient_id", "role", "half"])
LABELS = {"p1": 1, "p2": 1, "p3": 0, "p4": 0, "p5": 0, "p6": 1, "p7": 0}
GROUPS = {patient: f"g{patient}" for patient in LABELS}


def plan(strategy, splits=SPLITS):
    return {
        job.name: (sorted(job.trained), sorted(job.embedded), sorted(job.scored))
        for job in plan_jobs(splits, strategy=strategy)
    }


def check(strategy="crossfit", *, labels=LABELS, groups=GROUPS, with_image=frozenset(LABELS)):
    check_jobs(plan_jobs(SPLITS, strategy=strategy), labels=labels, groups=groups, with_image=with_image)


def test_crossfit():
    assert plan("crossfit") == {
        "cv-1-1_a": (["p1", "p3"], ["p2", "p4", "p5"], ["p5"]),
        "cv-1-1_b": (["p2", "p4"], ["p1", "p3", "p5"], ["p5"]),
        "final_a": (["p2", "p4", "p5"], ["p1", "p3", "p6", "p7"], ["p6", "p7"]),
        "final_b": (["p1", "p3"], ["p2", "p4", "p5", "p6", "p7"], ["p6", "p7"]),
    }


def test_insample():
    assert plan("insample") == {
        "cv-1-1_all": (["p1", "p2", "p3", "p4"], ["p1", "p2", "p3", "p4", "p5"], ["p5"]),
        "final_all": (["p1", "p2", "p3", "p4", "p5"], [f"p{n}" for n in range(1, 8)], ["p6", "p7"]),
    }


def test_frozen():
    assert plan("frozen") == {"all_all": ([], [f"p{n}" for n in range(1, 8)], [])}


def test_a_training_patient_without_a_half_is_an_error():
    splits = SPLITS.copy()
    splits.loc[1, "half"] = None
    with pytest.raises(CohortError, match=r"resample cv-1-1, patient p2: role train without a half"):
        plan("crossfit", splits)
    assert plan("insample", splits) == plan("insample")


@pytest.mark.parametrize("strategy", ["crossfit", "insample", "frozen"])
def test_a_sound_plan_passes(strategy):
    check(strategy)


def test_a_class_missing_in_a_half_is_one_clear_sentence():
    with pytest.raises(CohortError, match=r"resample cv-1-1, part a: 0 events among 2 training patients"):
        check(labels=LABELS | {"p1": 0})
    with pytest.raises(CohortError, match=r"resample cv-1-1, part a: 1 events among 1 training patients"):
        check(with_image=frozenset(LABELS) - {"p3"})


def test_a_group_on_both_sides_is_an_error():
    with pytest.raises(CohortError, match="resample final, part a: group gp2 is on both sides"):
        check(groups=GROUPS | {"p6": "gp2"})
    # In one resample they share a half, in the other they do not.
    with pytest.raises(CohortError, match="resample cv-1-1, part a: group gp1 is on both sides"):
        check(groups=GROUPS | {"p2": "gp1"})
    check("frozen", groups=GROUPS | {"p6": "gp2"})


def test_unknown_patients_and_nothing_to_embed_are_errors():
    with pytest.raises(CohortError, match="patient p7 is in the splits but not in the patients table"):
        check(labels={patient: label for patient, label in LABELS.items() if patient != "p7"})
    with pytest.raises(CohortError, match="no patient to embed has a usable image"):
        check("frozen", with_image=frozenset({"p9"}))


def test_a_frozen_network_embeds_in_each_resample_if_images_differ_by_resample():
    jobs = plan_jobs(SPLITS, strategy="frozen", by_resample=True)

    assert [(job.resample, job.part) for job in jobs] == [("cv-1-1", "all"), ("final", "all")]
    assert not any(job.trained | job.scored for job in jobs)
    assert jobs[0].embedded == frozenset({"p1", "p2", "p3", "p4", "p5"})
    check_jobs(jobs, labels=LABELS, groups=GROUPS, with_image=frozenset(LABELS))
