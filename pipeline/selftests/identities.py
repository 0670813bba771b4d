"""Who is where: patients, pictures, scores, thresholds and networks, held against the splits of the study."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.checkpoints import fingerprint
from pipeline.images import pixel_hash, read_image
from pipeline.operating_point import operating_points
from pipeline.params import ThresholdParams
from pipeline.selftests.checks import Check, Light

FINAL = "final"
SAME = 1e-12  # thresholds that differ by less are equal


def _check(check: str, *, title: str, rule: str, faults: int, good: str, bad: str, limit: float = 0.0) -> Check:
    """Red where there is a fault, else green."""
    return Check(
        check=check,
        light="red" if faults else "green",
        title=title,
        rule=rule,
        finding=bad if faults else good,
        value=float(faults),
        limit=limit,
    )


def patients_check(splits: pd.DataFrame, *, patients: pd.DataFrame) -> Check:
    """No patient, and no group of patients that share a picture, has two roles in one resample."""
    groups = dict(zip(patients["patient_id"], patients["group_id"], strict=True))
    roles = splits.assign(group=splits["patient_id"].map(groups)).groupby(["resample", "group"])["role"].nunique()
    return _check(
        "patients_apart",
        title="Training and test patients are different people",
        rule="Red if a patient, or a group that shares a picture, stands on two sides of a split (the value).",
        faults=int((roles > 1).sum()),
        good="Every patient, with all images, stands on one side of every split.",
        bad="Patients stand on two sides of a split.",
    )


def image_hashes(cohort: pd.DataFrame, *, folder: Path) -> pd.Series:
    """The hash of the voxels of every image of `cohort.csv`, index image_id."""
    hashes = [pixel_hash(read_image(folder / str(name))) for name in cohort["image"]]
    return pd.Series(hashes, index=cohort["image_id"], dtype="str")


def images_check(hashes: pd.Series, *, cohort: pd.DataFrame, splits: pd.DataFrame) -> Check:
    """No picture, by the hash of its voxels, is on two sides of a split."""
    owner = cohort.set_index("image_id")["patient_id"]
    shown = pd.DataFrame({"patient_id": owner.loc[hashes.index].to_numpy(), "hash": hashes.to_numpy()})
    # Only pictures that are there twice can be on two sides.
    twice = shown[shown["hash"].duplicated(keep=False)]
    sides = twice.merge(splits[["resample", "patient_id", "role"]], on="patient_id")
    roles = sides.groupby(["resample", "hash"])["role"].nunique()
    return _check(
        "images_apart",
        title="No test picture is a training picture",
        rule="Red if a picture with the very same pixels is on two sides of a split (the value counts them).",
        faults=int((roles > 1).sum()),
        good="No picture is on two sides of a split.",
        bad="The same picture is on two sides of a split.",
    )


def scored_check(predictions: pd.DataFrame, *, splits: pd.DataFrame) -> Check:
    """Every score is of a patient who was held out of that resample, and no held-out patient lacks one."""
    role = splits.set_index(["resample", "patient_id"])["role"]
    keys = pd.MultiIndex.from_frame(predictions[["resample", "patient_id"]])
    wrong = int((role.reindex(keys).to_numpy() != predictions["evaluation"].to_numpy()).sum())
    held_out = splits[splits["role"] != "train"].groupby("resample").size()
    counts = predictions.groupby(["feature_set", "model", "resample"]).size()
    short = sum(int(n != held_out.get(resample, 0)) for (_, _, resample), n in counts.items())
    return _check(
        "scored_held_out",
        title="Every score is of a patient the model had not seen",
        rule="Red if a score is of a training patient of its fit, or a held-out patient has none (the value).",
        faults=wrong + short,
        good="All scores are of held-out patients, and every held-out patient has one.",
        bad="There are scores of patients that were not held out, or patients without a score.",
    )


def thresholds_check(predictions: pd.DataFrame, *, rule: ThresholdParams) -> Check:
    """The stored thresholds are those learned again from training scores alone."""
    tested = predictions[predictions["evaluation"] != "cv"]
    cv = predictions[predictions["evaluation"] == "cv"]
    points = operating_points(cv, rule=rule) if len(cv) else {}
    stored = tested.groupby(["feature_set", "model"])["threshold"].agg(["min", "max"])
    apart = [
        max(abs(row["min"] - points[key].threshold), abs(row["max"] - points[key].threshold))
        if key in points
        else np.inf
        for key, row in stored.iterrows()
    ]
    moved = sum(not value <= SAME for value in apart)
    return _check(
        "thresholds_frozen",
        title="Thresholds were set before the test",
        rule="Red if a threshold is not the one learned again from training scores alone (the value counts them).",
        faults=moved,
        good="Every threshold is the one that the training patients alone give.",
        bad="Thresholds differ from those that the training patients alone give.",
    )


def networks_check(
    cards: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    described: Mapping[str, pd.DataFrame],
    splits: pd.DataFrame,
    with_image: set[str],
) -> Check:
    """No network describes a patient it was trained on.

    `cards` by network; `described` by network: resample, part and patient_id of every row of its features;
    `with_image`: patients that have a usable image. The ids a network was trained on are held against the hash on its
    card, then against the rows it describes.
    """
    title = "No network describes a patient it was trained on"
    rule = (
        "Red if a network describes its own training patients, or its card does not fit the splits (the value counts "
        "patients and cards); amber for given weights whose training patients are unknown."
    )
    strategies = {str(card.get("strategy")) for own in cards.values() for card in own}
    if not cards:
        return Check(check="networks_apart", light="grey", title=title, rule=rule, finding="No network was used.")
    faults = 0
    for net, own in cards.items():
        for card in own:
            trained, fits = _trained(card, splits=splits, with_image=with_image)
            rows = described[net]
            seen = rows[(rows["resample"] == card["resample"]) & (rows["part"] == card["part"])]
            faults += int(not fits) + len(trained & set(seen["patient_id"]))
    unknown = {card.get("trained_on") for own in cards.values() for card in own} - {None, "other_patients"}
    light: Light = "red" if faults else "amber" if unknown else "green"
    finding = {
        "red": "A network describes patients it was trained on: results with it are too good."
        if "insample" in strategies
        else "A network describes patients it was trained on, or its card does not fit the splits.",
        "amber": "Weights were given, and nobody states that they were trained on other patients.",
        "green": "Every network was trained apart from the patients it describes.",
    }[light]
    return Check(
        check="networks_apart",
        light=light,
        title=title,
        rule=rule,
        finding=finding,
        value=float(faults),
        limit=0.0,
    )


def _trained(card: Mapping[str, Any], *, splits: pd.DataFrame, with_image: set[str]) -> tuple[set[str], bool]:
    """The patients a network was trained on by the splits, and whether the hash on its card is theirs."""
    if card.get("strategy") == "frozen":
        return set(), True
    rows = splits[(splits["resample"] == card["resample"]) & (splits["role"] == "train")]
    if card.get("strategy") == "crossfit":
        rows = rows[rows["half"] == card["part"]]
    trained = set(rows["patient_id"]) & with_image
    return trained, fingerprint(sorted(trained)) == card.get("trained_ids_sha256")


def consistency_check(findings: pd.DataFrame) -> Check:
    """The light of the consistency checker on our own printed tables."""
    errors = int((findings["severity"] == "error").sum())
    # In our own table every figure is computed, so that equal rows are two models right about the same few patients.
    copies = findings["check"].str.startswith("copied").astype(bool)
    warnings = int(((findings["severity"] == "warning") & ~copies).sum())
    light: Light = "red" if errors else "amber" if warnings else "green"
    return Check(
        check="tables_consistent",
        light=light,
        title="The printed figures agree with each other",
        rule="Red if a row of our own table is impossible, amber if it is odd (the value counts the findings).",
        finding={
            "red": "A printed row cannot come from any group of patients.",
            "amber": "A printed row is odd; see the tables.",
            "green": "Every printed row comes from a possible group of patients.",
        }[light],
        value=float(errors + warnings),
        limit=0.0,
    )
