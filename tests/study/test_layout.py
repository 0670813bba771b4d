import pytest
from own_study import demo_params, write_rows

from pipeline.cohort.cohort import read_source
from pipeline.foundation.errors import CohortError
from pipeline.study.layout import LAYOUTS, Layout, find_layout

HEAD = ("patient_id", "image", "label")


def folder(root, *names):
    """Files where a name has a suffix (tables as manifests), folders elsewhere."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv" and name != "label.csv":
            write_rows(path, HEAD)
        elif path.suffix:
            path.write_bytes(b"")
        else:
            path.mkdir(exist_ok=True)
    return root


def found(root, *, same_root=False, **changes):
    return find_layout(root, chosen=demo_params().model_copy(update=changes), same_root=same_root)


@pytest.mark.parametrize("source", LAYOUTS)
def test_each_public_layout_is_named(tmp_path, source):
    assert found(folder(tmp_path, *LAYOUTS[source])) == Layout(source=source)


@pytest.mark.parametrize("source", LAYOUTS)
def test_what_a_layout_lists_is_what_its_importer_demands(tmp_path, source):
    folder(tmp_path, *LAYOUTS[source][:-1])

    with pytest.raises(CohortError, match=f"{LAYOUTS[source][-1]} missing"):
        read_source(tmp_path, params=demo_params().model_copy(update={"source": source}))


def test_own_tables_come_before_a_layout_unless_the_params_already_say_otherwise(tmp_path):
    folder(tmp_path, "benign", "malignant", "manifest.csv")

    assert found(tmp_path).source == "manifest"
    assert found(tmp_path, source="busi").source == "manifest"
    assert found(tmp_path, source="busi", same_root=True).source == "busi"


def test_the_tables_of_a_manifest(tmp_path):
    write_rows(tmp_path / "all_images.csv", HEAD)
    write_rows(tmp_path / "Clinical_data.csv", ("patient_id", "age"))
    write_rows(tmp_path / "pet.csv", ("patient_id", "suv"))
    write_rows(tmp_path / "notes.csv", ("day", "note"))

    expected = {"table": "all_images.csv", "clinical": "Clinical_data.csv", "others": ("pet.csv",)}
    assert found(tmp_path) == Layout(source="manifest", **expected)


REFUSED = {
    (): r"holds no image \(it is empty\)",
    ("readme.txt",): r"holds no image \(only readme\.txt\); give the folder of the study, with images \(\.jpg",
    ("a.png", "more/b.png"): r"holds 2 images and no table of them \(only a\.png, more\); add a CSV with the columns",
    (
        "a.png",
        "manifest.xlsx",
    ): r"manifest\.xlsx is a spreadsheet, and tables are read as CSV; export it as 'CSV",
    ("inner/manifest.csv",): r"is not the folder of a source, but its folder inner is; give ROOT=.*/inner",
    ("a.csv", "b.csv"): r"a\.csv and b\.csv each have the columns patient_id and image; name the table of images man",
    ("benign", "malignant", "images", "xml"): r"fits the sources ddti and busi; set source in params/cohort\.yaml",
}


@pytest.mark.parametrize("names", REFUSED, ids=str)
def test_what_is_no_source_is_refused_in_one_sentence(tmp_path, names):
    with pytest.raises(CohortError, match=REFUSED[names]) as error:
        found(folder(tmp_path, *names))

    assert "\n" not in str(error.value)


def test_two_clinical_tables_are_not_guessed(tmp_path):
    folder(tmp_path, "manifest.csv")
    for name in ("clinical_a.csv", "clinical_b.csv"):
        write_rows(tmp_path / name, ("patient_id", "age"))

    with pytest.raises(CohortError, match=r"clinical_a\.csv and clinical_b\.csv may each be the clinical table; name"):
        found(tmp_path)
