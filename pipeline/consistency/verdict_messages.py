"""The findings of the matrix search of a row, in sentences."""

from collections.abc import Iterator

from pipeline.consistency.attainable_auc import cohorts_with_auc
from pipeline.consistency.findings import Finding, in_words, of_row, some
from pipeline.consistency.matrices import Cohorts, Sizes, matrices_of, measures
from pipeline.consistency.rounding import WORDS
from pipeline.consistency.verdicts import Fit, Verdict


def verdict_findings(verdict: Verdict) -> Iterator[Finding]:
    """The findings `matrix` (is there a confusion matrix) and `auc` (can the test set have that AUC) of one row."""
    row, max_n = verdict.row, verdict.sizes.max_n
    if verdict.metrics and not verdict.complete:
        yield of_row(row, "matrix", "error", _impossible(verdict))
    elif verdict.complete and verdict.fits[0].rounding == "truncation":
        message = "the figures fit a confusion matrix only if they were truncated, not rounded; print them rounded."
        yield of_row(row, "matrix", "warning", message)
    if verdict.auc_impossible:
        source = (
            _sizes_words(verdict) if verdict.sizes.pair else f"a test set of up to {max_n} patients that fits the row"
        )
        message = (
            f"AUC {row.values['AUC'].text} cannot come from {source}: an AUC is the number of correctly ranked pairs "
        )
        message += "of patients with and without the event over the number of all pairs (a tie is half); check both."
        yield of_row(row, "auc", "error", message)
    if verdict.complete and not verdict.sizes.pair and not verdict.auc_impossible:
        yield of_row(row, "test_set_sizes", "info", _possible(verdict))


def sizes_words(cohorts: Cohorts, *, limit: int = 6) -> str:
    """The smallest test sets in words."""
    return some([f"{a + b} ({a} with the event, {b} without)" for a, b in cohorts.pairs()], limit=limit)


def _impossible(verdict: Verdict) -> str:
    row, names = verdict.row, in_words(verdict.metrics)
    sentences = [f"no confusion matrix of {_sizes_words(verdict)} gives {names} as printed."]
    sentences += [_without(verdict, fit) for fit in verdict.fits]
    best = verdict.best
    if best is verdict.elsewhere and best:
        every = f"any test set of up to {verdict.sizes.max_n} patients"
        if best[0].left_out:
            sentences.append(f"For {every}: " + " ".join(_without(verdict, fit) for fit in best))
        else:
            sentences.append(f"Other test sets would fit all of it: {sizes_words(best[0].cohorts)}.")
    if not verdict.fits and not verdict.elsewhere:
        sentences.append("None of them fits even alone.")
    doubted = sorted({name for fit in best for name in fit.left_out}, key=list(row.values).index)
    sentences.append(f"Check {in_words(doubted) if doubted else 'the numbers of patients'} against the source.")
    return " ".join(sentences)


def _without(verdict: Verdict, fit: Fit) -> str:
    """The matrix that fits without the dropped metrics, and the values that it gives these."""
    values = {name: verdict.row.values[name] for name in verdict.metrics if name not in fit.left_out}
    bounds = {name: value.bounds(fit.rounding) for name, value in values.items()}
    n_pos, n_neg = fit.cohorts.pairs()[0]
    matrix = matrices_of(bounds, n_pos=n_pos, n_neg=n_neg, limit=1)[0]
    counts = {name: matrix[name] for name in ("tp", "fn", "tn", "fp")}
    found = measures(**counts)
    would = in_words([f"{name} {found[name]:.3f} (printed: {verdict.row.values[name].text})" for name in fit.left_out])
    shown = f"{counts['tp']} true and {counts['fp']} false positives, "
    shown += f"{counts['tn']} true and {counts['fn']} false negatives"
    size = "" if verdict.sizes.pair and fit in verdict.fits else f" in {n_pos + n_neg} patients"
    return f"Without {in_words(fit.left_out)} there is one: {shown}{size}; they give {would}."


def _possible(verdict: Verdict) -> str:
    """The test sets that fit a row that does not declare both classes."""
    fit, row, max_n = verdict.fits[0], verdict.row, verdict.sizes.max_n
    tried = f"all test sets of up to {max_n} patients" if verdict.sizes == Sizes(max_n=max_n) else _sizes_words(verdict)
    message = f"of {tried}, {len(fit.cohorts)} fit ({WORDS[fit.rounding]})"
    if "AUC" not in row.values:
        return f"{message}: {sizes_words(fit.cohorts)}."
    untied = fit.cohorts.only(cohorts_with_auc(fit.cohorts, bounds=row.values["AUC"].bounds(fit.rounding), ties=False))
    message = f"{message}: {sizes_words(fit.cohorts)}."
    if not len(untied):
        return f"{message} The AUC needs tied scores in all of them."
    return message if len(untied) == len(fit.cohorts) else f"{message} Without tied scores: {sizes_words(untied)}."


def _sizes_words(verdict: Verdict) -> str:
    sizes = verdict.sizes
    if sizes.pair:
        return f"{sum(sizes.pair)} patients ({sizes.pair[0]} with the event, {sizes.pair[1]} without)"
    if sizes.n is not None:
        return f"any division of {sizes.n} patients into those with the event and those without"
    for number, words in ((sizes.n_pos, "with the event"), (sizes.n_neg, "without the event")):
        if number is not None:
            return f"any test set of up to {sizes.max_n} patients, {number} of them {words}"
    return f"any test set of up to {sizes.max_n} patients"
