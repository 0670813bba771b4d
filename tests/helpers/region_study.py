"""Masks by two networks, radiomics of predicted masks and habitats, added to the folder that `write_study` writes."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML
from scipy import ndimage

from pipeline.contracts.data.cohort import COHORT, PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.habitat import (
    CLUSTERS,
    DICTIONARY_FILE,
    LABELS,
    STATUS,
    STATUS_FILE,
    Clustering,
    write_clustering,
)
from pipeline.contracts.data.radiomics import DICTIONARY, RADIOMICS
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.data.split import SPLITS
from pipeline.contracts.reports.explain import EXPLAIN
from pipeline.contracts.reports.segment import PARITY_METRICS, SEGMENTATION, SEGMENTATION_SUMMARY, SEGMENTATION_TESTS
from pipeline.foundation.images import array_of, image_from, read_image, write_image
from pipeline.foundation.tables import read_table, write_csv, write_table
from pipeline.segment.evaluation import segmentation_table
from pipeline.segment.summary import segmentation_summary, segmentation_tests
from pipeline.statistics.overlap import overlap_counts

FEATURES = ("grey", "mean_3", "sd_3", "entropy_3", "gradient")
CLUSTERING = Clustering(
    resample="final",
    part="all",
    method="kmeans",
    k=3,
    features=FEATURES,
    means=(0.0,) * 5,
    sds=(1.0,) * 5,
    centres=((-1.2, -1.0, -0.5, -0.4, -0.3), (0.1, 0.0, 0.9, 1.1, 1.0), (1.1, 1.2, 0.1, -0.1, 0.0)),
    covariances=None,
    weights=None,
    score="silhouette",
    scores={"2": 0.31, "3": 0.42, "4": 0.29},
    n_voxels=6000,
    n_patients=60,
    trained_ids_sha256="0" * 64,
)


def add_regions(
    paths: dict[str, Path],
    into: Path,
    *,
    predicted_set: str,
    habitat_set: str,
    n_images: int,
    halves: bool = False,
    parity: bool = False,
    second: str = "trfe",
) -> dict[str, Path]:
    """The study's paths with regions, all new files under `into`. `predicted_set` becomes the set with radiomics of
    predicted masks, `habitat_set` gets the block habitat, `n_images` of the test patients have a predicted mask by the
    networks unet and `second`.
    """
    own = dict(paths) | {"all_params": into / "params", "tables": into / "tables", "features": into / "features"}
    own |= {"segment": into / "segment", "habitat": into / "habitat"}
    own |= {"images": into / "images", "masks": into / "masks", "crops": into / "crops", "rois": into / "rois.csv"}
    for name in ("all_params", "tables", "features"):
        shutil.copytree(paths[name], own[name])
    _change_sets(own["all_params"], predicted_set=predicted_set, habitat_set=habitat_set)
    cohort, patients = read_table(paths["cohort"], COHORT), read_table(paths["patients"], PATIENTS)
    roles = read_table(paths["splits"], SPLITS).query("resample == 'final'").set_index("patient_id")["role"]
    test = cohort[cohort["patient_id"].map(roles) != "train"].head(n_images)
    rois = read_table(paths["rois"], ROIS)
    write_table(rois.assign(mask_source="given"), own["rois"], ROIS)
    _segment(test, paths=paths, own=own, roles=roles, parity=parity, second=second)
    _predicted_radiomics(own["features"])
    _habitats(cohort, patients=patients, rois=rois, paths=paths, own=own, halves=halves)
    return own


def _change_sets(folder: Path, *, predicted_set: str, habitat_set: str) -> None:
    yaml = YAML()
    content = yaml.load((folder / "fusion.yaml").read_text(encoding="utf-8"))
    content["sets"][predicted_set] = ["radiomics_predicted"]
    content["sets"][habitat_set] = [*content["sets"][habitat_set], "habitat"]
    with (folder / "fusion.yaml").open("w", encoding="utf-8") as stream:
        yaml.dump(content, stream)


def lesion(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A noisy image with a disc and its mask, (64, 64)."""
    rows, columns = np.indices((64, 64))
    mask = (rows - 32) ** 2 + (columns - 30) ** 2 < (10 + number % 6) ** 2
    noise = np.random.default_rng(number).normal(0, 12, mask.shape)
    return np.clip(120 + noise - 50 * mask + 25 * (columns > 30) * mask, 0, 255).astype(np.uint8), mask


def _pair(row, number: int, *, paths, own) -> tuple[np.ndarray, np.ndarray]:
    """The image and given mask of a case, copied from the study, or drawn."""
    there = paths["images"] / row.image
    if there.exists():
        image = array_of(read_image(there))
        mask = array_of(read_image(paths["masks"] / row.mask)) != 0
    else:
        image, mask = lesion(number)
    write_image(image_from(image), own["images"] / row.image)
    write_image(image_from(mask.astype(np.uint8)), own["masks"] / row.mask)
    return image, mask


def _segment(test: pd.DataFrame, *, paths, own, roles, parity: bool, second: str) -> None:
    """Masks grown or shrunk by a few pixels, of two networks; the masks of the first are written."""
    rows, masks = [], []
    for number, row in enumerate(test.itertuples()):
        _, given = _pair(row, number, paths=paths, own=own)
        for network, extra in (("unet", 0), (second, 1)):
            turns = (number % 4) + extra
            grown = ndimage.binary_erosion if number % 3 == 0 else ndimage.binary_dilation
            predicted = grown(given, iterations=turns) if turns else given.copy()
            if number == 5:
                predicted[:] = False
            measured = _measured(predicted, given, apart=turns, parity=parity)
            key = {"network": network, "resample": "final", "image_id": row.image_id, "patient_id": row.patient_id}
            rest = {"evaluation": roles[row.patient_id], "part": "all", "mask_source": "given"}
            rows.append(key | rest | {"status": "ok", "reason": None} | measured)
            if network == "unet":
                name = f"final/{row.image_id}.nrrd"
                write_image(image_from(predicted.astype(np.uint8)), own["segment"] / "masks" / name)
                count, status = int(predicted.sum()), "ok" if predicted.any() else "empty"
                about = {"part": "all", "used": 0, "mask": name, "n_voxels": count, "status": status, "reason": None}
                masks.append(key | about)
    table = segmentation_table(rows)
    write_table(table, own["tables"] / "segmentation.csv", SEGMENTATION)
    summary = segmentation_summary(table, replicates=50, seed=1)
    write_table(summary, own["tables"] / "segmentation_summary.csv", SEGMENTATION_SUMMARY)
    write_table(segmentation_tests(table), own["tables"] / "segmentation_tests.csv", SEGMENTATION_TESTS)
    write_table(pd.DataFrame(masks)[MASKS.names], own["segment"] / "masks.csv", MASKS)


def _measured(predicted: np.ndarray, given: np.ndarray, *, apart: float, parity: bool) -> dict[str, float]:
    """The metrics of two masks; distances as drawn, since the library that measures them takes seconds to load."""
    counts = overlap_counts(predicted, given)
    names = ("dice", "iou", "precision", "sensitivity", "area_bias")
    row = {name: getattr(counts, name) for name in names} | dict.fromkeys(("hd95_mm", "assd_mm"), float("nan"))
    row |= dict.fromkeys(("hd95_px", "assd_px"), float(apart) if predicted.any() else float("nan"))
    row |= {f"{name}_voxels": getattr(counts, name) for name in ("intersection", "predicted", "given")}
    return row | {"parity": int(parity)} | (dict.fromkeys(PARITY_METRICS, 0.75) if parity else {})


def _predicted_radiomics(folder: Path) -> None:
    """The radiomics of given masks with noise; those of given masks differ between images, which they may not do."""
    given = read_table(folder / "radiomics.csv", RADIOMICS)
    keys, numbers = given[["image_id", "status", "reason"]], given.drop(columns=["image_id", "status", "reason"])
    rng = np.random.default_rng(3)
    if not numbers.std().any():
        numbers = numbers + rng.normal(size=numbers.shape)
        write_csv(pd.concat([keys, numbers], axis=1), folder / "radiomics.csv")
    noise = rng.normal(size=numbers.shape) * numbers.std().to_numpy() * rng.uniform(0.05, 1.2, numbers.shape[1])
    write_csv(pd.concat([keys, numbers + noise], axis=1), folder / "radiomics_predicted.csv")


def _habitats(cohort, *, patients, rois, paths, own, halves: bool) -> None:
    """Fractions that differ by outcome, one clustering, and label maps of the explained cases by their grey values."""
    rng = np.random.default_rng(4)
    label = cohort["patient_id"].map(patients.set_index("patient_id")["label"]).to_numpy(dtype=float)
    shares = rng.dirichlet([3, 3, 3], size=len(cohort)) + np.outer(label, [0.2, 0, 0])
    shares /= shares.sum(axis=1, keepdims=True)
    columns = {f"habitat_{n + 1}_fraction": shares[:, n] for n in range(3)}
    parts = "ab" if halves else ["all"]
    tables = [cohort[["image_id"]].assign(resample="final", part=part, **columns) for part in parts]
    write_csv(pd.concat(tables)[["resample", "part", "image_id", *columns]], own["features"] / "habitat.csv")
    for part in parts:
        write_clustering(replace(CLUSTERING, part=part), own["habitat"] / CLUSTERS)
    shared = {"block": "habitat", "family": "arrangement", "definition": "fraction of the lesion"}
    shared |= {"ibsi": "not covered", "source": "own definition", "version": "1"}
    dictionary = pd.DataFrame({"feature": list(columns)}).assign(**shared).reindex(columns=DICTIONARY.names)
    write_table(dictionary, own["habitat"] / DICTIONARY_FILE, DICTIONARY)
    about = {"block": "habitat", "resample": "all", "status": "ok", "reason": None}
    status = cohort[["image_id"]].assign(part=parts[0], **about)
    write_table(status[STATUS.names], own["habitat"] / STATUS_FILE, STATUS)
    explain = read_table(paths["tables"] / "explain.csv", EXPLAIN)
    for number, case in enumerate(explain["case"]):
        patient = patients["patient_id"].iloc[int(case.partition("#")[2]) - 1]
        for roi in rois[(rois["patient_id"] == patient) & (rois["status"] == "ok")].itertuples():
            if (paths["crops"] / roi.image).exists():
                image = array_of(read_image(paths["crops"] / roi.image))
                mask = array_of(read_image(paths["crops"] / roi.mask)) != 0
            else:
                image, mask = lesion(number)
            write_image(image_from(image), own["crops"] / roi.image)
            smooth = ndimage.gaussian_filter(image.astype(float), 2)
            thirds = np.quantile(smooth[mask], [1 / 3, 2 / 3])
            labels = np.where(mask, 1 + np.digitize(smooth, thirds), 0).astype(np.uint8)
            write_image(image_from(labels), own["habitat"] / LABELS / f"{roi.image_id}.nrrd")
