"""How many ROIs gave no radiomics: if many, the features are those of another, easier cohort."""

import pandas as pd

from pipeline.selftest.lights import Check

LIMIT = 0.05
RULE = "Amber if more than 5 % of the ROIs gave no features."
TITLE = "Radiomic features of the ROIs are complete"


def extraction_check(rois: pd.DataFrame, extraction: pd.DataFrame) -> Check:
    """The light: `value` = the fraction of the ROIs without features, `limit` = the maximum.

    `rois` (rois.csv) and `extraction` (features/radiomics.csv) have image_id and status. ROIs are the rows of `rois`
    with status ok: an image without a usable mask is a fault of its mask, which the audit reports. Grey without ROIs.
    """
    wanted = rois.loc[rois["status"] == "ok", "image_id"]
    if wanted.empty:
        finding = "There is no ROI."
        return Check(check="extraction", light="grey", title=TITLE, rule=RULE, finding=finding)
    done = extraction.loc[extraction["status"] == "ok", "image_id"]
    failed = float((~wanted.isin(done)).mean())
    many = failed > LIMIT
    if many:
        finding = (
            "Many ROIs gave no features, and their values are imputed: read the reasons in the list of failed images, "
            "and correct the masks or the settings."
        )
    else:
        finding = "Every ROI gave features." if failed == 0 else "Few ROIs gave no features."
    return Check(
        check="extraction",
        light="amber" if many else "green",
        title=TITLE,
        rule=RULE,
        finding=finding,
        value=failed,
        limit=LIMIT,
    )
