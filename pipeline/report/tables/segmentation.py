"""Examples of segmentation: the images whose predicted masks agree best, middling and worst with the given ones."""

from collections.abc import Callable, Sequence

import pandas as pd

from pipeline.contracts.reports.regions import SEGMENTATION_EXAMPLES
from pipeline.contracts.reports.segment import EVALUATIONS

BY_KIND = 3  # examples of each kind
KINDS = ("best", "median", "worst")
# Held-out patients before those of cross-validation, which come before masks of training patients.
FIRST_SHOWN = ("internal", "external", "cv")


def main_evaluation(table: pd.DataFrame) -> str:
    """The evaluation of the rows of `segmentation.csv` that figures and examples show; the table has a row."""
    found = set(table["evaluation"])
    return next(name for name in (*FIRST_SHOWN, *EVALUATIONS) if name in found)


def chosen_examples(rows: pd.DataFrame, *, by_kind: int = BY_KIND) -> pd.DataFrame:
    """Up to `by_kind` rows of each of `KINDS` by Dice, with their `kind`; no image twice. `rows` have a Dice.

    Each image counts once, with its lowest Dice. With few images the best come first, then the worst.
    """
    once = rows.sort_values(["dice", "image_id", "resample"], kind="stable").drop_duplicates("image_id")
    n = len(once)
    middle = max(0, n // 2 - by_kind // 2)
    places = {
        "best": list(range(n))[::-1][:by_kind],
        "worst": list(range(min(by_kind, n))),
        "median": list(range(middle, min(middle + by_kind, n))),
    }
    kinds: dict[int, str] = {}
    for kind, own in places.items():
        for place in own:
            kinds.setdefault(place, kind)
    order = sorted(kinds, key=lambda place: (KINDS.index(kinds[place]), -place))
    return once.iloc[order].assign(kind=[kinds[place] for place in order]).reset_index(drop=True)


def segmentation_example_table(examples: pd.DataFrame, *, name_of: Callable[[object], str]) -> pd.DataFrame:
    """`SEGMENTATION_EXAMPLES` of `chosen_examples`; `name_of` gives the pseudonym of an image_id."""
    if not len(examples):
        return SEGMENTATION_EXAMPLES.empty()
    table = examples.assign(case=examples["image_id"].map(name_of), number=numbers(len(examples)))
    return table[SEGMENTATION_EXAMPLES.names]


def numbers(count: int) -> Sequence[str]:
    """The keys 1 … count as text of one width."""
    return [f"{number:0{len(str(count))}d}" for number in range(1, count + 1)]
