"""Where the demo lies, and where the report of a study goes: git keeps the demo's, and ignores every other."""

import posixpath
from typing import Literal

DEMO_ROOT = "data/raw/demo"
DEMO_REPORTS = "reports"
OWN_REPORTS = "reports/own"  # ignored by git
Reports = Literal["reports", "reports/own"]


def is_demo(root: str) -> bool:
    """Whether `root`, relative to the project, is the folder of the demo."""
    return posixpath.normpath(root) == DEMO_ROOT


def check_reports(root: str, *, reports: str) -> None:
    """Raise ValueError if the report of a study at `root` would replace the one that git tracks."""
    if reports == DEMO_REPORTS and not is_demo(root):
        raise ValueError(
            f"key 'reports' must be {OWN_REPORTS} if root is not {DEMO_ROOT} ({root}): git tracks {DEMO_REPORTS}/, and "
            "the report of real patients must not be committed"
        )
