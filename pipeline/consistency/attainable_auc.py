"""The AUCs that a test set can have: a whole number of its pairs of patients, or of half pairs with tied scores."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.consistency.matrices import Cohorts
from pipeline.consistency.rounding import Bounds

AucFit = Literal["without ties", "with ties", "no"]


def auc_fits(bounds: Bounds, *, n_pos: int, n_neg: int, tp: int = 0, tn: int = 0) -> AucFit:
    """Whether an AUC within `bounds` is attainable: k / (n_pos · n_neg), 2k a whole number with ties, k without.

    An operating point bounds k: the tp · tn pairs of its matrix are ranked correctly, and the fn · fp pairs are not.
    """
    pairs = n_pos * n_neg
    right, wrong = tp * tn, (n_pos - tp) * (n_neg - tn) if tp or tn else 0
    for fit, parts in (("without ties", 1), ("with ties", 2)):
        low, high = bounds.numerators(parts * pairs)
        if max(low, parts * right) <= min(high, parts * (pairs - wrong)):
            return "without ties" if fit == "without ties" else "with ties"
    return "no"


def cohorts_with_auc(cohorts: Cohorts, *, bounds: Bounds, ties: bool) -> NDArray[np.bool_]:
    """Which class sizes can have an AUC within `bounds`, with tied scores or without, shape (k,)."""
    low, high = bounds.numerators((2 if ties else 1) * cohorts.n_pos * cohorts.n_neg)
    return np.asarray(low <= high)
