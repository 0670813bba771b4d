"""Saved models: exact scores after loading, the same bytes for the same model, and no untrusted type loaded."""

import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import skops.io
from classifier_rows import MODELS, digests, fit, rows
from places import ROOT
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from pipeline.benchmark.classifiers import prevalence, scores
from pipeline.benchmark.model_files import SUFFIXES, TRUSTED, from_bytes, load_model, to_bytes, write_model
from pipeline.foundation.errors import PipelineError


@pytest.mark.parametrize("name", MODELS)
def test_loaded_model_gives_the_same_scores(name):
    model = fit(name, *rows())
    X, _ = rows(n=200, seed=5)
    np.testing.assert_allclose(scores(from_bytes(*to_bytes(model)), X), scores(model, X), rtol=0, atol=1e-12)


def test_prevalence_survives_saving():
    loaded = from_bytes(*to_bytes(prevalence(np.array([0, 0, 0, 1]))))
    np.testing.assert_array_equal(scores(loaded, np.empty((2, 0))), [0.25, 0.25])


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_is_saved_to_the_same_bytes(name):
    suffix, content = to_bytes(fit(name, *rows()))
    assert to_bytes(from_bytes(suffix, content)) == (suffix, content)


def elsewhere(code):
    """What the code prints in a process of its own, as JSON."""
    folders = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": folders, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_another_process_writes_the_same_bytes():
    assert elsewhere("import json, classifier_rows; print(json.dumps(classifier_rows.digests()))") == digests()


def test_skops_is_imported_without_torch_and_trusts_the_same_types():
    code = """
import json, sys
from pipeline.benchmark.model_files import load_skops
load_skops()
hidden = "torch" not in sys.modules
import torch
from skops.io import _trusted_types
print(json.dumps([hidden, torch.ones(2).sum().item(), sorted(_trusted_types.SKLEARN_ESTIMATOR_TYPE_NAMES)]))
"""
    names = sorted(f"{found.__module__}.{found.__name__}" for _, found in all_estimators())
    assert elsewhere(code) == [True, 2.0, [name for name in names if name.startswith("sklearn.")]]


def test_a_skops_file_carries_no_trace_of_its_process():
    _, content = to_bytes(DecisionTreeClassifier(random_state=0).fit(*rows()))
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        schema = file.read("schema.json").decode()
        nodes = [np.load(io.BytesIO(file.read(name))) for name in file.namelist() if name.endswith(".npy")]
    largest = max(int(text.split(",")[0].rstrip("}]")) for text in schema.split('"__id__":')[1:])
    assert largest < 10_000, "ids must count nodes, not name addresses"
    (tree,) = [array for array in nodes if array.dtype.names]
    used = sum(tree.dtype[name].itemsize for name in tree.dtype.names)
    assert used < tree.dtype.itemsize, "without padding this test shows nothing"
    padding = np.frombuffer(tree.tobytes(), dtype=np.uint8).reshape(len(tree), -1)[:, used:]
    assert not padding.any()


def saved(folder, *, name="lr"):
    suffix, content = to_bytes(fit(name, *rows(columns=3)))
    card = {"features": ["x", "y", "z"], "model": name}
    write_model(folder, name=f"{name}_all", suffix=suffix, content=content, card=card)
    return folder / f"{name}_all.card.json"


@pytest.mark.parametrize("name", ["lr", "xgboost", "lightgbm"])
def test_card_and_file_load_together_whatever_the_order_of_columns(tmp_path, name):
    X, _ = rows(columns=3)
    table = pd.DataFrame(X, columns=["x", "y", "z"]).assign(other=np.nan)
    model = load_model(saved(tmp_path, name=name))
    np.testing.assert_array_equal(model.score(table[["other", "z", "y", "x"]]), scores(fit(name, *rows(columns=3)), X))


def test_missing_feature_is_named(tmp_path):
    model = load_model(saved(tmp_path))
    with pytest.raises(PipelineError, match=r"lr_all\.skops: the table has no complete column y, z"):
        model.score(pd.DataFrame({"x": [1.0], "z": [np.nan]}))


def test_changed_file_is_refused(tmp_path):
    card = saved(tmp_path)
    with (tmp_path / "lr_all.skops").open("ab") as file:
        file.write(b"x")
    with pytest.raises(PipelineError, match="the file was changed"):
        load_model(card)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"file": "gone.skops", "sha256": "0"}'])
def test_broken_card_gives_one_sentence(tmp_path, content):
    (tmp_path / "a.card.json").write_text(content)
    with pytest.raises(PipelineError, match=r"a\.card\.json: not a model card with its file beside it"):
        load_model(tmp_path / "a.card.json")


def test_card_may_not_point_out_of_its_folder(tmp_path):
    card = saved(tmp_path / "models")
    content = json.loads(card.read_text())
    (tmp_path / "models" / "lr_all.skops").rename(tmp_path / "lr_all.skops")
    card.write_text(json.dumps(content | {"file": "../lr_all.skops"}))
    with pytest.raises(PipelineError, match="not a model card"):
        load_model(card)


def test_untrusted_type_in_a_skops_file_is_refused():
    content = skops.io.dumps({"model": os.getcwd})
    with pytest.raises(PipelineError, match="types that are not trusted"):
        from_bytes(".skops", content)


def test_pickle_is_not_a_model_file():
    with pytest.raises(PipelineError, match=r"end in \.skops, \.ubj, \.txt, not '\.pkl'"):
        from_bytes(".pkl", b"")


def test_no_type_is_trusted_that_no_model_needs():
    needed = set()
    for name in MODELS:
        suffix, content = to_bytes(fit(name, *rows()))
        if suffix == SUFFIXES["sklearn"]:
            needed |= set(skops.io.get_untrusted_types(data=content))
    assert needed == set(TRUSTED)
