"""The differences in AUC between all models of a family, as a map that is legible in grey."""

from collections.abc import Sequence
from math import isnan
from textwrap import wrap

import pandas as pd
from markupsafe import Markup

from pipeline.page.figures.axes import WIDTH, joined, number, picture, place, text, text_width
from pipeline.page.figures.marks import ModelLine, box, hatching

ROW, HEAD, FOOT = 40, 26, 74
DARKEST = 0.3  # the difference of the darkest cell
SIGNIFICANT = 0.05
LETTERS = 14  # of a name on one line


def delong_figure(rows: pd.DataFrame, *, lines: Sequence[ModelLine], title: str) -> Markup | None:
    """The rows of one family and evaluation of `delong`: AUC of the row less that of the column, p after Holm below.

    Shade: size of the difference; hatched: the row has the lower AUC; framed and bold: p below 0.05 after Holm. None
    where fewer than two of the models were compared.
    """
    tests = _tests(rows)
    members = [line for line in lines if any((line.feature_set, line.model) in pair for pair in tests)]
    if len(members) < 2:
        return None
    names = [wrap(f"{n} {line.name}", LETTERS) or [""] for n, line in enumerate(members, start=1)]
    left = max(text_width(part, size=13) for name in names for part in name) + 8
    width = max(40.0, (WIDTH - left - 2) / (len(members) - 1))
    pieces = [
        text(left + (n - 0.5) * width, HEAD - 8, f"{n + 1}", anchor="middle", css="strong")
        for n in range(1, len(members))
    ]
    for row, line in enumerate(members):
        y = HEAD + row * ROW
        lift = 4.5 if len(names[row]) == 1 else -3
        pieces += [text(2, y + ROW / 2 + lift + 15 * n, part) for n, part in enumerate(names[row][:2])]
        for column in range(row + 1, len(members)):
            test = _between(tests, line, members[column])
            if test is not None:
                pieces.append(_cell(*test, x=left + (column - 1) * width, y=y, width=width))
    foot = HEAD + len(members) * ROW
    return picture(
        joined([*pieces, _key(foot + 12)]),
        width=left + width * (len(members) - 1) + 2,
        height=foot + FOOT,
        title=title,
        description=_words(rows, members),
        css="figure heat",
    )


Key = tuple[str, str]


def _tests(rows: pd.DataFrame) -> dict[tuple[Key, Key], tuple[float, float]]:
    """Difference and adjusted p-value by pair of models."""
    return {
        ((row.set_a, row.model_a), (row.set_b, row.model_b)): (float(row.difference), float(row.p_holm))
        for row in rows.itertuples()
    }


def _between(
    tests: dict[tuple[Key, Key], tuple[float, float]], one: ModelLine, other: ModelLine
) -> tuple[float, float] | None:
    """The test of two models, first less second, whichever way round it stands."""
    a, b = (one.feature_set, one.model), (other.feature_set, other.model)
    if (a, b) in tests:
        return tests[a, b]
    if (b, a) in tests:
        difference, p = tests[b, a]
        return -difference, p
    return None


def _cell(difference: float, p: float, *, x: float, y: float, width: float) -> Markup:
    lower = round(difference, 2) < 0
    shade = min(abs(difference) / DARKEST, 1) * (0.3 if lower else 0.5)
    sure = p < SIGNIFICANT
    size = {"width": width - 3, "height": ROW - 3.0}
    pieces = [
        Markup('<rect class="fill" x="{}" y="{}" width="{}" height="{}" fill-opacity="{:.2f}"/>').format(
            place(x), place(y), place(size["width"]), place(size["height"]), shade
        )
    ]
    if lower:
        pieces.append(hatching(x, y, **size))
    pieces.append(box(x, y, css="outline strong" if sure else "outline soft", **size))
    sign = "+" if difference > 0 else ""
    middle = x + (width - 3) / 2
    weight = " strong" if sure else ""
    value = f"{sign}{number(difference, digits=2)}".replace("−0.00", "0.00").replace("+0.00", "0.00")
    pieces.append(text(middle, y + 16, value, anchor="middle", css=f"halo{weight}"))
    pieces.append(text(middle, y + 31, _p_value(p), anchor="middle", css=f"small halo{weight}"))
    return joined(pieces)


def _p_value(p: float) -> str:
    """Short enough for a cell; three digits where two could hide on which side of 0.05 it lies."""
    if isnan(p):
        return ""
    return "<.001" if p < 0.001 else f"p {p:.{3 if p < 0.095 else 2}f}".replace("0.", ".")


def _key(y: float) -> Markup:
    """What shade, hatching and frame mean."""
    size = {"width": 26.0, "height": 14.0}
    entries = (
        (_shade(2, y), "the row has the higher AUC (darker: by more)"),
        (
            joined([hatching(2, y + 20, **size), box(2, y + 20, css="outline soft", **size)]),
            "the row has the lower AUC",
        ),
        (box(2, y + 40, css="outline strong", **size), "p below 0.05 after Holm’s correction"),
    )
    return joined([joined([mark, text(36, y + 11.5 + 20 * n, words)]) for n, (mark, words) in enumerate(entries)])


def _shade(x: float, y: float) -> Markup:
    steps = [
        Markup('<rect class="fill" x="{}" y="{}" width="6.5" height="14" fill-opacity="{:.2f}"/>').format(
            place(x + 6.5 * n), place(y), 0.08 + 0.14 * n
        )
        for n in range(4)
    ]
    return joined([*steps, box(x, y, width=26, height=14, css="outline soft")])


def _words(rows: pd.DataFrame, members: Sequence[ModelLine]) -> str:
    names = {(line.feature_set, line.model): line.name for line in members}
    sure = [
        (names.get((row.set_a, row.model_a), row.set_a), names.get((row.set_b, row.model_b), row.set_b), row.difference)
        for row in rows.itertuples()
        if row.p_holm < SIGNIFICANT
    ]
    told = "; ".join(f"{a} {'above' if d > 0 else 'below'} {b}" for a, b, d in sure)
    found = f"Pairs that differ after correction: {told}." if sure else "No pair differs after correction."
    return f"Differences in AUC between {len(members)} models, row less column. {found}"
