"""From the predictions to the page of each patient: images with contours, the waterfall, clinical values, the model."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.cohort.importers.paths import plain_name
from pipeline.contracts.data.predict import PREDICTED
from pipeline.explain.case_waterfalls import value_label
from pipeline.explain.pictures import picture
from pipeline.explain.waterfall import waterfall
from pipeline.foundation.images import read_image
from pipeline.networks.inputs import roi_pixels
from pipeline.networks.params import InputParams
from pipeline.plan.feature_sets import CLINICAL
from pipeline.predict.bundle import Bundle, Counts
from pipeline.predict.new_patients import NewPatients
from pipeline.predict.patient_page import ClinicalValue, ModelFacts, PatientPage, Picture, Prediction, patient_page
from pipeline.predict.prediction import Predictions
from pipeline.reduce.steps.clinical_encoder import ClinicalEncoder

EVENT = "the event"
PANEL_PX = 220
LARGEST = 6  # contributions of a waterfall
# The held-out cohort whose AUC is printed: the farthest from the training data that there is.
EVALUATIONS = ("external", "internal", "cv")


def patient_pages(bundle: Bundle, patients: NewPatients, found: Predictions) -> Iterator[tuple[str, str, str]]:
    """Patient id, file name and HTML of each patient, in the order of the table."""
    encoders = _encoders(bundle)
    model, width, waterfalls = model_facts(bundle), len(str(len(found.table))), _waterfalls(found)
    for number, row in enumerate(found.table.to_dict("records"), 1):
        patient = str(row["patient_id"])
        page = PatientPage(
            patient_id=patient,
            event=EVENT,
            prediction=_prediction(row) if row["status"] == PREDICTED else None,
            model=model,
            reason="" if pd.isna(row["reason"]) else str(row["reason"]),
            flags=tuple(flag for flag in found.flags if flag.patient_id == patient),
            pictures=tuple(_pictures(bundle, found, patient=patient)),
            waterfall=waterfalls.get(patient),
            clinical=tuple(_clinical(patients, patient=patient, encoders=encoders)),
        )
        yield patient, f"{number:0{width}d}_{plain_name(patient)}.html", patient_page(page)


def model_facts(bundle: Bundle) -> ModelFacts:
    """What the model is, from the facts of the bundle."""
    about, facts = bundle.about, bundle.about.facts
    evaluation = next((name for name in EVALUATIONS if "auc" in facts.evaluation.get(name, {})), EVALUATIONS[-1])
    auc = facts.evaluation.get(evaluation, {}).get("auc", (None, None, None))
    cohorts, nobody = facts.patients, Counts(n=0, events=0)
    trained = cohorts.get("train", nobody)
    return ModelFacts(
        feature_set=about.feature_set,
        classifier=about.classifier,
        n_patients=trained.n,
        n_events=trained.events,
        evaluation=evaluation,
        auc=auc[0],
        auc_low=auc[1],
        auc_high=auc[2],
        n_evaluated=cohorts.get(evaluation, trained).n,
        versions=about.versions,
        bundle_sha256=bundle.sha256,
    )


def _prediction(row: dict[str, Any]) -> Prediction:
    return Prediction(
        probability=row["probability"],
        low=row["low"],
        high=row["high"],
        threshold=row["threshold"],
        is_event=row["called"] == "positive",
    )


def _pictures(bundle: Bundle, found: Predictions, *, patient: str) -> Iterator[Picture]:
    """Each usable image of the patient with the contour of its lesion, cut as the input of a network."""
    shown = bundle.about.settings.embed.input
    plain = shown.model_copy(update={"window": None, "slice_rule": "largest"})  # a mask has no grey window
    rois = found.features.rois
    for roi in rois[(rois["patient_id"] == patient) & (rois["status"] == "ok")].to_dict("records"):
        grey, lesion = _drawn(roi, folder=found.features.folder, image=shown, mask=plain)
        content = picture(grey, lesion=lesion, heat=None, panel_px=PANEL_PX)
        yield Picture(caption=f"{roi['view']}: {roi['image_id']}", png=content)


def _drawn(roi: dict[str, Any], *, folder: Path, image: InputParams, mask: InputParams) -> tuple[Any, Any]:
    voxels, marked = (read_image(folder / str(roi[name])) for name in ("image", "mask"))
    planes = roi_pixels(voxels, marked, params=image)
    return planes[len(planes) // 2], roi_pixels(marked * 255, marked, params=mask)[0]


def _waterfalls(found: Predictions) -> dict[str, bytes]:
    """The drawing of each patient; none if no part's classifier has a feature."""
    one = found.explained
    if one is None or not one.columns():
        return {}
    contributions, values, outputs = one.contributions(), one.values(), one.outputs()
    return {
        patient: waterfall(
            contributions.loc[patient].to_numpy(dtype=np.float64),
            base=one.base,
            output=float(outputs[patient]),
            labels=[value_label(str(name), float(value)) for name, value in values.loc[patient].items()],
            unit=one.unit,
            largest=LARGEST,
            title=f"Contributions of the features for {patient}",
        )
        for patient in one.patients
    }


def _encoders(bundle: Bundle) -> list[ClinicalEncoder]:
    """The fitted encoder of the clinical columns in each part."""
    if CLINICAL not in bundle.about.blocks:
        return []
    reducers = [bundle.reducer(CLINICAL, part) for part in bundle.about.parts]
    return [step for reducer in reducers for step in reducer.steps_ if isinstance(step, ClinicalEncoder)]


def _clinical(patients: NewPatients, *, patient: str, encoders: Sequence[ClinicalEncoder]) -> Iterator[ClinicalValue]:
    """The clinical values as given; of a missing one, what the model used."""
    for name, value in patients.clinical.loc[patient].items():
        if not pd.isna(value):
            yield ClinicalValue(name=str(name), value=f"{value:g}" if isinstance(value, float) else str(value))
        else:
            medians = list(dict.fromkeys(one.medians_[str(name)] for one in encoders if str(name) in one.medians_))
            numbers = " and ".join(f"{median:g}" for median in medians)
            whose = "training patients" if len(medians) == 1 else "two halves of the training patients"
            used = f"{numbers} (median of the {whose})" if medians else "no known level"
            yield ClinicalValue(name=str(name), value=used, is_imputed=True)
