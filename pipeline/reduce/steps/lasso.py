"""Select features by the binomial LASSO, its lambda chosen by cross-validation inside the training rows."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from sklearn.base import BaseEstimator

from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import Params
from pipeline.reduce.steps.lasso_path import Floats, Path, fit_path, lambda_grid
from pipeline.split.grouped_folds import deal_groups

Rule = Literal["min", "1se"]
RULES: tuple[Rule, ...] = ("min", "1se")
CLIP = 1e-5  # cv.glmnet keeps probabilities this far from 0 and 1 before it takes their logarithm


class LassoParams(Params):
    """`params/reduce.yaml: lasso`."""

    rule: Rule
    n_lambdas: int = Field(ge=10, le=1000)
    min_lambda_ratio: float | None = Field(default=..., gt=0, lt=1)
    folds: int = Field(ge=2, le=20)


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The LASSO at the lambda of one rule: `index` (place on the path) and `penalty` (lambda), both None if no
    feature is correlated with the outcome; the non-zero `coefficients`, by column; `intercept`.
    """

    index: int | None
    penalty: float | None
    intercept: float
    coefficients: pd.Series


def cross_validate(
    X: Floats, y: Floats, *, lambdas: Floats, fold: NDArray[np.int64], stop_early: bool = True
) -> tuple[Floats, Floats]:
    """Mean binomial deviance (-2 log-likelihood per patient) and its standard error at each of `lambdas` (L,).

    X (n, p), y (n,) of 0 and 1, `fold` (n,) names the fold of each row. As cv.glmnet: features are standardised in
    each fold, every fold is fitted at the same lambdas, folds weigh by their size, se = sqrt(weighted variance of the
    fold means / (folds - 1)). If a fold's path ends early, its last solution is used for the smaller lambdas.
    """
    numbers = np.unique(fold)
    means, sizes = np.zeros((len(numbers), len(lambdas))), np.zeros(len(numbers))
    for place, number in enumerate(numbers):
        inside, outside = fold != number, fold == number
        path = fit_path(X[inside], y[inside], lambdas=lambdas, stop_early=stop_early)
        deviance = _deviances(y[outside], path.log_odds(X[outside])).mean(axis=0)
        means[place] = np.pad(deviance, (0, len(lambdas) - len(deviance)), mode="edge")
        sizes[place] = outside.sum()
    mean = np.average(means, axis=0, weights=sizes)
    variance = np.average((means - mean) ** 2, axis=0, weights=sizes)
    return mean, np.sqrt(variance / (len(numbers) - 1))


def _deviances(y: Floats, log_odds: Floats) -> Floats:
    """-2 log-likelihood (n, L) of y (n,) under log-odds (n, L)."""
    bound = np.log((1 - CLIP) / CLIP)
    clipped = np.clip(log_odds, -bound, bound)
    return 2 * np.logaddexp(0.0, np.where(y[:, None] == 1, -clipped, clipped))


def choose(mean: Floats, se: Floats, *, rule: Rule) -> int:
    """Index of the chosen lambda: of the minimum `mean`, or (1se) the largest lambda within one `se` of it."""
    best = int(np.argmin(mean))
    return best if rule == "min" else int(np.flatnonzero(mean <= mean[best] + se[best])[0])


class LassoSelector(BaseEstimator):
    """Keep the columns whose LASSO coefficient is not zero at the chosen lambda; it may keep none.

    Parameters: `rule` (min or 1se), `n_lambdas`, `min_lambda_ratio` (None: glmnet's default), `folds` (lambda folds:
    stratified, by group, fixed by `seed`; fewer if a class has fewer groups).
    Learned: `lambdas_`, `cv_mean_`, `cv_se_`, `n_nonzero_` (L,), `path_` (columns lambda_index from 1, lambda, feature,
    coefficient; non-zero coefficients only), `solutions_` (by rule, both of them), `chosen_` (the solution of `rule`).
    """

    def __init__(self, *, rule: Rule, n_lambdas: int, min_lambda_ratio: float | None, folds: int, seed: int) -> None:
        self.rule = rule
        self.n_lambdas = n_lambdas
        self.min_lambda_ratio = min_lambda_ratio
        self.folds = folds
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: NDArray[np.int64], groups: NDArray[np.str_]) -> Self:
        """Learn the path and choose lambda; X (n, p) without missing values, y (n,) of 0 and 1, `groups` (n,).

        Raises PipelineError if a class has fewer than two groups.
        """
        values, outcome = X.to_numpy(dtype=np.float64), y.astype(np.float64)
        fold = self._lambda_folds(y, groups)
        lambdas = lambda_grid(values, outcome, count=self.n_lambdas, min_ratio=self.min_lambda_ratio)
        path = fit_path(values, outcome, lambdas=lambdas)
        self.lambdas_, self.n_nonzero_ = path.lambdas, path.n_nonzero
        self.path_ = _path_table(path, columns=X.columns)
        if len(path.lambdas):
            self.cv_mean_, self.cv_se_ = cross_validate(values, outcome, lambdas=path.lambdas, fold=fold)
            places = {rule: choose(self.cv_mean_, self.cv_se_, rule=rule) for rule in RULES}
            self.solutions_ = {rule: _solution(path, index, columns=X.columns) for rule, index in places.items()}
        else:
            self.cv_mean_ = self.cv_se_ = np.zeros(0)
            self.solutions_ = dict.fromkeys(RULES, _nothing(outcome, columns=X.columns))
        self.chosen_ = self.solutions_[self.rule]
        return self

    def _lambda_folds(self, y: NDArray[np.int64], groups: NDArray[np.str_]) -> NDArray[np.int64]:
        rarest = min(len(set(groups[y == 1])), len(set(groups[y == 0])))
        if rarest < 2:
            raise PipelineError(
                f"the LASSO needs 2 groups or more of each class in its training rows, which hold {int(y.sum())} "
                f"events among {len(y)} patients; lower folds in params/split.yaml or use no halves"
            )
        generator = np.random.default_rng(self.seed)
        return deal_groups(y, groups, folds=min(self.folds, rarest), generator=generator)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The kept columns of X, unchanged."""
        return X[list(self.chosen_.coefficients.index)]


def _path_table(path: Path, *, columns: pd.Index) -> pd.DataFrame:
    places, features = np.nonzero(path.coefficients)
    return pd.DataFrame(
        {
            "lambda_index": places + 1,
            "lambda": path.lambdas[places],
            "feature": columns[features],
            "coefficient": path.coefficients[places, features],
        }
    )


def _solution(path: Path, index: int, *, columns: pd.Index) -> Solution:
    values = pd.Series(path.coefficients[index], index=columns)
    return Solution(
        index=index,
        penalty=float(path.lambdas[index]),
        intercept=float(path.intercepts[index]),
        coefficients=values[values != 0],
    )


def _nothing(y: Floats, *, columns: pd.Index) -> Solution:
    """The solution without features: the log-odds of the prevalence of y."""
    prevalence = float(y.mean())
    empty = pd.Series(dtype=np.float64, index=columns[:0])
    return Solution(
        index=None, penalty=None, intercept=float(np.log(prevalence / (1 - prevalence))), coefficients=empty
    )
