"""The waterfall of one patient: how the features take a classifier from its base to its output. Standalone SVG."""

from collections.abc import Sequence
from html import escape
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray

MINUS = "\N{MINUS SIGN}"
WIDTH, SMALL, LINE, BAR = 360, 13, 17, 14
LEFT, RIGHT = 52, WIDTH - 52  # room for a number beside the longest bar
LETTERS = 50  # of a line of text
INK, SOFT, DARK = "#1b1f24", "#4d5761", "#0b3d63"
FONT = "Segoe UI, Liberation Sans, Arial, sans-serif"


def waterfall(
    contributions: NDArray[np.float64],
    *,
    base: float,
    output: float,
    labels: Sequence[str],
    unit: str,
    largest: int,
    title: str,
) -> bytes:
    """A drawing (SVG, UTF-8) of the contributions (p,) of one patient, named by `labels`, the largest first.

    Each bar starts where the one above ends, from `base` to `output`, in `unit`. Filled bars to the right raise the
    output, open bars to the left lower it, so that the drawing needs no colour. Beyond the `largest` contributions
    the others are one bar, their sum. The same input gives the same bytes. Raises ValueError if the labels do not fit
    the contributions, or these do not lead from the base to the output within 0.01.
    """
    if len(labels) != len(contributions):
        msg = f"labels ({len(labels)}) must be as many as contributions ({len(contributions)})"
        raise ValueError(msg)
    if not abs(base + contributions.sum() - output) <= 0.01:
        msg = f"base ({base:g}) plus contributions ({contributions.sum():g}) must be the output ({output:g})"
        raise ValueError(msg)
    steps = _steps(contributions, labels=labels, largest=largest)
    return _drawn(steps, base=base, output=output, unit=unit, title=title).encode()


def _drawn(steps: Sequence[tuple[str, float]], *, base: float, output: float, unit: str, title: str) -> str:
    ends = base + np.cumsum([0.0, *(value for _, value in steps)])
    low, high = min(ends.min(), output), max(ends.max(), output)
    scale = (RIGHT - LEFT) / (high - low) if high > low else 0.0

    def across(value: float) -> float:
        return round(LEFT + (value - low) * scale, 2)

    digits = _digits(high - low)
    parts, y = [_text(4, SMALL + 2, f"Base: {_number(base, digits)}", colour=SOFT)], 24.0
    for place, (label, value) in enumerate(steps):
        for line in wrap(label, LETTERS):
            parts.append(_text(4, y + SMALL, line))
            y += LINE
        parts += _bar(across(float(ends[place])), across(float(ends[place + 1])), y=y + 3, words=_signed(value, digits))
        y += BAR + 10
    parts.append(_text(4, y + SMALL, f"Output of the classifier: {_number(output, digits)} ({unit})", bold=True))
    height = y + LINE + 8
    guide = f'<path d="M{across(base)} 20V{round(y, 2)}" stroke="#9aa3ac" stroke-dasharray="3 4" fill="none"/>'
    words = f"From {_number(base, digits)} to {_number(output, digits)} ({unit}). " + "; ".join(
        f"{label}: {_signed(value, digits)}" for label, value in steps
    )
    body = guide + "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" viewBox="0 0 {WIDTH} {height:g}" '
        f'role="img" font-family="{FONT}" font-size="{SMALL}"><title>{escape(title)}</title>'
        f"<desc>{escape(words)}</desc>{body}</svg>\n"
    )


def _steps(contributions: NDArray[np.float64], *, labels: Sequence[str], largest: int) -> list[tuple[str, float]]:
    """Label and contribution of the largest ones, then the sum of the others; ties by label."""
    order = sorted(range(len(labels)), key=lambda n: (-abs(float(contributions[n])), labels[n]))
    shown = order if len(order) <= largest + 1 else order[:largest]
    steps = [(labels[n], float(contributions[n])) for n in shown]
    others = order[len(shown) :]
    return [*steps, (f"{len(others)} other features", float(contributions[others].sum()))] if others else steps


def _bar(start: float, end: float, *, y: float, words: str) -> list[str]:
    left, width = min(start, end), max(round(abs(end - start), 2), 0.6)
    fill = DARK if end >= start else "#fff"
    box = (
        f'<rect x="{left}" y="{y:g}" width="{width}" height="{BAR}" fill="{fill}" stroke="{DARK}" stroke-width="1.4"/>'
    )
    if end >= start:
        return [box, _text(left + width + 5, y + BAR - 2.5, words)]
    return [box, _text(left - 5, y + BAR - 2.5, words, anchor="end")]


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = INK, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    where = f'x="{round(x, 2):g}" y="{round(y, 2):g}" text-anchor="{anchor}"'
    return f'<text {where} fill="{colour}"{weight}>{escape(words)}</text>'


def _digits(reach: float) -> int:
    """Decimals that show a hundredth of the reach of the drawing."""
    return 2 if reach >= 1 else 3


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return (text.removeprefix("-") if float(text) == 0 else text).replace("-", MINUS)


def _signed(value: float, digits: int) -> str:
    text = _number(value, digits)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"
