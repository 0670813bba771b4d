"""The negative controls beside the lesion's own features: the cross-validated AUC of each, with its interval."""

import pandas as pd
from markupsafe import Markup

from pipeline.report.figures.axes import WIDTH, picture
from pipeline.report.figures.intervals import IntervalRow, interval_rows

LESION, PIECE, OUTSIDE = "The lesion", "A part of its information", "Outside the lesion"
# From the last group nothing should be predicted; the second is what a model may rest on instead of texture.
GROUPS = {
    LESION: ("primary", "primary_without_shape", "lesion"),
    PIECE: ("outline", "shuffled"),
    OUTSIDE: ("moved", "ring", "frame"),
}
NAMES = {
    "primary": "primary set",
    "primary_without_shape": "same without shape",
    "lesion": "lesion alone",
    "outline": "outline alone",
    "moved": "mask moved beside it",
    "ring": "ring around it",
    "shuffled": "voxels shuffled",
    "frame": "frame, lesion blanked",
}


def controls_figure(table: pd.DataFrame, *, title: str) -> Markup | None:
    """The rows of `controls` that have an AUC, the lesion first; None if there are none.

    Dotted: chance.
    """
    known = table[table["auc"].notna()].set_index("control")
    rows: list[IntervalRow] = []
    for heading, members in GROUPS.items():
        found = [name for name in members if name in known.index]
        rows += [IntervalRow(name=heading, heading=True)] if found else []
        rows += [
            IntervalRow(
                name=NAMES[name],
                estimate=float(known.loc[name, "auc"]),
                low=float(known.loc[name, "ci_low"]),
                high=float(known.loc[name, "ci_high"]),
                shape="square" if heading == LESION else "circle",
                css="dot open" if heading == OUTSIDE else "dot",
            )
            for name in found
        ]
    if not rows:
        return None
    marks = [(0.5, "chance strong")]
    body, height = interval_rows(
        rows, left="Features from", right="AUC (95 % CI)", axis="Cross-validated AUC", marks=marks
    )
    return picture(body, width=WIDTH, height=height, title=title, description=_words(known))


def _words(known: pd.DataFrame) -> str:
    controls = [name for name in GROUPS[OUTSIDE] if name in known.index]
    above = [NAMES[name] for name in controls if known.loc[name, "ci_low"] > 0.5]
    if not controls:
        return "AUC with interval of the lesion's own features; nothing outside the lesion was tested."
    found = f"above one half: {', '.join(above)}" if above else "no interval lies above one half"
    return f"AUC with interval of the lesion's own features and of each control. Outside the lesion, {found}."
