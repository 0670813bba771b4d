"""The audit as a table: how findings become `audit.csv` and lines of the log."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import groupby

import pandas as pd

from pipeline.cohort.checks import CHECKS
from pipeline.cohort.findings import Dropped, Finding, info, warning

# Findings that hold for most images of a source become one row, for the cohort.
GATHERED = {
    "spacing_unknown": "images are in a format without a pixel size in mm; their spacing is 1 px",
    "grey_conversion": "images are colour files with grey content; each was stored as one grey channel",
    "mask_label_taken": "images have a mask with one label other than 1 or 255; that label was taken",
}
OFTEN = 0.1  # fraction of the images
LABEL_TAKEN = re.compile(r"has the one label (-?\d+)")  # of the message of `mask_label_taken`
SHOWN = 5  # ids of a list


def dropped_finding(case: Dropped) -> Finding:
    """A case dropped by a declared rule, as a row of the audit."""
    check = "excluded" if case.rule == "excluded" else f"dropped_{case.rule}"
    return Finding(scope=case.scope, id=case.id, check=check, severity="info", message=case.message)


def gathered(findings: Iterable[Finding], *, total: int) -> list[Finding]:
    """`findings` with one row for the cohort instead of one per image for each check of GATHERED.

    `total` is the number of images that could be read. Adds a warning if pixel sizes are known for some images only,
    if masks differ in their one label, and if lesions with several connected components are common.
    """
    everything = list(findings)
    # Images, not findings: a second reader's mask may repeat a finding about its image.
    counts = Counter(check for check, _ in {(finding.check, finding.id) for finding in everything})
    found = [finding for finding in everything if finding.check not in GATHERED]
    taken = _labels_taken(everything)
    for check, meaning in GATHERED.items():
        if counts[check]:
            message = f"{counts[check]} of {total} {meaning}{taken if check == 'mask_label_taken' else ''}"
            found.append(info("images", scope="cohort", check=check, message=message))
    unknown, several = counts["spacing_unknown"], counts["components_left_out"]
    if 0 < unknown < total:
        message = f"{unknown} of {total} images have no pixel size in mm, the others have one; filters in mm "
        message += "then differ in range: give the size for all, or for none"
        found.append(warning("images", scope="cohort", check="spacing_mixed", message=message))
    if 0 < counts["mask_label_taken"] < total or "; label" in taken:
        message = f"{counts['mask_label_taken']} of {total} images have a mask whose only label is not 1{taken}; "
        message += (
            "if it is another structure than in the other masks, set masks.label in params/cohort.yaml to the lesion's"
        )
        found.append(warning("images", scope="cohort", check="mask_labels_mixed", message=message))
    if several > OFTEN * total:
        message = f"in {several} of {total} images the lesion has several connected components and only the largest "
        message += "was kept; was lesion: union in params/cohort.yaml intended?"
        found.append(warning("images", scope="cohort", check="components_often_left_out", message=message))
    return found


def _labels_taken(findings: Iterable[Finding]) -> str:
    """The labels other than 1 that were taken, each with the number and the first of its images: ` (label 3: …)`."""
    images: dict[int, set[str]] = {}
    for finding in findings:
        if finding.check == "mask_label_taken" and (taken := LABEL_TAKEN.search(finding.message)):
            images.setdefault(int(taken[1]), set()).add(finding.id)
    lines = []
    for label, ids in sorted(images.items()):
        more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
        lines.append(f"label {label}: {', '.join(sorted(ids)[:SHOWN])}{more}")
    return f" ({'; '.join(lines)})" if lines else ""


def audit_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """`audit.csv`: one row per finding, in an order that depends on the findings alone."""
    rows = sorted({(f.scope, f.id, f.check, f.severity, f.message) for f in findings})
    return pd.DataFrame(rows, columns=["scope", "id", "check", "severity", "message"])


def counted(findings: Iterable[Finding]) -> list[str]:
    """One line per check of severity info: the message of a single finding, or counts by scope and the meaning."""
    infos = sorted({(f.check, f.scope, f.id, f.message) for f in findings if f.severity == "info"})
    lines = []
    for check, group in groupby(infos, key=lambda row: row[0]):
        rows = list(group)
        scopes = Counter(scope for _, scope, _, _ in rows)
        counts = ", ".join(f"{n} {scope}{'s' if n > 1 else ''}" for scope, n in sorted(scopes.items()))
        lines.append(f"{rows[0][3] if len(rows) == 1 else f'{counts}: {CHECKS[check]}'} [{check}]")
    return lines
