"""Numbers that differ by resample, such as embeddings, per image or patient: a table, and a folder of files.

`features/<net>.csv` holds resample `final` (`all` for a frozen network), which people open. Every other resample has
one file per part, `features/<net>/<resample>_<part>.safetensors`: the tensor `embeddings` (n, E), in float32 (of
patients, which are means, in float64), and, as metadata, the resample, the part and the ids of its rows, in order. Both
give the numbers that a CSV gives.

Features of images that differ by resample (habitats, radiomics of predicted masks) have the same form, in float64, and
may be empty.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pipeline.contracts.data.split import ALL, FINAL
from pipeline.foundation.decimals import as_in_csv
from pipeline.foundation.errors import TableError, listed
from pipeline.foundation.files import whole_file
from pipeline.foundation.tables import Contract, check_table, header_of, read_csv, read_table, text

LOGIT = "_logit"  # suffix of a network's name: the logit of its classification head as a block, not its embedding
HEAD = "_head"  # suffix of a network's name: its classification head as a model
IN_CSV = (FINAL, ALL)  # the resamples of the table
SUFFIX, TENSOR, ROWS = ".safetensors", "embeddings", "rows"
NO_FILES = "no_files.txt"  # in the folder of a frozen network, which has no other resample
AGAIN = "run embed again"

EMBEDDINGS = Contract(
    name="embeddings",
    key=("resample", "part", "image_id"),
    columns=(text("resample"), text("part"), text("image_id")),
    extra="number",
)

PATIENT_EMBEDDINGS = Contract(
    name="embeddings of patients",
    key=("resample", "part", "patient_id"),
    columns=(text("resample"), text("part"), text("patient_id")),
    extra="number",
)
BY = {contract.key[-1]: contract for contract in (EMBEDDINGS, PATIENT_EMBEDDINGS)}
# By key, in numpy and in a file: embeddings of images, embeddings of patients and features of images.
KINDS = {"image_id": {"float32": "F32", "float64": "F64"}, "patient_id": {"float64": "F64"}}

Rows = tuple[str, str]  # resample and part


@dataclass(frozen=True, kw_only=True)
class Embeddings:
    """The embeddings of one network. `key` is image_id or patient_id, `ids` are those of each resample and part,
    `columns` the names of the numbers; `table` holds the numbers of the CSV, `files` the file of every other resample.
    """

    key: str
    ids: Mapping[Rows, tuple[str, ...]]
    columns: tuple[str, ...]
    table: Mapping[Rows, NDArray[np.float64]]
    files: Mapping[Rows, Path]

    def frame(self, resample: str, part: str) -> pd.DataFrame:
        """The numbers (n, E) of a resample and part, index `key`; read from its file each time, so that many resamples
        need the memory of one. Raises KeyError if it is not among `ids`, TableError if its file breaks the contract.
        """
        rows = (resample, part)
        values = self.table[rows] if rows in self.table else _values(self.files[rows], key=self.key)
        index = pd.Index(list(self.ids[rows]), name=self.key, dtype="str")
        return pd.DataFrame(values, index=index, columns=list(self.columns))


def folder_of(table: Path) -> Path:
    """The folder of the files that belong to the CSV `table`: its path without the suffix."""
    return table.with_suffix("")


def embedding_files(table: Path) -> list[Path]:
    """The CSV `table` and the files in its folder, by name."""
    return [table, *sorted(folder_of(table).glob(f"*{SUFFIX}"))]


def write_embeddings(table: pd.DataFrame, folder: Path) -> None:
    """Write the rows of one resample and part as `folder/<resample>_<part>.safetensors`, sorted by id, whole or not at
    all; the bytes depend on the rows only. `table` is as in the CSV, its numbers as in `KINDS`; features of images
    (float64) may be empty.

    Raises TableError with all faults at once before anything is written, OSError if the file cannot be written.
    """
    key = str(next((name for name in BY if name in table), "image_id"))
    numbers = table.drop(columns=list(BY[key].key), errors="ignore")
    values = numbers.to_numpy()
    place = f"{folder}: embeddings"
    check_table(table, BY[key], place=place)
    kinds = KINDS[key]
    known = str(values.dtype) in kinds
    faults = [] if known else [f"the numbers are {values.dtype}, and {' or '.join(kinds)} is needed"]
    faults += _not_finite(values, may_be_empty=_may_be_empty(values, key=key))
    if len(names := table[["resample", "part"]].drop_duplicates()) != 1:
        faults.append(f"the rows are of {len(names)} resamples and parts, and a file holds those of one")
    _refuse(faults, place=place)

    resample, part = (str(name) for name in names.iloc[0])
    order = np.argsort(table[key].to_numpy(dtype=object), kind="stable")
    ids = [str(one) for one in table[key].iloc[order]]
    # One entry: the order of several would differ between two runs.
    rows = json.dumps({"resample": resample, "part": part, key: ids}, ensure_ascii=False)
    with whole_file(folder / f"{resample}_{part}{SUFFIX}") as stream:
        stream.write(save({TENSOR: np.ascontiguousarray(values[order])}, metadata={ROWS: rows}))


def read_embeddings(table: Path) -> Embeddings:
    """The embeddings in the CSV `table` and in its folder; of the files, the ids are read and the numbers are not.

    Raises TableError with all faults at once: of the table, or of the files (cut, named for other rows, an id twice,
    another width than the table, rows that the table holds too).
    """
    contract = BY["patient_id" if "patient_id" in header_of(table) else "image_id"]
    return _with_files(embeddings_of(read_table(table, contract)), table)


def read_files(table: Path, *, columns: Sequence[str]) -> Embeddings:
    """The numbers `columns` of images in the folder of the CSV `table`, whose own rows are of another contract.

    Raises TableError as `read_embeddings`.
    """
    return _with_files(Embeddings(key="image_id", ids={}, columns=tuple(columns), table={}, files={}), table)


def _with_files(found: Embeddings, table: Path) -> Embeddings:
    """What is in memory, and the files in the folder of the CSV."""
    ids, files, faults = dict(found.ids), dict[Rows, Path](), list[str]()
    for path in embedding_files(table)[1:]:
        try:
            rows, own = _header(path, key=found.key, width=len(found.columns))
        except TableError as error:
            faults.append(str(error))
            continue
        if rows in ids:
            faults.append(f"{path}: {table.name} has rows of resample {rows[0]}, part {rows[1]} too")
        ids[rows], files[rows] = own, path
    _refuse(faults, place=str(folder_of(table)))
    return replace(found, ids=ids, files=files)


def embeddings_of(table: pd.DataFrame) -> Embeddings:
    """The embeddings of a table that is in memory."""
    key = "patient_id" if "patient_id" in table else "image_id"
    numbers = table.drop(columns=["resample", "part", key])
    values, ids = numbers.to_numpy(dtype=np.float64), table[key].astype(str).to_numpy(dtype=object)
    places = table.groupby(["resample", "part"]).indices
    parts = {(str(resample), str(part)): place for (resample, part), place in places.items()}
    return Embeddings(
        key=key,
        ids={rows: tuple(ids[place]) for rows, place in parts.items()},
        columns=tuple(str(name) for name in numbers.columns),
        table={rows: values[place] for rows, place in parts.items()},
        files={},
    )


def read_embedded_ids(table: Path) -> pd.DataFrame:
    """Resample, part and id (image_id or patient_id) of every row in the CSV `table` and in its folder. As
    `read_embeddings`, without the numbers.
    """
    header = header_of(table)
    key = "patient_id" if "patient_id" in header else "image_id"
    columns = list(BY[key].key)
    tables = [read_csv(table, text_columns=columns, columns=columns)]
    for path in embedding_files(table)[1:]:
        (resample, part), ids = _header(path, key=key, width=len(header) - len(columns))
        tables.append(pd.DataFrame({"resample": resample, "part": part, key: pd.Series(ids, dtype="str")}))
    return pd.concat(tables, ignore_index=True)


def _header(path: Path, *, key: str, width: int) -> tuple[Rows, tuple[str, ...]]:
    """Resample, part and ids of a file, checked against its tensor and its name."""
    try:
        with safe_open(path, framework="numpy") as file:
            about: Any = json.loads((file.metadata() or {}).get(ROWS, "null"))
            names = list(file.keys())
            tensor = file.get_slice(TENSOR) if names == [TENSOR] else None
            shape, kind = ([], "") if tensor is None else (tensor.get_shape(), tensor.get_dtype())
    except (SafetensorError, OSError, ValueError) as error:
        raise TableError(f"{path}: cut off or not readable as safetensors ({error}); {AGAIN}") from error
    if (
        not isinstance(about, dict)
        or set(about) != {"resample", "part", key}
        or kind not in KINDS[key].values()
        or len(shape) != 2
    ):
        raise TableError(
            f"{path}: must hold the tensor {TENSOR} (rows, columns) in {' or '.join(KINDS[key])} and, as metadata, the "
            f"resample, the part and the {key} of its rows, as {path.parent.name}.csv has; {AGAIN}"
        )
    rows, ids = (str(about["resample"]), str(about["part"])), tuple(str(one) for one in about[key])
    faults = []
    if path.name != f"{rows[0]}_{rows[1]}{SUFFIX}":
        faults.append(f"holds resample {rows[0]}, part {rows[1]}, against its name")
    if len(ids) != shape[0]:
        faults.append(f"{shape[0]} rows of numbers for {len(ids)} ids")
    if repeated := [one for one, count in Counter(ids).items() if count > 1]:
        faults.append(f"more than one row for {key} = {repeated[0]}")
    if shape[1] != width:
        faults.append(f"{shape[1]} columns of numbers, and the CSV of the network has {width}")
    if faults:
        raise TableError(f"{path}: {'; '.join(faults)}; {AGAIN}")
    return rows, ids


def _values(path: Path, *, key: str) -> NDArray[np.float64]:
    """The numbers of a file, as the CSV would give them."""
    try:
        with safe_open(path, framework="numpy") as file:
            values: NDArray[Any] = file.get_tensor(TENSOR)
    except (SafetensorError, OSError) as error:
        raise TableError(f"{path}: cut off or not readable as safetensors ({error}); {AGAIN}") from error
    _refuse(_not_finite(values, may_be_empty=_may_be_empty(values, key=key)), place=str(path))
    return as_in_csv(values) if values.dtype == np.float32 else values.astype(np.float64, copy=False)


def _may_be_empty(values: NDArray[Any], *, key: str) -> bool:
    """Whether the numbers are features of images, not embeddings."""
    return key == "image_id" and values.dtype == np.float64


def _not_finite(values: NDArray[Any], *, may_be_empty: bool) -> list[str]:
    if values.dtype.kind != "f":
        return []
    bad = int((np.isinf(values) if may_be_empty else ~np.isfinite(values)).sum())
    return [f"{bad} numbers are not finite"] if bad else []


def _refuse(faults: list[str], *, place: str) -> None:
    if faults:
        raise TableError(listed(faults, heading=f"{place}: not as the embeddings of a network must be"))
