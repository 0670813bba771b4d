"""The page of one patient: one self-contained HTML file, flags first, made to be printed on one sheet of A4 paper."""

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from pipeline.predict.flag_messages import ORDER, Flag

TEMPLATE, STYLE = "patient.html.jinja", "patient.css"
# By severity: mark and word, so that neither colour nor the mark alone carries the meaning.
MARKS = {"outside": ("■", "Outside"), "unusual": ("▲", "Unusual"), "note": ("○", "Note")}
BAR_LEFT, BAR_WIDTH = 20.0, 460.0  # px of the probability bar


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A probability (0 to 1) with its 95 % interval, the frozen threshold, and the class at it."""

    probability: float
    low: float
    high: float
    threshold: float
    is_event: bool


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image as PNG bytes with its caption."""

    caption: str
    png: bytes


@dataclass(frozen=True, kw_only=True)
class ClinicalValue:
    """A clinical value as text; `is_imputed`: it was missing, and `value` is what the model used instead."""

    name: str
    value: str
    is_imputed: bool = False


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What the model is: `n_patients` trained on, `n_events` of them with the event; `auc` with its 95 % interval on
    the `evaluation` (such as external; None = not evaluated); `versions` by package; `bundle_sha256`.
    """

    feature_set: str
    classifier: str
    n_patients: int
    n_events: int
    evaluation: str
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    n_evaluated: int
    versions: Mapping[str, str]
    bundle_sha256: str


@dataclass(frozen=True, kw_only=True)
class PatientPage:
    """All that the page shows; plain values. `prediction` None = there is none, and `reason` says why. `event` names
    the outcome in words, such as "malignancy". `waterfall`: the contributions of the features as SVG.
    """

    patient_id: str
    event: str
    prediction: Prediction | None
    model: ModelFacts
    reason: str = ""
    flags: tuple[Flag, ...] = ()
    pictures: tuple[Picture, ...] = ()
    waterfall: bytes | None = None
    clinical: tuple[ClinicalValue, ...] = field(default=())


def patient_page(page: PatientPage) -> str:
    """The HTML of the page; every text is escaped, nothing is loaded from elsewhere, and there is no script.

    Raises ValueError if a probability, its interval or the threshold is not within 0 and 1 in order.
    """
    found = page.prediction
    if found is not None and not (0 <= found.low <= found.probability <= found.high <= 1 and 0 <= found.threshold <= 1):
        msg = (
            f"{page.patient_id}: probability, interval and threshold must lie within 0 and 1, and be in order: {found}"
        )
        raise ValueError(msg)
    flags = sorted(page.flags, key=lambda one: ORDER.index(one.severity))
    style = (Path(__file__).parent / "templates" / STYLE).read_text(encoding="utf-8")
    return _template().render(
        page=page,
        flags=flags,
        marks=MARKS,
        headline=headline(flags, checked=found is not None),
        style=Markup(style),
        bar=None if found is None else _bar(found),
    )


def headline(flags: list[Flag], *, checked: bool) -> str:
    """The flags in one sentence, the severest first: `3 flags: 1 outside, 2 unusual`, or `No flag`; `checked`: the
    patient has features, so that no flag means that the checks found nothing.
    """
    if not flags and not checked:
        return "Not checked: there are no features to compare with those of the training patients"
    if not flags:
        return "No flag: no check found this patient unlike the training patients"
    counts = Counter(flag.severity for flag in flags)
    listed = ", ".join(f"{counts[name]} {name}" for name in ORDER if counts[name])
    return f"{len(flags)} flag{'s' if len(flags) > 1 else ''}: {listed}"


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = _percent
    environment.filters["png"] = _png
    environment.filters["svg"] = _svg
    environment.filters["whole"] = _whole
    return environment.get_template(TEMPLATE)


def _percent(fraction: float) -> str:
    """A probability as a percentage with one decimal."""
    return f"{100 * fraction:.1f}\N{NO-BREAK SPACE}%"


def _whole(text: str) -> str:
    """The text with numbers and their percent signs on one line."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _png(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"


def _svg(content: bytes) -> str:
    """As the address of an image, in which no script runs."""
    return f"data:image/svg+xml;base64,{base64.b64encode(content).decode('ascii')}"


def _bar(found: Prediction) -> dict[str, float]:
    """The places on the bar, px from its left."""
    values = {"low": found.low, "high": found.high, "probability": found.probability, "threshold": found.threshold}
    return {name: round(BAR_LEFT + BAR_WIDTH * value, 1) for name, value in values.items()}
