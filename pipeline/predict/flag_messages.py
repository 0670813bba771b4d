"""The flags of new patients, each one sentence with its value and its limit, from each kind of reference."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from pipeline.predict.distances import MEAN, MEASURES, PROTOTYPE, Clouds
from pipeline.predict.fact_limits import FLAG_OF, GREY, SHARPNESS, SIZE, FactRanges, scores_of
from pipeline.predict.known_values import OF_IMAGES, ClinicalColumn, KnownValues, text_of
from pipeline.predict.limits import OUTSIDE, UNUSUAL, Limits, Severity
from pipeline.predict.outside_range import BlockRanges

ORDER: tuple[Severity, ...] = ("outside", "unusual", "note")
ALL_FEATURES = "features of the model"
EXTRAPOLATES = "the probability is an extrapolation"
REMEDIES = {
    SIZE: "check the mask and the scale of the image",
    GREY: "check that the grey scale is that of the training images (not inverted, not windowed otherwise)",
    SHARPNESS: "check that the image was not resized, smoothed or compressed otherwise than the training images",
}
FACT_WORDS = {
    "lesion_voxels": ("the size of the lesion", " voxels"),
    "lesion_area_mm2": ("the area of the lesion", " mm²"),
    "lesion_volume_mm3": ("the volume of the lesion", " mm³"),
    "lesion_grey_mean": ("the mean grey level of the lesion", ""),
    "lesion_grey_sd": ("the SD of the grey levels of the lesion", ""),
    "lesion_grey_p01": ("the 1st percentile of the grey levels of the lesion", ""),
    "lesion_grey_p99": ("the 99th percentile of the grey levels of the lesion", ""),
    "crop_grey_mean": ("the mean grey level of lesion and surroundings", ""),
    "crop_grey_sd": ("the SD of the grey levels of lesion and surroundings", ""),
    "crop_grey_p01": ("the 1st percentile of the grey levels of lesion and surroundings", ""),
    "crop_grey_p99": ("the 99th percentile of the grey levels of lesion and surroundings", ""),
    "contrast": ("the contrast of the lesion to its surroundings", " SD"),
    "sharpness": ("the sharpness of the image (differences of neighbouring voxels)", " SD"),
    "coarseness": ("the coarseness of the image (differences of squares of 4 x 4 voxels)", " SD"),
}
IMAGE_WORDS = {
    "site": ("the site", "no training patient is from it; check whether the model was evaluated there"),
    "dimension": ("the number of dimensions of the images", "use images like those of training"),
    "mask_source": ("the source of the mask", "use a mask made as those of training"),
    "voxel_type": ("the type of the grey levels", "check how the image was exported"),
}


@dataclass(frozen=True, kw_only=True)
class Flag:
    """One warning about a patient: `flag` names the check, `about` the feature block, view or column it looked at.

    `severity`: outside (beyond 99 % of held-out training patients, or never seen in training), unusual (beyond 95 %, or
    rare), note (for information). `value` and `limit` are texts with units; `limit` may be empty.
    """

    patient_id: str
    flag: str
    about: str
    severity: Severity
    value: str
    limit: str
    message: str


def plain(value: float) -> str:
    """A number with 4 significant digits."""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"


def percent(fraction: float) -> str:
    """A fraction as a percentage; below 10 % with one decimal."""
    return f"{100 * fraction:.1f} %" if fraction < 0.1 else f"{100 * fraction:.0f} %"


def _passed(limits: Limits, severity: Severity) -> tuple[float, str]:
    """The limit that a value of this severity passed, and the fraction of held-out training patients below it."""
    if severity == "outside":
        return limits.outside, f"{100 * OUTSIDE:.0f} %"
    return limits.unusual, f"{100 * UNUSUAL:.0f} %"


def distance_flags(clouds: Clouds, distances: pd.DataFrame) -> Iterator[Flag]:
    """Flags of `distances` (index patient_id, columns MEASURES)."""
    what = {
        MEAN: "the features lie far from the mean of the training patients",
        PROTOTYPE: "no group of training patients has features like these",
    }
    for name in MEASURES:
        for patient, value in distances[name].dropna().items() if name in clouds.limits else ():
            if (severity := clouds.limits[name].severity(float(value))) is None:
                continue
            limit, share = _passed(clouds.limits[name], severity)
            reason = f"distance {plain(value)}, and {share} of held-out training patients have at most {plain(limit)}"
            yield Flag(
                patient_id=str(patient),
                flag=name,
                about=ALL_FEATURES,
                severity=severity,
                value=plain(value),
                limit=plain(limit),
                message=f"{_upper(what[name])} ({reason}): {EXTRAPOLATES}.",
            )


def feature_flags(references: BlockRanges, fractions: pd.DataFrame) -> Iterator[Flag]:
    """Flags of `fractions` as `outside_range.fractions_of` gives them."""
    for row in fractions.dropna().to_dict("records"):
        limits = references.limits.get(row["block"])
        severity = limits.severity(row["fraction"]) if limits is not None else None
        if limits is None or severity is None:
            continue
        passed, share = _passed(limits, severity)
        limit, value = percent(passed), percent(row["fraction"])
        yield Flag(
            patient_id=row["patient_id"],
            flag="features_outside",
            about=row["block"],
            severity=severity,
            value=value,
            limit=limit,
            message=f"{value} of the features of block {row['block']} lie outside the usual range of the training "
            f"patients ({share} of held-out training patients have at most {limit}): check organ, device and "
            "processing of the image.",
        )


def fact_flags(references: FactRanges, facts: pd.DataFrame) -> Iterator[Flag]:
    """Flags of the images `facts`: for each patient, view and flag the fact that is farthest away."""
    limits = references.limits
    if limits is None:
        return
    scores = scores_of(references.ranges, facts)
    scores["flag"] = scores["fact"].map(FLAG_OF)
    worst = scores.sort_values("score", ascending=False, kind="stable").drop_duplicates(["patient_id", "view", "flag"])
    for row in worst.to_dict("records"):
        if (severity := limits.severity(row["score"])) is None:
            continue
        limit, share = _passed(limits, severity)
        words, unit = FACT_WORDS[row["fact"]]
        low, high = (plain(edge) for edge in references.ranges[row["place"]].edges(limit))
        value = f"{plain(row['value'])}{unit}"
        yield Flag(
            patient_id=row["patient_id"],
            flag=row["flag"],
            about=f"view {row['view']}",
            severity=severity,
            value=value,
            limit=f"{low} to {high}{unit}",
            message=f"{_upper(words)} (view {row['view']}) is {value}, outside {low} to {high}{unit}, the range that "
            f"holds {share} of held-out training patients in all such facts: {REMEDIES[row['flag']]}.",
        )


def spacing_flags(known: KnownValues, facts: pd.DataFrame) -> Iterator[Flag]:
    """Flags of the spacing of the images, one per patient and axis."""
    for axis in known.spacings:
        for patient, values in facts.groupby("patient_id", sort=True)[axis.axis]:
            graded = [(grade, float(one)) for one in values if (grade := axis.severity(float(one))) is not None]
            if not graded:
                continue
            severity, spacing = min(graded, key=lambda one: ORDER.index(one[0]))
            value = "unknown" if pd.isna(spacing) else f"{plain(spacing)} mm"
            trained = "unknown"
            if axis.low is not None and axis.high is not None:
                trained = f"{plain(axis.low)} to {plain(axis.high)} mm"
            yield Flag(
                patient_id=str(patient),
                flag="spacing",
                about=axis.axis.removeprefix("spacing_").removesuffix("_mm"),
                severity=severity,
                value=value,
                limit=trained,
                message=f"The voxel spacing along {axis.axis[8]} is {value}, that of the training images {trained}: "
                "check the header of the image; sizes and filters depend on it.",
            )


def image_flags(known: KnownValues, values: dict[str, pd.Series]) -> Iterator[Flag]:
    """Flags of site, dimension, source of the mask and type of the grey levels; `values` (each with index patient_id)
    by the names OF_IMAGES.
    """
    for name in [name for name in OF_IMAGES if name in known.images and name in values]:
        words, reason = IMAGE_WORDS[name]
        for patient, value in sorted({(str(patient), text_of(value)) for patient, value in values[name].items()}):
            if (severity := known.images[name].severity(value)) is None:
                continue
            trained = ", ".join(one or "none given" for one in known.images[name].shares)
            grade = (
                "not among those of training" if severity == "outside" else f"rare in training (under {percent(0.05)})"
            )
            advice = reason if severity == "outside" else "the evaluation says little about such patients"
            yield Flag(
                patient_id=patient,
                flag=name,
                about=value or "none given",
                severity=severity,
                value=value,
                limit=trained,
                message=f"{_upper(words)} is '{value or 'not given'}', {grade} ({trained}): {advice}.",
            )


def view_flags(known: KnownValues, facts: pd.DataFrame, *, patients: list[str]) -> Iterator[Flag]:
    """Flags of views that a patient lacks, and of views that no training patient has."""
    found = dict(list(facts.groupby("patient_id")["view"]))
    for patient in patients:
        own = {text_of(view) for view in found.get(patient, ())}
        about = {"patient_id": patient, "limit": ", ".join(known.views.shares)}
        for view, share in known.views.shares.items():
            if view in own:
                continue
            lacking = 1 - share
            severity: Severity = "outside" if lacking == 0 else "unusual" if lacking < 0.05 else "note"
            message = f"The view {view} is missing and its features are imputed; {percent(lacking)} of the training "
            message += "patients lack it too: add an image of this view if there is one."
            yield Flag(flag="view_missing", about=view, severity=severity, value="", message=message, **about)
        for view in sorted(own - set(known.views.shares)):
            message = f"The view '{view}' is not among those of training ({about['limit']}), and its images are not "
            message += "used: correct the name of the view."
            yield Flag(flag="view_unknown", about=view, severity="outside", value=view, message=message, **about)


def clinical_flags(known: KnownValues, clinical: pd.DataFrame) -> Iterator[Flag]:
    """Flags of clinical values (index patient_id); a column that `clinical` lacks is missing for every patient."""
    for column in known.clinical:
        values = clinical[column.name] if column.name in clinical else pd.Series(None, index=clinical.index)
        for patient, value in values.items():
            text = text_of(value)
            if (severity := column.severity(text)) is not None:
                yield _clinical_flag(column, str(patient), text, severity)


def _clinical_flag(column: ClinicalColumn, patient: str, text: str, severity: Severity) -> Flag:
    is_number = column.kind == "number" and not column.levels
    limit = f"{plain(column.low)} to {plain(column.high)}" if is_number else ", ".join(column.levels)
    if not text:
        lacked = f"{percent(column.missing)} of the training patients" if column.missing else "no training patient"
        flag, message = "imputed", f"{column.name} is missing and was imputed; {lacked} lacked it: add the value if it "
        message += "is known."
    elif is_number:
        flag, message = "clinical_range", f"{column.name} is {text}, and that of the training patients {limit}: check "
        message += "the value and its unit."
    else:
        flag, message = "clinical_level", f"{column.name} is '{text}', and no training patient has this level "
        message += f"({limit}): correct its spelling, or take the value as missing."
    about = {"patient_id": patient, "about": column.name, "severity": severity, "value": text, "limit": limit}
    return Flag(flag=flag, message=message, **about)  # type: ignore[arg-type]


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
