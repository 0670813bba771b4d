import json

import pandas as pd
import pytest
from pydantic import ValidationError

from pipeline.cohort.importers.tn3k import Tn3kParams, read
from pipeline.foundation.errors import CohortError


def nodules(root, *, trainval=4, test=2, labels=True):
    """A small TN3K: labels alternate 0, 1."""
    for part, count in (("trainval", trainval), ("test", test)):
        for kind in ("image", "mask"):
            (root / f"{part}-{kind}").mkdir()
            for number in range(count):
                (root / f"{part}-{kind}" / f"{number:04d}.jpg").write_bytes(b"")
        if labels:
            (root / f"label4{part}.csv").write_text("".join(f"{n:04d}.jpg,{n % 2}\n" for n in range(count)))


def test_folders_labels_and_cohorts(tmp_path):
    nodules(tmp_path)

    result = read(tmp_path, params=Tn3kParams(test_cohort="external"))

    assert not result.has_patient_ids
    assert result.findings == []
    assert result.patients[["patient_id", "label", "cohort"]].values.tolist() == [
        ["test_0000", 0, "external"],
        ["test_0001", 1, "external"],
        *[[f"trainval_000{n}", n % 2, "train"] for n in range(4)],
    ]
    assert result.images[2].image == tmp_path / "trainval-image/0000.jpg"
    assert result.images[2].lesion.files == (tmp_path / "trainval-mask/0000.jpg",)


def test_a_fold_is_resolved_to_names_and_held_out(tmp_path):
    nodules(tmp_path)
    (tmp_path / "tn3k-trainval-fold1.json").write_text(json.dumps({"val": [1], "train": [0, 2, 3]}))

    patients = read(tmp_path, params=Tn3kParams(fold=1)).patients

    assert patients.loc[patients["cohort"] == "internal", "patient_id"].tolist() == [
        "test_0000",
        "test_0001",
        "trainval_0001",
    ]


@pytest.mark.parametrize("change", ["missing", "extra"])
def test_a_fold_with_shifted_positions_is_rejected(tmp_path, change):
    nodules(tmp_path)
    (tmp_path / "tn3k-trainval-fold0.json").write_text(json.dumps({"val": [0], "train": [1, 2, 3]}))
    if change == "missing":
        (tmp_path / "trainval-image/0002.jpg").unlink()
    else:
        (tmp_path / "trainval-image/0004.jpg").write_bytes(b"")

    with pytest.raises(CohortError, match=r"lists 4 positions, which are not those of the [35] files"):
        read(tmp_path, params=Tn3kParams(fold=0))


def test_fold_that_is_missing_or_broken(tmp_path):
    nodules(tmp_path)
    (tmp_path / "tn3k-trainval-fold1.json").write_text('{"val": [0]}')

    with pytest.raises(CohortError, match="there is no such fold"):
        read(tmp_path, params=Tn3kParams(fold=0))
    with pytest.raises(CohortError, match="not a fold with the lists train and val"):
        read(tmp_path, params=Tn3kParams(fold=1))


@pytest.mark.parametrize("text", ["null", "5", "[" * 100_000, '{"train": 5, "val": []}', '{"train": [1e999]}'])
def test_a_fold_of_another_form_is_one_sentence(tmp_path, text):
    nodules(tmp_path)
    (tmp_path / "tn3k-trainval-fold1.json").write_text(text)

    with pytest.raises(CohortError, match="not a fold with the lists train and val"):
        read(tmp_path, params=Tn3kParams(fold=1))


def test_without_label_tables_the_remedy_is_one_sentence(tmp_path):
    nodules(tmp_path, labels=False)

    with pytest.raises(
        CohortError, match=r"every patient needs a label, for segmentation too .* or set unlabelled to drop"
    ):
        read(tmp_path, params=Tn3kParams())
    assert {d.rule for d in read(tmp_path, params=Tn3kParams(unlabelled="drop")).dropped} == {"unlabelled"}


def test_labels_separated_by_semicolons_are_one_sentence(tmp_path):
    nodules(tmp_path)
    (tmp_path / "label4test.csv").write_text("0000.jpg;0\n0001.jpg;1\n")

    with pytest.raises(CohortError, match=r"label4test.csv: the columns are separated by semicolons; save the table"):
        read(tmp_path, params=Tn3kParams())


def test_faults_of_labels_and_masks(tmp_path):
    nodules(tmp_path)
    (tmp_path / "label4trainval.csv").write_text("0000.jpg,0\n0000.jpg,1\n0001.jpg,x\n0009.jpg,1\n0003.jpg,1\n")
    (tmp_path / "trainval-mask/0003.jpg").rename(tmp_path / "trainval-mask/0008.jpg")

    result = read(tmp_path, params=Tn3kParams())

    assert [(f.id, f.check, f.severity) for f in result.findings] == [
        ("0008.jpg", "mask_without_image", "warning"),
        ("trainval_0000", "two_labels", "error"),
        ("trainval_0001", "label_not_binary", "error"),
        ("0009.jpg", "label_without_image", "error"),
        ("trainval_0002", "unlabelled", "error"),
        ("trainval_0003", "no_outline", "error"),
    ]


def published(root, *, count=10, folds=5):
    for fold in range(folds):
        val = list(range(fold, count, 5))
        content = {"val": val, "train": [place for place in range(count) if place not in val]}
        (root / f"tn3k-trainval-fold{fold}.json").write_text(json.dumps(content))


def test_the_five_published_folds_are_resolved_to_names(tmp_path):
    nodules(tmp_path, trainval=10)
    for kind in ("image", "mask"):  # in text order 10000 comes before 2: positions count in numeric order
        (tmp_path / f"trainval-{kind}" / "0009.jpg").rename(tmp_path / f"trainval-{kind}" / "10000.jpg")
    (tmp_path / "label4trainval.csv").write_text("".join(f"{n:04d}.jpg,0\n" for n in range(9)) + "10000.jpg,1\n")
    published(tmp_path)

    patients = read(tmp_path, params=Tn3kParams(folds="published")).patients.set_index("patient_id")

    assert patients["fold"].dropna().to_dict() == {
        **{f"trainval_{n:04d}": n % 5 for n in range(9)},
        "trainval_10000": 4,
    }
    assert patients.loc["test_0000", ["fold", "cohort"]].tolist() == [pd.NA, "internal"]
    assert set(patients.loc[patients["fold"].notna(), "cohort"]) == {"train"}
    assert "fold" not in read(tmp_path, params=Tn3kParams()).patients


def test_folds_that_do_not_hold_every_image_once_are_one_sentence(tmp_path):
    nodules(tmp_path, trainval=10)
    published(tmp_path)
    content = json.dumps({"val": [0, 6], "train": [1, 2, 3, 4, 5, 7, 8, 9]})  # 0 is in fold 0, too, and 1 in none
    (tmp_path / "tn3k-trainval-fold1.json").write_text(content)
    with pytest.raises(CohortError, match=r"2 images are validation images of none or of several .* 0000.jpg \(of 2\)"):
        read(tmp_path, params=Tn3kParams(folds="published"))

    (tmp_path / "trainval-image/0004.jpg").unlink()
    with pytest.raises(
        CohortError, match=r"fold0.json: the fold lists 10 positions, which are not those of the 9 files"
    ):
        read(tmp_path, params=Tn3kParams(folds="published"))
    (tmp_path / "tn3k-trainval-fold0.json").unlink()
    with pytest.raises(CohortError, match=r"fold0.json: there is no such fold; set fold and folds to null"):
        read(tmp_path, params=Tn3kParams(folds="published"))


def test_one_fold_held_out_and_all_five_exclude_each_other():
    with pytest.raises(ValidationError, match="exclude each other"):
        Tn3kParams(fold=0, folds="published")
