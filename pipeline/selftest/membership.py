"""Who is where: patients, pictures, scores, thresholds and networks, held against the splits of the study."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.images import pixel_hash, read_image
from pipeline.foundation.params import ThresholdParams
from pipeline.predictions.operating_point import operating_points
from pipeline.selftest.inputs import Inputs
from pipeline.selftest.lights import Check, Light

INSAMPLE = "insample"
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


def _on_two_sides(shown: pd.DataFrame) -> int:
    """How many names stand on two sides of a split; `shown` has resample, role and name.

    A side is a role in a resample. Internal and external patients are held out for good, in every resample.
    """
    roles = shown.groupby(["name", "resample"])["role"].nunique().groupby("name").max()
    cohort = shown["role"].where(shown["role"].isin(["internal", "external"]), "train")
    cohorts = cohort.groupby(shown["name"]).nunique()
    return int(((roles > 1) | (cohorts > 1)).sum())


def patients_check(splits: pd.DataFrame, *, patients: pd.DataFrame) -> Check:
    """No patient, and no group of patients that share a picture, has two roles in one resample, or is a training
    patient in one and a test patient in another.
    """
    groups = dict(zip(patients["patient_id"], patients["group_id"], strict=True))
    return _check(
        "patients_apart",
        title="Training and test patients are different people",
        rule="Red if a patient, or a group that shares a picture, stands on two sides of a split (the value counts "
        "them).",
        faults=_on_two_sides(splits.assign(name=splits["patient_id"].map(groups))),
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
    shown = pd.DataFrame({"patient_id": owner.loc[hashes.index].to_numpy(), "name": hashes.to_numpy()})
    # Only pictures that are there twice can be on two sides.
    twice = shown[shown["name"].duplicated(keep=False)]
    return _check(
        "images_apart",
        title="No test picture is a training picture",
        rule="Red if a picture with the very same pixels is on two sides of a split (the value counts them).",
        faults=_on_two_sides(twice.merge(splits[["resample", "patient_id", "role"]], on="patient_id")),
        good="No picture is on two sides of a split.",
        bad="The same picture is on two sides of a split.",
    )


def scored_check(predictions: pd.DataFrame, *, splits: pd.DataFrame) -> Check:
    """Every score is of a patient who was held out of that resample, and no held-out patient of any lacks one."""
    role = splits.set_index(["resample", "patient_id"])["role"]
    keys = pd.MultiIndex.from_frame(predictions[["resample", "patient_id"]])
    wrong = int((role.reindex(keys).to_numpy() != predictions["evaluation"].to_numpy()).sum())
    held_out = splits[splits["role"] != "train"].groupby("resample").size()
    counts = predictions.groupby(["feature_set", "model", "resample"]).size().unstack("resample", fill_value=0)
    short = int((counts.reindex(columns=held_out.index, fill_value=0) != held_out).to_numpy().sum())
    return _check(
        "scored_held_out",
        title="Every score is of a patient the model had not seen",
        rule="Red if a score is of a training patient of its fit, or a held-out patient has none (the value counts "
        "scores and incomplete fits).",
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


def networks_checks(
    cards: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    described: Mapping[str, pd.DataFrame],
    splits: pd.DataFrame,
    groups: Mapping[str, Mapping[str, str]],
) -> list[Check]:
    """No network describes a patient it was trained on; in-sample networks, which do so by plan, have their own light.

    `cards` by network; `described` by network: resample, part and patient_id of every row of its features; `groups`
    by network: the group of every patient with an image that it can see. The ids a network was trained on are held
    against the hash on its card, then their groups against the rows it describes, and every row must have a card.
    """
    if not cards:
        return [_networks_light("grey", finding="No network was used.")]
    faults, unknown, insample = 0, False, 0
    for net, own in cards.items():
        carded = {(str(card["resample"]), str(card["part"])) for card in own}
        faults += int((~pd.MultiIndex.from_frame(described[net][["resample", "part"]]).isin(carded)).sum())
        for card in own:
            trained, fits = _trained(card, splits=splits, with_image=set(groups[net]))
            seen = _seen(card, rows=described[net], trained=trained, groups=groups[net])
            planned = card.get("strategy") == INSAMPLE
            faults += int(not fits) + (0 if planned else seen)
            insample += seen if planned else 0
            unknown = unknown or card.get("trained_on") not in (None, "other_patients")
    if faults:
        finding = "A network describes patients it was trained on, or its card does not fit the splits."
        found = [_networks_light("red", finding=finding, faults=faults)]
    elif unknown:
        finding = "Weights were given, and nobody states that they were trained on other patients."
        found = [_networks_light("amber", finding=finding, faults=0)]
    else:
        good = "Every network was trained apart from the patients it describes, but for those in-sample by plan."
        finding = good if insample else good.partition(",")[0] + "."
        found = [_networks_light("green", finding=finding, faults=0)]
    return [*found, _insample_light(insample)] if insample else found


def _networks_light(light: Light, *, finding: str, faults: int | None = None) -> Check:
    return Check(
        check="networks_apart",
        light=light,
        title="No network describes a patient it was trained on",
        rule="Red if a network describes its own training patients, or its card does not fit the splits (the value "
        "counts both); amber for given weights whose training patients are unknown.",
        finding=finding,
        value=None if faults is None else float(faults),
        limit=None if faults is None else 0.0,
    )


def _insample_light(seen: int) -> Check:
    return Check(
        check="networks_insample",
        light="red",
        title="Networks are not tried on their own training patients",
        rule="Red if the strategy is insample, the published practice: networks describe the patients they were "
        "trained on, and models learn from that (the value counts such patients over all networks).",
        finding="Results with in-sample networks are too good, and serve for comparison only.",
        value=float(seen),
        limit=0.0,
    )


def _seen(card: Mapping[str, Any], *, rows: pd.DataFrame, trained: set[str], groups: Mapping[str, str]) -> int:
    """How many patients a network describes that it was trained on, or that share a picture with such a patient."""
    own = rows[(rows["resample"] == card["resample"]) & (rows["part"] == card["part"])]
    known = {groups[patient] for patient in trained}
    return sum(groups.get(str(patient)) in known for patient in set(own["patient_id"]))


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


def _seen_by(cards: Sequence[Mapping[str, Any]], *, usable: pd.DataFrame, group: pd.Series) -> dict[str, str]:
    """The group of every patient of whom a network can see an image; a network of views sees those views alone."""
    views = next((card["settings"]["views"] for card in cards if "views" in card.get("settings", {})), None)
    rows = usable if views is None else usable[usable["view"].isin(views)]
    return {str(patient): str(group[patient]) for patient in rows["patient_id"].unique()}


def identity_checks(inputs: Inputs, *, images: Path) -> list[Check]:
    """The lights of who was where, and of the printed figures; `images` is the folder of the cohort's images."""
    splits, usable = inputs.tables.splits, inputs.rois[inputs.rois["status"] == "ok"]
    hashes = image_hashes(inputs.cohort, folder=images)
    group = inputs.tables.patients.set_index("patient_id")["group_id"]
    pictured = {net: _seen_by(cards, usable=usable, group=group) for net, cards in inputs.cards.items()}
    return [
        patients_check(splits, patients=inputs.tables.patients),
        images_check(hashes, cohort=inputs.cohort, splits=splits),
        scored_check(inputs.predictions, splits=splits),
        thresholds_check(inputs.predictions, rule=inputs.common.threshold),
        *networks_checks(inputs.cards, described=inputs.described, splits=splits, groups=pictured),
        consistency_check(inputs.consistency),
    ]
