"""Whether the ids of an accompanying table are those of the patients with images."""

from collections.abc import Collection, Sequence
from typing import Literal

from pipeline.cohort.findings import Finding
from pipeline.cohort.importers.identifiers import DIFFERENCES, quoted, spelling_key

MIN_MATCHED = 0.9  # of the ids of the smaller side: a table may hold more patients than the study, or fewer
EXAMPLES = 3  # ids shown of each side
MAX_SHOWN = 10


def match_findings(
    ids: Collection[str], *, patients: Collection[str], table: str, kind: Literal["clinical", "block"]
) -> list[Finding]:
    """Ids of only one of the two sides: `ids` of the `table` (each once), and `patients` with images.

    An error, alone, if under MIN_MATCHED of the ids of the smaller side are on both. Otherwise an error per patient
    whose id is in the table in another spelling, a warning per other patient without a row, and the number of unused
    rows.
    """
    absent, unknown = sorted(set(patients) - set(ids)), sorted(set(ids) - set(patients))
    matched, smaller = len(ids) - len(unknown), min(len(ids), len(set(patients)))
    if patients and (matched == 0 or matched < MIN_MATCHED * smaller):
        message = f"{table}: only {matched} of its {len(ids)} patient_ids are among those of the {len(set(patients))} "
        message += f"patients with images, under {MIN_MATCHED:.0%} of the smaller number{_examples(absent, unknown)}; "
        message += "write the ids in both tables in one way, and remove rows of other patients"
        return [Finding(scope="cohort", id=table, check=f"{kind}_ids_unmatched", severity="error", message=message)]
    spelt = {spelling_key(name): name for name in unknown}
    findings = [_absent(patient, spelt.get(spelling_key(patient)), table=table, kind=kind) for patient in absent]
    if unknown:
        more = f" and {len(unknown) - MAX_SHOWN} more" if len(unknown) > MAX_SHOWN else ""
        message = f"{table}: {len(unknown)} patients without an image are not used "
        message += f"({', '.join(unknown[:MAX_SHOWN])}{more})"
        findings.append(
            Finding(scope="cohort", id=table, check=f"{kind}_unknown_patient", severity="info", message=message)
        )
    return findings


def _absent(patient: str, other: str | None, *, table: str, kind: str) -> Finding:
    if other is None:
        message = f"patient {patient} has no row in {table}; all its values are missing there"
        return Finding(
            scope="patient", id=patient, check=f"{kind}_missing_patient", severity="warning", message=message
        )
    message = f"the ids {quoted([patient, other])} of the images and of {table} differ only by {DIFFERENCES}; "
    message += "write the id of one person in one way"
    return Finding(scope="patient", id=patient, check="ids_alike", severity="error", message=message)


def _examples(absent: Sequence[str], unknown: Sequence[str]) -> str:
    sides = {"the images have": absent, "the table has": unknown}
    shown = [f"{side} {', '.join(map(repr, names[:EXAMPLES]))}" for side, names in sides.items() if names]
    return f" ({'; '.join(shown)})" if shown else ""
