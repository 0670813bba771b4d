from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
from pydantic import ValidationError

from pipeline.cohort.importers.manifest import BlockParams, ManifestParams, read
from pipeline.contracts.data.cohort import TRAINED_ON
from pipeline.foundation.errors import CohortError

HEAD = "patient_id,image,mask,label"


def source(root, *lines, head=HEAD, **params):
    (root / "manifest.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return read(root, params=ManifestParams(**params))


def found(result):
    return [(f.id, f.check, f.severity) for f in result.findings]


def test_a_plain_manifest(tmp_path):
    head = "patient_id,image,mask,label,view,site,cohort,gland_mask,mask2"
    result = source(
        tmp_path,
        "007,images/007_long.png,masks/007_long.png,1,long,A,train,masks/007_gland.png,masks/007_b.png",
        "007,images/007_trans.png,masks/007_trans.png,1,trans,A,train,,",
        "12,images/12.nii.gz,masks/12.nii.gz,0,,B,external,,",
        head=head,
    )

    assert found(result) == []
    assert result.has_patient_ids
    assert result.patients.astype(object).values.tolist() == [["007", 1, "A", "train"], ["12", 0, "B", "external"]]
    assert [i.image_id for i in result.images] == ["007_long", "007_trans", "12"]
    assert [i.view for i in result.images] == ["long", "trans", "main"]
    assert result.images[0].gland_mask == tmp_path / "masks/007_gland.png"
    assert [i.second_mask for i in result.images] == [tmp_path / "masks/007_b.png", None, None]
    assert result.images[2].lesion.files == (tmp_path / "masks/12.nii.gz",)


def test_one_file_for_both_readers_is_an_error(tmp_path):
    result = source(tmp_path, "1,a.png,m.png,0,m.png", "2,b.png,n.png,1,o.png", head=f"{HEAD},mask2")

    assert found(result) == [("a.png", "unusable_row", "error")]
    assert "row 2: mask2 is the same file as mask" in result.findings[0].message


def test_byte_order_mark_blank_lines_and_blanks_are_tolerated(tmp_path):
    text = "\ufeffpatient_id, image,mask,label\r\n\r\n 007 ,a.png,m.png,1\r\n,,,\r\n8,b.png,n.png,oops\r\n"
    text += "9,c.png,o.png,0"
    (tmp_path / "manifest.csv").write_bytes(text.encode())

    result = read(tmp_path, params=ManifestParams())

    assert result.patients["patient_id"].tolist() == ["007", "8", "9"]
    assert [f.message for f in result.findings] == ["row 5: label 'oops' of patient 8 is not 0 or 1"]


def test_contradictions_are_found_with_their_rows(tmp_path):
    result = source(
        tmp_path,
        "1,a.png,a.png,0,train",
        "1,b.png,b.png,1,train",
        "2,c.png,c.png,1,train",
        "2,d.png,d.png,,internal",
        "3,c.png,c.png,1,test",
        "4,./c.png,c.png,1,test",
        ",e.png,e.png,1,",
        "5,f.png,f.png,1,somewhere",
        head=HEAD + ",cohort",
    )

    assert found(result) == [
        ("c.png", "duplicate_row", "error"),
        ("./c.png", "duplicate_row", "error"),
        ("e.png", "unusable_row", "error"),
        ("1", "two_labels", "error"),
        ("2", "unlabelled_row", "warning"),
        ("2", "two_cohorts", "error"),
        ("5", "unknown_cohort", "error"),
    ]
    messages = " | ".join(f.message for f in result.findings)
    for text in (
        "row 6: the image is already in row 4",
        "label 0 in row 2 and 1 in row 3",
        "empty in row 5",
        "row 8: patient",
    ):
        assert text in messages


def test_a_patient_without_any_label_is_an_error_or_dropped(tmp_path):
    rows = ("1,a.png,a.png,0", "2,b.png,b.png,", "2,c.png,c.png,")

    result = source(tmp_path, *rows)
    assert found(result) == [("2", "unlabelled", "error")]
    assert "rows 3 and 4" in result.findings[0].message

    result = source(tmp_path, *rows, unlabelled="drop")
    assert [(d.scope, d.id, d.rule) for d in result.dropped] == [("patient", "2", "unlabelled")]
    assert result.patients["patient_id"].tolist() == ["1"]
    assert [i.image_id for i in result.images] == ["a"]


def test_an_image_without_a_mask_is_an_error_or_dropped_or_taken_whole(tmp_path):
    rows = ("1,a.png,a.png,0", "2,b.png,,1", "2,c.png,m.png,1", "3,d.png,,1")

    assert found(source(tmp_path, *rows)) == [("b", "no_outline", "error"), ("d", "no_outline", "error")]
    dropped = source(tmp_path, *rows, no_outline="drop")
    assert [(d.scope, d.id) for d in dropped.dropped] == [("image", "b"), ("image", "d"), ("patient", "3")]
    assert dropped.patients["patient_id"].tolist() == ["1", "2"]
    assert [i.lesion.kind for i in source(tmp_path, *rows, roi="full").images] == ["files", "full", "files", "full"]


def test_an_image_without_a_mask_is_kept_for_its_mask_to_be_predicted(tmp_path):
    kept = source(tmp_path, "1,a.png,a.png,0", "2,b.png,,1", no_outline="keep")

    assert [(image.image_id, image.lesion is None) for image in kept.images] == [("a", False), ("b", True)]
    assert kept.dropped == []
    assert found(kept) == [("b", "no_outline", "info")]
    assert kept.findings[0].message.endswith("its mask is to be predicted (mask_source in params/segment.yaml)")


def test_a_path_must_lie_in_the_folder_of_the_manifest(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "secret.png").write_bytes(b"")
    (tmp_path / "study/link.png").symlink_to(tmp_path / "secret.png")

    result = source(
        tmp_path / "study", "1,../secret.png,m.png,0", "2,link.png,m.png,1", "3,/etc/passwd,m.png,1", "4,a.png,../m,1"
    )

    assert [f.check for f in result.findings] == ["unusable_row"] * 4
    assert all("is outside the folder study" in f.message for f in result.findings)
    assert result.images == []
    with pytest.raises(CohortError, match="is outside the folder"):
        read(tmp_path / "study", params=ManifestParams(table="../manifest.csv"))


def test_unknown_columns(tmp_path):
    result = source(tmp_path, "1,a.png,m.png,0,B,x", head=HEAD + ",Sites,remark")

    assert found(result) == [("Sites", "unknown_column", "error"), ("remark", "unknown_column", "warning")]
    assert "did you mean 'site'?" in result.findings[0].message


def test_ids_of_images_are_unique_and_do_not_depend_on_the_order(tmp_path):
    rows = ["1,long/1.png,m.png,0", "2,trans/1.png,m.png,1", "3,图.png,m.png,1", "4,影.png,m.png,1", "5,A.2.png,m,0"]

    ids = {i.patient_id: i.image_id for i in source(tmp_path, *rows).images}
    back = {i.patient_id: i.image_id for i in source(tmp_path, *reversed(rows)).images}

    assert ids == back
    assert (ids["1"], ids["2"], ids["5"]) == ("long_1", "trans_1", "A.2")
    assert ids["3"] != ids["4"]


def test_windows_paths_and_folders_of_dicom(tmp_path):
    (tmp_path / "ct" / "P1.2").mkdir(parents=True)

    result = source(tmp_path, r"1,ct\P1.2,masks\1.nii.gz,0")

    assert (result.images[0].image, result.images[0].image_id) == (tmp_path / "ct/P1.2", "P1.2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table is empty"),
        ("patient_id;image;mask;label\n1;a;b;0\n", "separated by semicolons; save the table with commas"),
        ("patient_id,image,image,label\n", "columns image occur more than once"),
        ("patient_id,image\n1,a\n", "label missing among the columns patient_id, image"),
        ("patient_id,image,label\n1,a,0,x\n2,b,1\n3,c,0,y\n", "2 rows are longer than the header"),
        ("patient_id,image,label\n1,\xff,0\n", "not readable as a UTF-8 comma-separated table; save it as 'CSV UTF-8'"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_sentence(tmp_path, text, message):
    (tmp_path / "manifest.csv").write_bytes(text.encode("latin-1"))

    with pytest.raises(CohortError, match=message):
        read(tmp_path, params=ManifestParams())


def test_missing_root_and_tables(tmp_path):
    with pytest.raises(CohortError, match="there is no such folder"):
        read(tmp_path / "none", params=ManifestParams())
    with pytest.raises(CohortError, match="there is no such table"):
        read(tmp_path, params=ManifestParams())
    message = r"clinical\.csv: there is no such table; .*manifest\.clinical in params/cohort\.yaml.*set it to null"
    with pytest.raises(CohortError, match=message):
        source(tmp_path, "1,a.png,m.png,0", clinical="clinical.csv")


def test_a_missing_table_is_named_by_its_key(tmp_path):
    with pytest.raises(CohortError, match=r"manifest\.csv: there is no such table; .*manifest\.table in params"):
        read(tmp_path, params=ManifestParams())
    with pytest.raises(CohortError, match=r"deep\.csv: there is no such table; .*manifest\.blocks\.deep in params"):
        source(tmp_path, "1,a.png,m.png,0", blocks={"deep": "deep.csv"})


def test_clinical_columns_are_joined_as_numbers_or_text(tmp_path):
    (tmp_path / "clinical.csv").write_text("sex,patient_id,age,stage\nF,007,61.5,1\n,8,,1b\n")

    result = source(tmp_path, "007,a.png,m.png,1", "8,b.png,m.png,0", "9,c.png,m.png,0", clinical="clinical.csv")

    assert result.patients["patient_id"].tolist() == ["007", "8", "9"]
    assert result.patients["age"].dtype == "float64"
    assert result.patients["age"].isna().tolist() == [False, True, True]
    assert result.patients["stage"].iloc[:2].tolist() == ["1", "1b"]
    assert found(result) == [
        ("9", "clinical_missing_patient", "warning"),
    ]


def test_faults_of_the_clinical_table(tmp_path):
    lines = ["patient_id,age,label", "1,60,0", "1,61,0", "2,n/a,1", "3,55,1", ",1,1"]
    (tmp_path / "clinical.csv").write_text("\n".join(lines))

    result = source(tmp_path, "1,a.png,m,1", "2,b.png,m,0", "3,c.png,m,0", clinical="clinical.csv")

    assert found(result) == [
        ("1", "clinical_repeated", "error"),
        ("", "clinical_repeated", "error"),
        ("label", "clinical_reserved", "error"),
        ("age", "clinical_not_numeric", "error"),
    ]
    assert "'n/a' among its numbers (row 4)" in result.findings[3].message
    assert result.patients["label"].tolist() == [1, 0, 0]


def test_ready_made_blocks(tmp_path):
    (tmp_path / "pet.csv").write_text("patient_id,suv,vol\n007,1.25,3\n8,,oops\n")

    rows = ("007,a.png,m.png,1", "8,b.png,m.png,0", "9,c.png,m.png,")
    result = source(tmp_path, *rows, blocks={"pet": "pet.csv"}, unlabelled="drop")

    assert result.blocks["pet"]["patient_id"].tolist() == ["007", "8"]  # 9 is dropped by the rule
    assert result.blocks["pet"]["suv"].tolist()[0] == 1.25
    assert pd.isna(result.blocks["pet"]["suv"][1])
    assert [(i, c) for i, c, _ in found(result)] == [
        ("9", "block_missing_patient"),
        ("pet.vol", "block_not_numeric"),
    ]


def test_ready_made_tables_declare_the_patients_of_their_model(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text("patient_id,x\n1,0\n")

    given = {"a": "a.csv", "b": {"table": "b.csv"}, "c": {"table": "c.csv", "trained_on": "nobody"}}
    result = source(tmp_path, "1,a.png,m.png,1", blocks=given)

    assert sorted(result.blocks) == ["a", "b", "c"]
    assert result.trained_on == {"a": "unknown", "b": "unknown", "c": "nobody"}
    assert get_args(BlockParams.model_fields["trained_on"].annotation) == TRAINED_ON
    with pytest.raises(ValidationError, match="other_patients"):
        ManifestParams(blocks={"a": {"table": "a.csv", "trained_on": "others"}})


def test_ids_in_two_spellings_of_one_text_are_one_patient(tmp_path):
    (tmp_path / "clinical.csv").write_text("patient_id,age\nRene\u0301,61\nP\u200b1,50\n", encoding="utf-8")

    rows = [
        "Ren\u00e9,a.png,m,1,long",
        "Rene\u0301,b.png,m,1,trans",
        "P1,c.png,m,0,long\u00ad",
        "P1\ufeff,d.png,m,0,trans",
    ]
    result = source(tmp_path, *rows, head=f"{HEAD},view", clinical="clinical.csv")

    assert result.patients["patient_id"].tolist() == ["P1", "Ren\u00e9"]
    assert result.patients["age"].tolist() == [50, 61]
    assert [i.view for i in result.images] == ["long", "trans", "long", "trans"]
    assert [(i, c) for i, c, _ in found(result)] == [
        ("patient_id", "invisible_characters"),
        ("view", "invisible_characters"),
        ("patient_id", "invisible_characters"),
    ]
    assert "manifest.csv: column 'patient_id'" in result.findings[0].message
    assert "row 5 (first U+FEFF ZERO WIDTH NO-BREAK SPACE)" in result.findings[0].message


def test_ids_that_lost_their_zeros_stop_the_clinical_table(tmp_path):
    (tmp_path / "clinical.csv").write_text("patient_id,age\n7,61\n8,50\n")

    result = source(tmp_path, "007,a.png,m,1", "008,b.png,m,0", clinical="clinical.csv")

    assert found(result) == [("clinical.csv", "clinical_ids_unmatched", "error")]


def test_the_date_of_the_first_image_is_a_column_of_the_patient(tmp_path):
    rows = ("1,a.png,m,1,2021-05-02", "1,b.png,m,1,2021-04-01", "2,c.png,m,0,", "3,d.png,m,0,1.4.21")
    result = source(tmp_path, *rows, head=f"{HEAD},date")

    assert result.patients["date"].fillna("").tolist() == ["2021-04-01", "", ""]
    assert found(result) == [("3", "date_unreadable", "error")]
    assert "row 5: date '1.4.21' of patient 3" in result.findings[0].message
    assert "date" not in source(tmp_path, "1,a.png,m,1,", head=f"{HEAD},date").patients


def test_a_clinical_date_is_refused(tmp_path):
    (tmp_path / "clinical.csv").write_text("patient_id,date,age\n1,2021-01-01,60\n")

    result = source(tmp_path, "1,a.png,m,1", clinical="clinical.csv")

    assert found(result) == [("date", "clinical_reserved", "error")]
    assert result.findings[0].message.endswith("put the date of each image into the table of images")
    assert result.patients.columns.tolist() == ["patient_id", "label", "site", "cohort", "age"]


@pytest.mark.parametrize("blocks", [{"radiomics": "a.csv"}, {"My block": "a.csv"}])
def test_block_names(blocks):
    with pytest.raises(ValidationError, match="small letters"):
        ManifestParams(blocks=blocks)


def test_the_manifest_may_lie_deeper_and_its_paths_are_relative_to_it(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/m.csv").write_text(HEAD + "\n1,a.png,m.png,0\n")

    result = read(tmp_path, params=ManifestParams(table="tables/m.csv"))

    assert result.images[0].image == Path(tmp_path / "tables/a.png")
