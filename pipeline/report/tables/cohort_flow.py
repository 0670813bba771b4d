"""The cohort flow: from the source to the cohorts, by rule, with sums that hold."""

from dataclasses import dataclass, field

import pandas as pd

from pipeline.report.inputs import ReportInputs
from pipeline.report.tables.patient_groups import GROUPS, check_sums

DROPPED, EXCLUDED = "dropped_", "excluded"


@dataclass
class _Steps:
    rows: list[tuple[str, int, str, str, str]] = field(default_factory=list)

    def add(self, step: str, n: int, *, place: str, unit: str, rule: str = "") -> None:
        self.rows.append((step, n, place, unit, rule))

    def number(self, step: str) -> int:
        return next(n for name, n, *_ in self.rows if name == step)


def excluded_cases(audit: pd.DataFrame) -> pd.DataFrame:
    """The audit rows of excluded cases, with their `rule`; a case with two rules is excluded by the first."""
    rows = audit[audit["check"].str.startswith(DROPPED) | (audit["check"] == EXCLUDED)]
    return rows.assign(rule=rows["check"].str.removeprefix(DROPPED)).drop_duplicates(["scope", "id"])


def flow_table(study: ReportInputs, *, role: pd.Series) -> pd.DataFrame:
    """Patients, events and images from the source to the cohorts; `role` by patient_id: train, internal or external.

    source - excluded = analysed = sum of the cohorts, for patients, and the last also for events and images; usable
    and failed regions sum to the images. Images of an excluded patient are not counted. Raises PipelineError if a sum
    does not hold.
    """
    steps, excluded, patients = _Steps(), excluded_cases(study.audit), study.patients
    gone = excluded[excluded["scope"] == "patient"]
    for scope in ("patient", "image"):
        for rule, rows in excluded[excluded["scope"] == scope].groupby("rule"):
            steps.add(f"{scope}s_{rule}", len(rows), place="left", unit=f"{scope}s", rule=str(rule))
    source = len({*patients["patient_id"], *gone["id"].astype(str)})
    steps.add("patients_source", source, place="source", unit="patients")
    for scope in ("patient", "image"):
        steps.add(f"{scope}s_left", int((excluded["scope"] == scope).sum()), place="left", unit=f"{scope}s")
    _add_analysed(steps, study)
    _add_cohorts(steps, study, role=role)
    check_sums(_sums(steps), table="cohort flow")
    return pd.DataFrame(steps.rows, columns=["step", "n", "place", "unit", "rule"])


def _add_analysed(steps: _Steps, study: ReportInputs) -> None:
    usable = study.rois["status"] == "ok"
    steps.add("patients", len(study.patients), place="analysed", unit="patients")
    steps.add("events", int(study.patients["label"].sum()), place="analysed", unit="events")
    steps.add("images", len(study.cohort), place="analysed", unit="images")
    steps.add("rois", int(usable.sum()), place="analysed", unit="regions")
    steps.add("rois_failed", int((~usable).sum()), place="analysed", unit="regions", rule="failed")


def _add_cohorts(steps: _Steps, study: ReportInputs, *, role: pd.Series) -> None:
    own, images = study.patients["patient_id"].map(role), study.cohort["patient_id"].map(role)
    for name in GROUPS:
        if (own == name).any():
            steps.add(f"{name}_patients", int((own == name).sum()), place=name, unit="patients")
            events = int(study.patients.loc[own == name, "label"].sum())
            steps.add(f"{name}_events", events, place=name, unit="events")
            steps.add(f"{name}_images", int((images == name).sum()), place=name, unit="images")


def _sums(steps: _Steps) -> dict[str, tuple[float, float]]:
    analysed = {unit: steps.number(unit) for unit in ("patients", "events", "images")}
    found: dict[str, tuple[float, float]] = {
        f"{unit} of the cohorts": (
            sum(n for _, n, place, own, _ in steps.rows if place in GROUPS and own == unit),
            whole,
        )
        for unit, whole in analysed.items()
    }
    kept = steps.number("patients_source") - steps.number("patients_left")
    found["patients of the source minus those excluded"] = (kept, analysed["patients"])
    found["regions of interest"] = (steps.number("rois") + steps.number("rois_failed"), analysed["images"])
    for unit in ("patients", "images"):
        by_rule = sum(n for _, n, place, own, rule in steps.rows if (place, own) == ("left", unit) and rule)
        found[f"{unit} excluded by rule"] = (by_rule, steps.number(f"{unit}_left"))
    return found
