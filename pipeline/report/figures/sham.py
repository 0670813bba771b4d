"""Sham labels: the AUC after each shuffle of the outcome, which must lie around one half."""

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from pipeline.report.figures.axes import WIDTH, Scale, joined, picture, place, segment, text
from pipeline.report.figures.marks import box, dot

NAMES = {"all": "Shuffled over all training patients", "within_site": "Shuffled within each site"}
TOP, GAP = 30, 5.5  # height of a row's name; half the distance between two dots
BINS = 50


def sham_figure(table: pd.DataFrame, *, title: str, tolerance: Mapping[str, float] | None = None) -> Markup | None:
    """The rows of `sham`, one dot per shuffle, stacked where they coincide; None without rows.

    `tolerance`: by kind, the allowed distance of the mean from one half; shaded, with the mean as a bar.
    """
    scale, pieces, y, means = Scale(low=0, high=1, start=18, stop=WIDTH - 18), [], 0.0, []
    for kind in [name for name in NAMES if (table["kind"] == name).any()]:
        values = table.loc[table["kind"] == kind, "auc"].dropna().sort_values().to_numpy(dtype=float)
        stacks = pd.Series((values * BINS).round().astype(int))
        height = max(34.0, float(stacks.value_counts().max()) * 2 * GAP + 8)
        base, mean = y + TOP + height, float(values.mean())
        reach = (tolerance or {}).get(kind)
        if reach is not None:
            left, right = scale.held(0.5 - reach), scale.held(0.5 + reach)
            pieces.append(box(left, y + TOP, width=right - left, height=height, css="band"))
        pieces.append(text(4, y + 20, NAMES[kind], css="strong"))
        pieces.append(segment(scale(0.5), y + TOP, scale(0.5), base, css="chance"))
        pieces.append(segment(scale.start, base, scale.stop, base, css="rule"))
        level = stacks.groupby(stacks).cumcount()
        pieces += [
            dot(scale.held(stack / BINS), base - GAP - 1 - 2 * GAP * up, css="dot open", size=4)
            for stack, up in zip(stacks, level, strict=True)
        ]
        pieces.append(_mean(scale.held(mean), base))
        means.append(f"{NAMES[kind].lower()}: the mean lies {_side(mean, reach)}")
        y = base + 10
    if not means:
        return None
    for value in (0, 0.2, 0.4, 0.6, 0.8, 1):
        pieces.append(text(scale(value), y + 16, f"{value:g}", anchor="middle"))
    pieces.append(text(WIDTH / 2, y + 36, "AUC with a shuffled outcome", anchor="middle", css="axis"))
    key = "red bar: the mean; shaded: where it must lie" if tolerance else "red bar: the mean"
    pieces.append(text(WIDTH / 2, y + 54, key, anchor="middle", css="small soft"))
    return picture(
        joined(pieces), width=WIDTH, height=y + 62, title=title, description=f"One dot per shuffle; {'; '.join(means)}."
    )


def _mean(x: float, base: float) -> Markup:
    return Markup('<path class="mean" d="M{} {}v-26"/>').format(place(x), place(base))


def _side(mean: float, reach: float | None) -> str:
    if reach is not None and abs(mean - 0.5) <= reach:
        return "within what chance allows"
    return "above one half" if mean > 0.5 else "below one half" if mean < 0.5 else "at one half"
