"""Late fusion: fitted on unseen patients only, weighs patients equally, by hand and against the mean."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipeline.embed.late_fusion import averaged, stacked

RNG = np.random.default_rng(4)
LABELS = RNG.integers(0, 2, 200)
GOOD = LABELS + RNG.normal(0, 0.5, 200)
NOISE = RNG.normal(0, 5, 200)
PATIENTS = [f"p{number}" for number in range(200)]
UNSEEN = np.arange(200) < 100


def fused(*columns, labels=LABELS, patients=PATIENTS, unseen=UNSEEN):
    return stacked(np.stack(columns, axis=1), labels=labels, patients=patients, unseen=unseen)


def test_mean_by_hand():
    assert averaged(np.array([[0.0, 0.0], [np.log(3), -np.log(3)]])).tolist() == [0.5, 0.5]
    assert averaged(np.array([[np.log(3), 100.0]])).tolist() == [0.875]


def test_a_network_of_noise_is_ignored():
    late, mean = fused(GOOD, NOISE)[~UNSEEN], averaged(np.stack([GOOD, NOISE], axis=1))[~UNSEEN]

    assert roc_auc_score(LABELS[~UNSEEN], late) > roc_auc_score(LABELS[~UNSEEN], mean) + 0.2


def test_labels_of_seen_patients_change_nothing():
    other = np.where(UNSEEN, LABELS, 1 - LABELS)

    assert np.array_equal(fused(GOOD, NOISE), fused(GOOD, NOISE, labels=other))


def test_logits_of_seen_patients_change_only_their_own_probability():
    shifted = np.where(UNSEEN, GOOD, GOOD + 3)

    assert np.array_equal(fused(GOOD, NOISE)[UNSEEN], fused(shifted, NOISE)[UNSEEN])


def test_a_patient_shown_twice_counts_once():
    twice = np.concatenate([np.arange(200), [0, 0, 0]])
    found = fused(
        GOOD[twice],
        NOISE[twice],
        labels=LABELS[twice],
        patients=[PATIENTS[row] for row in twice],
        unseen=UNSEEN[twice],
    )

    assert found[:200] == pytest.approx(fused(GOOD, NOISE), abs=1e-6)


def test_equal_logits_give_the_prevalence_of_the_unseen():
    flat = np.zeros(200)

    assert fused(flat, flat) == pytest.approx(LABELS[UNSEEN].mean(), abs=1e-4)


def test_one_class_among_the_unseen_is_refused():
    with pytest.raises(ValueError, match="100 unseen images are of one class"):
        fused(GOOD, NOISE, labels=np.where(UNSEEN, 1, LABELS))
