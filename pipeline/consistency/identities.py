"""Identities between the metrics of one row that hold for every matrix, within the rounding of the printed numbers.

Each function takes and returns ranges (minimum, maximum fraction); the range of a formula is its minimum and maximum at
the corners, which is exact because each formula is monotonic in each of its arguments.
"""

from collections.abc import Callable, Iterator
from itertools import product

from pipeline.consistency.findings import Finding, of_row, percent
from pipeline.consistency.printed_table import Row

Range = tuple[float, float]


def identity_findings(row: Row) -> Iterator[Finding]:
    """The identities that a row breaks: ACC between SEN and SPE, F1, PPV and NPV by Bayes, prevalence."""
    given = {name: value.span() for name, value in row.values.items()}
    text = {name: value.text for name, value in row.values.items()}
    if {"ACC", "SEN", "SPE"} <= set(given):
        low, high = _hull(given["SEN"], given["SPE"])
        if not _meet(given["ACC"], (low, high)):
            message = f"ACC {text['ACC']} does not lie between SEN {text['SEN']} and SPE {text['SPE']}, as it must."
            yield of_row(row, "accuracy", "error", message)
    if {"F1", "PPV", "SEN"} <= set(given):
        expected = _corners(harmonic_mean, given["PPV"], given["SEN"])
        if not _meet(given["F1"], expected):
            message = f"F1 {text['F1']} is not 2 · PPV · SEN / (PPV + SEN), which is {_words(expected)}."
            yield of_row(row, "f1", "error", message)
    if {"SEN", "SPE"} <= set(given):
        yield from _by_bayes(row, given=given)


def auc_findings(row: Row) -> Iterator[Finding]:
    """An AUC that no ROC curve through the row's own point (1 - SPE, SEN) can have.

    The curve never falls: SEN · SPE ≤ AUC ≤ 1 - (1 - SEN)(1 - SPE).
    """
    if not {"AUC", "SEN", "SPE"} <= set(row.values):
        return
    auc, sen, spe = (row.values[name].span() for name in ("AUC", "SEN", "SPE"))
    low, high = sen[0] * spe[0], 1 - (1 - sen[1]) * (1 - spe[1])
    if not _meet(auc, (low, high)):
        message = f"a curve through its SEN and SPE has an AUC of {low:.3f} to {high:.3f}, but "
        message += f"{row.values['AUC'].text} is printed; do they come from the same scores?"
        yield of_row(row, "auc", "error", message)


def implied_prevalence(row: Row) -> dict[str, Range]:
    """The ranges of the prevalence that a row implies, by their source; disjoint ranges are a contradiction."""
    given = {name: value.span() for name, value in row.values.items()}
    found: dict[str, Range] = {}
    counts = row.counts
    if counts.get("n_pos") is not None and (counts.get("n_neg") is not None or counts.get("n")):
        whole = counts["n_pos"] + counts["n_neg"] if "n_neg" in counts else counts["n"]
        if whole:
            found["the numbers of patients"] = (counts["n_pos"] / whole, counts["n_pos"] / whole)
    if not {"SEN", "SPE"} <= set(given):
        return found
    sen, spe = given["SEN"], given["SPE"]
    apart = sen[0] > spe[1] or spe[0] > sen[1]
    if "ACC" in given and apart:
        found["ACC, SEN and SPE"] = _cut(_corners(lambda acc, a, b: (b - acc) / (b - a), given["ACC"], sen, spe))
    if "PPV" in given and sen[0] > 0 and given["PPV"][1] < 1 and spe[1] < 1:
        found["PPV, SEN and SPE"] = _cut(_corners(_prevalence_of_ppv, given["PPV"], sen, spe))
    if "NPV" in given and spe[0] > 0 and given["NPV"][1] < 1 and sen[1] < 1:
        found["NPV, SEN and SPE"] = _cut(_corners(_prevalence_of_npv, given["NPV"], sen, spe))
    return {source: own for source, own in found.items() if own[1] > own[0] or source == "the numbers of patients"}


def agreed_prevalence(row: Row, *, without: tuple[str, ...] = ()) -> Range | None:
    """The prevalence on which all sources of a row agree, except those that use a metric in `without`."""
    kept = [own for source, own in implied_prevalence(row).items() if not any(name in source for name in without)]
    if not kept:
        return None
    low, high = max(own[0] for own in kept), min(own[1] for own in kept)
    return (low, high) if low <= high else None


def harmonic_mean(a: float, b: float) -> float:
    """2ab / (a + b); 0 if both are 0."""
    return 2 * a * b / (a + b) if a + b else 0.0


def _by_bayes(row: Row, *, given: dict[str, Range]) -> Iterator[Finding]:
    sources = implied_prevalence(row)
    first = "the numbers of patients" if "the numbers of patients" in sources else "ACC, SEN and SPE"
    if first in sources:
        for name, formula in (("PPV", ppv_by_bayes), ("NPV", npv_by_bayes)):
            if name not in given:
                continue
            expected = _corners(formula, given["SEN"], given["SPE"], sources[first])
            if not _meet(given[name], expected):
                message = f"{name} {row.values[name].text} does not follow from SEN, SPE and the fraction of events "
                message += f"({percent(*sources[first])}, from {first}); by Bayes it is {_words(expected)}."
                yield of_row(row, name.lower(), "error", message)
        accuracy = sources.get("ACC, SEN and SPE")
        if first == "the numbers of patients" and accuracy is not None and not _meet(sources[first], accuracy):
            message = f"ACC, SEN and SPE imply that {percent(*accuracy)} of patients have the event, the numbers of "
            message += f"patients give {percent(*sources[first])}; were they computed on another test set?"
            yield of_row(row, "prevalence", "error", message)
    elif {"PPV, SEN and SPE", "NPV, SEN and SPE"} <= set(sources):
        a, b = sources["PPV, SEN and SPE"], sources["NPV, SEN and SPE"]
        if not _meet(a, b):
            message = f"PPV implies that {percent(*a)} of patients have the event, NPV implies {percent(*b)}."
            yield of_row(row, "prevalence", "error", message)


def ppv_by_bayes(sen: float, spe: float, prevalence: float) -> float:
    """SEN · p / (SEN · p + (1 - SPE)(1 - p)); 0 if no patient is called positive."""
    called = sen * prevalence + (1 - spe) * (1 - prevalence)
    return sen * prevalence / called if called else 0.0


def npv_by_bayes(sen: float, spe: float, prevalence: float) -> float:
    """SPE (1 - p) / (SPE (1 - p) + (1 - SEN) p); 0 if no patient is called negative."""
    return ppv_by_bayes(spe, sen, 1 - prevalence)


def _prevalence_of_ppv(ppv: float, sen: float, spe: float) -> float:
    """p = PPV (1 - SPE) / (PPV (1 - SPE) + SEN (1 - PPV))."""
    whole = ppv * (1 - spe) + sen * (1 - ppv)
    return ppv * (1 - spe) / whole if whole else 0.0


def _prevalence_of_npv(npv: float, sen: float, spe: float) -> float:
    return 1 - _prevalence_of_ppv(npv, spe, sen)


def _corners(formula: Callable[..., float], *ranges: Range) -> Range:
    values = [formula(*corner) for corner in product(*ranges)]
    return min(values), max(values)


def _hull(a: Range, b: Range) -> Range:
    return min(a[0], b[0]), max(a[1], b[1])


def _meet(a: Range, b: Range) -> bool:
    return a[0] <= b[1] + 1e-12 and b[0] <= a[1] + 1e-12


def _cut(a: Range) -> Range:
    return max(0.0, a[0]), min(1.0, a[1])


def _words(a: Range) -> str:
    return f"{a[0]:.3f}" if a[1] - a[0] < 5e-4 else f"{a[0]:.3f} to {a[1]:.3f}"
