"""Sham labels: noise is green, a real signal is found, and every leak that is put in turns the light red."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import sham_study as study_module
from sham_study import SPLIT, lights, recipe, study, tables

from pipeline.benchmark.nested_cv import benchmark_set
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.reduce.reduced import reduce_case
from pipeline.selftest import sham_labels
from pipeline.selftest.inputs import Tables
from pipeline.selftest.sham_labels import (
    OVERALL,
    REAL,
    WITHIN_SITE,
    Shuffle,
    limit_of,
    sham_checks,
    sham_patients,
    sham_study,
    shuffled_auc,
    shuffles,
    training_sites,
)
from pipeline.split.splits import split_table


@pytest.mark.slow
def test_noise_is_green_and_nothing_is_found(tmp_path):
    found = lights(study(), folder=tmp_path, sites=2)

    assert found["sham_labels"] == "green"
    assert found["sham_within_site"] == "green"


def test_a_real_signal_is_found_better_than_shuffles(tmp_path):
    found = lights(study(signal=2.5), folder=tmp_path)

    assert found == {"sham_labels": "green", "sham_within_site": "grey", "real_outcome": "green"}


def test_selection_outside_the_folds_is_red(tmp_path, monkeypatch):
    """The test double uses the labels of the held-out fold too, and keeps the five features that correlate best."""
    labels = {}

    def spied(patients, **given):
        table = sham_patients(patients, **given)
        labels.update(zip(table["patient_id"], table["label"], strict=True))
        return table

    def leaky(case, **given):
        (block,) = case.blocks
        rows = pd.concat([block.train, block.test])
        outcome = np.array([labels[patient] for patient in rows.index], dtype=float)
        varied = rows.loc[:, rows.nunique() > 1]
        best = varied.apply(lambda column: abs(np.corrcoef(column, outcome)[0, 1])).nlargest(5).index
        chosen = dataclasses.replace(block, train=block.train[best], test=block.test[best])
        return reduce_case(dataclasses.replace(case, blocks=(chosen,)), **given)

    monkeypatch.setattr(sham_labels, "sham_patients", spied)
    monkeypatch.setattr(sham_labels, "reduce_case", leaky)

    assert lights(study(), folder=tmp_path)["sham_labels"] == "red"


def over_sampled(own, shuffle, *, copies, seed):
    """The study of one shuffle with `copies` of every event as new patients, and only then divided into folds."""
    training = sorted(own.splits.loc[own.splits["role"] == "cv", "patient_id"].unique())
    patients = sham_patients(own.patients, training=training, shuffle=shuffle, seed=seed)
    events = patients[patients["patient_id"].isin(training) & (patients["label"] == 1)]
    rows, patient_tables = own.blocks[0].frame("final", "all"), [patients]
    frames = [rows]
    for number in range(copies):
        name = f"+{number}"
        patient_tables.append(events.assign(patient_id=events["patient_id"] + name, group_id=events["group_id"] + name))
        frames.append(rows.loc[events["patient_id"]].set_axis(list(patient_tables[-1]["patient_id"])))
    patients, rows = pd.concat(patient_tables, ignore_index=True), pd.concat(frames)
    block = dataclasses.replace(own.blocks[0], frame=lambda _resample, _part: rows)
    splits = split_table(patients, params=SPLIT, seed=seed)
    return sham_study(Tables(patients=patients, splits=splits, blocks=(block,), repeats=None), recipe=recipe())


@pytest.mark.parametrize(("copies", "light"), [(2, "red"), (0, "green")])
def test_over_sampling_before_the_split_is_red(tmp_path, monkeypatch, copies, light):
    """The test double copies events until the classes are balanced, then draws the folds, so that copies of one patient
    lie on both sides; all that follows is the real pipeline. Without copies the double does nothing.
    """
    own = tables(events=24)

    def leaky(shuffle, *, study, store):
        one = over_sampled(own, shuffle, copies=copies, seed=study.seed)
        return shuffled_auc(
            Shuffle(kind=REAL, repeat=1), study=one, store=CheckpointStore(store.folder, key=shuffle.name)
        )

    monkeypatch.setattr(study_module, "shuffled_auc", leaky)

    assert lights(study(events=24), folder=tmp_path)["sham_labels"] == light


def test_an_image_level_split_is_red(tmp_path):
    """Two images of a patient on two sides of every split, the inner ones too: the model recognises the patient."""
    one = study(twins=True)
    blind = tuple(
        dataclasses.replace(case, groups=np.array([f"g{i}" for i in range(len(case.y))])) for case in one.cases
    )

    assert lights(dataclasses.replace(one, cases=blind), folder=tmp_path)["sham_labels"] == "red"


def test_the_doubles_do_nothing_by_themselves(tmp_path):
    """The real functions in place of the doubles are green: it is the leak that turns the light red."""
    assert sham_labels.reduce_case is reduce_case
    assert sham_labels.benchmark_set is benchmark_set
    assert lights(study(seed=3), folder=tmp_path)["sham_labels"] == "green"


def test_shuffles_keep_counts_groups_and_test_patients():
    patients = tables(twins=True).patients
    training = list(patients["patient_id"][:60])
    sham = sham_patients(patients, training=training, shuffle=Shuffle(kind=OVERALL, repeat=1), seed=1)

    assert sham["label"][:60].sum() == patients["label"][:60].sum()
    assert (sham["label"][:60] != patients["label"][:60]).any()
    assert (sham["label"][60:] == patients["label"][60:]).all()
    assert (sham.groupby("group_id")["label"].nunique() == 1).all()


def test_a_group_without_a_counterpart_is_shuffled_too():
    patients = tables().patients.assign(site="A")
    patients.loc[:4, "group_id"] = "family"  # five patients that share an image, and no other group of five
    patients["label"] = [1] * 5 + [0] * 85
    sham = sham_patients(
        patients, training=list(patients["patient_id"]), shuffle=Shuffle(kind=OVERALL, repeat=1), seed=1
    )

    assert sham["label"].sum() == 5
    assert sham["label"][:5].sum() < 5


def test_within_site_every_site_keeps_its_events():
    patients = tables().patients
    training = list(patients["patient_id"][:60])
    sham = sham_patients(patients, training=training, shuffle=Shuffle(kind=WITHIN_SITE, repeat=2), seed=1)

    before, after = (table[:60].groupby("site")["label"].sum() for table in (patients, sham))
    assert before.equals(after)
    assert (sham["label"] != patients["label"]).any()


def test_the_real_labels_are_unchanged():
    patients = tables().patients
    shuffle = Shuffle(kind=REAL, repeat=1)

    assert sham_patients(patients, training=["p00"], shuffle=shuffle, seed=1) is patients


def test_every_shuffle_differs_and_is_reproducible():
    patients = tables().patients
    training = list(patients["patient_id"][:60])
    drawn = [
        tuple(sham_patients(patients, training=training, shuffle=one, seed=1)["label"])
        for one in shuffles(5, sites=1)
        if one.kind == OVERALL
    ]
    again = sham_patients(patients, training=training, shuffle=Shuffle(kind=OVERALL, repeat=3), seed=1)

    assert len(set(drawn)) == 5
    assert tuple(again["label"]) == drawn[2]


def done(aucs, real=0.9, within=()):
    rows = [(Shuffle(kind=REAL, repeat=1), real, 5)]
    rows += [(Shuffle(kind=OVERALL, repeat=n + 1), auc, 5) for n, auc in enumerate(aucs)]
    return rows + [(Shuffle(kind=WITHIN_SITE, repeat=n + 1), auc, 5) for n, auc in enumerate(within)]


def test_limits_by_hand():
    spread = np.array([0.4, 0.6] * 10)

    assert limit_of(np.full(20, 0.5)) == 0.05
    assert limit_of(spread) == pytest.approx(3 * 0.10260 / 20**0.5, abs=1e-4)


@pytest.mark.parametrize(("auc", "light"), [(0.549, "green"), (0.551, "red"), (0.449, "red"), (0.5, "green")])
def test_a_mean_away_from_one_half_is_red_on_either_side(auc, light):
    assert sham_checks(done([auc] * 20))[0].light == light


@pytest.mark.parametrize(
    ("within", "light"), [([0.5] * 20, "green"), ([0.6] * 20, "amber"), ([0.4] * 20, "green"), ([], "grey")]
)
def test_site_confounding_is_amber_never_red(within, light):
    assert sham_checks(done([0.5] * 20, within=within))[1].light == light


def test_shuffles_without_a_scored_fold_do_not_count():
    nan = float("nan")

    assert {check.light for check in sham_checks(done([nan] * 20, within=[nan] * 20))} == {"grey"}
    assert [check.light for check in sham_checks(done([0.5] * 20 + [nan]))][:1] == ["green"]
    assert sham_checks(done([0.5] * 20, real=nan))[2].light == "grey"


def test_a_model_no_better_than_shuffles_is_amber():
    assert sham_checks(done(np.linspace(0.4, 0.6, 20), real=0.59))[2].light == "amber"
    assert sham_checks(done(np.linspace(0.4, 0.6, 20), real=0.61))[2].value == pytest.approx(1 / 21)


def test_a_shuffle_that_no_fold_could_be_fitted_on_is_drawn_again(tmp_path):
    one = study()
    few = one.patients.assign(label=[1 if i in (1, 20, 40) else 0 for i in range(len(one.patients))])
    store = CheckpointStore(tmp_path, key="k")
    drawn = [
        sham_labels.shuffled_auc(
            Shuffle(kind=OVERALL, repeat=n + 1), study=dataclasses.replace(one, patients=few), store=store
        )
        for n in range(6)
    ]

    # Three events in three folds: each fold must train on two of them, hence each holds one.
    assert [folds for _, folds in drawn] == [3] * 6


def test_too_few_events_for_any_shuffle_give_one_sentence(tmp_path):
    one = study()
    lonely = one.patients.assign(label=[1 if i == 1 else 0 for i in range(len(one.patients))])
    with pytest.raises(PipelineError, match="none of 200 shuffles of the outcome has both classes"):
        sham_labels.shuffled_auc(
            Shuffle(kind=OVERALL, repeat=1),
            study=dataclasses.replace(one, patients=lonely),
            store=CheckpointStore(tmp_path, key="k"),
        )


def test_a_finished_shuffle_is_not_done_again(tmp_path):
    store = CheckpointStore(tmp_path, key="k")
    store.save("all-1", {"auc": 0.123, "n_folds": 4})

    assert sham_labels.shuffled_auc(Shuffle(kind=OVERALL, repeat=1), study=None, store=store) == (0.123, 4)


def test_unknown_sites_do_not_count():
    patients = pd.DataFrame({"patient_id": list("abc"), "site": ["A", None, "B"]})

    assert training_sites(pd.Series([0, 1], index=["a", "b"]), patients) == 1
    assert training_sites(pd.Series([0, 1], index=["a", "c"]), patients) == 2
