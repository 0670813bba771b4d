"""Only the fraction of a dark sub-region carries the outcome: habitats find it, the whole lesion's radiomics do worse.

Features, reduction and classifier are fitted in each fold on its training patients, as in the stages.
"""

import numpy as np
import pandas as pd
import pytest
from places import ROOT
from planted_habitats import PARAMS, SPREAD, planted_habitats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from pipeline.contracts.data.embed import read_embeddings
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.params import load_params
from pipeline.habitat.clusterings import clusterings_of
from pipeline.habitat.fits import fits_of
from pipeline.habitat.habitats import habitat_names, label_cases, labelled
from pipeline.habitat.tables import by_rows, write_block
from pipeline.radiomics.features import RadiomicsParams, extract_case, extraction_cases, features_table, prepare
from pipeline.reduce.block_reducer import ReduceParams
from pipeline.reduce.blocks import features_block, radiomics_block
from pipeline.reduce.reduced import reduce_case, reduce_cases

WHOLE = {
    "imageType": {"Original": {}},
    "featureClass": {"firstorder": None, "glcm": None, "shape2D": None},
    "setting": {"binCount": 32},
}
REDUCE = load_params(ROOT / "params" / "reduce.yaml", ReduceParams).model_copy(
    update={"agreement": None, "half_samples": 0}
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return planted_habitats(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def blocks(study, tmp_path_factory):
    """The blocks habitat and radiomics of the study, as `reduce` reads them."""
    folder = tmp_path_factory.mktemp("features")
    fits = fits_of(study.splits, parts=("all",))
    found = clusterings_of(fits, lesions=study.lesions(), params=PARAMS, seed=1, spread=SPREAD)
    known = {(one.resample, one.part): one for one in found}
    about = {"clusterings": known, "recipe": None, "params": PARAMS, "store": study.store(), "folder": folder}
    cases = label_cases(study.lesions(), fits=fits, final="final")
    values = [(case.lesion.image_id, labelled(case, **about, code="")["values"]) for case in cases]
    write_block(by_rows(values), folder / "habitat.csv", names=habitat_names(3, recipe=None))
    whole = extraction_cases(study.rois, folder=study.folder)
    recipe = prepare(RadiomicsParams(settings=WHOLE), cases=whole)
    rows = [extract_case(case, recipe=recipe, store=study.store()) for case in whole]
    ids = {"cohort": study.cohort, "patients": study.patients["patient_id"]}
    return {
        "habitat": features_block(read_embeddings(folder / "habitat.csv"), name="habitat", **ids),
        "radiomics": radiomics_block(features_table(rows, names=recipe.names), **ids),
    }


def cross_validated_auc(block, *, study, folder, patients=None):
    """The mean AUC over the folds, of a logistic regression of the reduced block."""
    patients = study.patients if patients is None else patients
    label = patients.set_index("patient_id")["label"]
    aucs = []
    for case in reduce_cases([block], patients=patients, splits=study.splits, parts=("all",)):
        if case.resample == "final":
            continue
        store = CheckpointStore(folder, key=f"{block.name} {list(label)}")
        table = pd.DataFrame(reduce_case(case, params=REDUCE, seed=1, store=store).columns)
        table = table.set_index("patient_id")
        train, test = (table[table["role"] == role] for role in ("train", "cv"))
        numbers = [name for name in table.columns if name.startswith(f"{block.name}.")]
        if not numbers:
            aucs.append(0.5)  # the LASSO keeps nothing
            continue
        model = LogisticRegression().fit(train[numbers], label[train.index])
        aucs.append(roc_auc_score(label[test.index], model.predict_proba(test[numbers])[:, 1]))
    return float(np.mean(aucs))


def test_habitats_find_what_the_whole_lesion_hides(study, blocks, tmp_path):
    found = {name: cross_validated_auc(block, study=study, folder=tmp_path) for name, block in blocks.items()}

    assert found["habitat"] > 0.85
    assert found["radiomics"] < found["habitat"] - 0.1


def test_on_shuffled_outcomes_habitats_find_nothing(study, blocks, tmp_path):
    random, aucs = np.random.default_rng(0), []
    for _ in range(8):
        shuffled = study.patients.assign(label=random.permutation(study.patients["label"]))
        aucs.append(cross_validated_auc(blocks["habitat"], study=study, folder=tmp_path, patients=shuffled))

    assert np.mean(aucs) == pytest.approx(0.5, abs=0.08)


def test_the_dark_habitat_is_the_planted_region(study, blocks):
    dark = blocks["habitat"].frame("final", "all")["habitat_1_fraction"]

    assert np.corrcoef(dark, study.fractions)[0, 1] > 0.7
