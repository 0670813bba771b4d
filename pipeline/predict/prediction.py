"""New patients through a bundle: audit, features, probability, interval, flags and contributions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.cohort.findings import Finding
from pipeline.contracts.data.predict import FAILED, NEW_CONTRIBUTIONS, NEW_PREDICTIONS, PREDICTED
from pipeline.explain.contributions import Explained
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import CohortError, PipelineError, listed
from pipeline.plan.feature_sets import CLINICAL
from pipeline.predict.bundle import REFERENCES, Bundle, differences
from pipeline.predict.flag_messages import ORDER, Flag
from pipeline.predict.flags import References, flags_of
from pipeline.predict.image_facts import image_facts
from pipeline.predict.new_patients import NewPatients
from pipeline.predict.processing_flags import processing_flags
from pipeline.predict.raw_features import Features, Spread, features_of
from pipeline.predict.scores import (
    explained,
    fitted_steps,
    part_scores,
    probabilities,
    reduced_features,
    unharmonised,
)

CALLED = {True: "positive", False: "negative"}


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What is known of the new patients: `table` under NEW_PREDICTIONS without pages, `flags`, the `explained`
    contributions (None if no patient was predicted), `features` with the ROIs, and all findings of the audit.
    """

    table: pd.DataFrame
    flags: list[Flag]
    explained: Explained | None
    features: Features

    @property
    def findings(self) -> list[Finding]:
        """All findings of the audit."""
        return self.features.findings


def predict(
    bundle: Bundle, patients: NewPatients, *, root: Path, folder: Path, spread: Spread, store: ContentStore
) -> Predictions:
    """Predict every patient that has a usable image (or needs none); the others keep a row with their reason.

    `folder` takes the imported images and crops; `spread` and `store` as in `features_of`. Raises CohortError if the
    audit finds a fault of the whole table, PipelineError if the bundle is damaged.
    """
    features = features_of(bundle, patients, root=root, folder=folder, spread=spread, store=store)
    errors = [one for one in features.findings if one.severity == "error"]
    # Ids that may be one person are named once, for all of them.
    stops = [one.message for one in errors if one.scope in ("column", "cohort") or one.check == "ids_alike"]
    if stops:
        raise CohortError(listed(stops, heading="no patient is predicted; correct the table"))
    fitted = fitted_steps(bundle)
    refused, exempt = unharmonised(fitted, patients.sites)
    reasons = _failures(bundle, patients, features, refused=refused)
    ready = [patient for patient in patients.ids if patient not in reasons]
    if not ready:
        return Predictions(
            table=_table(bundle, patients, reasons=reasons, rows={}, flags=[]),
            flags=[],
            explained=None,
            features=features,
        )
    reduced = reduced_features(bundle, fitted, features.raw, sites=patients.sites, patients=ready)
    scores = part_scores(fitted, reduced)
    known = probabilities(bundle, scores).join(scores.add_prefix("score_"))
    flags = _flags(bundle, patients, features, reduced=reduced, ready=ready)
    owner = {image.image_id: image.patient_id for image in patients.source.images}
    more = processing_flags(features, owner=owner, exempt=exempt, software=differences(bundle.about), patients=ready)
    flags = sorted([*flags, *more], key=lambda one: (one.patient_id, ORDER.index(one.severity), one.flag, one.about))
    rows = {str(row["patient_id"]): row for row in known.rename_axis("patient_id").reset_index().to_dict("records")}
    table = _table(bundle, patients, reasons=reasons, rows=rows, flags=flags)
    return Predictions(table=table, flags=flags, explained=explained(bundle, fitted, reduced), features=features)


def _failures(
    bundle: Bundle, patients: NewPatients, features: Features, *, refused: Mapping[str, str]
) -> dict[str, str]:
    """Why a patient is not predicted: faults of the patient, a site that is refused, or no usable image."""
    faults: dict[str, list[str]] = {patient: [reason] for patient, reason in refused.items()}
    for finding in features.findings:
        if finding.severity == "error" and finding.scope == "patient":
            faults.setdefault(finding.id, []).append(finding.message)
    if bundle.needs_images:
        usable = set(features.rois.loc[features.rois["status"] == "ok", "patient_id"])
        owner = {image.image_id: image.patient_id for image in patients.source.images}
        for patient in [patient for patient in patients.ids if patient not in usable]:
            own = [text for image, text in features.unusable.items() if owner[image] == patient]
            faults.setdefault(patient, []).extend(own or ["there is no usable image"])
    return {patient: "; ".join(texts) for patient, texts in faults.items()}


def _flags(
    bundle: Bundle, patients: NewPatients, features: Features, *, reduced: Mapping[str, pd.DataFrame], ready: list[str]
) -> list[Flag]:
    if REFERENCES not in bundle.files:
        raise PipelineError(f"{bundle.place}: {REFERENCES} is missing; make the bundle again")
    references = References.from_json(bundle.files[REFERENCES].decode("utf-8", errors="replace"))
    sites = {image.image_id: image.site or None for image in patients.source.images}
    facts = image_facts(features.rois, folder=features.folder, sites=pd.Series(sites, dtype="object"))
    raw = {key: frame.loc[ready] for key, frame in features.raw.items() if key[0] != CLINICAL}
    return flags_of(
        references,
        reduced=reduced,
        raw=raw,
        facts=facts if bundle.needs_images else None,
        clinical=patients.clinical.loc[ready] if CLINICAL in bundle.about.blocks else None,
        sites={patient: None if pd.isna(site) else str(site) for patient, site in patients.sites.items()},
    )


def _table(
    bundle: Bundle,
    patients: NewPatients,
    *,
    reasons: Mapping[str, str],
    rows: Mapping[str, Mapping[str, object]],
    flags: Sequence[Flag],
) -> pd.DataFrame:
    """One row per patient, in the order of their ids."""
    records = []
    for patient in patients.ids:
        own = [flag for flag in flags if flag.patient_id == patient]
        missing = patients.clinical.loc[patient].isna()
        record: dict[str, object] = {
            "patient_id": patient,
            "status": FAILED if patient in reasons else PREDICTED,
            "reason": reasons.get(patient),
            "severity": own[0].severity if own else None,
            "n_flags": len(own),
            "flags": " ".join(dict.fromkeys(flag.flag for flag in own)) or None,
            "imputed": " ".join(str(name) for name in missing.index[missing]) or None,
        }
        if patient in rows:
            record |= dict(rows[patient]) | {"threshold": bundle.point.threshold}
            record["called"] = CALLED[bool(record.pop("positive"))]
        records.append(record)
    return pd.DataFrame(records).reindex(columns=NEW_PREDICTIONS.names)


def contributions_table(found: Explained | None) -> pd.DataFrame:
    """`contributions.csv`: every feature of every predicted patient."""
    if found is None or not found.columns():
        return NEW_CONTRIBUTIONS.empty()
    own = found.contributions().rename_axis("patient_id").reset_index()
    long = own.melt(id_vars="patient_id", var_name="feature", value_name="contribution")
    values = found.values().rename_axis("patient_id").reset_index()
    long = long.merge(values.melt(id_vars="patient_id", var_name="feature", value_name="value"))
    return long.assign(unit=found.unit)[NEW_CONTRIBUTIONS.names]
