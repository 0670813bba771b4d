"""What the report shows of regions: features by both kinds of masks, examples of segmentation, habitats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.contracts.data.crop import PREDICTED as BY_PREDICTION
from pipeline.contracts.data.embed import EMBEDDINGS
from pipeline.contracts.data.habitat import (
    CLUSTERS,
    DICTIONARY_FILE,
    LABELS,
    STATUS,
    STATUS_FILE,
    Clustering,
    read_clusterings,
)
from pipeline.contracts.data.radiomics import DICTIONARY, RADIOMICS
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.images import array_of, read_image
from pipeline.foundation.pseudonyms import Pseudonyms
from pipeline.foundation.tables import read_table
from pipeline.plan.feature_sets import HABITAT, PERITUMORAL, PREDICTED
from pipeline.plan.feature_sets import RADIOMICS as RADIOMICS_BLOCK
from pipeline.report.overlays import habitat_picture, mask_picture
from pipeline.report.tables.segmentation import chosen_examples, main_evaluation

PANEL_PX = 260
Sets = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Regions:
    """`pairs`: sets with radiomics of given and of predicted masks, that differ in nothing else; `given` and
    `predicted`: the radiomics of both, index image_id (empty without a pair); `examples`: rows of `segmentation.csv`
    with their `kind`, and `example_pictures` in the same order; `clusterings` of resample `final` by part;
    `habitats`: rows of `habitat.csv` of resample `final`; `habitat_pictures`: by number of explain.csv, the part whose
    clusters give the habitats, and the PNG bytes.
    """

    pairs: Sequence[tuple[str, str]] = ()
    given: pd.DataFrame = field(default_factory=pd.DataFrame)
    predicted: pd.DataFrame = field(default_factory=pd.DataFrame)
    examples: pd.DataFrame = field(default_factory=pd.DataFrame)
    example_pictures: Sequence[bytes] = ()
    clusterings: Mapping[str, Clustering] = field(default_factory=dict)
    habitats: pd.DataFrame = field(default_factory=pd.DataFrame)
    habitat_pictures: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)


NO_REGIONS = Regions()


def read_regions(
    paths: Mapping[str, Path],
    *,
    sets: Sets,
    cohort: pd.DataFrame,
    rois: pd.DataFrame,
    results: Mapping[str, pd.DataFrame],
    patients: Sequence[str],
    names: Pseudonyms,
) -> Regions:
    """Read what the study has of regions; a study without networks for masks and without habitats reads no file.

    `sets`: the blocks of each set with a chosen classifier; `patients`: their ids; `paths` as for `read_inputs`.
    Raises TableError if a table breaks its contract, ImageError if a picture cannot be read.
    """
    found: dict[str, Any] = {}
    if pairs := mask_pairs(sets):
        found |= {"pairs": pairs, **_features(paths["features"], rois=rois)}
    if len(results["segmentation"]):
        found |= _segmented(paths, table=results["segmentation"], cohort=cohort)
    if any(HABITAT in blocks for blocks in sets.values()):
        shown = {str(row.number): str(row.case) for row in results["explain"].itertuples()}
        found |= _habitats(paths, rois=rois, shown=shown, patient_of={names.of(one): one for one in patients})
    return Regions(**found)


def read_dictionary(paths: Mapping[str, Path], *, sets: Sets) -> pd.DataFrame:
    """The definitions of radiomics, and of habitats and rings if a set uses them (`sets`: the blocks of each set).

    Raises TableError if a table is missing or breaks its contract.
    """
    table = read_table(paths["dictionary"], DICTIONARY)
    if not {HABITAT, PERITUMORAL} & {block for blocks in sets.values() for block in blocks}:
        return table
    return pd.concat([table, read_table(paths["habitat"] / DICTIONARY_FILE, DICTIONARY)], ignore_index=True)


def mask_pairs(sets: Sets) -> list[tuple[str, str]]:
    """Each set with radiomics of given masks, and the same set with those of predicted masks."""
    blocks = {name: frozenset(own) for name, own in sets.items()}
    swap = frozenset({RADIOMICS_BLOCK, PREDICTED})
    return [
        (given, other)
        for given, own in blocks.items()
        for other, theirs in blocks.items()
        if RADIOMICS_BLOCK in own and PREDICTED not in own and theirs == own ^ swap
    ]


def _features(folder: Path, *, rois: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The radiomics of given masks and of predicted ones, on the images that have both."""
    tables = [read_table(folder / f"{block}.csv", RADIOMICS) for block in (RADIOMICS_BLOCK, PREDICTED)]
    by_prediction = rois["image_id"][rois["mask_source"] == BY_PREDICTION] if "mask_source" in rois else []
    usable = [
        table[(table["status"] == "ok")].set_index("image_id").drop(columns=["status", "reason"]) for table in tables
    ]
    both = usable[0].index.intersection(usable[1].index).difference(by_prediction).sort_values()
    return {"given": usable[0].loc[both], "predicted": usable[1].loc[both]}


def _segmented(paths: Mapping[str, Path], *, table: pd.DataFrame, cohort: pd.DataFrame) -> dict[str, Any]:
    """The best, median and worst masks of those that were written, with their pictures."""
    masks = read_table(paths["segment"] / "masks.csv", MASKS)
    written = masks[masks["mask"].notna()][["network", "resample", "image_id", "mask"]]
    known = cohort.set_index("image_id")
    rows = table.merge(written, on=["network", "resample", "image_id"]).query("dice.notna()")
    rows = rows[rows["image_id"].map(known["mask"]).notna()]
    if not len(rows):
        return {}
    examples = chosen_examples(rows[rows["evaluation"] == main_evaluation(rows)])
    pictures = []
    for row in examples.itertuples():
        case = known.loc[row.image_id]
        image, given = read_image(paths["images"] / case["image"]), read_image(paths["masks"] / case["mask"])
        predicted = read_image(paths["segment"] / "masks" / str(row.mask))
        pictures.append(
            mask_picture(
                array_of(image), given=array_of(given) != 0, predicted=array_of(predicted) != 0, panel_px=PANEL_PX
            )
        )
    return {"examples": examples, "example_pictures": pictures}


def _habitats(
    paths: Mapping[str, Path], *, rois: pd.DataFrame, shown: Mapping[str, str], patient_of: Mapping[str, str]
) -> dict[str, Any]:
    """The clusterings and features of resample `final`, and the habitats of the cases that `explain` shows."""
    folder = paths["habitat"]
    clusterings = {part: one for (name, part), one in read_clusterings(folder / CLUSTERS).items() if name == FINAL}
    features = read_table(paths["features"] / f"{HABITAT}.csv", EMBEDDINGS)
    status = read_table(folder / STATUS_FILE, STATUS)
    status = status[(status["block"] == HABITAT) & status["resample"].isin([FINAL, "all"])].set_index("image_id")
    # As `explain` picks the image of a patient: the first of the first view.
    usable = rois[rois["status"] == "ok"].sort_values(["patient_id", "view", "image_id"])
    first = usable.drop_duplicates("patient_id").set_index("patient_id")
    pictures = {}
    for number, case in shown.items():
        if (patient := patient_of.get(case)) not in first.index:
            continue
        roi = first.loc[patient]
        part = status["part"].get(roi["image_id"])
        if pd.isna(part) or part not in clusterings:
            continue
        labels = array_of(read_image(folder / LABELS / f"{roi['image_id']}.nrrd")).astype(np.uint8)
        image = array_of(read_image(paths["crops"] / roi["image"]))
        picture = habitat_picture(image, labels=labels, k=clusterings[str(part)].k, panel_px=PANEL_PX)
        pictures[number] = str(part), picture
    return {
        "clusterings": clusterings,
        "habitats": features[features["resample"] == FINAL],
        "habitat_pictures": pictures,
    }
