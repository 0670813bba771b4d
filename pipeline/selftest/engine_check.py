"""Whether our extraction engine and PyRadiomics give the same features on ROIs of the study itself."""

import pandas as pd

from pipeline.selftest.lights import Check

LIMIT = 1e-6
TITLE = "Our extraction engine and PyRadiomics agree on the ROIs that both extracted"
RULE = "Red if a feature differs by more than 1e-6 of its value, on ROIs drawn at random (params/radiomics.yaml)."


def engine_check(differences: pd.DataFrame) -> Check:
    """The light: `value` = the largest relative difference, `limit` = the maximum.

    `differences` (engine_check.csv) has image_id, feature and difference. Grey without a row: PyRadiomics extracted all
    ROIs, none was extracted twice, or PyRadiomics refused those.
    """
    if differences.empty:
        finding = (
            "No ROI was extracted by both: engine is pyradiomics, or verify is 0, in params/radiomics.yaml, or "
            "PyRadiomics refused the ROIs that were drawn."
        )
        return Check(check="engine", light="grey", title=TITLE, rule=RULE, finding=finding)
    worst = differences.loc[differences["difference"].idxmax()]
    images = differences["image_id"].nunique()
    differ = float(worst["difference"]) > LIMIT
    if differ:
        number = int(differences.loc[differences["difference"] > LIMIT, "feature"].nunique())
        finding = (
            f"On {images} ROIs, {number} features differ, the most {worst['feature']}: set engine: pyradiomics in "
            "params/radiomics.yaml, and report the difference to us."
        )
    else:
        finding = f"On {images} ROIs, {differences['feature'].nunique()} features agree."
    return Check(
        check="engine",
        light="red" if differ else "green",
        title=TITLE,
        rule=RULE,
        finding=finding,
        value=float(worst["difference"]),
        limit=LIMIT,
    )
