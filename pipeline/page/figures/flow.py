"""The cohort flow: who came, who left and why, who was analysed, in which cohort."""

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from pipeline.page.figures.axes import WIDTH, joined, picture, place, text
from pipeline.page.figures.marks import box

COHORTS = {"train": "Training", "internal": "Internal test", "external": "External test"}
LINE, PAD, GAP = 17, 10, 26
MAIN = 186.0  # width of the boxes in the middle


def flow_figure(table: pd.DataFrame, *, title: str) -> Markup:
    """The flow table (step, n, place, unit, rule) as boxes from the source to the cohorts."""
    n = dict(zip(table["step"], table["n"], strict=True))
    source = [_count(n["patients_source"], "patients"), "in the source"]
    analysed = [
        f"{_count(n['patients'], 'patients')} analysed",
        f"{n['events']} with the event",
        _count(n["images"], "images"),
    ]
    pieces, y = [_box(2, 4, MAIN, source)], 4 + _height(source)
    left = _left(table)
    side = _height(left)
    pieces.append(_box(MAIN + 24, y + 6, WIDTH - MAIN - 26, left, side=True))
    next_y = y + max(GAP + 10, side + 14)
    pieces += [_arrow(MAIN / 2, y, MAIN / 2, next_y), _arrow(MAIN / 2, y + 6 + side / 2, MAIN + 22, y + 6 + side / 2)]
    pieces.append(_box(2, next_y, MAIN, analysed))
    regions = [f"{n['rois']} regions of interest"]
    if n["rois_failed"]:
        regions.append(f"{_count(n['rois_failed'], 'images')} without one")
    pieces.append(_box(MAIN + 24, next_y, WIDTH - MAIN - 26, regions, side=True))
    y = next_y + _height(analysed)
    drawn, y = _cohorts(n, y=y)
    return picture(joined([*pieces, drawn]), width=WIDTH, height=y + 6, title=title, description=_words(n))


def _left(table: pd.DataFrame) -> list[str]:
    rows = table[(table["place"] == "left") & table["rule"].fillna("").ne("") & (table["n"] > 0)]
    lines = [f"{_count(row.n, row.unit)}: {str(row.rule).replace('_', ' ')}" for row in rows.itertuples()]
    return ["Left out", *lines] if lines else ["Left out: nobody"]


def _cohorts(n: dict[str, int], *, y: float) -> tuple[Markup, float]:
    names = [name for name in COHORTS if f"{name}_patients" in n]
    if not names:
        return Markup(""), y
    width = (WIDTH - 4 - 10 * (len(names) - 1)) / len(names)
    top, pieces = y + GAP + 12, []
    bar = y + GAP / 2
    centres = [2 + width / 2 + place_ * (width + 10) for place_ in range(len(names))]
    pieces.append(Markup('<path class="arrow" d="M{} {}V{}"/>').format(place(MAIN / 2), place(y), place(bar)))
    pieces.append(
        Markup('<path class="arrow" d="M{} {y}H{}"/>').format(
            place(min([MAIN / 2, *centres])), place(max([MAIN / 2, *centres])), y=place(bar)
        )
    )
    for name, centre in zip(names, centres, strict=True):
        lines = [COHORTS[name], _count(n[f"{name}_patients"], "patients")]
        lines += [f"{n[f'{name}_events']} with event", _count(n[f"{name}_images"], "images")]
        pieces += [_arrow(centre, bar, centre, top), _box(centre - width / 2, top, width, lines, strong=True)]
    return joined(pieces), top + 4 * LINE + PAD


def _count(n: int, unit: str) -> str:
    return f"{n} {unit.removesuffix('s') if n == 1 else unit}"


def _height(lines: Sequence[str]) -> float:
    return len(lines) * LINE + PAD


def _box(x: float, y: float, width: float, lines: Sequence[str], *, side: bool = False, strong: bool = False) -> Markup:
    frame = box(x, y, width=width, height=_height(lines), css="flowbox side" if side else "flowbox")
    words = [
        text(x + 8, y + PAD / 2 + 12.5 + LINE * row, line, css="strong" if row == 0 and (strong or not side) else "")
        for row, line in enumerate(lines)
    ]
    return joined([frame, *words])


def _arrow(x1: float, y1: float, x2: float, y2: float) -> Markup:
    """A line with a head, straight down or to the right."""
    head = "l-4 -7M{x} {y}l4 -7" if x1 == x2 else "l-7 -4M{x} {y}l-7 4"
    tip = head.format(x=place(x2), y=place(y2))
    return Markup('<path class="arrow" d="M{} {}L{} {}{}"/>').format(place(x1), place(y1), place(x2), place(y2), tip)


def _words(n: dict[str, int]) -> str:
    parts = ", ".join(f"{COHORTS[name].lower()} {n[f'{name}_patients']}" for name in COHORTS if f"{name}_patients" in n)
    return (
        f"{n['patients_source']} patients in the source, {n['patients_left']} left out, {n['patients']} analysed"
        f"{f': {parts}' if parts else ''}."
    )
