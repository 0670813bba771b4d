"""The files of embeddings: what is written is read, to the number of the CSV, and every fault is one sentence."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from pipeline.contracts.data.embed import (
    BY,
    embedding_files,
    read_embedded_ids,
    read_embeddings,
    write_embeddings,
)
from pipeline.foundation.errors import TableError
from pipeline.foundation.tables import read_table, write_table


def rows(resample, part, *, ids=("007", "é_1"), key="image_id", width=2):
    kind = np.float32 if key == "image_id" else np.float64
    values = np.random.default_rng(len(resample)).normal(size=(len(ids), width)).astype(kind)
    table = pd.DataFrame(values, columns=[f"net_{number:04d}" for number in range(width)])
    table.insert(0, key, ids)
    table.insert(0, "part", part)
    table.insert(0, "resample", resample)
    return table


def study(folder, *, key="image_id"):
    """Resample final in the CSV, two files beside it."""
    write_table(rows("final", "a", key=key), folder / "net.csv", BY[key])
    write_embeddings(rows("cv-1", "a", key=key), folder / "net")
    write_embeddings(rows("cv-1", "b", key=key)[::-1], folder / "net")
    return folder / "net.csv"


@pytest.mark.parametrize("key", ["image_id", "patient_id"])
def test_a_file_gives_the_numbers_of_a_csv(key, tmp_path):
    found = read_embeddings(study(tmp_path, key=key))
    write_table(rows("cv-1", "b", key=key), tmp_path / "as.csv", BY[key])
    csv = read_table(tmp_path / "as.csv", BY[key]).set_index(key)[["net_0000", "net_0001"]]

    pd.testing.assert_frame_equal(found.frame("cv-1", "b"), csv, check_exact=True)
    assert list(found.frame("final", "a").index) == ["007", "é_1"]
    assert list(found.ids) == [("final", "a"), ("cv-1", "a"), ("cv-1", "b")]


def test_the_bytes_depend_neither_on_the_order_of_the_rows_nor_on_the_run(tmp_path):
    first = rows("cv-1", "a", ids=("1", "2", "3"))
    for name, table in {"one": first, "two": first[::-1]}.items():
        write_embeddings(table, tmp_path / name)
    files = [tmp_path / name / "cv-1_a.safetensors" for name in ("one", "two")]

    assert files[0].read_bytes() == files[1].read_bytes()


def test_every_row_is_listed_without_its_numbers(tmp_path):
    found = read_embedded_ids(study(tmp_path))

    assert list(found.columns) == ["resample", "part", "image_id"]
    assert found.groupby(["resample", "part"])["image_id"].agg(list).to_dict() == {
        (resample, part): ["007", "é_1"] for resample, part in (("final", "a"), ("cv-1", "a"), ("cv-1", "b"))
    }


def test_a_file_by_patient_beside_a_table_by_image_is_refused(tmp_path):
    study(tmp_path)
    write_embeddings(rows("cv-1", "a", key="patient_id"), tmp_path / "net")

    with pytest.raises(TableError, match=r"the image_id of its rows, as net\.csv"):
        read_embeddings(tmp_path / "net.csv")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda table: table.assign(net_0000=np.float32(np.nan)), "2 numbers are not finite"),
        (lambda table: table.astype({"net_0000": np.float16, "net_0001": np.float16}), "float32 or float64 is needed"),
        (lambda table: table.assign(part=["a", "b"]), "of 2 resamples and parts"),
        (lambda table: table.assign(image_id="x"), "more than one row for .*image_id = x"),
        (lambda table: table.assign(image_id=["", "x"]), "'image_id': 1 empty"),
    ],
)
def test_rows_that_break_the_contract_are_not_written(changed, message, tmp_path):
    with pytest.raises(TableError, match=message):
        write_embeddings(changed(rows("cv-1", "a")), tmp_path / "net")
    assert not (tmp_path / "net").exists()


def raw(path, *, name="embeddings", kind=np.float32, n=2, width=2, **about):
    """A file that no stage would write."""
    content = {"resample": "cv-1", "part": "a", "image_id": ["1", "2"]} | about
    save_file({name: np.zeros((n, width), dtype=kind)}, path, metadata={"rows": json.dumps(content)})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "logits"}, "must hold the tensor embeddings"),
        ({"kind": np.float16}, "in float32 or float64"),
        ({"n": 3}, "3 rows of numbers for 2 ids"),
        ({"width": 3}, "3 columns of numbers, and the CSV of the network has 2"),
        ({"image_id": ["1", "1"]}, "more than one row for image_id = 1"),
        ({"part": "b"}, "holds resample cv-1, part b, against its name"),
    ],
)
def test_a_file_that_breaks_the_contract_is_refused(given, message, tmp_path):
    raw(study(tmp_path).with_suffix("") / "cv-1_a.safetensors", **given)

    for read in (read_embeddings, read_embedded_ids):
        with pytest.raises(TableError, match=rf"cv-1_a\.safetensors: .*{message}.*; run embed again"):
            read(tmp_path / "net.csv")


def test_rows_in_the_csv_and_in_a_file_are_refused(tmp_path):
    study(tmp_path)
    write_embeddings(rows("final", "a"), tmp_path / "net")

    with pytest.raises(TableError, match=r"net\.csv has rows of resample final, part a too"):
        read_embeddings(tmp_path / "net.csv")


def test_a_cut_file_is_refused_before_and_after_it_was_listed(tmp_path):
    found = read_embeddings(study(tmp_path))
    file = embedding_files(tmp_path / "net.csv")[1]
    file.write_bytes(file.read_bytes()[:-4])

    with pytest.raises(TableError, match=r"cv-1_a\.safetensors: cut off"):
        read_embeddings(tmp_path / "net.csv")
    with pytest.raises(TableError, match=r"cut off .* run embed again"):
        found.frame("cv-1", "a")


def test_numbers_that_are_not_finite_are_refused_when_they_are_read(tmp_path):
    found = read_embeddings(study(tmp_path))
    values = np.full((2, 2), np.inf, dtype=np.float32)
    content = {"resample": "cv-1", "part": "a", "image_id": ["007", "é_1"]}
    save_file({"embeddings": values}, tmp_path / "net" / "cv-1_a.safetensors", metadata={"rows": json.dumps(content)})

    with pytest.raises(TableError, match="4 numbers are not finite"):
        found.frame("cv-1", "a")
