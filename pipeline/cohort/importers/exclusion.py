"""Exclusion of cases from a source by a declared rule (`unlabelled`, `no_outline`) or by name, never silently."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import pandas as pd

from pipeline.cohort.findings import Dropped, Finding, Scope
from pipeline.cohort.importers.source import Source

Rule = Literal["drop", "error"]
OutlineRule = Literal["drop", "error", "keep"]  # keep: the mask is to be predicted


def apply_rules(
    source: Source,
    *,
    unlabelled: Rule,
    no_outline: OutlineRule,
    places: Mapping[tuple[Scope, str], str] | None = None,
) -> Source:
    """`source` without the patients that have no label and the images that have no mask or contour.

    Under `drop` they are excluded and listed in `dropped`; under `error` they are kept and each is an error finding;
    under `keep` an image without a mask is kept and is an info finding. A
    patient that already has an error finding is kept and gets no second one; if the whole column of labels is at fault,
    no patient counts as unlabelled. `places` gives the position of a case in
    its table ((scope, id): "rows 3 and 4").
    """
    faulty = {f.id for f in source.findings if f.scope == "patient" and f.severity == "error"}
    missing = source.patients.loc[source.patients["label"].isna(), "patient_id"]
    missing = missing[~missing.isin(faulty)]
    if any(f.scope == "column" and f.check == "label_not_binary" for f in source.findings):
        missing = missing[:0]
    labels = {str(patient): _with_place("has no label", "patient", str(patient), places) for patient in missing}
    without_lesion = {
        image.image_id: _with_place("has no mask or contour", "image", image.image_id, places)
        for image in source.images
        if image.lesion is None
    }
    if unlabelled == "error":
        source = _with_findings(source, labels, check="unlabelled", scope="patient")
        labels = {}
    if no_outline != "drop":
        source = _with_findings(source, without_lesion, check="no_outline", scope="image", kept=no_outline == "keep")
        without_lesion = {}
    source = exclude(source, patients=labels, rule="unlabelled")
    return exclude(source, images=without_lesion, rule="no_outline")


def _with_place(what: str, scope: Scope, case: str, places: Mapping[tuple[Scope, str], str] | None) -> str:
    place = (places or {}).get((scope, case))
    return f"{what} ({place})" if place else what


def _with_findings(
    source: Source, cases: Mapping[str, str], *, check: str, scope: Literal["image", "patient"], kept: bool = False
) -> Source:
    """One finding per case: an error, or an information if the case is `kept` for its mask to be predicted."""
    remedy = f"give it one, or set {check}: drop in params/cohort.yaml"
    if kept:
        remedy = "its mask is to be predicted (mask_source in params/segment.yaml)"
    new = [
        Finding(
            scope=scope,
            id=case,
            check=check,
            severity="info" if kept else "error",
            message=f"{scope} {case} {what}; {remedy}",
        )
        for case, what in cases.items()
    ]
    return replace(source, findings=[*source.findings, *new])


def exclude(
    source: Source,
    *,
    rule: str,
    images: Mapping[str, str] | None = None,
    patients: Mapping[str, str] | None = None,
) -> Source:
    """`source` without the named images and patients (id: reason as a predicate), each listed in `dropped`.

    The images of an excluded patient are excluded too (not listed one by one), and so is a patient whose last image is
    excluded. Ids that are not in the source are ignored.
    """
    gone_images, gone_patients = dict(images or {}), dict(patients or {})
    known = set(source.patients["patient_id"])
    reasons: list[tuple[Literal["image", "patient"], str, str]] = [
        ("patient", case, what) for case, what in gone_patients.items() if case in known
    ]
    candidates = [image for image in source.images if image.patient_id not in gone_patients]
    kept = [image for image in candidates if image.image_id not in gone_images]
    reasons += [("image", i.image_id, gone_images[i.image_id]) for i in candidates if i.image_id in gone_images]
    emptied = {image.patient_id for image in candidates} - {image.patient_id for image in kept}
    reasons += [("patient", case, "has no remaining image") for case in sorted(emptied)]
    dropped = [
        Dropped(scope=scope, id=case, rule=rule, message=f"{scope} {case} {what}; excluded")
        for scope, case, what in reasons
    ]
    excluded = {*gone_patients, *emptied}
    return replace(
        source,
        images=kept,
        patients=_without(source.patients, excluded),
        dropped=[*source.dropped, *dropped],
        blocks={name: _without(block, excluded) for name, block in source.blocks.items()},
    )


def _without(table: pd.DataFrame, patients: set[str]) -> pd.DataFrame:
    return table[~table["patient_id"].isin(patients)].reset_index(drop=True)
