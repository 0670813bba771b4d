"""The audit as a table: how findings become `audit.csv` and lines of the log."""

from collections import Counter
from collections.abc import Iterable
from itertools import groupby

import pandas as pd

from pipeline.cohort.checks import CHECKS
from pipeline.cohort.findings import Dropped, Finding, info, warning

# What is said of most images of a source is one row, for the cohort.
GATHERED = {
    "spacing_unknown": "images are in a format without a pixel size in mm; their spacing is 1 px",
    "grey_conversion": "images are colour files with grey content; each was stored as one grey channel",
    "mask_label_taken": "images have a mask with one label other than 1 or 255; that label was taken",
}
OFTEN = 0.1  # fraction of the images


def dropped_finding(case: Dropped) -> Finding:
    """A case that left by a declared rule, as a row of the audit."""
    check = "excluded" if case.rule == "excluded" else f"dropped_{case.rule}"
    return Finding(scope=case.scope, id=case.id, check=check, severity="info", message=case.message)


def gathered(findings: Iterable[Finding], *, total: int) -> list[Finding]:
    """`findings` with one row instead of one an image for what is said of most images (see GATHERED).

    `total` is the number of images that could be read. Adds a warning where pixel sizes are known for some images
    only, where masks differ in their one label, and where lesions in several parts are common.
    """
    everything = list(findings)
    # Images, not findings: a second reader's mask may say the same of an image again.
    counts = Counter(check for check, _ in {(finding.check, finding.id) for finding in everything})
    found = [finding for finding in everything if finding.check not in GATHERED]
    for check, meaning in GATHERED.items():
        if counts[check]:
            found.append(info("images", scope="cohort", check=check, message=f"{counts[check]} of {total} {meaning}"))
    unknown, parts = counts["spacing_unknown"], counts["components_left_out"]
    if 0 < unknown < total:
        message = f"{unknown} of {total} images have no pixel size in mm, the others have one; filters in mm then "
        message += "reach differently far: give the size for all, or for none"
        found.append(warning("images", scope="cohort", check="spacing_mixed", message=message))
    if 0 < counts["mask_label_taken"] < total:
        message = (
            f"{counts['mask_label_taken']} of {total} images have a mask whose only label is not 1; if it is another "
        )
        message += "structure than in the other masks, set masks.label in params/cohort.yaml to the lesion's"
        found.append(warning("images", scope="cohort", check="mask_labels_mixed", message=message))
    if parts > OFTEN * total:
        message = f"in {parts} of {total} images the lesion has several separate parts and only the largest was kept; "
        message += "is lesion: union in params/cohort.yaml meant?"
        found.append(warning("images", scope="cohort", check="components_often_left_out", message=message))
    return found


def audit_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """`audit.csv`: one row a finding, in an order that depends on nothing but the findings."""
    rows = sorted({(f.scope, f.id, f.check, f.severity, f.message) for f in findings})
    return pd.DataFrame(rows, columns=["scope", "id", "check", "severity", "message"])


def counted(findings: Iterable[Finding]) -> list[str]:
    """One line a check of severity info: the message of a single finding, else how many of what, and the meaning."""
    infos = sorted({(f.check, f.scope, f.id, f.message) for f in findings if f.severity == "info"})
    lines = []
    for check, group in groupby(infos, key=lambda row: row[0]):
        rows = list(group)
        scopes = Counter(scope for _, scope, _, _ in rows)
        told = ", ".join(f"{n} {scope}{'s' if n > 1 else ''}" for scope, n in sorted(scopes.items()))
        lines.append(f"{rows[0][3] if len(rows) == 1 else f'{told}: {CHECKS[check]}'} [{check}]")
    return lines
