"""What the training patients had, value by value: sites, views, kinds of image, spacing, clinical ranges and levels."""

import math
from collections.abc import Iterable, Mapping
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from pipeline.predict.image_facts import SPACING
from pipeline.predict.limits import Fitted, Severity

RARE = 0.05  # the fraction of training patients below which a value is unusual
FEW_CODES = 5  # different whole numbers of a column that are codes, such as 0 and 1
FAR = 0.5  # a clinical value farther from its range than this fraction of the range's width is outside
SPACING_UNUSUAL, SPACING_OUTSIDE = 1.01, 1.5  # factors beyond the range of spacings
OF_IMAGES = ("site", "dimension", "mask_source", "voxel_type")


class Shares(Fitted):
    """The fraction of the training patients with each value; a missing value is the empty text."""

    shares: dict[str, float]

    @model_validator(mode="after")
    def _fractions(self) -> Self:
        if not all(0 < share <= 1 for share in self.shares.values()):
            msg = "a share is not a fraction above 0"
            raise ValueError(msg)
        return self

    def severity(self, value: str) -> Severity | None:
        """`outside` if no training patient had the value, `unusual` if fewer than RARE had it, else None."""
        share = self.shares.get(value, 0.0)
        return "outside" if share == 0 else "unusual" if share < RARE else None


class SpacingRange(Fitted):
    """The spacing of the training images along one axis, mm; `known`: the fraction of images whose spacing is known."""

    axis: str
    known: float = Field(ge=0, le=1)
    low: float | None
    high: float | None

    def severity(self, value_mm: float) -> Severity | None:
        """How far a spacing (NaN = unknown) is from those of training; its presence counts too."""
        if math.isnan(value_mm):
            return "outside" if self.known == 1 else None
        if self.low is None or self.high is None:
            return "outside"
        beyond = max(self.low / value_mm, value_mm / self.high) if value_mm > 0 else math.inf
        return "outside" if beyond > SPACING_OUTSIDE else "unusual" if beyond > SPACING_UNUSUAL else None


class ClinicalColumn(Fitted):
    """A clinical column in training: the range of a number or the levels of a category, and the fraction missing."""

    name: str
    kind: Literal["number", "category"]
    low: float = 0.0
    high: float = 0.0
    levels: tuple[str, ...] = ()
    missing: float = Field(ge=0, le=1)

    def severity(self, value: str) -> Severity | None:
        """How far a value is from those of training; a missing value (empty text) is imputed: `note` if at least RARE
        of the training patients lacked it too, `unusual` if fewer, `outside` if none. A number that is a code (at most
        FEW_CODES different ones in training) must be one of the codes.
        """
        if not value:
            return "note" if self.missing >= RARE else "unusual" if self.missing else "outside"
        if self.kind == "category":
            return None if value in self.levels else "outside"
        number = number_in(value)
        if math.isnan(number) or (self.levels and number not in {float(level) for level in self.levels}):
            return "outside"
        beyond = max(self.low - number, number - self.high)
        return "outside" if beyond > FAR * (self.high - self.low) else "unusual" if beyond > 0 else None


class KnownValues(Fitted):
    """All of them: `images` by the names OF_IMAGES (those that the training patients have), `views`: the fraction of
    patients with each view, spacings by axis, clinical columns in the order of the table.
    """

    images: dict[str, Shares]
    views: Shares
    spacings: tuple[SpacingRange, ...]
    clinical: tuple[ClinicalColumn, ...]


def text_of(value: object) -> str:
    """A value as text without blanks at its ends; empty if it is missing."""
    return "" if value is None or pd.isna(value) else str(value).strip()


def number_in(value: str) -> float:
    """The finite number that a text holds, else NaN."""
    try:
        number = float(value)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def shares_by_patient(patients: pd.Series, values: Iterable[object]) -> Shares:
    """The fraction of patients with each value; `patients` (n,) names the patient of each value."""
    pairs = pd.DataFrame({"patient": patients.to_numpy(), "value": [text_of(value) for value in values]})
    counts = pairs.drop_duplicates()["value"].value_counts()
    n_patients = max(pairs["patient"].nunique(), 1)
    return Shares(shares={str(name): float(count / n_patients) for name, count in sorted(counts.items())})


def known_values(
    facts: pd.DataFrame | None, *, sites: Mapping[str, object], clinical: pd.DataFrame | None
) -> KnownValues:
    """What the training patients had: `facts` of their images (None = a set without images), `sites` by patient_id,
    `clinical` columns (index patient_id; None = a set without them).
    """
    images = {"site": shares_by_patient(pd.Series(list(sites), dtype="str"), sites.values())}
    if set(images["site"].shares) <= {""}:
        images = {}  # no site was given in training, so that none can be new
    views, spacings = Shares(shares={}), tuple[SpacingRange, ...]()
    if facts is not None and len(facts):
        owner = facts["patient_id"]
        images |= {name: shares_by_patient(owner, facts[name]) for name in OF_IMAGES[1:]}
        views = shares_by_patient(owner, facts["view"])
        spacings = tuple(_spacing(axis, facts[axis]) for axis in SPACING)
    given = () if clinical is None else clinical.columns[clinical.notna().any()]  # `reduce` drops empty columns too
    columns = tuple(_column(str(name), clinical[name]) for name in given) if clinical is not None else ()
    return KnownValues(images=images, views=views, spacings=spacings, clinical=columns)


def _spacing(axis: str, values: pd.Series) -> SpacingRange:
    known = values.dropna()
    low, high = (float(known.min()), float(known.max())) if len(known) else (None, None)
    return SpacingRange(axis=axis, known=float(values.notna().mean()), low=low, high=high)


def _column(name: str, values: pd.Series) -> ClinicalColumn:
    """As the encoder of `reduce` takes a column: a number if all its training values are numbers."""
    texts = [text_of(value) for value in values]
    given = [text for text in texts if text]
    numbers = np.array([number_in(text) for text in given])
    missing = 1 - len(given) / max(len(texts), 1)
    if given and not np.isnan(numbers).any():
        low, high = float(numbers.min()), float(numbers.max())
        codes = tuple(f"{number:g}" for number in np.unique(numbers))
        levels = codes if len(codes) <= FEW_CODES and all(number.is_integer() for number in numbers) else ()
        return ClinicalColumn(name=name, kind="number", low=low, high=high, levels=levels, missing=missing)
    return ClinicalColumn(name=name, kind="category", levels=tuple(sorted(set(given))), missing=missing)
