"""The base of every figure: scales, ticks, a frame with titles, and the picture that holds it all.

Lengths are user units. A figure is `WIDTH` wide and its smallest type `SMALL` high, so that type is 11 px or more on
a phone of 360 px. Texts are escaped; there are no ids, scripts or dates, so every run gives the same bytes.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 390
SMALL = 12
CHARACTER = 0.56  # mean width of a character as a fraction of the height of the type
STEPS = (1, 2, 5, 10)
MINUS = "−"
UNITS = ("mm", "cm", "mm2", "mm3", "ml", "g", "kg", "years", "days", "percent")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Maps values low … high to coordinates start … stop, linearly or (log) by the logarithm."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, given = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (self.stop - self.start) * (given - low) / (high - low)

    def held(self, value: float) -> float:
        """The coordinate of a value, clipped to the ends of the scale."""
        return self(min(max(value, self.low), self.high))

    def holds(self, value: float) -> bool:
        """Whether a value lies on the scale, its ends included."""
        slack = 1e-9 * (abs(self.high) + abs(self.low))
        return self.low - slack <= value <= self.high + slack

    def ticks(self, count: int = 5) -> list[float]:
        """About `count` round values on the scale; powers of ten if it is logarithmic."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**power for power in range(first, last + 1, max(1, math.ceil((last - first) / count)))]
        return round_values(self.low, self.high, count=count)


def round_values(low: float, high: float, *, count: int) -> list[float]:
    """Round values from low to high in steps of 1, 2 or 5 times a power of ten, at most `count` + 1."""
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / count))
    step = next((s * power for s in STEPS if (high - low) / (s * power) <= count), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12) + 0.0 for n in range(first, last + 1)]


def widened(low: float, high: float, *, count: int = 5) -> tuple[float, float]:
    """The range of a scale that contains low and high and ends at round values."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    ticks = round_values(low, high, count=count)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
    return math.floor(low / step + 1e-9) * step + 0.0, math.ceil(high / step - 1e-9) * step + 0.0


def number(value: float, *, digits: int | None = None) -> str:
    """A number for display, with a true minus sign; `digits` after the point, or as few as it needs."""
    text = f"{value:g}" if digits is None else f"{value:.{digits}f}"
    return text.replace("-", MINUS)


def percent(value: float) -> str:
    """A fraction as a percentage."""
    return f"{number(round(100 * value, 6))} %"


def in_words(name: str) -> str:
    """The name of a column for display: blanks for underscores, its unit in brackets."""
    words = name.split("_")
    unit = f" ({words.pop()})" if len(words) > 1 and words[-1] in UNITS else ""
    return " ".join(words) + unit


def place(value: float) -> str:
    """A coordinate with two decimals at most."""
    return f"{round(value, 2) + 0.0:g}"


def text_width(words: str, *, size: float = SMALL) -> float:
    """The approximate width of a text, from its number of characters."""
    return CHARACTER * size * len(words)


def joined(parts: Iterable[Markup]) -> Markup:
    """Pieces of a figure, concatenated."""
    return Markup("").join(parts)


def text(
    x: float, y: float, words: str, *, anchor: str = "start", css: str = "", rotate_deg: float | None = None
) -> Markup:
    """Text at (x, y), y being its baseline; `anchor`: start, middle or end."""
    kind = Markup(' class="{}"').format(css) if css else ""
    turn = (
        "" if rotate_deg is None else Markup(' transform="rotate({:g} {} {})"').format(rotate_deg, place(x), place(y))
    )
    where = "" if anchor == "start" else Markup(' text-anchor="{}"').format(anchor)
    return Markup("<text{} x={} y={}{}{}>{}</text>").format(
        kind, Markup('"{}"').format(place(x)), Markup('"{}"').format(place(y)), where, turn, words
    )


def segment(x1: float, y1: float, x2: float, y2: float, *, css: str) -> Markup:
    """A straight line."""
    return Markup('<path class="{}" d="M{} {}L{} {}"/>').format(css, place(x1), place(y1), place(x2), place(y2))


def picture(body: Markup, *, width: float, height: float, title: str, description: str, css: str = "figure") -> Markup:
    """The picture, with its title and a text description for screen readers; as wide as the page allows."""
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}. {}"><title>{}</title><desc>{}</desc>{}</svg>'
    ).format(css, place(width), place(height), title, description, title, description, body)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A plot of `x` by `y`: y.start is its bottom, y.stop its top."""

    x: Scale
    y: Scale

    def outline(self) -> Markup:
        """The box around the plot."""
        return Markup('<rect class="frame" x="{}" y="{}" width="{}" height="{}"/>').format(
            *(place(v) for v in (self.x.start, self.y.stop, self.x.stop - self.x.start, self.y.start - self.y.stop))
        )

    def x_axis(
        self, title: str, *, ticks: Sequence[float] | None = None, form: Callable[[float], str] = number
    ) -> Markup:
        """Grid lines, labels below, and the title below the labels."""
        foot = self.y.start
        parts = []
        for value in self.x.ticks() if ticks is None else ticks:
            at = self.x(value)
            parts.append(segment(at, self.y.stop, at, foot, css="grid"))
            parts.append(text(at, foot + 18, form(value), anchor="middle"))
        parts.append(text((self.x.start + self.x.stop) / 2, foot + 37, title, anchor="middle", css="axis"))
        return joined(parts)

    def y_axis(
        self, title: str, *, ticks: Sequence[float] | None = None, form: Callable[[float], str] = number
    ) -> Markup:
        """Grid lines, labels on the left, and the title beside the labels, reading upwards."""
        left = self.x.start
        parts = []
        for value in self.y.ticks() if ticks is None else ticks:
            at = self.y(value)
            parts.append(segment(left, at, self.x.stop, at, css="grid"))
            parts.append(text(left - 7, at + 4.5, form(value), anchor="end"))
        middle = (self.y.start + self.y.stop) / 2
        return joined([*parts, text(14, middle, title, anchor="middle", css="axis", rotate_deg=-90)])

    def point(self, x: float, y: float) -> str:
        """The coordinates of a point, clipped to the plot."""
        return f"{place(self.x.held(x))},{place(self.y.held(y))}"


def square(*, side: float = 326, left: float = 50, top: float = 10) -> Frame:
    """A square plot with both axes from 0 to 1."""
    return Frame(
        x=Scale(low=0, high=1, start=left, stop=left + side), y=Scale(low=0, high=1, start=top + side, stop=top)
    )
