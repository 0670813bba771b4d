import pytest

from pipeline.cohort.importers.busi import BusiParams, read
from pipeline.foundation.errors import CohortError


def breast(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


PLAIN = (
    "benign/benign (1).png",
    "benign/benign (1)_mask.png",
    "malignant/malignant (1).png",
    "malignant/malignant (1)_mask.png",
    "malignant/malignant (1)_mask_1.png",
    "normal/normal (1).png",
    "normal/normal (1)_mask.png",
)


def test_classes_masks_and_normal_breasts(tmp_path):
    breast(tmp_path, *PLAIN)

    result = read(tmp_path, params=BusiParams())

    assert not result.has_patient_ids
    assert result.findings == []
    assert result.patients[["patient_id", "label"]].values.tolist() == [["benign-1", 0], ["malignant-1", 1]]
    assert [[path.name for path in image.lesion.files] for image in result.images] == [
        ["benign (1)_mask.png"],
        ["malignant (1)_mask.png", "malignant (1)_mask_1.png"],
    ]
    assert [(d.id, d.rule) for d in result.dropped] == [("normal-1", "normal")]


def test_normal_breasts_can_be_an_error(tmp_path):
    breast(tmp_path, *PLAIN)

    result = read(tmp_path, params=BusiParams(normal="error"))

    assert [(f.check, f.severity) for f in result.findings] == [("normal", "error")]


def test_image_without_mask_and_mask_without_image(tmp_path):
    breast(tmp_path, *PLAIN[2:], "benign/benign (1).png", "benign/benign (2)_mask.png")

    result = read(tmp_path, params=BusiParams())

    assert [(f.id, f.check, f.severity) for f in result.findings] == [
        ("benign (2)", "mask_without_image", "warning"),
        ("benign-1", "no_outline", "error"),
    ]
    dropped = read(tmp_path, params=BusiParams(no_outline="drop"))
    assert [image.image_id for image in dropped.images] == ["malignant-1"]


def test_wrong_root(tmp_path):
    breast(tmp_path, "benign/benign (1).png")

    with pytest.raises(
        CohortError, match=r"malignant missing, .* needs benign, malignant in this folder; correct source and root"
    ):
        read(tmp_path, params=BusiParams())
