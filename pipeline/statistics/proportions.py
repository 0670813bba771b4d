"""Proportions with Wilson intervals."""

from typing import NamedTuple

from scipy.stats import norm

NAN = float("nan")


class Proportion(NamedTuple):
    """A fraction and its interval; all NaN if it is undefined."""

    estimate: float
    ci_low: float
    ci_high: float


def wilson(count: int, total: int, *, level: float = 0.95) -> Proportion:
    """`count` of `total` with the Wilson score interval (Wilson 1927, no continuity correction).

    All NaN if `total` is 0. Raises ValueError if `count` is not between 0 and `total`.
    """
    if not 0 <= count <= total:
        msg = f"count ({count}) must be between 0 and total ({total})"
        raise ValueError(msg)
    if total == 0:
        return Proportion(NAN, NAN, NAN)
    z2 = float(norm.ppf((1 + level) / 2)) ** 2
    fraction = count / total
    centre = (count + z2 / 2) / (total + z2)
    half = (z2 * (fraction * (1 - fraction) * total + z2 / 4)) ** 0.5 / (total + z2)
    # With a count of 0, or of all, the limit is exactly 0 or 1, whatever the rounding.
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == total else min(1.0, centre + half)
    return Proportion(fraction, low, high)
