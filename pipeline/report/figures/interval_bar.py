"""An estimate with its interval, small enough for the cell of a table."""

from markupsafe import Markup


def interval_bar(estimate: str, *, low: str, high: str, floor: float) -> Markup:
    """A dot with its interval on a line from `floor` to 1; the values stand beside it as text, so it is for the eye.

    Texts are cells of a table; nothing is drawn where the estimate is empty.
    """
    if not estimate:
        return Markup("")

    def place(value: str) -> str:
        return f"{4 + 112 * (min(max(float(value), floor), 1) - floor) / (1 - floor):.1f}"

    whisker = Markup('<path class="whisker" d="M{} 8H{}"/>').format(place(low), place(high)) if low else Markup("")
    return Markup(
        '<svg class="bar" viewBox="0 0 120 16" aria-hidden="true"><path class="scale" d="M4 8H116"/>'
        '<path class="scale" d="M{} 3V13"/>{}<circle cx="{}" cy="8" r="3.4"/></svg>'
    ).format(place("0.5"), whisker, place(estimate))
