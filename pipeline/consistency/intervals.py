"""Confidence intervals: do they contain their estimate, and are they wide enough for the number of patients?"""

from collections.abc import Iterator

from scipy.stats import norm

from pipeline.consistency.findings import Finding, of_row
from pipeline.consistency.matrices import matrices_of
from pipeline.consistency.printed_table import Interval, Row
from pipeline.consistency.rounding import Printed
from pipeline.consistency.verdicts import Verdict
from pipeline.statistics.proportions import wilson


def interval_findings(verdict: Verdict, *, narrowest: float, narrowest_auc: float) -> Iterator[Finding]:
    """An interval with reversed limits, beyond [0, 1], without its estimate, or too narrow for the declared sizes.

    Too narrow: less than `narrowest` of Wilson's 95 % interval of the same proportion, or less than `narrowest_auc` of
    the 95 % interval of the AUC by Hanley and McNeil's standard error.
    """
    row = verdict.row
    for name, interval in row.intervals.items():
        low, high = interval
        shown = f"the interval of {name} ({low.text if low else '?'} to {high.text if high else '?'})"
        if low and high and low.value > high.value:
            yield of_row(row, "interval", "error", f"{shown} has its limits the wrong way round.")
            continue
        if (low and low.value < 0) or (high and high.value > 1):
            yield of_row(row, "interval", "warning", f"{shown} extends beyond 0 to 1; clip it, or use Wilson's.")
        estimate = row.values.get(name)
        if estimate is None:
            continue
        if _missed(estimate, interval=interval):
            message = f"{shown} does not contain its estimate {estimate.text}; were they computed on the same patients?"
            yield of_row(row, "interval", "error", message)
        elif low and high:
            yield from _too_narrow(verdict, name, interval=(low, high), fractions=(narrowest, narrowest_auc))


def hanley_mcneil_error(auc: float, *, n_pos: int, n_neg: int) -> float:
    """The standard error of an AUC from the class sizes alone (Hanley and McNeil 1982): Q1 = A / (2 - A), Q2 =
    2 A² / (1 + A); A (1 - A) + (n_pos - 1)(Q1 - A²) + (n_neg - 1)(Q2 - A²) over n_pos · n_neg, and its root.
    """
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    total = auc * (1 - auc) + (n_pos - 1) * (q1 - auc**2) + (n_neg - 1) * (q2 - auc**2)
    return float((total / (n_pos * n_neg)) ** 0.5)


def _missed(estimate: Printed, *, interval: Interval) -> bool:
    """Whether the estimate lies outside, however the three numbers were rounded."""
    low, high = interval
    at_least, at_most = estimate.span()
    return bool((low and low.span()[0] > at_most) or (high and high.span()[1] < at_least))


def _too_narrow(
    verdict: Verdict, name: str, *, interval: tuple[Printed, Printed], fractions: tuple[float, float]
) -> Iterator[Finding]:
    row = verdict.row
    expected = _expected(verdict, name)
    if expected is None:
        return
    low, high = interval
    # The widest interval that prints as this one.
    width = high.span()[1] - low.span()[0]
    minimum = expected[0] * (fractions[1] if name == "AUC" else fractions[0])
    if width < minimum:
        message = f"the interval of {name} ({low.text} to {high.text}) is {width:.3f} wide; {expected[1]} give about "
        message += (
            f"{expected[0]:.3f}. Is the size right, and does it reflect the sampling of patients, not of training runs?"
        )
        yield of_row(row, "narrow_interval", "warning", message)


def _expected(verdict: Verdict, name: str) -> tuple[float, str] | None:
    """The width of the usual interval at the printed estimate, and the number of patients behind it."""
    row: Row = verdict.row
    n_pos, n_neg = verdict.sizes.pair or (0, 0)
    estimate = row.values[name].value
    if min(n_pos, n_neg) < 1:
        # Accuracy needs the total alone.
        return _wilson_width(estimate, whole=verdict.sizes.n) if name == "ACC" and verdict.sizes.n else None
    if name == "AUC":
        half = float(norm.ppf(0.975)) * hanley_mcneil_error(estimate, n_pos=n_pos, n_neg=n_neg)
        return min(1.0, estimate + half) - max(0.0, estimate - half), f"{n_pos} and {n_neg} patients"
    whole = {"SEN": n_pos, "SPE": n_neg, "ACC": n_pos + n_neg, "prevalence": n_pos + n_neg}.get(name)
    if name in ("PPV", "NPV") and verdict.complete:
        whole = _called(verdict, name, n_pos=n_pos, n_neg=n_neg)
    return _wilson_width(estimate, whole=whole) if whole else None


def _wilson_width(estimate: float, *, whole: int) -> tuple[float, str]:
    found = wilson(round(estimate * whole), whole)
    return found.ci_high - found.ci_low, f"{whole} patients"


def _called(verdict: Verdict, name: str, *, n_pos: int, n_neg: int) -> int:
    """How many patients the first matrix of a row calls positive (PPV) or negative (NPV)."""
    fit = verdict.fits[0]
    bounds = {metric: verdict.row.values[metric].bounds(fit.rounding) for metric in verdict.metrics}
    matrix = matrices_of(bounds, n_pos=n_pos, n_neg=n_neg, limit=1)[0]
    return matrix["tp"] + matrix["fp"] if name == "PPV" else matrix["tn"] + matrix["fn"]
