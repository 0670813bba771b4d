"""Audit of the images of a cohort against each other: grey ranges, masks, and images per patient."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pipeline.cohort.findings import Finding, some_of, warning
from pipeline.cohort.grey_ranges import grey_findings
from pipeline.cohort.import_image import ImportedImage
from pipeline.cohort.importers.source import Source
from pipeline.cohort.mask_fit import fit_findings
from pipeline.cohort.mask_outliers import UsedMask, outlier_findings, shared_mask_findings

MANY_IMAGES, MANY_TIMES, MANY_SHARE = 20, 10, 0.1  # images of a patient: in all, per median patient, of all images


def comparison_findings(source: Source, *, imported: Sequence[ImportedImage]) -> list[Finding]:
    """What stands out among the images of `source`, each kind of fault once, with the ids."""
    summaries = {image.image_id: image.summary for image in imported if image.summary is not None}
    fits = {name: summary.fit for name, summary in summaries.items() if summary.fit is not None}
    found = grey_findings(summaries) + outlier_findings(summaries) + fit_findings(fits)
    found += shared_mask_findings(_used_masks(source, imported), patients=len(source.patients))
    return found + _many_images(source)


def _used_masks(source: Source, imported: Sequence[ImportedImage]) -> list[UsedMask]:
    """The masks that mark a part of their image."""
    lesions = {image.image_id: image.lesion for image in source.images}
    used = []
    for image in imported:
        lesion = lesions.get(image.image_id)
        if lesion is None or image.summary is None or not 0 < image.summary.lesion_share < 1:
            continue
        about = {"image_id": image.image_id, "patient_id": image.patient_id}
        used.append(UsedMask(**about, files=lesion.files, voxels=image.mask, pixels=image.pixels))
    return used


def _many_images(source: Source) -> list[Finding]:
    counts = Counter(image.patient_id for image in source.images)
    if len(counts) < 3:
        return []
    typical, total = float(np.median(list(counts.values()))), len(source.images)
    most = [
        f"{count} of patient {name}"
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if count >= max(MANY_IMAGES, MANY_TIMES * typical, MANY_SHARE * total)
    ]
    if not most:
        return []
    message = f"of {total} images, {some_of(most, limit=5)}; the median patient has {typical:g}: check the column "
    message += "patient_id; networks are trained on images, so these patients would dominate them"
    return [warning("images", scope="cohort", check="images_of_one_patient", message=message)]
