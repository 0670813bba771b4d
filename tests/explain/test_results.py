"""results: from saved models on disk to the tables, the primary model first."""

import logging

import numpy as np
import pandas as pd
import pytest
from places import ROOT

from pipeline.benchmark.classifiers import ClassifierParams, prevalence, train
from pipeline.benchmark.model_files import to_bytes, write_model
from pipeline.contracts.reports.explain import TABLES
from pipeline.explain.examples import ExplainParams
from pipeline.explain.results import contribution_tables, explained_models
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import load_params, read_yaml
from pipeline.foundation.pseudonyms import Pseudonyms

SHIPPED = read_yaml(ROOT / "params" / "benchmark.yaml")
CLASSIFIERS = ClassifierParams.model_validate({name: SHIPPED[name] for name in ClassifierParams.model_fields})
PARAMS = load_params(ROOT / "params" / "explain.yaml", ExplainParams).model_copy(
    update={"permutations": 5, "replicates": 20}
)
IDS = [f"p{n:02d}" for n in range(60)]
ROLES = ["train"] * 40 + ["internal"] * 8 + ["external"] * 12
rng = np.random.default_rng(3)
LABEL = np.arange(60) // 2 % 2
PATIENTS = pd.DataFrame({"patient_id": IDS, "group_id": IDS, "label": LABEL, "site": None, "cohort": None})
SPLITS = pd.DataFrame({"resample": "final", "patient_id": IDS, "role": ROLES, "half": ["a", "b"] * 20 + [None] * 20})
COLUMNS = {"clinical": ["clinical.age"], "combined": ["clinical.age", "radiomics.original_glcm_Idm"]}
ROWS = pd.DataFrame(rng.normal(size=(60, 2)) + LABEL[:, np.newaxis], columns=COLUMNS["combined"])
CHOSEN = pd.DataFrame(
    {
        "feature_set": ["clinical", "combined"],
        "model": "lr",
        "role": ["comparator", "primary"],
        "evaluation": ["external"] * 2,
    }
)


def reduced(name, *, empty=()):
    """The reduced table of a set in parts a and b; a part named in `empty` selected nothing."""
    tables = []
    for part in "ab":
        rows = SPLITS[(SPLITS["role"] != "train") | (SPLITS["half"] != part)]
        values = ROWS.loc[rows.index, COLUMNS[name]].astype(float)
        values = values * np.nan if part in empty else values
        about = {"resample": "final", "part": part, "patient_id": rows["patient_id"], "role": rows["role"]}
        tables.append(pd.DataFrame(about).join(values))
    return pd.concat(tables, ignore_index=True)


def write(folder, tables):
    """The saved logistic regressions of every set and part."""
    for name, table in tables.items():
        for part, rows in table[table["role"] == "train"].groupby("part"):
            features = [column for column in COLUMNS[name] if rows[column].notna().any()]
            y = PATIENTS.set_index("patient_id").loc[rows["patient_id"], "label"].to_numpy()
            fitted = {"value": 1.0, "params": CLASSIFIERS, "seed": 1}
            model = train("lr", rows[features].to_numpy(), y, **fitted) if features else prevalence(y)
            suffix, content = to_bytes(model)
            card = {"model": "lr", "features": features}
            write_model(folder / name, name=f"lr_{part}", suffix=suffix, content=content, card=card)


def explain(folder, tables):
    blocks = {"clinical": ["clinical"], "combined": ["clinical", "radiomics"]}
    rest = {"patients": PATIENTS, "splits": SPLITS, "blocks": blocks, "seed": 1, "orders": 2}
    return explained_models(CHOSEN, reduced=tables, models=folder, **rest)


def test_saved_models_become_tables_that_add_up(tmp_path):
    sets = {name: reduced(name) for name in COLUMNS}
    write(tmp_path, sets)
    names = Pseudonyms(patients=IDS, images=[])

    found = contribution_tables(explain(tmp_path, sets), names=names, params=PARAMS, seed=1)
    again = contribution_tables(explain(tmp_path, sets), names=names, params=PARAMS, seed=1)

    for name, contract in TABLES.items():
        assert contract.faults(found[name]) == [], name
        assert found[name].to_csv() == again[name].to_csv()
    assert list(found["shap_models"]["feature_set"]) == ["combined", "combined", "clinical", "clinical"]
    assert set(found["shap"]["case"]) == {f"patient #{n}" for n in range(49, 61)}
    assert len(found["shap"]) == 12 * 2 * 3
    assert list(found["permutation"]["block"]) == ["clinical", "radiomics", "clinical"]


def test_a_part_without_a_feature_is_told(tmp_path, caplog):
    sets = {"clinical": reduced("clinical", empty="a"), "combined": reduced("combined")}
    write(tmp_path, sets)

    with caplog.at_level(logging.WARNING):
        _, comparator = explain(tmp_path, sets)

    assert "clinical, part a: no feature was selected" in caplog.text
    assert comparator.parts[0].found is None
    whole = comparator.parts[1].found.values[:, 0]
    np.testing.assert_allclose(comparator.contributions()["clinical.age"], whole / 2)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(PipelineError, match=r"lr_a.card.json: not a model card"):
        explain(tmp_path, {name: reduced(name) for name in COLUMNS})
