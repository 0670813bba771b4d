"""Which figures the page shows, by name and evaluation; what the data do not allow is None."""

from collections.abc import Mapping
from typing import Any

from pipeline.page.inputs import ReportInputs


def drawings(_study: ReportInputs, *, evaluations: list[str]) -> Mapping[str, Any]:
    """The figures by the names that the templates use."""
    nothing = dict.fromkeys(evaluations)
    return {
        "calibration": nothing,
        "decision": nothing,
        "sham": None,
        "lasso": {},
        "coefficients": {},
        "correlation": None,
    }
