"""Where the masks come from: images by source of their mask, in all and in each cohort."""

import pandas as pd

from pipeline.contracts.data.cohort import WHOLE
from pipeline.contracts.data.crop import PREDICTED
from pipeline.contracts.reports.regions import MASK_SOURCES, SOURCES
from pipeline.report.tables.patient_groups import ALL, GROUPS

POLYGONS = "polygons"  # the mask_source of a mask that was filled from polygons


def mask_sources(cohort: pd.DataFrame, *, rois: pd.DataFrame) -> pd.Series:
    """The source of each image's mask (`SOURCES`), index image_id: predicted if `rois` say so, else as given."""
    predicted = set(rois["image_id"][rois["mask_source"] == PREDICTED]) if "mask_source" in rois else set[str]()
    found = []
    for row in cohort[["image_id", "mask", "mask_source"]].itertuples(index=False):
        if row.image_id in predicted:
            found.append("predicted")
        elif pd.isna(row.mask):
            found.append("none")
        else:
            found.append(row.mask_source if row.mask_source in (POLYGONS, WHOLE) else "file")
    return pd.Series(found, index=pd.Index(cohort["image_id"], name="image_id"), dtype="str")


def mask_source_table(cohort: pd.DataFrame, *, rois: pd.DataFrame, role: pd.Series) -> pd.DataFrame:
    """`MASK_SOURCES`: the sources that occur, in all cohorts; `role` by patient_id."""
    sources = mask_sources(cohort, rois=rois).reset_index(drop=True)
    groups = cohort["patient_id"].map(role).reset_index(drop=True)
    rows = []
    for source in [one for one in SOURCES if (sources == one).any()]:
        own = sources == source
        rows.append((source, ALL, int(own.sum())))
        rows += [(source, name, int((own & (groups == name)).sum())) for name in GROUPS if (groups == name).any()]
    return pd.DataFrame(rows, columns=MASK_SOURCES.names)
