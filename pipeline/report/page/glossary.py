"""The vocabulary of the page: every abbreviation explained, and the names of measures that need words."""

MEASURES = {
    "likelihood_ratio": "Likelihood ratio",
    "auc": "AUC",
    "brier": "Brier score (lower is better)",
    "nri": "NRI, any change",
    "nri_events": "NRI, patients with the event",
    "nri_non_events": "NRI, patients without the event",
    "nri_at_threshold": "NRI at the thresholds",
    "nri_at_threshold_events": "NRI at the thresholds, with the event",
    "nri_at_threshold_non_events": "NRI at the thresholds, without the event",
    "idi": "IDI",
    "idi_events": "IDI, patients with the event",
    "idi_non_events": "IDI, patients without the event",
}


TERMS = {
    "AUC": "area under the ROC curve: the probability that a patient with the event scores above one without it; "
    "one half is chance, one is perfect",
    "BH": "Benjamini-Hochberg: p-values adjusted so that the expected share of false findings stays small",
    "Brier": "Brier score: mean squared difference of predicted probability and outcome; lower is better",
    "CI": "confidence interval: the range of values that the data are compatible with",
    "CV": "cross-validation: each training patient is scored by a model that was fitted without that patient",
    "DeLong": "a test of two AUCs on the same patients that takes their dependence into account",
    "CLEAR": "checklist for the evaluation of radiomics research",
    "Grad-CAM": "gradient-weighted class activation map: the regions of an image that raise a network's score",
    "IDI": "integrated discrimination improvement: how much further apart the mean predictions of the classes are",
    "ICC": "intraclass correlation (absolute agreement): how well repeated measurements agree; one is perfect",
    "ICI": "integrated calibration index: mean distance between predicted and observed risk; lower is better",
    "MCC": "Matthews correlation coefficient of predicted and true class; one is perfect, zero is chance",
    "METRICS": "methodological radiomics score: the share of weighted quality items that a study fulfils",
    "NRI": "net reclassification improvement: how many more patients are reclassified in the right direction than "
    "in the wrong one",
    "NIR": "no-information rate: the accuracy of assigning every patient to the more frequent class",
    "F1": "harmonic mean of sensitivity and PPV",
    "Holm": "p-values adjusted so that even one false finding in the family of tests is unlikely",
    "LASSO": "a regression that keeps few features and sets the coefficients of the others to zero",
    "NPV": "negative predictive value: of the patients called negative, the share without the event",
    "PPV": "positive predictive value: of the patients called positive, the share with the event",
    "ROC": "receiver operating characteristic: sensitivity against the false positive rate over all thresholds",
    "ROI": "region of interest: the lesion with a margin, cut out of the image",
    "SD": "standard deviation",
    "SMD": "standardised mean difference: how far apart groups are, in standard deviations; below a tenth is small",
    "Sensitivity": "of the patients with the event, the share called positive",
    "Specificity": "of the patients without the event, the share called negative",
}
# Terms of the section on segmentation.
SEGMENTATION = {
    "ASSD": "average symmetric surface distance: the mean distance between the borders of two masks",
    "Dice": "twice the voxels that two masks share over the voxels of both; one if they are the same",
    "HD95": "a distance between the borders of two masks that nineteen of twenty points do not exceed",
    "IoU": "intersection over union: the voxels that two masks share over those of either; one if they are the same",
}


# A term of the section on contributions.
EXPLANATION = {
    "SHAP": "Shapley additive explanations: each feature's contribution to a model's output for one patient; they add "
    "up to that output",
}


def head_probability(feature_set: str, model: str) -> str:
    """The name of a network's head: `head probability`, or that of one of its views."""
    view = _view(feature_set, model)
    return f"head probability, view {view} alone" if view else "head probability"


def head_name(feature_set: str, model: str) -> str:
    """A network's head with the name of the network: `net, head probability`, or `net, view long alone`."""
    view = _view(feature_set, model)
    return f"{feature_set}, view {view} alone" if view else f"{feature_set}, head probability"


def _view(feature_set: str, model: str) -> str:
    return model.removeprefix(f"{feature_set}_head").removeprefix("_")


def glossary(*, segmentation: bool, contributions: bool) -> dict[str, str]:
    """Every abbreviation of the page in plain words; `segmentation`, `contributions`: those of these sections too."""
    return TERMS | (SEGMENTATION if segmentation else {}) | (EXPLANATION if contributions else {})
