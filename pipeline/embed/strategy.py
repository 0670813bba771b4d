"""Which patients each network is trained on and which it embeds: the jobs of a strategy, from the splits table alone.

A resample is one division into training and held-out patients: a fold, or `final`. crossfit: in each resample one
network per half; the network of half a embeds the other half's training patients and the held-out patients, never a
patient of half a. insample: one network per resample, which embeds all patients, its own training patients too
(published practice, for comparison only). frozen: no network is trained, all patients are embedded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from pipeline.contracts.data.split import ALL, OTHER_HALF
from pipeline.foundation.errors import CohortError, listed

Strategy = Literal["frozen", "crossfit", "insample"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One network: the patients it is trained on, those it embeds, and those among them that its head scores."""

    resample: str
    part: str
    trained: frozenset[str]
    embedded: frozenset[str]
    scored: frozenset[str]

    @property
    def name(self) -> str:
        """`<resample>_<part>`, the stem of its files."""
        return f"{self.resample}_{self.part}"


def plan_jobs(splits: pd.DataFrame, *, strategy: Strategy, by_resample: bool = False) -> list[Job]:
    """The jobs of a strategy, sorted by resample and part; `splits` is the table of the split stage. `by_resample`:
    whether images differ by resample (predicted masks), so that a frozen network embeds them in each.

    Raises CohortError if crossfit finds a training patient without a half.
    """
    if strategy == "frozen":
        patients, nobody = frozenset(splits["patient_id"]), frozenset[str]()
        if by_resample:
            return [
                Job(resample=str(name), part=ALL, trained=nobody, embedded=frozenset(rows["patient_id"]), scored=nobody)
                for name, rows in splits.groupby("resample", sort=True)
            ]
        return [Job(resample=ALL, part=ALL, trained=frozenset(), embedded=patients, scored=frozenset())]
    jobs: list[Job] = []
    faults: list[str] = []
    for resample, rows in splits.groupby("resample", sort=True):
        train = rows[rows["role"] == "train"]
        test = frozenset(rows.loc[rows["role"] != "train", "patient_id"])
        if strategy == "insample":
            trained = frozenset(train["patient_id"])
            jobs.append(Job(resample=str(resample), part=ALL, trained=trained, embedded=trained | test, scored=test))
            continue
        without = sorted(train.loc[train["half"].isna(), "patient_id"])
        faults += [f"resample {resample}, patient {patient}: role train without a half" for patient in without]
        halves = {part: frozenset(train.loc[train["half"] == part, "patient_id"]) for part in OTHER_HALF}
        for part, other in OTHER_HALF.items():
            embedded = halves[other] | test
            jobs.append(Job(resample=str(resample), part=part, trained=halves[part], embedded=embedded, scored=test))
    if faults:
        raise CohortError(listed(faults, heading="splits: crossfit needs the half (a or b) of every training patient"))
    return jobs


def check_jobs(
    jobs: list[Job], *, labels: Mapping[str, int], groups: Mapping[str, str], with_image: frozenset[str]
) -> None:
    """Check every job against the rules before anything is computed.

    Parameters: `labels` and `groups` by patient_id, `with_image` (patients with a usable image).
    Raises CohortError that lists every network that would be trained on one class only, every patient without a label
    row, and every group that is both trained on and scored.
    """
    known = frozenset(labels)
    unknown = sorted(frozenset().union(*(job.trained | job.embedded for job in jobs)) - known)
    faults = [f"patient {patient} is in the splits but not in the patients table" for patient in unknown]
    for job in jobs:
        if not job.embedded & with_image:
            faults.append(f"resample {job.resample}, part {job.part}: no patient to embed has a usable image")
        if not job.trained or unknown:
            continue
        unseen = job.scored if job.part == ALL else job.embedded
        both = {groups[p] for p in job.trained} & {groups[p] for p in unseen}
        faults += [f"resample {job.resample}, part {job.part}: group {g} is on both sides" for g in sorted(both)]
        usable = [labels[patient] for patient in job.trained & with_image]
        events = sum(usable)
        if events in (0, len(usable)):
            faults.append(
                f"resample {job.resample}, part {job.part}: {events} events among {len(usable)} training patients "
                "with a usable image"
            )
    if faults:
        heading = "a network needs both classes in training and no test patient's group among them; use fewer folds"
        raise CohortError(listed(faults, heading=heading))
