"""Reclassification and discrimination improvement of one model over another, separately for events and non-events.

Secondary measures: both can rise for a useless predictor, above all if a model is badly calibrated, and their usual
tests are not valid (Pepe, Fan, Feng, Gerds and Hilden 2015; Kerr et al. 2014). So no p-value is given, and intervals
are bootstrapped. The total of a measure is the sum of its two components.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.statistics.roc import as_labels

Numbers = NDArray[np.float64]


def improvements(
    new: ArrayLike, *, old: ArrayLike, labels: ArrayLike, thresholds: tuple[float, float] | None = None
) -> dict[str, Numbers]:
    """Each patient's contribution to every measure, shape (n,) each: the mean over all patients is the measure.

    nri_events = P(up | event) - P(down | event), nri_non_events = P(down | non-event) - P(up | non-event), up = the
    new probability is higher (category-free; Pencina et al. 2011). idi_events = mean new - mean old over the events,
    idi_non_events = mean old - mean new over the non-events (Pencina et al. 2008). nri_at_threshold_* with `thresholds`
    (new, old), one per model: up = called positive by the new model only; with two categories these components are
    the differences in sensitivity and specificity. `new`, `old` and `labels` have shape (n,).
    Raises ValueError as `as_labels`.
    """
    event, ours, theirs = as_labels(labels), np.asarray(new, dtype=np.float64), np.asarray(old, dtype=np.float64)
    change = {"nri": np.sign(ours - theirs), "idi": ours - theirs}
    if thresholds is not None:
        change["nri_at_threshold"] = (ours >= thresholds[0]) * 1.0 - (theirs >= thresholds[1])
    found: dict[str, Numbers] = {}
    for name, up in change.items():
        events, non_events = np.where(event, up, 0.0) / event.mean(), np.where(event, 0.0, -up) / (~event).mean()
        found |= {f"{name}_events": events, f"{name}_non_events": non_events, name: events + non_events}
    return found
