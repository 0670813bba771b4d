"""Which patients each segmentation network is trained on and which masks it predicts, from the splits alone.

In every resample the network of part `all` is trained on the given masks of all training patients, and predicts those
of the held-out patients. If masks are needed, the network of each half of the training patients predicts those of the
other half: no patient is outlined by a network that has seen the patient's group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.contracts.data.split import ALL, FINAL, OTHER_HALF
from pipeline.contracts.reports.segment import OTHER_HALF_MASKS
from pipeline.foundation.errors import CohortError, listed


@dataclass(frozen=True, kw_only=True)
class SegmentJob:
    """One training: its patients, and the evaluation of each patient whose masks it predicts, by patient_id. `extra`:
    held-out cohorts that the network of a fold scores too.
    """

    network: str
    resample: str
    part: str
    trained: frozenset[str]
    predicted: Mapping[str, str]
    extra: Mapping[str, str]

    @property
    def name(self) -> str:
        """`<network>/<resample>_<part>`."""
        return f"{self.network}/{self.resample}_{self.part}"


def segment_jobs(
    splits: pd.DataFrame, *, networks: Sequence[str], masks_by: str | None, folds_on_test: bool
) -> list[SegmentJob]:
    """The trainings of all networks; `masks_by` is the network whose masks are needed (None: no masks are).

    Raises CohortError if masks are needed and a training patient has no half.
    """
    test = splits[(splits["resample"] == FINAL) & ~splits["role"].isin(["train"])]
    held_out = {str(row.patient_id): f"folds_{row.role}" for row in test.itertuples(index=False)}
    jobs: list[SegmentJob] = []
    faults: list[str] = []
    for resample, rows in splits.groupby("resample", sort=True):
        name, train = str(resample), rows[rows["role"] == "train"]
        others = rows[rows["role"] != "train"]
        roles = dict(zip(others["patient_id"].astype(str), others["role"].astype(str), strict=True))
        extra = held_out if folds_on_test and name != FINAL else {}
        patients = frozenset(train["patient_id"])
        jobs += [
            SegmentJob(network=network, resample=name, part=ALL, trained=patients, predicted=roles, extra=extra)
            for network in networks
        ]
        if masks_by is not None:
            without = sorted(train.loc[train["half"].isna(), "patient_id"])
            faults += [f"resample {name}, patient {patient}: role train without a half" for patient in without]
            jobs += _of_halves(train, network=masks_by, resample=name)
    if faults:
        raise CohortError(listed(faults, heading="splits: predicted masks need the half of every training patient"))
    # A network without a held-out patient to predict (final, without held-out cohorts) has no use.
    return [job for job in jobs if job.predicted or job.extra]


def _of_halves(train: pd.DataFrame, *, network: str, resample: str) -> list[SegmentJob]:
    """The network of each half of the training patients, which predicts the masks of the other half."""
    halves = {part: frozenset(train.loc[train["half"] == part, "patient_id"]) for part in OTHER_HALF}
    return [
        SegmentJob(
            network=network,
            resample=resample,
            part=part,
            trained=halves[part],
            predicted=dict.fromkeys(sorted(halves[other]), OTHER_HALF_MASKS),
            extra={},
        )
        for part, other in OTHER_HALF.items()
    ]


def check_jobs(jobs: Sequence[SegmentJob], *, outlined: frozenset[str], groups: Mapping[str, str]) -> None:
    """Check every job before anything is computed; `outlined` are the patients with a given mask.

    Raises CohortError with every job that has fewer than two of them to train on, or a group on both sides.
    """
    faults = []
    for job in jobs:
        place = f"resample {job.resample}, part {job.part}"
        if len(job.trained & outlined) < 2:
            faults.append(f"{place}: {len(job.trained & outlined)} training patients with a given mask")
        both = {groups[one] for one in job.trained} & {groups[one] for one in (*job.predicted, *job.extra)}
        faults += [f"{place}: group {group} is on both sides" for group in sorted(both)]
    if faults:
        heading = "segmentation networks need given masks of at least two training patients, and no group on both sides"
        raise CohortError(listed(sorted(set(faults)), heading=heading, limit=10))
