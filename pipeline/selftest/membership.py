"""Membership: patients, images, scores, thresholds and networks, checked against the splits of the study."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
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

Spread = Callable[[Callable[[str], str], Sequence[str]], Iterable[str]]
INSAMPLE = "insample"
SAME = 1e-12  # thresholds that differ by less are equal


def _check(check: str, *, title: str, rule: str, faults: int, good: str, bad: str, limit: float = 0.0) -> Check:
    """Red if there is a fault, else green."""
    return Check(
        check=check,
        light="red" if faults else "green",
        title=title,
        rule=rule,
        finding=bad if faults else good,
        value=float(faults),
        limit=limit,
    )


def on_two_sides(shown: pd.DataFrame) -> int:
    """The number of names on more than one side of a split; `shown` has resample, role and name.

    A side is a role in a resample. Internal and external patients are held out in every resample.
    """
    roles = shown.groupby(["name", "resample"])["role"].nunique().groupby("name").max()
    cohort = shown["role"].where(shown["role"].isin(["internal", "external"]), "train")
    cohorts = cohort.groupby(shown["name"]).nunique()
    return int(((roles > 1) | (cohorts > 1)).sum())


def patients_check(splits: pd.DataFrame, *, patients: pd.DataFrame) -> Check:
    """No patient, and no group of patients that share an image, has two roles in one resample, or is a training patient
    in one and a test patient in another.
    """
    groups = dict(zip(patients["patient_id"], patients["group_id"], strict=True))
    return _check(
        "patients_apart",
        title="No patient id is in both training and test data",
        rule="Red if a patient, or a group that shares an image, is on more than one side of a split (the value counts "
        "them).",
        faults=on_two_sides(splits.assign(name=splits["patient_id"].map(groups))),
        good="Every patient, with all images, is on one side of every split.",
        bad="Patients are on more than one side of a split.",
    )


def image_hashes(cohort: pd.DataFrame, *, folder: Path, spread: Spread = map) -> pd.Series:
    """The hash of the voxels of every image of `cohort.csv`, index image_id; `spread` maps a function over the images.

    The stored files are read again: what `cohort` saw in memory is not proof of what it wrote.
    """
    # An absolute path, since a worker on a cluster starts in another folder.
    hashes = list(spread(partial(_image_hash, folder=folder.resolve()), cohort["image"].astype(str).to_list()))
    return pd.Series(hashes, index=cohort["image_id"], dtype="str")


def _image_hash(name: str, *, folder: Path) -> str:
    return pixel_hash(read_image(folder / name))


def images_check(hashes: pd.Series, *, cohort: pd.DataFrame, splits: pd.DataFrame) -> Check:
    """No image, by the hash of its voxels, is on more than one side of a split."""
    owner = cohort.set_index("image_id")["patient_id"]
    shown = pd.DataFrame({"patient_id": owner.loc[hashes.index].to_numpy(), "name": hashes.to_numpy()})
    # Only duplicated images can be on two sides.
    twice = shown[shown["name"].duplicated(keep=False)]
    return _check(
        "images_apart",
        title="No test image has exactly the pixels of a training image",
        rule="Red if an image with identical pixels is on more than one side of a split (the value counts them).",
        faults=on_two_sides(twice.merge(splits[["resample", "patient_id", "role"]], on="patient_id")),
        good="No image is on more than one side of a split.",
        bad="The same image is on more than one side of a split.",
    )


def scored_check(predictions: pd.DataFrame, *, splits: pd.DataFrame) -> Check:
    """Every score is of a patient who was held out of that resample, and every held-out patient has one."""
    role = splits.set_index(["resample", "patient_id"])["role"]
    keys = pd.MultiIndex.from_frame(predictions[["resample", "patient_id"]])
    wrong = int((role.reindex(keys).to_numpy() != predictions["evaluation"].to_numpy()).sum())
    held_out = splits[splits["role"] != "train"].groupby("resample").size()
    counts = predictions.groupby(["feature_set", "model", "resample"]).size().unstack("resample", fill_value=0)
    short = int((counts.reindex(columns=held_out.index, fill_value=0) != held_out).to_numpy().sum())
    return _check(
        "scored_held_out",
        title="Every score is of a patient that the splits hold out from its fit",
        rule="Red if a score is of a training patient of its fit, or a held-out patient has none (the value counts "
        "such scores and incomplete fits).",
        faults=wrong + short,
        good="All scores are of held-out patients, and every held-out patient has one.",
        bad="Some scores are of patients who were not held out, or held-out patients have no score.",
    )


def thresholds_check(predictions: pd.DataFrame, *, rule: ThresholdParams) -> Check:
    """The stored thresholds are those derived again from training scores alone."""
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
    changed = sum(not value <= SAME for value in apart)
    return _check(
        "thresholds_frozen",
        title="Every threshold is the one that training scores alone give",
        rule="Red if a threshold is not the one derived again from training scores alone (the value counts them).",
        faults=changed,
        good="Every threshold is the one derived from the training patients alone.",
        bad="Thresholds differ from those derived from the training patients alone.",
    )


def networks_checks(
    cards: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    embedded: Mapping[str, pd.DataFrame],
    splits: pd.DataFrame,
    groups: Mapping[str, Mapping[str, str]],
) -> list[Check]:
    """No network embeds a patient it was trained on; in-sample networks, which do so by design, have their own light.

    `cards` by network; `embedded` by network: resample, part and patient_id of every row of its features; `groups` by
    network: the group of every patient with an image that it can use. The ids a network was trained on are checked
    against the hash on its card, then their groups against the rows it embeds, and every row must have a card.
    """
    if not cards:
        return [_networks_light("grey", finding="No network computes features or scores.")]
    faults, unknown, insample = 0, False, 0
    for net, own in cards.items():
        carded = {(str(card["resample"]), str(card["part"])) for card in own}
        faults += int((~pd.MultiIndex.from_frame(embedded[net][["resample", "part"]]).isin(carded)).sum())
        for card in own:
            trained, fits = _trained(card, splits=splits, with_image=set(groups[net]))
            seen = _seen(card, rows=embedded[net], trained=trained, groups=groups[net])
            planned = card.get("strategy") == INSAMPLE
            faults += int(not fits) + (0 if planned else seen)
            insample += seen if planned else 0
            unknown = unknown or card.get("trained_on") not in (None, "other_patients")
    if faults:
        finding = "A network computes features of patients it was trained on, or its card does not fit the splits."
        found = [_networks_light("red", finding=finding, faults=faults)]
    elif unknown:
        finding = "Weights were supplied without a statement that they were trained on other patients."
        found = [_networks_light("amber", finding=finding, faults=0)]
    else:
        good = "No network was trained on a patient whose features it computes, except those in-sample by design."
        finding = good if insample else good.partition(",")[0] + "."
        found = [_networks_light("green", finding=finding, faults=0)]
    return [*found, _insample_light(insample)] if insample else found


def _networks_light(light: Light, *, finding: str, faults: int | None = None) -> Check:
    return Check(
        check="networks_apart",
        light=light,
        title="By its card, no network computes features of a patient it was trained on",
        rule="Red if a network computes features of its own training patients, or its card does not fit the splits "
        "(the value counts both); amber for supplied weights whose training patients are unknown.",
        finding=finding,
        value=None if faults is None else float(faults),
        limit=None if faults is None else 0.0,
    )


def _insample_light(seen: int) -> Check:
    return Check(
        check="networks_insample",
        light="red",
        title="Networks are not evaluated on their own training patients",
        rule="Red if the strategy is insample, the published practice: networks compute features of the patients they "
        "were trained on, and models are fitted to these (the value counts such patients over all networks).",
        finding="Results with in-sample networks are optimistic, and serve for comparison only.",
        value=float(seen),
        limit=0.0,
    )


def _seen(card: Mapping[str, Any], *, rows: pd.DataFrame, trained: set[str], groups: Mapping[str, str]) -> int:
    """The number of patients a network embeds that it was trained on, or that share an image with such a patient."""
    own = rows[(rows["resample"] == card["resample"]) & (rows["part"] == card["part"])]
    known = {groups[patient] for patient in trained}
    return sum(groups.get(str(patient)) in known for patient in set(own["patient_id"]))


def _trained(card: Mapping[str, Any], *, splits: pd.DataFrame, with_image: set[str]) -> tuple[set[str], bool]:
    """The patients a network was trained on according to the splits, and whether the hash on its card is theirs."""
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
    # In our own table every figure is computed: equal rows are two models that agree on the same few patients.
    copies = findings["check"].str.startswith("copied").astype(bool)
    warnings = int(((findings["severity"] == "warning") & ~copies).sum())
    light: Light = "red" if errors else "amber" if warnings else "green"
    return Check(
        check="tables_consistent",
        light=light,
        title="No printed row of figures is impossible or implausible",
        rule="Red if a row of our own table is impossible, amber if it is implausible (the value counts the findings).",
        finding={
            "red": "A printed row cannot come from any group of patients.",
            "amber": "A printed row is implausible; see the tables.",
            "green": "Every printed row is possible for some group of patients.",
        }[light],
        value=float(errors + warnings),
        limit=0.0,
    )


def _seen_by(cards: Sequence[Mapping[str, Any]], *, usable: pd.DataFrame, group: pd.Series) -> dict[str, str]:
    """The group of every patient with an image that a network can use; a network of views uses those views only."""
    views = next((card["settings"]["views"] for card in cards if "views" in card.get("settings", {})), None)
    rows = usable if views is None else usable[usable["view"].isin(views)]
    return {str(patient): str(group[patient]) for patient in rows["patient_id"].unique()}


def identity_checks(inputs: Inputs, *, images: Path, spread: Spread = map) -> list[Check]:
    """The lights of membership and of the printed figures; `images` is the folder of the cohort's images, `spread` maps
    a function over them.
    """
    hashes = image_hashes(inputs.cohort, folder=images, spread=spread)
    splits, usable = inputs.tables.splits, inputs.rois[inputs.rois["status"] == "ok"]
    group = inputs.tables.patients.set_index("patient_id")["group_id"]
    usable_groups = {net: _seen_by(cards, usable=usable, group=group) for net, cards in inputs.cards.items()}
    return [
        patients_check(splits, patients=inputs.tables.patients),
        images_check(hashes, cohort=inputs.cohort, splits=splits),
        scored_check(inputs.predictions, splits=splits),
        thresholds_check(inputs.predictions, rule=inputs.common.threshold),
        *networks_checks(inputs.cards, embedded=inputs.embedded, splits=splits, groups=usable_groups),
        consistency_check(inputs.consistency),
    ]
