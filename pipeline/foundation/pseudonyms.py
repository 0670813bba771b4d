"""Pseudonyms for cases: the row of the case in the tables that stay with the data."""

import re
from collections.abc import Iterator, Sequence
from unicodedata import normalize

import pandas as pd

_WORD = re.compile(r"[^\W_]+")
_FILE = re.compile(
    r"""[^\s'",;:()]*[^\s'",;:()/]\.(?:png|jpe?g|bmp|gif|tiff?|dcm|nii(?:\.gz)?|nrrd|mh[ad]|xml)(?!\w)""", re.IGNORECASE
)
_NAMED = re.compile(
    r"(?:patients?|images?|[Ii][Dd]s?|of)\s+['\"]?$|"
    r"(?:patients?|images?|[Ii][Dd]s?)\s+(?:['\"\w#\- ]+,\s+)*(?:['\"\w#\- ]+\sand\s+)?['\"]?$"
)
_MAX_COUNT_DIGITS = 4  # a longer number that is an id is taken for the id


class Pseudonyms:
    """`patient #17` = the patient of the 17th row of `patients.csv`; `image #23` = the same for `cohort.csv`.

    A case excluded before these tables were written is `excluded case #n`, in the order of the audit.
    """

    def __init__(self, *, patients: Sequence[str], images: Sequence[str], excluded: Sequence[str] = ()) -> None:
        self.names: dict[str, str] = {}
        for kind, ids in (("excluded case", excluded), ("image", images), ("patient", patients)):
            # Later kinds take precedence: if a patient and its only image share an id, the id is the patient's.
            self.names |= {normalize("NFC", case): f"{kind} #{number}" for number, case in enumerate(ids, start=1)}
        # By their first word, since a study has too many ids to look for each one in each message.
        self._starting: dict[str, list[str]] = {}
        for case in sorted(self.names, key=len, reverse=True):
            if found := _WORD.search(case):
                self._starting.setdefault(found.group(), []).append(case)

    def of(self, case: object) -> str:
        """The pseudonym of an id, or `a case without a row` if the id is not known."""
        return self.names.get(normalize("NFC", str(case)), "a case without a row")

    def mask(self, message: str, *, scope: str, case: object) -> str:
        """`message` without its leading `<scope> <id>`, with every id of a case and every file of an image replaced.

        The longest id counts, and only as a whole: P1 is not part of P12. A bare number of up to four digits that does
        not begin with 0 is replaced only if the words before it mark it as an id, since messages contain counts too.
        """
        own, text = normalize("NFC", str(case)), normalize("NFC", message)
        text = text.removeprefix(f"{scope} {own}: ").removeprefix(f"{scope} {own} ")
        unknown = own if scope in ("image", "patient") and not own.isdigit() and own not in self.names else ""
        files = [found.span() for found in _FILE.finditer(text)]
        masked, end = "", 0
        for first, last, found in self._found(text, unknown=unknown):
            # A file may begin before an id in its name, or after the first words of an id with blanks.
            whole = next(((low, high) for low, high in files if low < last <= high), None)
            start, stop = (min(first, whole[0]), whole[1]) if whole else (first, last)
            if start < end:
                continue
            before = masked + _without_files(text[end:start])
            if whole:
                masked, end = f"{before}(file of {self.of(found)})", stop
            elif not found.isdigit() or _is_id(text, start, stop, before=before):
                masked, end = before + self.of(found), stop
        return re.sub(r"\b(patient|image)s? (?=\1 #)", "", masked + _without_files(text[end:]))

    def _found(self, text: str, *, unknown: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and id of each place of the text that reads as an id, the longest at each place."""
        first = _WORD.search(unknown)
        for word in _WORD.finditer(text):
            cases = self._starting.get(word.group(), [])
            if first and first.group() == word.group():
                cases = sorted([*cases, unknown], key=len, reverse=True)
            for case in cases:
                start = word.start() - (_WORD.search(case) or word).start()
                stop = start + len(case)
                if start >= 0 and text.startswith(case, start) and not (text[stop : stop + 1].isalnum()):
                    yield start, stop, case
                    break


def _without_files(text: str) -> str:
    """Files that no id belongs to: their names may still be those of persons."""
    return _FILE.sub("(a file)", text)


def _is_id(text: str, start: int, stop: int, *, before: str) -> bool:
    """Whether the number at this place is an id, and neither a count nor part of another number."""
    if before.endswith("#") or re.search(r"\d[.,]$", text[:start]) or re.match(r"[.,]\d", text[stop:]):
        return False
    number = text[start:stop]
    return len(number) > _MAX_COUNT_DIGITS or (number[0] == "0" and number != "0") or bool(_NAMED.search(before))


def pseudonyms(*, patients: pd.DataFrame, cohort: pd.DataFrame, audit: pd.DataFrame) -> Pseudonyms:
    """The pseudonyms of a study, numbered in the row order of `patients.csv`, `cohort.csv` and `audit.csv`."""
    known = {*patients["patient_id"], *cohort["image_id"]}
    cases = audit.loc[audit["scope"].isin(["image", "patient"]), "id"].dropna()
    excluded = [case for case in dict.fromkeys(cases) if case not in known]
    return Pseudonyms(patients=list(patients["patient_id"]), images=list(cohort["image_id"]), excluded=excluded)
