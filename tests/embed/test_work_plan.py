"""The work plan: recipes, cohorts and cases by hand."""

import dataclasses

import pandas as pd
from places import ROOT
from tiny_study import TINY, cohort, recipe, splits

from pipeline.embed.params import EmbedParams
from pipeline.embed.strategy import plan_jobs
from pipeline.embed.work_plan import cases_of, cohort_of, normalisation_of, recipe_of
from pipeline.foundation.params import load_params
from pipeline.networks.weights import WeightsParams

STUDY = cohort()


def test_frozen_chunks_hold_whole_batches():
    jobs = plan_jobs(splits(), strategy="frozen")
    cases = cases_of(jobs, cohort=STUDY, batch_size=2)

    assert [len(case.rows) for case in cases] == [32, 16]
    assert [case.name for case in cases] == ["all_all_0", "all_all_1"]


def test_a_network_may_have_a_size_of_its_own():
    params = load_params(ROOT / "params" / "embed.yaml", EmbedParams)

    assert params.input_of("inception3").image_size_px == 299
    assert params.input_of("vit").image_size_px == 224
    assert params.input_of("carnet") == params.input
    assert recipe_of(params, net="inception3", seed=1).input.image_size_px == 299


def test_labels_and_groups_come_from_the_patients_table():
    table = pd.DataFrame({"patient_id": ["007", "8"], "group_id": ["g", "h"], "label": [1.0, 0.0]})
    found = cohort_of(table, inputs=STUDY.inputs)

    assert found.labels == {"007": 1, "8": 0}
    assert found.groups == {"007": "g", "8": "h"}


def test_auto_normalisation_follows_the_weights():
    given = dataclasses.replace(
        TINY, settings=TINY.settings.model_copy(update={"weights": WeightsParams(source="torchvision", name="V1")})
    )

    assert normalisation_of(TINY, recipe()) == "image"
    assert normalisation_of(given, recipe()) == "imagenet"


def test_hash_of_the_cohort_reflects_every_change():
    changed = [
        dataclasses.replace(STUDY, labels=dict(STUDY.labels) | {"P000": 0}),
        dataclasses.replace(STUDY, groups=dict(STUDY.groups) | {"P000": "x"}),
        dataclasses.replace(STUDY, inputs=dataclasses.replace(STUDY.inputs, pixels=STUDY.inputs.pixels + 1)),
    ]

    assert cohort().sha256() == STUDY.sha256()
    assert len({STUDY.sha256(), *(study.sha256() for study in changed)}) == 4
