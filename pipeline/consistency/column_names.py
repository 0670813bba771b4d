"""What the columns of a published table mean, under the names that papers give them."""

import re
from typing import NamedTuple

SYNONYMS: dict[str, tuple[str, ...]] = {
    "ACC": ("acc", "accuracy"),
    "SEN": ("sen", "sens", "sensitivity", "recall", "tpr"),
    "SPE": ("spe", "spec", "specificity", "tnr"),
    "PPV": ("ppv", "precision", "prec", "positivepredictivevalue"),
    "NPV": ("npv", "negativepredictivevalue"),
    "F1": ("f1", "f1score", "fscore", "fmeasure"),
    "AUC": ("auc", "auroc", "rocauc", "aucroc", "cstatistic", "areaunderthecurve"),
    "prevalence": ("prevalence",),
    "n_pos": ("npos", "positives", "npositive", "npositives", "events", "nevents", "cases"),
    "n_neg": ("nneg", "negatives", "nnegative", "nnegatives", "nonevents", "controls"),
    "n": ("n", "total", "patients", "npatients", "ntotal", "samples"),
    "tp": ("tp", "truepositives"),
    "fn": ("fn", "falsenegatives"),
    "tn": ("tn", "truenegatives"),
    "fp": ("fp", "falsepositives"),
    "model": ("model", "models", "method", "classifier", "algorithm", "name"),
    "cohort": ("cohort", "dataset", "set", "split", "evaluation"),
    "test_set": ("testset",),
}
MEANINGS = {synonym: name for name, synonyms in SYNONYMS.items() for synonym in synonyms}
FRACTIONS = ("ACC", "SEN", "SPE", "PPV", "NPV", "F1", "AUC", "prevalence")
COUNTS = ("n_pos", "n_neg", "n", "tp", "fn", "tn", "fp")
LIMITS = {
    "low": ("low", "lower", "lo", "cilow", "cilower", "lcl", "lowerlimit"),
    "high": ("high", "upper", "hi", "cihigh", "ciupper", "ucl", "upperlimit"),
}
INTERVAL = re.compile(r"95\s*%?\s*-?\s*ci|confidence interval", flags=re.IGNORECASE)


class Meaning(NamedTuple):
    """What a column holds: its name here, and `value`, `low`, `high` or `interval` (both limits in one cell)."""

    name: str
    part: str
    percent: bool


def meanings(columns: list[str]) -> dict[str, Meaning]:
    """The meaning of each column that has one, by its name in the table.

    Case, blanks and signs are ignored; `ACC (%)` is in percent; a column `95% CI` belongs to the column before it.
    """
    found: dict[str, Meaning] = {}
    before: str | None = None
    for column in columns:
        has_interval = INTERVAL.search(column) is not None
        bare = INTERVAL.sub("", column)
        percent, key = "%" in bare, re.sub(r"[^a-z0-9]", "", bare.lower())
        meaning = _meaning(key, percent=percent)
        if meaning is None and has_interval and not key and before is not None:
            meaning = Meaning(before, "interval", percent)
        if meaning is None:
            before = None
            continue
        found[column] = meaning
        before = meaning.name if meaning.name in FRACTIONS else None
    return found


def _meaning(key: str, *, percent: bool) -> Meaning | None:
    if key in MEANINGS:
        return Meaning(MEANINGS[key], "value", percent)
    for part, endings in LIMITS.items():
        for ending in endings:
            name = MEANINGS.get(key.removesuffix(ending)) if key.endswith(ending) else None
            if name in FRACTIONS:
                return Meaning(name, part, percent)
    return None
