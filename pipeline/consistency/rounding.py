"""The fractions that a printed number may stand for, in integers, so that our own arithmetic adds no rounding error."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Rounding = Literal["half_up", "half_even", "half_either", "truncation"]
# The narrowest reading first: half_either allows both neighbours of a tie, as binary numbers do in software.
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
WORDS: dict[str, str] = {
    "half_up": "rounded half up",
    "half_even": "rounded half to even",
    "half_either": "rounded, ties either way",
    "truncation": "truncated, not rounded",
}


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A fraction as it stands in a table: `text` as printed, value = units / 10^decimals (a percent has two more)."""

    text: str
    units: int
    decimals: int

    @property
    def value(self) -> float:
        return self.units / 10**self.decimals

    def bounds(self, rounding: Rounding) -> "Bounds":
        """The fractions that print as this number."""
        units, scale = self.units, 10**self.decimals
        if rounding == "truncation":
            return Bounds(units=units, lower=units, upper=units + 1, scale=scale, open_lower=0, open_upper=1)
        odd = units % 2
        below, above = {"half_up": (0, 1), "half_even": (odd, odd), "half_either": (0, 0)}[rounding]
        lower, upper = 2 * units - 1, 2 * units + 1
        return Bounds(units=units, lower=lower, upper=upper, scale=2 * scale, open_lower=below, open_upper=above)

    def span(self) -> tuple[float, float]:
        """Lowest and highest fraction that print as this number under any rounding, clipped to [0, 1]."""
        scale = 10**self.decimals
        return max(0.0, (self.units - 0.5) / scale), min(1.0, (self.units + 1) / scale)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """x / y prints as the number if lower · y + open_lower ≤ x · scale ≤ upper · y - open_upper (y > 0)."""

    units: int  # 0 if the printed number is 0
    lower: int
    upper: int
    scale: int
    open_lower: int  # 1 if the limit itself does not print as the number
    open_upper: int

    def numerators(self, whole: NDArray[np.int64] | int) -> tuple[Any, Any]:
        """Minimum and maximum integer x for which x / `whole` prints as the number; minimum > maximum if none does."""
        return (
            ceil_div(self.lower * whole + self.open_lower, self.scale),
            (self.upper * whole - self.open_upper) // self.scale,
        )


def ceil_div(number: Any, divisor: Any) -> Any:
    """The smallest integer that is not below number / divisor."""
    return -(-number // divisor)
