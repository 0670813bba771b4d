"""Pseudonyms for cases: the row of the case in the tables that stay with the data."""

import re
from collections.abc import Sequence

import pandas as pd

_TOKEN = re.compile(r"[\w.\-@]*\w")
_FILE = re.compile(r".+\.[A-Za-z][A-Za-z0-9]{1,4}(\.gz)?")
_NAMED = re.compile(
    r"(?:patients?|images?|ID|of)\s+$|(?:patients?|images?)\s+(?:[\w#\- ]+,\s+)*(?:[\w#\- ]+\sand\s+)?$"
)


class Pseudonyms:
    """`patient #17` = the patient of the 17th row of `patients.csv`; `image #23` = the same for `cohort.csv`.

    A case excluded before these tables were written is `excluded case #n`, in the order of the audit.
    """

    def __init__(self, *, patients: Sequence[str], images: Sequence[str], excluded: Sequence[str] = ()) -> None:
        self.names: dict[str, str] = {}
        for kind, ids in (("excluded case", excluded), ("image", images), ("patient", patients)):
            # Later kinds take precedence: if a patient and its only image share an id, the id is the patient's.
            self.names |= {case: f"{kind} #{number}" for number, case in enumerate(ids, start=1)}

    def of(self, case: object) -> str:
        """The pseudonym of an id, or `a case without a row` if the id is not known."""
        return self.names.get(str(case), "a case without a row")

    def mask(self, message: str, *, scope: str, case: object) -> str:
        """`message` without its leading `<scope> <id>`, with every id and every file name of a case replaced.

        A bare number is replaced only if the words before it mark it as an id, since messages contain counts too.
        """
        own = str(case)
        text = message.removeprefix(f"{scope} {own}: ").removeprefix(f"{scope} {own} ")
        pieces: list[str] = []
        end = 0
        for found in _TOKEN.finditer(text):
            pieces += [
                text[end : found.start()],
                self._token(found.group(), before="".join(pieces) + text[end : found.start()]),
            ]
            end = found.end()
        masked = "".join(pieces) + text[end:]
        if scope in ("image", "patient") and own and not own.isdigit():  # an id with blanks or brackets is no token
            masked = re.sub(rf"(?<!\w){re.escape(own)}(?!\w)", self.of(own), masked)
        return re.sub(r"\b(patient|image)s? (?=\1 #)", "", masked)

    def _token(self, token: str, *, before: str) -> str:
        if _FILE.fullmatch(token):
            stem = token.partition(".")[0]
            ends = [len(stem), *(m.start() for m in re.finditer(r"[_\-]", stem))]
            owner = next((stem[:end] for end in ends if stem[:end] in self.names), None)
            return f"(file of {self.names[owner]})" if owner else token
        if token not in self.names or before.endswith("#"):
            return token
        return self.names[token] if not token.isdigit() or _NAMED.search(before) else token


def pseudonyms(*, patients: pd.DataFrame, cohort: pd.DataFrame, audit: pd.DataFrame) -> Pseudonyms:
    """The pseudonyms of a study, numbered in the row order of `patients.csv`, `cohort.csv` and `audit.csv`."""
    known = {*patients["patient_id"], *cohort["image_id"]}
    cases = audit.loc[audit["scope"].isin(["image", "patient"]), "id"].dropna()
    excluded = [case for case in dict.fromkeys(cases) if case not in known]
    return Pseudonyms(patients=list(patients["patient_id"]), images=list(cohort["image_id"]), excluded=excluded)
