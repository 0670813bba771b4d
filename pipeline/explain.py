"""Examples of right and wrong predictions of the primary model: the lesion with its outline, and where a network looks.

Chosen by rule, not by hand: in the primary evaluation, of each kind (true and false, positive and negative) the
patients whose scores lie farthest from the threshold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field

from pipeline.attention_maps import attention_maps
from pipeline.embed import recipe_of
from pipeline.embed_params import EmbedParams, network_of
from pipeline.embed_plan import normalisation_of
from pipeline.errors import PipelineError
from pipeline.explain_pictures import picture
from pipeline.fusion import FusionParams
from pipeline.grad_cam import grad_cam
from pipeline.images import read_image
from pipeline.networks.registry import build_network
from pipeline.networks.weights import load_weights, read_tensors
from pipeline.params import Params
from pipeline.pseudonyms import Pseudonyms
from pipeline.roi_inputs import InputParams, normalised, roi_pixels
from pipeline.torch_device import reproducible

KINDS = ("true positive", "false positive", "true negative", "false negative")
AUTO, NONE = "auto", "none"
FINAL = "final"


class ExplainParams(Params):
    """`params/explain.yaml`."""

    network: str = Field(min_length=1, description="auto, none, or a network of params/embed.yaml")
    map: Literal["grad_cam", "coordinate_attention"]
    examples: int = Field(ge=1, le=12, description="patients of each kind")
    panel_px: int = Field(ge=64, le=1024, description="side of a panel of the picture")


@dataclass(frozen=True, kw_only=True)
class Example:
    """A patient of one kind, with the image as a network sees it (uint8, (P, S, S)) and its outline mask (S, S)."""

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
        """What is shown, (S, S): the image, or the middle one of neighbouring slices."""
        return self.planes[len(self.planes) // 2]


def kinds(predictions: pd.DataFrame) -> pd.Series:
    """true or false positive or negative of each row of a predictions table with thresholds; positive = score ≥ it."""
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
    """The rows of the primary model in the primary evaluation, or None where the study names no primary set.

    `predictions` by feature set. Raises PipelineError where the primary model has no row there.
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
    """The network whose maps are drawn: `auto` is the first of the primary set; None where there is none.

    Raises PipelineError where the params name a network that params/embed.yaml has not.
    """
    if params.network == NONE:
        return None
    if params.network != AUTO:
        return network_of(embed, params.network).name
    return next((str(block) for block in fusion.sets[primary_set] if block in embed.nets), None)


def read_examples(
    picked: pd.DataFrame, *, rois: pd.DataFrame, folder: Path, params: InputParams
) -> tuple[list[Example], list[str]]:
    """The examples with their pictures, and the patients without a usable image.

    Of a patient's images the first of the first view is shown. Image and outline go the way the networks' inputs go.
    """
    usable = rois[rois["status"] == "ok"].sort_values(["patient_id", "view", "image_id"])
    first = usable.drop_duplicates("patient_id").set_index("patient_id")
    # An outline has no grey window.
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


def network_maps(
    examples: Sequence[Example], *, net: str, kind: str, embed: EmbedParams, folder: Path, seed: int
) -> list[NDArray[np.float32]] | None:
    """The map of each example, the mean over the networks of resample `final`; None where none is kept.

    `kind`: grad_cam or coordinate_attention (networks that have it).

    Those networks have not seen the test patients. Frozen networks have no trained logit, so they have no map; nor has
    a network whose last features have no place in the image (vit).
    """
    network, recipe = network_of(embed, net), recipe_of(embed, net=net, seed=seed)
    if kind == "coordinate_attention" and not network.architecture.has_attention:
        raise PipelineError(
            f"params/explain.yaml: {net} has no coordinate attention; set network: carnet, or map: grad_cam"
        )
    files, layer = sorted(folder.glob(f"{FINAL}_*.safetensors")), network.architecture.last_features
    if not files or layer is None:
        return None
    how = normalisation_of(network, recipe)
    grey = torch.from_numpy(np.stack([example.planes for example in examples]).astype(np.float32) / 255)
    maps = []
    with reproducible(seed=seed, threads=embed.training.torch_threads, device=torch.device("cpu")):
        for file in files:
            module = build_network(network)
            load_weights(module, read_tensors(file), place=str(file), head=network.architecture.head)
            images = normalised(grey, how=how).contiguous()
            own = kind == "coordinate_attention"
            maps.append(attention_maps(module, images) if own else grad_cam(module, images, layer=layer))
    return list(np.mean(maps, axis=0))


def explain_table(examples: Sequence[Example], *, names: Pseudonyms, network: str | None, kind: str) -> pd.DataFrame:
    """`explain.csv`: one row an example, patients by pseudonym."""
    width = len(str(len(examples)))
    rows = [
        {
            "number": f"{number:0{width}d}",
            "case": names.of(example.patient_id),
            "view": example.view,
            "network": network,
            "map": kind if network else None,
            "kind": example.kind,
            "score": example.score,
            "threshold": example.threshold,
            "picture": f"{number:0{width}d}_{example.kind.replace(' ', '_')}.png",
        }
        for number, example in enumerate(examples, 1)
    ]
    columns = ["number", "case", "view", "network", "map", "kind", "score", "threshold", "picture"]
    return pd.DataFrame(rows, columns=columns)


def pictures(
    table: pd.DataFrame, *, examples: Sequence[Example], maps: Sequence[NDArray[np.float32]] | None, panel_px: int
) -> Iterator[tuple[str, bytes]]:
    """The file name and the PNG of each example, in the order of `explain_table`."""
    for place, (name, example) in enumerate(zip(table["picture"], examples, strict=True)):
        heat = maps[place] if maps else None
        yield str(name), picture(example.grey, lesion=example.lesion, heat=heat, panel_px=panel_px)
