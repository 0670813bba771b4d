"""Garbage rows: different test patients change nothing; a step that uses them is detected."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from sham_study import recipe, tables

from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.predictions.operating_point import operating_points
from pipeline.reduce import reduced as reduce
from pipeline.reduce.blocks import clinical_block
from pipeline.selftest import garbage_rows
from pipeline.selftest.garbage_rows import NOISE, REAL, REMOVED, garbage_check, held_out_patients, noise, spoilt_studies


def found(study, *, folder):
    studies, work = spoilt_studies(study, recipe=recipe(), store=CheckpointStore(folder, key="k"))
    return garbage_check([work(one) for one in studies])


def with_clinical():
    study = tables(signal=2.0)
    number = range(len(study.patients))
    patients = study.patients.assign(
        sex=["female" if i % 3 else "male" for i in number],
        age=[40 + i % 30 for i in number],
        fever=[i % 4 == 0 for i in number],
        size_mm=[None if i % 9 == 0 else 5 + i / 10 for i in number],
    )
    return dataclasses.replace(study, patients=patients, blocks=(*study.blocks, clinical_block(patients)))


def test_nothing_changes(tmp_path):
    light = found(with_clinical(), folder=tmp_path)

    assert (light.light, light.value) == ("green", 0)


def test_the_variants_differ_in_test_patients_only():
    study = with_clinical()
    studies, _ = spoilt_studies(study, recipe=recipe(), store=CheckpointStore(Path(), key="k"))
    real, spoilt, alone = (next(one for one in studies if one.name == name) for name in (REAL, NOISE, REMOVED))
    final = {one.name: next(case for case in one.cases if case.resample == "final") for one in studies}

    assert set(alone.patients["patient_id"]) == set(study.patients["patient_id"]) - set(held_out_patients(study.splits))
    assert len(final[REMOVED].blocks[0].test) == 0
    for before, after in zip(final[REAL].blocks, final[NOISE].blocks, strict=True):
        pd.testing.assert_frame_equal(before.train, after.train)
        assert not (before.test == after.test).all(axis=None)
    held_out = real.patients["patient_id"].isin(held_out_patients(study.splits))
    assert (real.patients["label"] != spoilt.patients["label"]).equals(held_out)


def test_centring_of_all_rows_together_is_red(tmp_path, monkeypatch):
    """The test double centres each feature on training and test rows, as published code does."""
    raw = reduce._raw

    def leaky(block, resample, part, *, train, **rest):
        one = raw(block, resample, part, train=train, **rest)
        centre = pd.concat([one.train, one.test]).mean()
        return dataclasses.replace(one, train=one.train - centre, test=one.test - centre)

    monkeypatch.setattr(reduce, "_raw", leaky)
    light = found(tables(signal=2.0), folder=tmp_path)

    assert light.light == "red"
    assert "models" in light.finding


def test_a_threshold_that_uses_the_test_set_is_red(tmp_path, monkeypatch):
    """The test double learns the threshold from all scores; everything before it is correct."""
    monkeypatch.setattr(
        garbage_rows, "operating_points", lambda raw, *, rule: operating_points(raw.assign(evaluation="cv"), rule=rule)
    )
    light = found(tables(signal=2.0), folder=tmp_path)

    assert light.light == "red"
    assert "removed: thresholds." in light.finding
    assert light.value == 1


def test_finished_work_is_kept(tmp_path):
    store = CheckpointStore(tmp_path, key="k")
    studies, work = spoilt_studies(tables(), recipe=recipe(), store=store)
    CheckpointStore(store.folder, key="garbage").save(studies[0].name, {"models": "1"})

    assert work(studies[0]) == {"models": "1"}


def test_without_test_patients_it_is_not_checked(tmp_path):
    study = tables()
    splits = study.splits[study.splits["resample"] != "final"]

    assert found(dataclasses.replace(study, splits=splits), folder=tmp_path).light == "grey"


def test_noise_keeps_the_kind_of_a_column():
    rows = pd.DataFrame({"x": [1.5, 2.5], "n": [3, 4], "yes": [True, False], "sex": ["F", "M"]}, index=["a", "b"])
    spoilt = noise(1)(rows)

    assert list(spoilt["sex"]) == ["garbage", "garbage"]
    assert not (spoilt["x"] == rows["x"]).any()
    assert list(spoilt.dtypes[["x", "n", "yes"]]) == list(rows.dtypes[["x", "n", "yes"]])
    pd.testing.assert_frame_equal(spoilt, noise(1)(rows))


@pytest.mark.parametrize(("other", "light"), [({"a": "1", "b": "2"}, "green"), ({"a": "1", "b": "3"}, "red")])
def test_a_hash_that_differs_is_named(other, light):
    one = garbage_check([{"a": "1", "b": "2"}, other])

    assert one.light == light
    assert (": b." in one.finding) == (light == "red")
