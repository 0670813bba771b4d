"""Flags from the processing of a new patient: what the audit warns of, what could not be used, other software."""

from collections.abc import Mapping, Sequence

from pipeline.predict.flag_messages import Flag
from pipeline.predict.limits import Severity
from pipeline.predict.raw_features import Features


def processing_flags(
    features: Features,
    *,
    owner: Mapping[str, str],
    exempt: Mapping[str, str],
    software: Sequence[str],
    patients: Sequence[str],
) -> list[Flag]:
    """The flags of the `patients` that are predicted.

    `owner`: the patient of each image; `exempt`: by patient, what is said of features that are not harmonised;
    `software`: how this installation differs from that of the bundle.
    """
    found = [
        *_images("image_excluded", features.unusable, "The image was not used", owner=owner),
        *_images("radiomics_failed", features.without_radiomics, "The image has no radiomics", owner=owner),
        *(_flag(patient, "not_harmonised", "site", "outside", message) for patient, message in exempt.items()),
        *_warnings(features, owner=owner),
    ]
    if software:
        message = f"The bundle was made with other software ({'; '.join(software)}), so that the probability may "
        message += "differ from the study's: install the versions of the bundle, or make it again."
        found += [_flag(patient, "software", "versions", "unusual", message) for patient in patients]
    return [flag for flag in found if flag.patient_id in set(patients)]


def _images(name: str, reasons: Mapping[str, str], what: str, *, owner: Mapping[str, str]) -> list[Flag]:
    return [
        _flag(owner[image], name, image, "outside", f"{what}, and the probability rests on what is left: {reason}.")
        for image, reason in reasons.items()
        if image in owner
    ]


def _warnings(features: Features, *, owner: Mapping[str, str]) -> list[Flag]:
    """The warnings of the audit about an image or a patient; several of one check and subject are one flag."""
    messages: dict[tuple[str, str, str], list[str]] = {}
    for finding in features.findings:
        patient = owner.get(finding.id) if finding.scope == "image" else finding.id
        if finding.severity == "warning" and finding.scope in ("image", "patient") and patient is not None:
            messages.setdefault((patient, f"audit_{finding.check}", finding.id), []).append(finding.message)
    return [_flag(*key, "unusual", f"{'; '.join(texts)}.") for key, texts in messages.items()]


def _flag(patient: str, name: str, about: str, severity: Severity, message: str) -> Flag:
    return Flag(patient_id=patient, flag=name, about=about, severity=severity, value="", limit="", message=message)
