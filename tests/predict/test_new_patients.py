import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_bundle import small_bundle

from pipeline.cohort.import_image import ImportedImage
from pipeline.foundation.errors import CohortError
from pipeline.predict.new_patients import audit_of, read_new_patients

ABOUT = small_bundle().about
WITH_IMAGES = ABOUT.model_copy(update={"blocks": ("clinical", "radiomics")})


def read(folder, text, *, about=WITH_IMAGES):
    (folder / "new.csv").write_text(text, encoding="utf-8")
    return read_new_patients(folder / "new.csv", about=about)


def faults(folder, text, *, about=WITH_IMAGES):
    with pytest.raises(CohortError) as found:
        read(folder, text, about=about)
    return str(found.value)


def test_rows_become_images_patients_and_clinical_values(tmp_path):
    found = read(
        tmp_path,
        "patient_id,image,mask,view,site,age,sex,label\n"
        "007,a.png,am.png,long,B,,F,1\n007,b.png,,trans,,61,,\n12,c.png,cm.png,long,,40.5,M,0\n",
    )

    assert found.ids == ["007", "12"]
    assert [(i.image_id, i.patient_id, i.view, i.lesion is None) for i in found.source.images] == [
        ("a", "007", "long", False),
        ("b", "007", "trans", True),
        ("c", "12", "long", False),
    ]
    pd.testing.assert_frame_equal(
        found.clinical,
        pd.DataFrame({"age": [61.0, 40.5], "sex": ["F", "M"]}, index=pd.Index(["007", "12"], name="patient_id")),
        check_dtype=False,
    )
    assert found.sites.loc["007"] == "B"
    assert found.source.patients["label"].isna().all()  # an outcome in the table is not read


def test_an_image_without_a_mask_is_whole_if_the_study_was_of_whole_images(tmp_path):
    about = WITH_IMAGES.model_copy(update={"whole_images": True})

    found = read(tmp_path, "patient_id,image,view,age,sex\n1,a.png,long,50,F\n", about=about)

    assert found.source.images[0].lesion.kind == "full"


def test_clinical_columns_alone_need_no_image(tmp_path):
    found = read(tmp_path, "patient_id,age,sex\n1,50,F\n2,,\n", about=ABOUT)

    assert found.ids == ["1", "2"]
    assert found.source.images == []
    assert found.clinical.loc["2"].isna().all()


def test_a_boolean_column_is_read_as_in_the_study(tmp_path):
    about = ABOUT.model_copy(update={"clinical": {"smoker": "boolean"}})

    found = read(tmp_path, "patient_id,smoker\n1,TRUE\n2,false\n3,\n", about=about)

    assert found.clinical["smoker"].tolist()[:2] == [True, False]
    assert found.clinical["smoker"].isna().tolist() == [False, False, True]


def test_all_faults_of_the_columns_are_listed_at_once(tmp_path):
    found = faults(tmp_path, "patient_id,mask,view,agee,colour\n1,m.png,long,50,red\n")

    for sentence in (
        "the column 'image' is missing",
        "the clinical column of the model 'age' is missing; leave the cells of unknown values empty",
        "the clinical column of the model 'sex' is missing",
        "the column 'agee' is not known; did you mean 'age'?",
        "the column 'colour' is not known; the model does not use it: remove it",
    ):
        assert sentence in found


@pytest.mark.parametrize("text", ["patient_id,image,view,age,sex\n", "patient_id,image,view,age,sex\n,,,,\n"])
def test_an_empty_manifest_is_one_sentence(text, tmp_path):
    assert faults(tmp_path, text).endswith("new.csv: has no row; add one row per image of each new patient")


def test_all_faults_of_the_rows_are_listed_at_once(tmp_path):
    found = faults(
        tmp_path,
        "patient_id,image,mask,view,age,sex\n"
        "1,../a.png,m.png,long,50,F\n"
        ",b.png,m.png,long,50,F\n"
        "2,c.png,m.png,oblique,fifty,F\n"
        "3,d.png,m.png,,50,F\n"
        "4,e.png,m.png,long,50,F\n"
        "4,f.png,m.png,trans,51,F\n"
        "5,e.png,m.png,trans,51,F\n",
    )

    for sentence in (
        "row 2: the path '../a.png' is outside the folder",
        "row 3: patient_id is empty",
        "row 4: the view 'oblique' is not known; the model was trained on the views long, trans",
        "row 5: the view is empty; the model was trained on the views long, trans",
        "rows 6 and 7: patient 4 has several values of age; give one",
        "row 8: the image is already in row 6",
        "fifty",
    ):
        assert sentence in found


def test_one_image_under_two_patients_is_a_warning_of_both(tmp_path):
    text = "patient_id,image,view,age,sex\n1,a.png,long,50,F\n2,b.png,long,51,F\n3,c.png,long,52,F\n"
    found = read(tmp_path, text)
    shared = {"pixels": "x", "row": {}, "axes": 2}
    imported = [ImportedImage(image_id=name, patient_id=p, **shared) for name, p in (("a", "1"), ("b", "2"))]
    imported.append(ImportedImage(image_id="c", patient_id="3", pixels="y", row={}, axes=2))

    own = [
        one
        for one in audit_of(found, imported=imported, about=WITH_IMAGES, root=tmp_path)
        if one.check == "shared_image"
    ]

    assert [(one.id, one.severity) for one in own] == [("1", "warning"), ("2", "warning")]
    assert "image a has exactly the pixels of an image of patient 2" in own[0].message


def test_a_spreadsheet_and_a_missing_table_are_one_sentence_each(tmp_path):
    with pytest.raises(CohortError, match="there is no such table"):
        read_new_patients(tmp_path / "none.csv", about=ABOUT)
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "new.csv", format="png")
    with pytest.raises(CohortError, match="not readable as a UTF-8"):
        read_new_patients(tmp_path / "new.csv", about=ABOUT)
