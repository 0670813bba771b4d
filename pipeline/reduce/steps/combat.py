"""ComBat: remove additive and multiplicative site effects from features, estimated on training rows alone.

Johnson, Li, Rabinovic 2007 (Biostatistics 8:118), parametric empirical Bayes, equal to `sva::ComBat(dat, batch,
mod = NULL)`. A feature of site i is mean + SD · (gamma_i + sqrt(delta_i) · noise); gamma and delta of all features of a
site share a normal and an inverse gamma prior, so that the estimates for a small site are shrunk towards the site's
average effect.

The outcome is no covariate: it is unknown in the patient to be scored, and the correction would carry it from the
training labels into the features. The price: if sites differ in prevalence, part of the outcome's own effect
is removed with the site's.
"""

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from sklearn.base import BaseEstimator

from pipeline.contracts.data.reduce import MISSING
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import Params

Floats = NDArray[np.float64]
Policy = Literal["refuse", "pooled"]
CONVERGED = 1e-4  # sva's conv: largest relative change of a site's effects at the last step
MIN_VARIANCE = 1e-30  # floor of the variance of the multiplicative effects over features, reached if all are equal


class CombatParams(Params):
    """`params/reduce.yaml: harmonisation`."""

    method: Literal["combat"]
    kinds: tuple[Literal["radiomics", "deep", "table"], ...] = Field(min_length=1)
    mean_only: bool
    unseen_site: Policy
    min_rows: int = Field(ge=2, le=1000)


class Combat(BaseEstimator):
    """Remove the effects of sites.

    Parameters: `mean_only` (location alone), `unseen_site` (the policy for a site without estimates from the training
    rows: `refuse` stops; `pooled` treats its rows as rows of the pooled training distribution, gamma 0 and delta 1,
    that is, returns them unchanged), `min_rows` (a site with fewer training rows counts as unseen).
    Learned: `sites_` (those with estimates, sorted), `columns_` (adjusted: neither missingness indicators nor features
    that are constant within a site, as in sva), `means_`, `sds_` (p,), `gamma_`, `delta_` (sites, p). With one site, or
    fewer than two columns to learn a prior from, nothing is adjusted.
    """

    def __init__(self, *, mean_only: bool, unseen_site: Policy, min_rows: int) -> None:
        self.mean_only = mean_only
        self.unseen_site = unseen_site
        self.min_rows = min_rows

    def fit(self, X: pd.DataFrame, sites: pd.Series) -> Self:
        """Learn from the training rows X (n, p) without missing values; `sites` (n,) has the same index.

        Raises PipelineError if a row has no site, no site has `min_rows` rows, or a site has fewer and is refused.
        """
        counts = _known(sites).value_counts()
        self.sites_ = sorted(counts.index[counts >= self.min_rows])
        if not self.sites_:
            raise PipelineError(
                f"harmonisation needs a site with {self.min_rows} training rows or more, and the largest has "
                f"{counts.max()}; lower min_rows or set harmonisation to null in params/reduce.yaml"
            )
        self._check_policy(sites)
        used = sites.isin(self.sites_).to_numpy()
        code = pd.Index(self.sites_).get_indexer(pd.Index(sites[used]))
        varying = _varying(X[used], code=code)
        self.columns_ = varying if len(self.sites_) > 1 and len(varying) > 1 else []
        if self.columns_:
            self._learn(X.loc[used, self.columns_].to_numpy(dtype=np.float64), code)
        return self

    def transform(self, X: pd.DataFrame, sites: pd.Series) -> pd.DataFrame:
        """X (m, p), each row without the effect of its site, as estimated on the training rows; `sites` (m,).

        A new row of a known site: (z - gamma) / sqrt(delta) · SD + mean with the site's training estimates. Raises
        PipelineError if a row has no site, or its site is unseen and refused.
        """
        _known(sites)
        self._check_policy(sites)
        if not self.columns_ or not len(X):
            return X
        values = X.to_numpy(dtype=np.float64).copy()
        rows = np.flatnonzero(sites.isin(self.sites_))
        code = pd.Index(self.sites_).get_indexer(pd.Index(sites.iloc[rows]))
        cells = np.ix_(rows, X.columns.get_indexer(pd.Index(self.columns_)))
        scaled = (values[cells] - self.means_) / self.sds_
        values[cells] = (scaled - self.gamma_[code]) / np.sqrt(self.delta_[code]) * self.sds_ + self.means_
        return pd.DataFrame(values, index=X.index, columns=X.columns)

    def unseen(self, sites: pd.Series) -> list[str]:
        """One sentence for each site of `sites` without estimates from the training rows."""
        counts = sites[~sites.isin(self.sites_)].value_counts().sort_index()
        return [
            f"{n} patients of site {site}, which has fewer than {self.min_rows} training rows, are not harmonised"
            for site, n in counts.items()
        ]

    def _check_policy(self, sites: pd.Series) -> None:
        unseen = sites[~sites.isin(self.sites_)]
        if self.unseen_site == "refuse" and len(unseen):
            counts = unseen.value_counts().sort_index()
            named = ", ".join(f"{site} ({n} patients, first {_first(unseen, site)})" for site, n in counts.items())
            raise PipelineError(
                f"harmonisation needs sites with {self.min_rows} training rows or more ({', '.join(self.sites_)}),"
                f" and these have fewer: {named}; set harmonisation.unseen_site in params/reduce.yaml to pooled to "
                "exempt their patients, or harmonisation to null"
            )

    def _learn(self, values: Floats, code: NDArray[np.intp]) -> None:
        sizes = np.bincount(code)
        centres = np.stack([values[code == site].mean(axis=0) for site in range(len(sizes))])
        self.means_ = sizes @ centres / len(values)
        self.sds_ = np.sqrt(((values - centres[code]) ** 2).mean(axis=0))
        scaled = (values - self.means_) / self.sds_
        effects = [_site_effects(scaled[code == site], mean_only=self.mean_only) for site in range(len(sizes))]
        self.gamma_, self.delta_ = (np.stack(side) for side in zip(*effects, strict=True))


def _site_effects(scaled: Floats, *, mean_only: bool) -> tuple[Floats, Floats]:
    """Posterior location and scale of one site's standardised rows (n, p), by feature; sva's `it.sol` and `postmean`.

    Prior of the locations: normal with their mean and variance over the features; of the scales: inverse gamma by the
    moments of the site's variances.
    """
    n, gamma_hat = len(scaled), scaled.mean(axis=0)
    centre, spread = gamma_hat.mean(), gamma_hat.var(ddof=1)
    if mean_only:
        # As in sva: the weight of one row, whatever the size of the site.
        return (spread * gamma_hat + centre) / (spread + 1), np.ones_like(gamma_hat)
    delta = scaled.var(axis=0, ddof=1)
    mean, variance = delta.mean(), max(float(delta.var(ddof=1)), MIN_VARIANCE)
    shape, rate = (2 * variance + mean**2) / variance, (mean * variance + mean**3) / variance
    gamma, change = gamma_hat, np.inf
    while change > CONVERGED:
        new_gamma = (spread * n * gamma_hat + delta * centre) / (spread * n + delta)
        squares = ((scaled - new_gamma) ** 2).sum(axis=0)
        new_delta = (squares / 2 + rate) / (n / 2 + shape - 1)
        change = max(_change(gamma, new_gamma), _change(delta, new_delta))
        gamma, delta = new_gamma, new_delta
    return gamma, delta


def _change(old: Floats, new: Floats) -> float:
    """sva's convergence measure, whose sign is that of `old`: with any other, the two would stop at different steps."""
    change = np.divide(np.abs(new - old), old, out=np.zeros_like(old), where=old != 0)
    return float(change.max())


def _varying(X: pd.DataFrame, *, code: NDArray[np.intp]) -> list[Any]:
    """The columns of X that are no indicator and vary within every site."""
    constant = np.zeros(X.shape[1], dtype=np.bool_)
    for site in np.unique(code):
        rows = X.to_numpy(dtype=np.float64)[code == site]
        constant |= rows.max(axis=0) == rows.min(axis=0)
    indicator = np.array([str(name).partition("@")[0] == MISSING for name in X.columns], dtype=np.bool_)
    return list(X.columns[~constant & ~indicator])


def _known(sites: pd.Series) -> pd.Series:
    """`sites`, with none missing; raises PipelineError otherwise."""
    if (missing := sites.isna()).any():
        raise PipelineError(
            f"harmonisation needs the site of every patient, and {int(missing.sum())} have none, first "
            f"{sites.index[missing.to_numpy()][0]}; fill the column site of the table of images or set harmonisation "
            "in params/reduce.yaml to null"
        )
    return sites


def _first(sites: pd.Series, site: object) -> str:
    return str(sites.index[sites == site][0])
