"""One self-test as a row: what is proven, the light, the number and the limit it was held to."""

from dataclasses import dataclass
from typing import Literal

Light = Literal["green", "amber", "red", "grey"]
GREEN, AMBER, RED, GREY = "green", "amber", "red", "grey"


@dataclass(frozen=True, kw_only=True)
class Check:
    """A row of `selftest.csv`; `finding` and `title` are plain words, numbers stand in `value` and `limit`."""

    check: str
    light: Light
    title: str
    rule: str
    finding: str
    value: float | None = None
    limit: float | None = None
