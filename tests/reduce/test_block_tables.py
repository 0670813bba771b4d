"""Tables of embeddings: by image, or by patient for a network of several views; ids stay text."""

import numpy as np
import pandas as pd
import pytest

from pipeline.contracts.data.embed import EMBEDDINGS, PATIENT_EMBEDDINGS, read_embeddings, write_embeddings
from pipeline.foundation.errors import TableError
from pipeline.foundation.tables import write_table
from pipeline.reduce.block_tables import BlockPlaces, read_embedded_patients

KEYS = {"resample": ["final", "final"], "part": ["a", "b"]}
OWNER = pd.Series({"001": "p1", "002": "p2"})


def by_image(folder):
    table = pd.DataFrame(KEYS | {"image_id": ["002", "001"], "net_0000": [0.5, 1.5]})
    write_table(table, folder / "net.csv", EMBEDDINGS)
    return folder / "net.csv"


def by_patient(folder):
    table = pd.DataFrame(KEYS | {"patient_id": ["02", "01"], "net_0000": [0.5, 1.5]})
    write_table(table, folder / "net.csv", PATIENT_EMBEDDINGS)
    return folder / "net.csv"


def test_embedded_images_are_listed_by_patient(tmp_path):
    assert list(read_embedded_patients(by_image(tmp_path), owner=OWNER)["patient_id"]) == ["p2", "p1"]


def test_embedded_patients_are_listed_as_they_are(tmp_path):
    found = read_embedded_patients(by_patient(tmp_path), owner=OWNER)

    assert list(found["patient_id"]) == ["02", "01"]
    assert list(found["part"]) == ["a", "b"]


@pytest.mark.parametrize(("write", "key"), [(by_image, "image_id"), (by_patient, "patient_id")])
def test_both_forms_are_read_with_ids_as_text(write, key, tmp_path):
    found = read_embeddings(write(tmp_path))

    assert found.key == key
    assert min(len(one) for ids in found.ids.values() for one in ids) > 1
    assert [found.frame("final", part)["net_0000"].tolist() for part in "ab"] == [[0.5], [1.5]]


def test_a_table_of_neither_form_is_refused(tmp_path):
    (tmp_path / "net.csv").write_text("resample,part,case\nfinal,a,1\n", encoding="utf-8")

    with pytest.raises(TableError, match="image_id"):
        read_embeddings(tmp_path / "net.csv")


def test_the_files_of_other_resamples_are_part_of_what_a_block_is_read_from(tmp_path):
    table = pd.DataFrame({"resample": "cv", "part": "a", "image_id": ["001"], "net_0000": np.float32([2])})
    write_embeddings(table, by_image(tmp_path).with_suffix(""))
    places = BlockPlaces(cohort=tmp_path / "cohort.csv", features=tmp_path, blocks=tmp_path / "blocks", nets=("net",))

    assert places.tables(["clinical", "net"])[1:] == [tmp_path / "net.csv", tmp_path / "net" / "cv_a.safetensors"]
    assert list(read_embedded_patients(tmp_path / "net.csv", owner=OWNER)["patient_id"]) == ["p2", "p1", "p1"]
