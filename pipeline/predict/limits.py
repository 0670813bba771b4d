"""Limits from held-out training patients: what a value must exceed to be flagged, and the base of all that is fitted.

A bundle keeps only what these models hold: numbers and text, no patient's row.
"""

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from pipeline.foundation.errors import PipelineError

Severity = Literal["outside", "unusual", "note"]
UNUSUAL, OUTSIDE = 0.95, 0.99  # the fractions of held-out training patients below the two limits
TAIL = 0.90  # the upper limit may be estimated from the values above this fraction of them
MIN_VALUES = 20  # held-out values; with fewer, the 95th percentile is unknown
REMEDY = "it was altered or is damaged; make the bundle again"


class Fitted(BaseModel):
    """Base of everything learned for the flags: frozen, strict, without unknown keys, NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def to_json(self) -> str:
        """The content as JSON text; floats keep every digit."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, content: str) -> Self:
        """The same object again; nothing in the text is executed.

        Raises PipelineError with one sentence if a key is unknown or missing, or a value has a wrong type or shape.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the whole text"
            raise PipelineError(f"the references of the flags, {place}: {first['msg']}; {REMEDY}") from error


class Limits(Fitted):
    """The limits of one measure from `n` held-out values: above `unusual`, and above `outside`."""

    unusual: float
    outside: float
    n: int

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.unusual > self.outside:
            msg = f"the limit 'unusual' is {self.unusual:g}, more than the limit 'outside' of {self.outside:g}"
            raise ValueError(msg)
        return self

    def severity(self, value: float) -> Severity | None:
        """`outside`, `unusual`, or None if the value is not above a limit; a value that is not a number is outside."""
        if not value <= self.outside:
            return "outside"
        return "unusual" if value > self.unusual else None


def limits_of(values: NDArray[np.float64]) -> Limits | None:
    """The limits from held-out values (n,); None with fewer than MIN_VALUES of them.

    The limit of fraction q is the value of rank ceil((n + 1) q), at most n: a new patient from the same population is
    above it with a probability of at most 1 - q if the rank is not cut off (conformal anomaly detection: Laxhammar
    and Falkman, Ann Math Artif Intell 2015;74:67-94). Of a few hundred values that of rank 0.99 is one of the largest,
    often that of one odd patient, and would hide every fault smaller than that. Hence the upper limit is at most the
    estimate by an exponential tail: the value of rank TAIL plus ln(10) times the mean excess over it (peaks over
    threshold: Coles, An Introduction to Statistical Modeling of Extreme Values, Springer 2001, chapter 4).
    """
    ordered = np.sort(values[np.isfinite(values)])
    n = len(ordered)
    if n < MIN_VALUES:
        return None
    start, unusual, highest = (float(ordered[min(int(np.ceil((n + 1) * q)), n) - 1]) for q in (TAIL, UNUSUAL, OUTSIDE))
    beyond = ordered[ordered > start]
    if beyond.size:
        tail = start + np.log((1 - TAIL) / (1 - OUTSIDE)) * (beyond.mean() - start)
        highest = max(unusual, min(highest, float(tail)))
    return Limits(unusual=unusual, outside=highest, n=n)
