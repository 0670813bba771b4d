import pytest

from pipeline.cohort.importers.onekey import OnekeyParams, read
from pipeline.foundation.errors import CohortError


def folder(root, table, *, images=("007.nii.gz", "8.jpg"), masks=("007.nii.gz", "8.nii.gz")):
    for kind, names in (("images", images), ("masks", masks)):
        (root / kind).mkdir()
        for name in names:
            (root / kind / name).write_bytes(b"")
    (root / "label.csv").write_text(table)


def found(result):
    return [(f.id, f.check, f.severity) for f in result.findings]


def test_ids_with_and_without_suffix_and_groups(tmp_path):
    folder(tmp_path, "ID,label,group\n007.nii.gz,1,train\n8,0,test\n")

    result = read(tmp_path, params=OnekeyParams())

    assert found(result) == []
    assert not result.has_patient_ids
    assert result.patients[["patient_id", "label", "cohort"]].values.tolist() == [
        ["007", 1, "train"],
        ["8", 0, "internal"],
    ]
    assert [i.lesion.files[0].name for i in result.images] == ["007.nii.gz", "8.nii.gz"]
    assert read(tmp_path, params=OnekeyParams(ids="patient")).has_patient_ids


def test_labels_in_words(tmp_path):
    folder(tmp_path, "ID,label\n007,malignant\n8,benign\n")

    (only,) = read(tmp_path, params=OnekeyParams()).findings
    assert only.message.startswith("label.csv: the column label has 2 values, 'benign' (1 row), 'malignant' (1 row)")
    recoded = read(tmp_path, params=OnekeyParams(), label_positive="malignant")
    assert found(recoded) == []
    assert recoded.patients["label"].tolist() == [1, 0]


def test_without_groups_no_cohort_is_declared(tmp_path):
    folder(tmp_path, "ID,label\n007,1\n8,0\n")

    assert read(tmp_path, params=OnekeyParams()).patients["cohort"].isna().all()


def test_files_and_rows_without_a_counterpart_are_findings(tmp_path):
    folder(
        tmp_path,
        "ID,label,group\n007,1,train\n007,0,train\n8,maybe,train\n9,1,train\n10,1,holdout\n",
        images=("007.png", "007.jpg", "8.png", "10.png", "11.png"),
        masks=("007.png", "8.png", "10.png", "12.png"),
    )

    assert found(read(tmp_path, params=OnekeyParams())) == [
        ("007", "two_files", "error"),
        ("007", "duplicate_row", "error"),
        ("8", "label_not_binary", "error"),
        ("10", "unknown_cohort", "error"),
        ("12", "mask_without_image", "warning"),
        ("9", "label_without_image", "error"),
        ("11", "unlabelled", "error"),
        ("11", "no_outline", "error"),
    ]


def test_wrong_root_and_table(tmp_path):
    with pytest.raises(CohortError, match=r"images and masks and label\.csv missing"):
        read(tmp_path, params=OnekeyParams())
    folder(tmp_path, "id,label\n007,1\n")
    with pytest.raises(CohortError, match="ID missing among the columns id, label"):
        read(tmp_path, params=OnekeyParams())
