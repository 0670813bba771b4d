"""A drawn study of any size: the tables and images that the stages from `split` on read, under their contracts.

Features are 300 traits of 30 common factors, each measured about four times, so that pruning leaves about 300 columns,
as on the demo; six factors raise the risk of the event. Every patient has three images of one view.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML
from scipy.special import expit

from pipeline.contracts.data.agreement import REPEATS
from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import BLOCK_ORIGINS, COHORT, NEAR_DUPLICATES, PATIENTS
from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS
from pipeline.contracts.data.embed import EMBEDDINGS, folder_of, write_embeddings
from pipeline.contracts.data.radiomics import ENGINE_CHECK, RADIOMICS
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.data.split import FINAL, SPLITS
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.images import image_from, write_image
from pipeline.foundation.tables import read_table, write_table
from pipeline.predictions.operating_point import freeze

ROOT = Path(__file__).resolve().parents[2]
NET = "densenet121"
BLOCKS = {"radiomics": ["radiomics"], "deep": [NET], "fusion": ["radiomics", NET]}  # by set
FACTORS, TRAITS, CAUSES = 30, 300, 6
IMAGES = 3
REPEATED = 30  # images with repeated masks, as in params/agreement.yaml
FILTERS = ("original", *(f"filter{number:02d}" for number in range(1, 14)))
FEATURES = [f"original_shape2D_F{n}" for n in range(9)]
FEATURES += [f"{name}_glcm_F{n:02d}" for name in FILTERS for n in range(93)]
WIDTH = 1024
# What the stages read of a study without ready-made tables, predicted masks, habitats and copies of images.
EMPTY_FOLDERS = ("blocks", "images", "masks", "rois", "repeats", "habitat", "segment/networks")
EMPTY_TABLES = {
    "block_origins.csv": BLOCK_ORIGINS,
    "near_duplicates/pairs.csv": NEAR_DUPLICATES,
    "engine_check.csv": ENGINE_CHECK,
    "predicted_rois.csv": PREDICTED_ROIS,
    "segment/masks.csv": MASKS,
}
Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The patients (table), their factors (patients, FACTORS), and the images as (image_id, row of the patient)."""

    patients: pd.DataFrame
    factors: Matrix
    image_ids: list[str]
    owner: NDArray[np.intp]


def draw(patients: int, *, seed: int) -> Drawn:
    """`patients` patients of two sites, a quarter of them external, four in ten with the event."""
    random = np.random.default_rng([seed, patients])
    factors = random.normal(size=(patients, FACTORS))
    effects = np.array([1, 0.8, 0.6, 0.5, 0.4, 0.3])
    ids = [f"{number:06d}" for number in range(patients)]
    table = pd.DataFrame({"patient_id": ids, "group_id": ids})
    table["label"] = (random.random(patients) < expit(factors[:, :CAUSES] @ effects - 0.5)).astype(np.int64)
    table["site"] = random.choice(["A", "B"], size=patients)
    table["cohort"] = np.where(np.arange(patients) % 4 == 3, "external", "train")
    image_ids = [f"{name}_{number}" for name in ids for number in range(IMAGES)]
    return Drawn(patients=table, factors=factors, image_ids=image_ids, owner=np.repeat(np.arange(patients), IMAGES))


def features(drawn: Drawn, *, count: int, random: np.random.Generator) -> Matrix:
    """`count` features of every image (images, count)."""
    traits = drawn.factors @ random.normal(size=(FACTORS, TRAITS)) / FACTORS**0.5
    traits += 0.8 * random.normal(size=traits.shape)
    values = traits[:, random.integers(0, TRAITS, size=count)][drawn.owner]
    return values + 0.3 * random.normal(size=values.shape)


def write_study(folder: Path, *, drawn: Drawn, seed: int) -> None:
    """Everything that `split` reads, the images, and the radiomics of the images and of repeated masks."""
    data, random = folder / "data", np.random.default_rng([seed, 1])
    owners = drawn.patients.iloc[drawn.owner].reset_index(drop=True)
    shown = pd.DataFrame({"image_id": drawn.image_ids, "patient_id": owners["patient_id"], "view": "all"})
    files = {"image": shown["image_id"] + ".nrrd", "mask": shown["image_id"] + ".nrrd"}
    write_table(drawn.patients, data / "patients.csv", PATIENTS)
    write_table(shown.assign(site=owners["site"], **files).reindex(columns=COHORT.names), data / "cohort.csv", COHORT)
    sides = {"width_px": 64, "height_px": 64, "depth_px": 1}
    rois = shown.assign(**files, n_voxels=random.integers(400, 4000, size=len(shown)), status="ok", **sides)
    write_table(rois.reindex(columns=ROIS.names), data / "rois.csv", ROIS)
    values = features(drawn, count=len(FEATURES), random=random)
    table = pd.DataFrame(values, columns=FEATURES)
    about = pd.DataFrame({"image_id": drawn.image_ids, "status": "ok", "reason": None})
    write_table(pd.concat([about, table], axis=1), data / "features" / "radiomics.csv", RADIOMICS)
    write_table(_repeats(drawn, values, random=random), data / "repeats.csv", REPEATS)
    for name in EMPTY_FOLDERS:
        (data / name).mkdir(parents=True)
    for name in drawn.image_ids:
        pixels = random.integers(0, 256, size=(4, 4)).astype(np.uint8)
        write_image(image_from(pixels), data / "images" / f"{name}.nrrd")
    for place, contract in EMPTY_TABLES.items():
        write_table(contract.empty(), data / place, contract)


def _repeats(drawn: Drawn, values: Matrix, *, random: np.random.Generator) -> pd.DataFrame:
    """Three masks of some training images; features agree between them."""
    train = np.flatnonzero((drawn.patients["cohort"] == "train").to_numpy()[drawn.owner])
    places = np.repeat(random.permutation(train)[:REPEATED], 3)
    shaken = values[places] + 0.1 * random.normal(size=(len(places), values.shape[1]))
    about = pd.DataFrame({"image_id": [drawn.image_ids[place] for place in places]})
    about = about.assign(repeat=[str(n % 3) for n in range(len(places))], status="ok", reason=None, dice=0.9)
    return pd.concat([about, pd.DataFrame(shaken, columns=FEATURES)], axis=1)


def write_params(folder: Path, *, sets: Sequence[str], folds: int, repeats: int, shuffles: int) -> None:
    """The shipped params with these sets and folds, four classifiers, and no control that needs real images."""
    changed = {
        "fusion": {"sets": {name: BLOCKS[name] for name in sets}},
        "embed": {"nets": [NET] if uses_network(sets) else []},
        "split": {"folds": folds, "repeats": repeats},
        "benchmark": {"classifiers": ["lr", "svm", "rf", "lightgbm"]},
        "compare": {"primary": {"feature_set": sets[-1], "comparator": sets[0], "evaluation": "external"}},
        "selftest": {"feature_set": "radiomics", "control_voxels": 0, "shuffles": shuffles},
    }
    if len(sets) == 1:
        changed["compare"] = {"primary": None}
    shutil.copytree(ROOT / "params", folder)
    yaml = YAML()
    for name, values in changed.items():
        path = folder / f"{name}.yaml"
        content = yaml.load(path.read_text(encoding="utf-8"))
        content.update(values)
        with path.open("w", encoding="utf-8") as stream:
            yaml.dump(content, stream)


def uses_network(sets: Sequence[str]) -> bool:
    """Whether a set has the embedding of the network among its blocks."""
    return any(NET in BLOCKS[name] for name in sets)


def embedding_cases(splits: pd.DataFrame, *, drawn: Drawn) -> Iterator[tuple[str, str, NDArray[np.intp], set[str]]]:
    """Each resample and half of the splits: the images that its network embeds (rows of `drawn`), and the ids of the
    patients it is trained on.
    """
    for resample, rows in splits.groupby("resample", sort=True):
        for part in "ab":
            trained = set(rows.loc[rows["half"] == part, "patient_id"])
            known = set(rows["patient_id"]) - trained
            there = drawn.patients["patient_id"].isin(known).to_numpy()[drawn.owner]
            yield str(resample), part, np.flatnonzero(there), trained


def write_network(data: Path, *, drawn: Drawn, seed: int) -> None:
    """The embeddings, cards and head of a cross-fitted network, in the splits of the study."""
    splits = read_table(data / "splits.csv", SPLITS)
    final, table = [], data / "features" / f"{NET}.csv"
    for resample, part, images, trained in embedding_cases(splits, drawn=drawn):
        random = np.random.default_rng([seed, 2, int(fingerprint(resample, part)[:8], 16)])
        values = features(drawn, count=WIDTH, random=random)[images].astype(np.float32)
        ids = [drawn.image_ids[place] for place in images]
        keys = pd.DataFrame({"resample": resample, "part": part, "image_id": ids})
        rows = pd.concat([keys, pd.DataFrame(values, columns=[f"{NET}_{n:04d}" for n in range(WIDTH)])], axis=1)
        if resample == FINAL:
            final.append(rows)
        else:
            write_embeddings(rows, folder_of(table))
        card = {"resample": resample, "part": part, "strategy": "crossfit", "trained_on": None}
        place = data / "networks" / NET / f"{resample}_{part}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(card | {"trained_ids_sha256": fingerprint(sorted(trained))}), encoding="utf-8")
    write_table(pd.concat(final, ignore_index=True), table, EMBEDDINGS)
    write_table(_head(splits, drawn=drawn, seed=seed), data / "predictions" / f"{NET}_head.csv", PREDICTIONS)


def _head(splits: pd.DataFrame, *, drawn: Drawn, seed: int) -> pd.DataFrame:
    tested = splits[splits["role"] != "train"].drop(columns="half").rename(columns={"role": "evaluation"})
    place = pd.Series(np.arange(len(drawn.patients)), index=drawn.patients["patient_id"])[tested["patient_id"]]
    noise = np.random.default_rng([seed, 3]).normal(size=len(tested))
    known = {"label": drawn.patients["label"].to_numpy()[place], "score": expit(drawn.factors[place, 0] + noise)}
    return freeze(tested.assign(feature_set=NET, model=f"{NET}_head", **known))
