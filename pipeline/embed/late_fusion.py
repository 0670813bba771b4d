"""Stacks the logits of several networks into one probability, fitted on patients none of them was trained on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Numbers = NDArray[np.float64]
STRENGTH = 1.0  # scikit-learn's C: an L2 penalty on standardised logits, which keeps it finite with few patients


def stacked(
    logits: Numbers, *, labels: NDArray[np.int_], patients: Sequence[str], unseen: NDArray[np.bool_]
) -> Numbers:
    """Probabilities (n,) from the logits (n, K) of K networks: a logistic regression (stacking with Platt scaling).

    It is fitted on the images of the `unseen` patients alone: training patients that no network was trained on
    (Wolpert, Neural Networks 1992). Each patient has the weight 1, shared by the patient's images, and each logit is
    scaled to mean 0 and SD 1 of those. `labels` 0/1 (n,) are used where `unseen` only.
    Raises ValueError if the unseen patients are of one class.
    """
    # A process that trains a network needs no scikit-learn otherwise, which takes a second to import.
    from sklearn.linear_model import LogisticRegression

    known = labels[unseen]
    if len(np.unique(known)) < 2:
        msg = f"labels of the {len(known)} unseen images are of one class; late fusion needs both"
        raise ValueError(msg)
    owners = np.asarray(patients)[unseen]
    _, place, counts = np.unique(owners, return_inverse=True, return_counts=True)
    weights = 1.0 / counts[place]
    mean = np.average(logits[unseen], axis=0, weights=weights)
    sd = np.sqrt(np.average((logits[unseen] - mean) ** 2, axis=0, weights=weights))
    scaled = (logits - mean) / np.where(sd > 0, sd, 1.0)
    model = LogisticRegression(C=STRENGTH).fit(scaled[unseen], known, sample_weight=weights)
    return np.asarray(model.predict_proba(scaled)[:, 1], dtype=np.float64)


def averaged(logits: Numbers) -> Numbers:
    """The mean probability (n,) of the networks whose logits are (n, K)."""
    return np.asarray(expit(logits).mean(axis=1), dtype=np.float64)
