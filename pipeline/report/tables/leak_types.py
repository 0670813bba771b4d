"""The model info sheet on leakage: for each type of leakage, what covers it in this run and what remains to be said.

The eight types: Kapoor and Narayanan, Leakage and the reproducibility crisis in machine-learning-based science,
Patterns 2023;4:100804.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.contracts.reports.leaks import LEAK_TYPES
from pipeline.report.inputs import ReportInputs

WORST_FIRST = ("red", "amber", "green")


@dataclass(frozen=True, kw_only=True)
class Leak:
    """One type of leakage: its number and name in the paper, what covers it by construction, what remains.

    checks: names of the lights that test for it; warnings: checks of the audit that count as amber if they warned;
    open: whether this run leaves the type partly untested, which counts as amber.
    """

    leak: str
    name: str
    covered: str
    remains: str
    checks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    open: bool = False


PREPROCESSING = Leak(
    leak="L1.2",
    name="Pre-processing on training and test data together",
    covered="Imputation, scaling, harmonisation, principal components, recalibration and thresholds are fitted on the "
    "training rows of each resample; networks and the clusters of habitats on training patients alone.",
    checks=("garbage_rows", "sham_labels", "networks_apart", "masks_apart", "habitat_clusters"),
    remains="What was done to the images and tables before the pipeline read them.",
)
SELECTION = Leak(
    leak="L1.3",
    name="Feature selection on training and test data together",
    covered="The filters, the LASSO, the tuning and the choice of the classifier use the training rows of each "
    "resample.",
    checks=("garbage_rows", "sham_labels", "networks_apart"),
    remains="Features, networks or settings that were chosen earlier with these patients' outcomes in view.",
)
LEGITIMACY = Leak(
    leak="L2",
    name="Features that are not legitimate",
    covered="Negative controls (the outline, the tissue beside the lesion, the frame of the image), lesion size and "
    "site are tested alone; so are the patients that networks and ready-made tables were trained on. The audit "
    "examines clinical columns that separate the outcomes.",
    checks=(
        *("shape_alone", "shifted_roi", "frame_alone", "size_alone", "size_correlation", "sham_within_site"),
        *("ready_made_blocks", "networks_insample"),
    ),
    warnings=(
        *("column_separates_outcome", "column_missing_separates_outcome", "column_like_identifier"),
        *("restates_label", "site_single_class"),
    ),
    remains="Whether every predictor is known when the prediction is made, and whether those who drew the masks knew "
    "the outcome.",
)


def leak_types(study: ReportInputs) -> list[Leak]:
    """The eight types in the order of the paper, in the words that hold for this run."""
    return [
        _test_set(study),
        PREPROCESSING,
        SELECTION,
        _duplicates(study),
        LEGITIMACY,
        _time(study),
        _dependence(study),
        _sample(study),
    ]


def _test_set(study: ReportInputs) -> Leak:
    found = [name for name in ("internal", "external") if name in study.evaluated]
    given = f"Test patients: {' and '.join(found)}. " if found else "There are no test patients, only folds. "
    if "external" in found:
        remains = "Whether the external patients are those in whom the model would be used."
    elif found:
        remains = "There is no external cohort: how the model performs in other hospitals is unknown."
    else:
        remains = "There is no test cohort: the models were chosen by the cross-validation that is reported."
    return Leak(
        leak="L1.1",
        name="No test set",
        covered=f"{given}Every score is of a patient held out from its fit; thresholds come from training scores.",
        checks=("scored_held_out", "thresholds_frozen"),
        remains=remains,
        open=not found,
    )


def _duplicates(study: ReportInputs) -> Leak:
    near, joined = {
        "join": ("Identical images and near-duplicates", "; their patients lie on one side of every split"),
        "report": ("Identical images and near-duplicates", "; patients who share an identical image stay together"),
    }.get(study.near_mode, ("Identical images, but not near-duplicates,", "; patients who share one stay together"))
    return Leak(
        leak="L1.4",
        name="Duplicates",
        covered=f"{near} are searched for among all patients{joined}.",
        checks=("images_apart", "near_images_apart"),
        warnings=(
            *("duplicate_across_patients", "duplicate_contradictory_labels", "duplicate_across_cohorts"),
            *("near_duplicate", "near_duplicate_contradictory_labels", "near_duplicate_across_cohorts"),
        ),
        remains="Another image of the same lesion, from another moment or angle, is found by its patient id alone.",
        open=study.near_mode == "off",
    )


def _time(study: ReportInputs) -> Leak:
    dated = study.has_dates
    order = "" if dated else "Whether the test patients came after the training patients; and whether"
    return Leak(
        leak="L3.1",
        name="Temporal leakage",
        covered="The dates of training and test patients are compared." if dated else "The source gives no dates.",
        checks=("dates_in_order",),
        remains=f"{order or 'Whether'} a predictor was recorded after the outcome was known.",
    )


def _dependence(study: ReportInputs) -> Leak:
    by_image = bool(study.audit["check"].eq("no_patient_ids").any())
    remains = "Whether two ids are one person, or patients are related in another way."
    return Leak(
        leak="L3.2",
        name="Dependence between training and test samples",
        covered="All images of a patient, and all patients of a group, lie on one side of every split; ids that differ "
        "in spelling alone are searched for.",
        checks=("patients_apart",),
        warnings=("no_patient_ids", "ids_alike"),
        remains=f"The source has no patient ids: which images are of one person. {remains}" if by_image else remains,
    )


def _sample(study: ReportInputs) -> Leak:
    sites = study.patients["site"].dropna().nunique()
    told = "the sites" if sites else "no site is known"
    return Leak(
        leak="L3.3",
        name="A test set that is a biased sample",
        covered=f"No test can prove it. Shown: the cohort flow, every exclusion, the cohorts side by side, {told}.",
        remains="How the patients were selected, and whether they represent those in whom the model would be used.",
    )


def worst(lights: Iterable[str]) -> str:
    """The worst of some lights; grey if none of them could be checked."""
    found = set(lights)
    return next((light for light in WORST_FIRST if light in found), "grey")


def leak_table(study: ReportInputs) -> pd.DataFrame:
    """One row per type of leakage, as contract LEAK_TYPES; a warning, or a type left open, counts as amber."""
    lights = study.lights
    warned = set(study.audit.loc[study.audit["severity"] != "info", "check"])
    rows = []
    for leak in leak_types(study):
        checks = [check for check in leak.checks if check in lights]
        warnings = [check for check in leak.warnings if check in warned]
        amber = ["amber"] if warnings or leak.open else []
        light = worst([*(lights[check] for check in checks), *amber])
        rows.append((leak.leak, leak.name, leak.covered, _words(checks), _words(warnings), light, leak.remains))
    return pd.DataFrame(rows, columns=LEAK_TYPES.names)


def _words(names: Sequence[str]) -> str | None:
    return " ".join(names) or None
