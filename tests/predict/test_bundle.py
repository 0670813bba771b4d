import json

import pytest
from small_bundle import small_bundle, without

from pipeline.foundation.errors import PipelineError
from pipeline.predict.bundle import ABOUT, differences, load_bundle
from pipeline.predict.bundle_files import write_bundle

BUNDLE = small_bundle()


def saved(path, **changes):
    about = json.loads(BUNDLE.files[ABOUT]) | changes
    write_bundle({**BUNDLE.files, ABOUT: json.dumps(about).encode()}, path)
    return path


def test_a_bundle_read_back_is_the_same(tmp_path):
    found = load_bundle(saved(tmp_path / "b.zip"))

    assert found.about == BUNDLE.about
    assert found.reducer("clinical", "all").steps_[0].levels_ == {"sex": ["F", "M"]}
    assert found.model("all").card["features"] == [
        "clinical.age",
        "clinical.age_missing",
        "clinical.sex=F",
        "clinical.sex=M",
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": 2}, "is of format 2, and this version reads 1"),
        ({"classifier": "os.system"}, "key classifier"),
        ({"parts": []}, "key parts"),
        ({"extra": 1}, "key extra"),
        ({"point": {"intercept": 0, "slope": -1, "threshold": 0.5}}, "key point.slope"),
        ({"backgrounds": {"all": {"centres": [[1.0], [2.0]], "counts": [5]}}}, "as many as its counts"),
        ({"code": None}, "key code"),
        ({"recalibrations": []}, "key recalibrations"),
        ({"facts": {}}, "key facts.patients"),
    ],
)
def test_other_formats_and_values_are_refused_by_name(changes, sentence, tmp_path):
    with pytest.raises(PipelineError, match=sentence):
        load_bundle(saved(tmp_path / "b.zip", **changes))


def test_a_bundle_without_its_settings_or_without_a_file_is_refused(tmp_path):
    write_bundle({"other": b""}, tmp_path / "b.zip")
    with pytest.raises(PipelineError, match=r"bundle\.json is missing"):
        load_bundle(tmp_path / "b.zip")

    with pytest.raises(PipelineError, match=r"reducers/clinical_all\.safetensors is missing"):
        without(BUNDLE, "reducers/clinical_all.safetensors").reducer("clinical", "all")


def test_a_model_of_an_untrusted_type_is_not_loaded():
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    content = skops.io.dumps(FunctionTransformer(func=print))
    files = {**BUNDLE.files, "models/all.skops": content}

    with pytest.raises(PipelineError, match="not trusted"):
        type(BUNDLE)(about=BUNDLE.about, files=files, sha256="", place="b.zip").model("all")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("models/all.skops", b"PK\x03\x04 cut", r"models/all\.skops is damaged"),
        ("models/all.card.json", b'{"file": "all.skops"}', r"models/all\.card\.json is no card of a model"),
        ("models/all.card.json", b"[1]", r"models/all\.card\.json is no card of a model"),
    ],
)
def test_a_damaged_model_or_card_is_one_sentence(name, content, sentence):
    with pytest.raises(PipelineError, match=sentence):
        type(BUNDLE)(about=BUNDLE.about, files={**BUNDLE.files, name: content}, sha256="", place="b.zip").model("all")


def test_a_model_of_another_kind_or_width_is_one_sentence():
    with pytest.raises(PipelineError, match="is no xgboost"):
        small_bundle(classifier="xgboost").model("all")
    with pytest.raises(PipelineError, match="the background of part all does not fit its model"):
        small_bundle(backgrounds={"all": {"centres": [[1.0]], "counts": [5]}}).model("all")


def test_the_folder_around_a_bundle_names_the_bundle_in_it(tmp_path):
    saved(tmp_path / "b.zip")

    with pytest.raises(PipelineError, match=r"is a folder without SHA256SUMS; name the bundle in it: b\.zip"):
        load_bundle(tmp_path)


def test_other_versions_and_other_code_are_named():
    assert differences(BUNDLE.about) == []

    other = small_bundle(versions={**BUNDLE.about.versions, "torch": "1.0"}, code="0" * 64)

    first, second = differences(other.about)
    assert first.startswith("torch ")
    assert first.endswith(" in place of 1.0")
    assert second == "another version of the pipeline's code"
