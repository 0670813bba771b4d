import pytest
from pydantic import ValidationError

from pipeline.cohort.importers.mmcls import MmclsParams, read
from pipeline.foundation.errors import CohortError


def lists(root, **lines):
    (root / "meta").mkdir()
    for name, text in lines.items():
        (root / "meta" / f"{name}.txt").write_text(text, encoding="utf-8")


def image(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_lists_folders_classes_and_cohorts(tmp_path):
    image(tmp_path, "train/a b.jpg", "train/c.png", "val/c.png", "test/d.png")
    lists(tmp_path, train="a b.jpg 1\ntrain/c.png 0\n\n", val="c.png 1\n", test="d.png 0\n")

    result = read(tmp_path, params=MmclsParams(test_cohort="external"))

    assert result.findings == []
    assert not result.has_patient_ids
    assert {i.lesion.kind for i in result.images} == {"full"}
    assert result.patients[["patient_id", "label", "cohort"]].values.tolist() == [
        ["a-b", 1, "train"],
        ["d", 0, "external"],
        ["train_c", 0, "train"],
        ["val_c", 1, "train"],
    ]


def test_other_classes_have_no_label(tmp_path):
    image(tmp_path, "train/a.png", "train/b.png", "train/c.png")
    lists(tmp_path, train="a.png 2\nb.png 3\nc.png 0\n")

    result = read(tmp_path, params=MmclsParams(positive=(2, 3), unlabelled="drop"))
    assert result.patients["label"].tolist() == [1, 1, 0]
    result = read(tmp_path, params=MmclsParams(unlabelled="drop"))
    assert [d.message for d in result.dropped] == [
        "patient a has no label (train.txt, line 1, class 2); excluded",
        "patient b has no label (train.txt, line 2, class 3); excluded",
    ]


def test_lines_that_cannot_be_used(tmp_path):
    image(tmp_path, "train/a.png")
    lists(tmp_path, train="a.png 1\na.png\n../../x.png 0\nb.png one\n", test="train/a.png 0\n")

    result = read(tmp_path, params=MmclsParams())

    assert [(f.check, f.severity) for f in result.findings] == [
        ("unusable_row", "error"),
        ("unusable_row", "error"),
        ("unusable_row", "error"),
        ("duplicate_row", "error"),
    ]
    assert "test.txt, line 1: the image is already in train.txt, line 1" in result.findings[-1].message


@pytest.mark.parametrize("line", ["a.png " + "9" * 5000, "a\0.png 1", "x" * 300 + ".png 1"])
def test_a_hostile_line_is_an_error_and_the_others_are_read(tmp_path, line):
    image(tmp_path, "train/a.png")
    lists(tmp_path, train=f"{line}\na.png 1\n")

    result = read(tmp_path, params=MmclsParams())

    assert [(f.check, f.severity) for f in result.findings] == [("unusable_row", "error")]
    assert [i.image_id for i in result.images] == ["a"]


def test_wrong_root_and_classes(tmp_path):
    with pytest.raises(CohortError, match=r"meta/train\.txt missing"):
        read(tmp_path, params=MmclsParams())
    with pytest.raises(ValidationError, match="share none"):
        MmclsParams(positive=(0, 1))
