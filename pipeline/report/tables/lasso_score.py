"""The LASSO score of a block, written out for each part: intercept + sum of coefficient times z-score."""

from dataclasses import dataclass

import pandas as pd

from pipeline.contracts.data.split import FINAL
from pipeline.contracts.reports.report import FORMULA
from pipeline.report.inputs import ReportInputs
from pipeline.report.tables.selection import selected_by_rule

INTERCEPT = "(intercept)"


@dataclass(frozen=True, kw_only=True)
class ScoreFormula:
    """The score of a block in one part of resample `final`: log-odds = intercept + sum of coefficient · z-score.

    `terms` are feature and coefficient, the largest in magnitude first; empty if the LASSO kept no feature. The
    z-scores use the training rows of the part, after the block's other steps (harmonisation, principal components).
    """

    block: str
    part: str
    intercept: float
    terms: tuple[tuple[str, float], ...]


def score_formulas(selected: pd.DataFrame) -> list[ScoreFormula]:
    """The formulas of resample `final` by block and part.

    `selected` holds the coefficients of one rule for lambda (`selected_by_rule`).
    """
    formulas = []
    final = selected[selected["resample"] == FINAL]
    for (block, part), rows in final.groupby(["block", "part"], sort=True):
        values = dict(zip(rows["feature"], rows["coefficient"].astype(float), strict=True))
        intercept = values.pop(INTERCEPT)
        terms = [(str(name), value) for name, value in values.items() if not str(name).startswith("(")]
        ordered = tuple(sorted(terms, key=lambda term: (-abs(term[1]), term[0])))
        formulas.append(ScoreFormula(block=str(block), part=str(part), intercept=intercept, terms=ordered))
    return formulas


def formula_table(study: ReportInputs) -> pd.DataFrame:
    """Every term of every formula, in the order in which it is written: the intercept, then the terms by magnitude."""
    rows = [
        (name, formula.block, formula.part, term, coefficient)
        for name in study.sets
        for formula in score_formulas(selected_by_rule(study, name))
        for term, coefficient in ((INTERCEPT, formula.intercept), *formula.terms)
    ]
    return pd.DataFrame(rows, columns=FORMULA.names)
