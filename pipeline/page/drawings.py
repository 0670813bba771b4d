"""Which figures the page shows, by name and evaluation; what the data do not allow is None."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from pipeline.page.figures.sham import sham_figure
from pipeline.page.inputs import ReportInputs


def drawings(study: ReportInputs, *, evaluations: list[str]) -> Mapping[str, Any]:
    """The figures by the names that the templates use."""
    nothing = dict.fromkeys(evaluations)
    return {
        "calibration": nothing,
        "decision": nothing,
        "sham": _sham(study),
        "lasso": {},
        "coefficients": {},
        "correlation": None,
    }


def _sham(study: ReportInputs) -> Markup | None:
    """The shuffles of the outcome with the range that the self-test allows their mean."""
    table = study.results["selftest"].set_index("check")
    sham = study.results["sham"]
    if "sham_labels" not in table.index or not len(sham):
        return None
    high = float(table.loc["sham_labels", "limit"])
    return sham_figure(sham, low=1 - high, high=high)
