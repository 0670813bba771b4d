"""Reclassification and discrimination improvement of one model over another, for events and others apart.

Secondary measures: both can rise for a useless predictor, most of all where a model is badly calibrated, and their
usual tests are not valid (Pepe, Fan, Feng, Gerds and Hilden 2015; Kerr et al. 2014). So no p-value is given, and
intervals come from samples of patients. The total of a measure is the sum of its two parts.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.statistics.roc import as_labels

Numbers = NDArray[np.float64]


def improvements(
    new: ArrayLike, *, old: ArrayLike, labels: ArrayLike, thresholds: tuple[float, float] | None = None
) -> dict[str, Numbers]:
    """What each patient adds to every measure, shape (n,) each: the mean over all patients is the measure.

    nri_events = P(up | event) - P(down | event), nri_non_events = P(down | other) - P(up | other), up = the new
    probability is higher (category-free; Pencina et al. 2011). idi_events = mean new - mean old of the events,
    idi_non_events = mean old - mean new of the others (Pencina et al. 2008). nri_at_threshold_* with `thresholds`
    (new, old), each model at its own: up = called positive by the new one only; with two categories these parts are the
    differences in sensitivity and specificity. `new`, `old` and `labels` have shape (n,).
    Raises ValueError as `as_labels`.
    """
    event, ours, theirs = as_labels(labels), np.asarray(new, dtype=np.float64), np.asarray(old, dtype=np.float64)
    moved = {"nri": np.sign(ours - theirs), "idi": ours - theirs}
    if thresholds is not None:
        moved["nri_at_threshold"] = (ours >= thresholds[0]) * 1.0 - (theirs >= thresholds[1])
    found: dict[str, Numbers] = {}
    for name, up in moved.items():
        events, others = np.where(event, up, 0.0) / event.mean(), np.where(event, 0.0, -up) / (~event).mean()
        found |= {f"{name}_events": events, f"{name}_non_events": others, name: events + others}
    return found
