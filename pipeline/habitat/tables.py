"""The tables of the stage: a block as `reduce` reads it, and what became of each image."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.data.embed import EMBEDDINGS, IN_CSV, NO_FILES, folder_of, write_embeddings
from pipeline.contracts.data.habitat import STATUS
from pipeline.contracts.data.split import ALL
from pipeline.foundation.folders import written_aside
from pipeline.foundation.tables import write_table
from pipeline.habitat.lesions import Lesion

Rows = tuple[str, str]  # resample and part
Values = dict[str, NDArray[np.float64]]  # the features of an image, by image_id


def resamples_of(lesions: Mapping[str, Sequence[Lesion]]) -> dict[Lesion, tuple[str, ...]]:
    """The resamples in which a lesion is that of its image; (`all`,) if the image has the same one in all of them."""
    found: dict[Lesion, list[str]] = {}
    for resample, own in lesions.items():
        for lesion in own:
            found.setdefault(lesion, []).append(resample)
    return {lesion: (ALL,) if len(own) == len(lesions) else tuple(own) for lesion, own in found.items()}


def by_rows(values: Sequence[tuple[str, Mapping[Rows, NDArray[np.float64]]]]) -> dict[Rows, Values]:
    """The features by resample and part, then image, from those by image (its id), then resample and part."""
    found: dict[Rows, Values] = {}
    for image_id, own in values:
        for rows, one in own.items():
            found.setdefault(rows, {})[image_id] = one
    return dict(sorted(found.items()))


def ring_rows(
    lesions: Sequence[Lesion], done: Sequence[dict[str, Any]], *, resamples: Mapping[Lesion, tuple[str, ...]]
) -> list[tuple[str, dict[Rows, NDArray[np.float64]]]]:
    """The values of each lesion by resample and part, as `by_rows` takes them: resample `all` if every image has one
    lesion in all resamples, else each resample of its own.
    """
    every = sorted({name for own in resamples.values() for name in own} - {ALL}) or [ALL]
    return [
        (lesion.image_id, {(name, ALL): row["values"] for name in (every if own == (ALL,) else own)})
        for lesion, row, own in zip(lesions, done, map(resamples.__getitem__, lesions), strict=True)
        if row["values"] is not None
    ]


def write_block(found: Mapping[Rows, Values], table: Path, *, names: Sequence[str]) -> None:
    """Write a block: resamples `final` and `all` to the CSV `table`, every other resample and part to a file in its
    folder, which replaces an older one. Without rows, the table is its header alone.

    Raises TableError as `write_table` and `write_embeddings`.
    """
    shown = [_frame(rows, own, names) for rows, own in found.items() if rows[0] in IN_CSV]
    write_table(pd.concat(shown, ignore_index=True) if shown else EMBEDDINGS.empty(), table, EMBEDDINGS)
    aside = [(rows, own) for rows, own in found.items() if rows[0] not in IN_CSV]
    with written_aside(folder_of(table)) as folder:
        for rows, own in aside:
            write_embeddings(_frame(rows, own, names), folder)
        if not aside:
            (folder / NO_FILES).write_text("The CSV holds all there is.\n", encoding="utf-8")


def _frame(rows: Rows, own: Values, names: Sequence[str]) -> pd.DataFrame:
    keys = pd.DataFrame({"resample": rows[0], "part": rows[1], "image_id": pd.Series(sorted(own), dtype="str")})
    numbers = np.stack([own[image_id] for image_id in sorted(own)])
    return pd.concat([keys, pd.DataFrame(numbers, columns=list(names))], axis=1)


def status_rows(
    block: str,
    done: Sequence[tuple[Lesion, dict[str, Any], str | None]],
    *,
    resamples: Mapping[Lesion, tuple[str, ...]],
) -> list[dict[str, Any]]:
    """Rows of `status.csv` of a block: `done` has each lesion, its result, and the part whose labels are shown."""
    return [
        {
            "block": block,
            "resample": resample,
            "image_id": lesion.image_id,
            "part": part if result["status"] == "ok" else None,
            "status": result["status"],
            "reason": result["reason"],
        }
        for lesion, result, part in done
        for resample in resamples[lesion]
    ]


def write_status(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write `status.csv`. Raises TableError as `write_table`."""
    table = pd.DataFrame(rows, columns=STATUS.names) if rows else STATUS.empty()
    write_table(table.astype(dict.fromkeys(STATUS.names, "object")), path, STATUS)
