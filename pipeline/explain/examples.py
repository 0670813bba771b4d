"""Examples of right and wrong predictions of the primary model: the lesion with its contour, and a network's map.

Chosen by rule, not by hand: in the primary evaluation, for each kind (true and false, positive and negative), the
patients whose scores lie farthest from the threshold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from pipeline.contracts.reports.explain import KINDS
from pipeline.embed.params import EmbedParams, network_of
from pipeline.explain.pictures import picture
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.images import read_image
from pipeline.foundation.params import Params
from pipeline.foundation.pseudonyms import Pseudonyms
from pipeline.networks.inputs import roi_pixels
from pipeline.networks.params import InputParams
from pipeline.plan.feature_sets import FusionParams, network_behind

AUTO, NONE = "auto", "none"


class ExplainParams(Params):
    """`params/explain.yaml`."""

    network: str = Field(min_length=1, description="auto, none, or a network of params/embed.yaml")
    map: Literal["grad_cam", "coordinate_attention"]
    examples: int = Field(ge=1, le=12, description="patients of each kind")
    panel_px: int = Field(ge=64, le=1024, description="side of a panel of the picture")
    shap: bool
    orders: int = Field(ge=1, le=1000, description="orders of the features, for svm, knn and mlp")
    permutations: int = Field(ge=1, le=10_000, description="exchanges of a block between patients")
    replicates: int = Field(ge=0, le=100_000, description="bootstrap samples of patients; 0 = no intervals")
    largest: int = Field(ge=1, le=50, description="contributions named in a waterfall")


@dataclass(frozen=True, kw_only=True)
class Example:
    """A patient of one kind, with the image as a network's input (uint8, (P, S, S)) and its lesion mask (S, S)."""

    kind: str
    patient_id: str
    image_id: str
    view: str
    score: float
    threshold: float
    planes: NDArray[np.uint8]
    lesion: NDArray[np.uint8]

    @property
    def grey(self) -> NDArray[np.uint8]:
        """The image that is shown, (S, S): the only slice, or the middle one of neighbouring slices."""
        return self.planes[len(self.planes) // 2]


def kinds(predictions: pd.DataFrame) -> pd.Series:
    """The kind of each row of a predictions table, such as `true positive`; positive = score ≥ threshold."""
    called = predictions["score"] >= predictions["threshold"]
    right = called == (predictions["label"] == 1)
    return np.where(right, "true ", "false ") + pd.Series(np.where(called, "positive", "negative"), predictions.index)


def choose_patients(predictions: pd.DataFrame, *, examples: int) -> pd.DataFrame:
    """Up to `examples` patients of each kind, farthest from the threshold first (ties: by patient id).

    `predictions`: the rows of one model in one test evaluation. Columns: kind, patient_id, score, threshold.
    """
    table = predictions.assign(
        kind=kinds(predictions), distance=(predictions["score"] - predictions["threshold"]).abs()
    )
    table = table.sort_values(["distance", "patient_id"], ascending=[False, True], kind="stable")
    picked = [table[table["kind"] == kind].head(examples) for kind in KINDS]
    return pd.concat(picked)[["kind", "patient_id", "score", "threshold"]]


def primary_predictions(predictions: Mapping[str, pd.DataFrame], *, chosen: pd.DataFrame) -> pd.DataFrame | None:
    """The rows of the primary model in the primary evaluation, or None if the study names no primary set.

    `predictions` by feature set. Raises PipelineError if the primary model has no row there.
    """
    primary = chosen[chosen["role"] == "primary"]
    if not len(primary):
        return None
    row = primary.iloc[0]
    table = predictions[str(row["feature_set"])]
    rows = table[(table["model"] == row["model"]) & (table["evaluation"] == row["evaluation"])]
    if not len(rows):
        raise PipelineError(f"the primary model {row['model']} has no prediction in evaluation {row['evaluation']}")
    return rows


def network_name(params: ExplainParams, *, embed: EmbedParams, fusion: FusionParams, primary_set: str) -> str | None:
    """The network whose maps are drawn: `auto` is the first of the primary set; None if there is none.

    Raises PipelineError if the params name a network that is not in params/embed.yaml.
    """
    if params.network == NONE:
        return None
    if params.network != AUTO:
        return network_of(embed, params.network).name
    return next((net for block in fusion.sets[primary_set] if (net := network_behind(block, nets=embed.nets))), None)


def read_examples(
    picked: pd.DataFrame, *, rois: pd.DataFrame, folder: Path, params: InputParams
) -> tuple[list[Example], list[str]]:
    """The examples with their images, and the patients without a usable image.

    Of a patient's images the first of the first view is shown. Image and mask are prepared like the networks' inputs.
    """
    usable = rois[rois["status"] == "ok"].sort_values(["patient_id", "view", "image_id"])
    first = usable.drop_duplicates("patient_id").set_index("patient_id")
    # A mask has no grey window.
    plain = params.model_copy(update={"window": None, "slice_rule": "largest"})
    found, without = [], []
    for row in picked.itertuples(index=False):
        if row.patient_id not in first.index:
            without.append(str(row.patient_id))
            continue
        roi = first.loc[row.patient_id]
        image, mask = read_image(folder / roi["image"]), read_image(folder / roi["mask"])
        found.append(
            Example(
                kind=str(row.kind),
                patient_id=str(row.patient_id),
                image_id=str(roi["image_id"]),
                view=str(roi["view"]),
                score=float(row.score),
                threshold=float(row.threshold),
                planes=roi_pixels(image, mask, params=params),
                lesion=roi_pixels(mask * 255, mask, params=plain)[0],
            )
        )
    return found, without


def explain_table(
    examples: Sequence[Example],
    *,
    maps: Sequence[NDArray[np.float32] | None],
    names: Pseudonyms,
    network: str | None,
    kind: str,
) -> pd.DataFrame:
    """`explain.csv`: one row per example, patients by pseudonym; the network is named if it has a map."""
    width = len(str(len(examples)))
    rows = [
        {
            "number": f"{number:0{width}d}",
            "case": names.of(example.patient_id),
            "view": example.view,
            "network": None if heat is None else network,
            "map": None if heat is None else kind,
            "kind": example.kind,
            "score": example.score,
            "threshold": example.threshold,
            "picture": f"{number:0{width}d}_{example.kind.replace(' ', '_')}.png",
        }
        for number, (example, heat) in enumerate(zip(examples, maps, strict=True), 1)
    ]
    columns = ["number", "case", "view", "network", "map", "kind", "score", "threshold", "picture"]
    return pd.DataFrame(rows, columns=columns)


def pictures(
    table: pd.DataFrame, *, examples: Sequence[Example], maps: Sequence[NDArray[np.float32] | None], panel_px: int
) -> Iterator[tuple[str, bytes]]:
    """The file name and the PNG of each example, in the order of `explain_table`."""
    for place, (name, example) in enumerate(zip(table["picture"], examples, strict=True)):
        yield str(name), picture(example.grey, lesion=example.lesion, heat=maps[place], panel_px=panel_px)
