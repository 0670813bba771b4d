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


@pytest.mark.parametrize("ending", ["_mask", ""])
@pytest.mark.parametrize("folders", [("images", "mask"), ("Images", "Masks"), ("image", "masks")])
def test_the_layout_of_the_mirrors(tmp_path, folders, ending):
    images, masks = folders
    for kind in ("benign", "malignant"):
        breast(tmp_path, f"{kind}/{images}/{kind} (1).png", f"{kind}/{masks}/{kind} (1){ending}.png")
    breast(tmp_path, f"malignant/{masks}/malignant (1)_mask_1.png")

    result = read(tmp_path, params=BusiParams())

    assert result.findings == []
    assert result.patients[["patient_id", "label"]].values.tolist() == [["benign-1", 0], ["malignant-1", 1]]
    assert [len(image.lesion.files) for image in result.images] == [1, 2]


def test_a_class_without_images_says_what_its_folder_holds(tmp_path):
    breast(tmp_path, *PLAIN[2:], "benign/photos/benign (1).png", "benign/other/x.png")

    with pytest.raises(CohortError, match="benign: holds the folders other, photos, and no image; BUSI has"):
        read(tmp_path, params=BusiParams())
