"""cohort: tables, labels, clinical values and images that do not belong together; each a sentence, and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from PIL import Image
from places import ROOT

from pipeline.cohort.cohort import CohortParams, cohort_audit, read_source
from pipeline.cohort.import_image import import_image
from pipeline.foundation.errors import CohortError, ParamsError
from pipeline.foundation.params import load_params, read_yaml

N = 40  # patients, of label 0 and 1 in turn
SHAPE = (72, 96)


def study(folder, *, change=None, clinical=None):
    """A sound study of N patients with a dark disk each; `change` and `clinical` alter the two tables."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    folder.mkdir()
    for n in range(N):
        row, column = rng.uniform(0.3, 0.7, 2) * SHAPE
        disk = np.hypot(y - row, x - column) < rng.uniform(8, 14)
        image = np.clip(rng.normal(120 - 50 * disk, 20), 0, 255).astype(np.uint8)
        Image.fromarray(image).save(folder / f"i{n:02}.png")
        Image.fromarray((255 * disk).astype(np.uint8)).save(folder / f"m{n:02}.png")
    ids = [f"P{n:02}" for n in range(N)]
    images = {"image": [f"i{n:02}.png" for n in range(N)], "mask": [f"m{n:02}.png" for n in range(N)]}
    table = pd.DataFrame({"patient_id": ids, **images, "label": [str(n % 2) for n in range(N)]})
    values = pd.DataFrame(
        {"patient_id": ids, "age": [str(40 + n * 7 % 23) for n in range(N)], "sex": ["F", "F", "M", "M"] * 10}
    )
    (change(table) if change else table).to_csv(folder / "manifest.csv", index=False)
    (clinical(values) if clinical else values).to_csv(folder / "clinical.csv", index=False)
    return folder


def audit(root, **changes):
    """The findings of the whole audit but infos, by check, and the imported images."""
    params = CohortParams.model_validate(read_yaml(ROOT / "params" / "cohort.yaml") | changes)
    source = read_source(root, params=params)
    folders = {"image_folder": root.parent / "images", "mask_folder": root.parent / "masks"}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    imported = [import_image(case, masks=params.masks, voxels=params.voxels, **folders) for case in source.images]
    findings = cohort_audit(source, imported=imported, root=root, params=params)
    return {f.check: f for f in findings if f.severity != "info"}, imported


def column(name, place=None, value=None, *, cells=None):
    """A change of a table: one cell, or all cells of a column in turn."""

    def change(table):
        if cells is not None:
            return table.assign(**{name: [cells[n % len(cells)] for n in range(len(table))]})
        return table.assign(**{name: [value if n in place else cell for n, cell in enumerate(table[name])]})

    return change


def many_of_one(table):
    return table.assign(patient_id=["P00" if n < 2 or n > 15 else f"P{n:02}" for n in range(N)], label=LABELS_OF_ONE)


LABELS_OF_ONE = ["0" if n < 2 or n > 15 else str(n % 2) for n in range(N)]
SWAP = {"m04.png": "m21.png", "m21.png": "m04.png"}
AGE = "column 'age' has"

CLINICAL = [
    (column("age", (1, 5), "61,5"), "clinical_not_numeric", "error", f"{AGE} '61,5' among its numbers (rows 3 and 7)"),
    (column("age", range(30), "NA"), "clinical_not_numeric", "error", f"{AGE} 'NA' among its numbers (rows 2, 3, 4"),
    (column("op", cells=["2021-03", "2021-04"]), "clinical_date", "error", "column 'op' has dates in 40 of 40 rows"),
    (column("op", cells=["20210309", "20210401"]), "clinical_date", "error", "column 'op' has dates in 40 of 40 rows"),
    (column("sex", (0, 4), "female"), "clinical_spellings", "error", "several spellings: 'F' and 'female'; write each"),
    (column("sex", (0, 4), "f"), "clinical_spellings", "error", "in several spellings: 'F' and 'f'; write each"),
    (column("sex", (0, 4), "n/a"), "clinical_missing_word", "error", "'n/a' among its categories (rows 2 and 6)"),
    (column("age", (3,), "450"), "clinical_range", "error", "450 of patient P03, outside 0 to 120 years; correct"),
    (column("age", (3,), "-3"), "clinical_range", "error", "-3 of patient P03, outside 0 to 120 years"),
    (column("size", cells=[*map(str, range(11, 30)), "1900"]), "clinical_outliers", "warning", "1900 of patient P19"),
    (column("note", cells=[f"note {n}" for n in range(18)]), "column_like_identifier", "warning", "18 different texts"),
]  # fmt: skip

IMAGES = [
    (column("mask", cells=["m00.png"]), "mask_of_many", "error", "the mask m00.png is that of 40 of 40 patients; give"),
    (lambda table: table.assign(mask=table["mask"].replace(SWAP)), "masks_swapped", "warning", "images i04 and i21"),
    (column("mask", (5,), "m06.png"), "mask_repeated", "warning", "1 mask is the same for different images of several"),
    (lambda table: table.assign(mask=np.roll(table["mask"], 1)), "masks_out_of_order", "warning", "the masks of 40"),
    (many_of_one, "images_of_one_patient", "warning", "of 40 images, 26 of patient P00; the median patient has 1"),
]  # fmt: skip

LABELS = [
    (["yes", "no"], {}, "has 2 values, 'no' (20 rows), 'yes' (20 rows); labels are 0 and 1: write them so, or set"),
    (["1", "2"], {}, "'1' (20 rows), '2' (20 rows); labels are 0 and 1: write them so, or set label_positive"),
    (["a", "b", "c"], {}, "has 3 values, 'a' (14 rows), 'b' (13 rows), 'c' (13 rows); two classes are needed"),
    (["no", "yes"], {"label_positive": "malignant"}, "is 'malignant'; name one of these values in label_positive"),
    ([str(n / 7) for n in range(N)], {}, "divide a measurement at a cut-off that was fixed beforehand"),
]  # fmt: skip


def test_a_sound_study_has_no_finding(tmp_path):
    found, imported = audit(study(tmp_path / "study"))

    assert found == {}
    assert len(imported) == N


@pytest.mark.parametrize(("change", "check", "severity", "text"), CLINICAL)
def test_clinical_values(tmp_path, change, check, severity, text):
    found, imported = audit(study(tmp_path / "study", clinical=change))

    assert set(found) == {check}  # said once, by one check
    assert (found[check].severity, found[check].scope) == (severity, "column")
    assert text in found[check].message
    assert sum(image.row is not None for image in imported) == N


@pytest.mark.parametrize(("change", "check", "severity", "text"), IMAGES)
def test_images_and_masks_that_do_not_belong_together(tmp_path, change, check, severity, text):
    found, imported = audit(study(tmp_path / "study", change=change))

    assert set(found) - {"masks_out_of_order", "class_too_small"} <= {check}
    assert found[check].severity == severity
    assert text in found[check].message
    assert sum("mask" in image.row for image in imported) == N


@pytest.mark.parametrize(
    ("value", "kind", "check", "text"),
    [
        (256, np.uint16, "grey_scale_mixed", "1 image is on another grey scale than the other 39: image i07 (mean 3"),
        (1 / 1000, np.float32, "grey_scale_mixed", "1 image is on another grey scale than the other 39: image i07"),
    ],
)
def test_one_image_on_another_grey_scale(tmp_path, value, kind, check, text):
    root = study(tmp_path / "study", change=column("image", (7,), "i07.nrrd"))
    array = np.asarray(Image.open(root / "i07.png"))
    sitk.WriteImage(sitk.GetImageFromArray((array.astype(np.float64) * value).astype(kind)), str(root / "i07.nrrd"))

    found, imported = audit(root)

    assert set(found) - {"grey_range_narrow", "spacing_mixed"} == {check}
    assert text in found[check].message
    assert sum(image.row is not None for image in imported) == N


@pytest.mark.parametrize(("cells", "params", "text"), LABELS)
def test_labels_of_another_kind_are_one_sentence(tmp_path, cells, params, text):
    found, imported = audit(study(tmp_path / "study", change=column("label", cells=cells)), **params)

    assert set(found) == {"label_not_binary"}  # no line per patient, and no class counts
    assert found["label_not_binary"].message.startswith("manifest.csv: the column label ")
    assert text in found["label_not_binary"].message
    assert sum(image.row is not None for image in imported) == N


@pytest.mark.parametrize(
    ("cells", "positive"), [(["benign", "malignant"], "malignant"), (["1", "2"], 2), (["no", "yes"], "yes")]
)
def test_label_positive_recodes(tmp_path, cells, positive):
    root = study(tmp_path / "study", change=column("label", cells=cells))
    params = CohortParams.model_validate(read_yaml(ROOT / "params" / "cohort.yaml") | {"label_positive": positive})

    assert read_source(root, params=params).patients["label"].tolist() == [0, 1] * (N // 2)
    assert audit(root, label_positive=positive)[0] == {}


def test_label_positive_of_a_source_with_classes_of_its_own_and_true_without_quotes(tmp_path):
    text = (ROOT / "params" / "cohort.yaml").read_text(encoding="utf-8")
    path = tmp_path / "cohort.yaml"
    for old, new, sentence in (
        ("source: manifest", "source: busi", "label_positive must be null"),
        ("label_positive: null", "label_positive: true", "must be in quotes"),
    ):
        path.write_text(text.replace("label_positive: null", "label_positive: malignant").replace(old, new))
        if "true" in new:
            path.write_text(text.replace(old, new))
        with pytest.raises(ParamsError, match=sentence):
            load_params(path, CohortParams)


@pytest.mark.parametrize(
    ("prepare", "text"),
    [
        (
            lambda root: (root / "manifest.csv").rename(root / "manifest.xlsx"),
            "the folder holds manifest.xlsx: export it as CSV",
        ),
        (lambda root: (root / "manifest.csv").rename(root / "Manifest.csv"), "did you mean Manifest.csv?"),
        (lambda root: (root / "clinical.csv").rename(root / "clinic.csv"), "did you mean clinic.csv?"),
        (
            lambda root: (root / "clinical.csv").unlink(),
            "manifest.clinical in params/cohort.yaml: correct it, or set it to",
        ),
    ],
)
def test_a_table_that_is_not_there(tmp_path, prepare, text):
    root = study(tmp_path / "study")
    prepare(root)
    with pytest.raises(CohortError) as raised:
        audit(root)
    assert text in str(raised.value)


def test_a_survival_table(tmp_path):
    def survival(table):
        return table.drop(columns="label").assign(time=12, event=1)

    with pytest.raises(CohortError, match=r"label missing among the columns .* are those of a survival analysis"):
        audit(study(tmp_path / "study", change=survival))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("~/study", "there is no such folder, and ~ is not replaced by a path; set root in params/cohort.yaml"),
        ("stduy", "there is no such folder; did you mean 'study'?; set root"),
        ("study/manifest.csv", "is a file and no folder; set root in params/cohort.yaml"),
        ("link", "there is no such folder; set root in params/cohort.yaml"),
    ],
)
def test_a_wrong_root_is_one_sentence_of_the_stage(tmp_path, name, text):
    study(tmp_path / "study")
    (tmp_path / "link").symlink_to(tmp_path / "away")
    outs = ("cohort", "patients", "audit", "images", "masks", "blocks", "origins", "near")
    flags = [word for out in outs for word in (f"--{out}", str(tmp_path / "out" / out))]
    flags += ["--params", str(ROOT / "params" / "cohort.yaml"), "--root", str(Path(tmp_path) / name)]
    command = [sys.executable, "-m", "stages.cohort", *flags]

    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr
