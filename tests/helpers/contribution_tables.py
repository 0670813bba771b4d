"""Two explained sets with models that are known in full: logistic functions of a few columns, in parts a and b."""

from pathlib import Path

import numpy as np
from scipy.special import expit

from pipeline.benchmark.model_files import SavedModel
from pipeline.contracts.reports.explain import TABLES
from pipeline.explain.attribution import Attribution
from pipeline.explain.block_permutation import permutation_table
from pipeline.explain.contributions import Explained, PartModel, shap_model_table, shap_table
from pipeline.explain.group_sums import group_table
from pipeline.foundation.pseudonyms import Pseudonyms
from pipeline.foundation.tables import write_table

SHAPE, GLCM = "radiomics.original_shape2D_Sphericity@long", "radiomics.wavelet-LH_glcm_Contrast@trans"
COMPONENT, AGE = "densenet121.pc001@long", "clinical.age"
PATIENTS = tuple(f"p{n:02d}" for n in range(24))


class Linear:
    """Log-odds with the given slopes and no intercept."""

    def __init__(self, slopes):
        self.slopes, self.classes_ = np.asarray(slopes, dtype=float), np.array([0, 1])

    def predict_proba(self, X):
        p = expit(X @ self.slopes)
        return np.stack([1 - p, p], axis=1)


def part_model(part, slopes, *, seed=0):
    """A part whose model has a slope by feature; the base is the output at 0, since the background is 0."""
    features = tuple(sorted(slopes))
    X = np.random.default_rng(seed).normal(size=(len(PATIENTS), len(features)))
    own = np.array([slopes[name] for name in features])
    found = Attribution(
        values=X * own,
        base=0.0,
        output=X @ own,
        unit="log-odds",
        explainer="linear",
        max_error=1e-16,
        bound=1e-6,
        sampling_error=0.0,
        n_background=30,
    )
    saved = SavedModel(card={"file": "lr.skops", "model": "lr"}, model=Linear(own))
    return PartModel(part=part, features=features, model=saved, X=X, found=found if features else None, base=found.base)


def explained(*parts, feature_set="combined", blocks=("clinical", "radiomics", "densenet121"), groups=PATIENTS):
    """A set of 24 patients, every second with the event."""
    return Explained(
        feature_set=feature_set,
        model="lr",
        evaluation="external",
        blocks=blocks,
        patients=PATIENTS,
        label=np.arange(len(PATIENTS)) % 2,
        groups=np.array(groups),
        parts=parts,
    )


def two_sets():
    """The primary set with four columns, and a comparator whose part b selected nothing."""
    slopes = {AGE: 0.5, SHAPE: 2.0, GLCM: -1.0, COMPONENT: 0.7}
    first = explained(part_model("a", slopes), part_model("b", {SHAPE: 1.0, COMPONENT: -0.2}, seed=1))
    second = explained(part_model("a", {AGE: 1.0}), part_model("b", {}), feature_set="clinical", blocks=("clinical",))
    return [first, second]


def tables(sets, *, replicates=50):
    """The four tables of contributions."""
    return {
        "shap": shap_table(sets, names=Pseudonyms(patients=PATIENTS, images=[])),
        "shap_models": shap_model_table(sets),
        "shap_groups": group_table(sets, replicates=replicates, seed=1),
        "permutation": permutation_table(sets, permutations=5, replicates=replicates, seed=1),
    }


def one_block():
    """The primary set, and a comparator of one block whose features are of two classes and two filters."""
    slopes = {SHAPE: 2.0, GLCM: -1.0}
    parts = (part_model("a", slopes), part_model("b", slopes, seed=1))
    return [two_sets()[0], explained(*parts, feature_set="radiomics", blocks=("radiomics",))]


def write_contributions(folder: Path, *, sets=None):
    for name, table in tables(sets or two_sets()).items():
        write_table(table, folder / f"{name}.csv", TABLES[name])
