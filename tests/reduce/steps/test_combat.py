"""ComBat: sva's numbers; learned on training rows alone; the policies for an unseen site."""

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE

from pipeline.foundation.errors import PipelineError
from pipeline.reduce.steps.combat import Combat

DATA = pd.read_csv(REFERENCE / "combat.csv", index_col="patient_id")
SITES, X = DATA["site"], DATA.drop(columns="site")


def combat(**changes):
    return Combat(**({"mean_only": False, "unseen_site": "refuse", "min_rows": 2} | changes))


@pytest.mark.parametrize(("mean_only", "file"), [(False, "combat.csv"), (True, "combat_mean_only.csv")])
def test_numbers_are_those_of_sva(mean_only, file):
    """R 4.2.2, sva 3.46.0: d <- read.csv("combat.csv"); dat <- t(as.matrix(d[, -(1:2)]));
    t(ComBat(dat, batch = d$site, mod = NULL, mean.only = FALSE or TRUE)). Sites of 14, 9 and 6; f10 is constant in B.
    """
    expected = pd.read_csv(REFERENCE / "expected" / file, index_col="patient_id")
    found = combat(mean_only=mean_only).fit(X, SITES).transform(X, SITES)

    assert list(found.columns) == list(X.columns)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_a_new_row_is_treated_as_a_training_row_of_its_site_with_the_same_values():
    fitted = combat().fit(X, SITES)
    new = X.rename(index=lambda name: f"new {name}").iloc[::-1]
    found = fitted.transform(new, SITES.rename(index=lambda name: f"new {name}").iloc[::-1])

    assert (found.iloc[::-1].to_numpy() == fitted.transform(X, SITES).to_numpy()).all()


def test_a_planted_shift_and_scale_of_a_site_are_removed():
    generator = np.random.default_rng(0)
    clean = pd.DataFrame(generator.normal(size=(2000, 20)), columns=[f"f{place}" for place in range(20)])
    sites = pd.Series(["A", "B"] * 1000)
    shifted = clean.mask(sites == "B", clean * 3 + 5)
    found = combat().fit(shifted, sites).transform(shifted, sites)
    means, sds = found.groupby(sites).mean(), found.groupby(sites).std()

    # Planted: a shift of 5 and a scale of 3. What remains is sampling error, shrunk towards the site's average effect.
    assert (means.loc["A"] - means.loc["B"]).abs().max() < 0.3
    assert (sds.loc["A"] / sds.loc["B"] - 1).abs().max() < 0.1
    assert np.corrcoef(found["f0"], clean["f0"])[0, 1] > 0.99


def test_other_rows_do_not_change_a_row():
    fitted = combat().fit(X, SITES)
    garbage = X.copy()
    garbage.iloc[1:] = 1e6

    assert fitted.transform(garbage, SITES).iloc[0].equals(fitted.transform(X, SITES).iloc[0])


def test_an_indicator_and_a_feature_constant_in_a_site_are_unchanged():
    both = X.assign(**{"missing@long": (np.arange(len(X)) % 2).astype(float)})
    fitted = combat().fit(both, SITES)
    found = fitted.transform(both, SITES)

    assert fitted.columns_ == [f"f{place:02d}" for place in range(1, 10)]
    assert found[["missing@long", "f10"]].equals(both[["missing@long", "f10"]])


def test_one_site_is_unchanged():
    assert combat().fit(X, SITES.map(lambda _: "A")).transform(X, SITES.map(lambda _: "A")).equals(X)


def test_equal_features_have_a_prior_without_spread():
    twins = pd.DataFrame(dict.fromkeys(("one", "two"), X["f01"]))
    found = combat().fit(twins, SITES).transform(twins, SITES)

    assert np.isfinite(found.to_numpy()).all()
    assert found["one"].equals(found["two"].rename("one"))


def test_an_unseen_site_is_refused_by_name():
    fitted = combat().fit(X, SITES)
    with pytest.raises(PipelineError, match=r"these have fewer: D \(29 patients, first P15\); set harmonisation"):
        fitted.transform(X, SITES.map(lambda _: "D"))


def test_pooled_does_not_change_an_unseen_site_and_reports_it():
    fitted = combat(unseen_site="pooled").fit(X, SITES)
    sites = SITES.where(SITES != "C", "D")
    found = fitted.transform(X, sites)

    assert found[sites == "D"].equals(X[sites == "D"])
    assert not found[sites == "A"].equals(X[sites == "A"])
    assert fitted.unseen(sites) == ["6 patients of site D, which has fewer than 2 training rows, are not harmonised"]


def test_nothing_is_learned_from_a_small_site_of_the_training_rows():
    without = X[SITES != "C"]
    small = combat(unseen_site="pooled", min_rows=7).fit(X, SITES)
    never = combat(unseen_site="pooled", min_rows=7).fit(without, SITES[SITES != "C"])

    assert small.sites_ == ["A", "B"]
    assert small.transform(X, SITES).equals(never.transform(X, SITES))
    with pytest.raises(PipelineError, match=r"7 training rows or more \(A, B\), and these have fewer: C \(6 patients"):
        combat(min_rows=7).fit(X, SITES)


def test_no_site_large_enough_is_one_sentence():
    with pytest.raises(PipelineError, match="needs a site with 20 training rows or more, and the largest has 14"):
        combat(min_rows=20).fit(X, SITES)


def test_a_missing_site_is_one_sentence():
    sites = SITES.copy()
    sites.iloc[[3, 5]] = None
    with pytest.raises(PipelineError, match=f"2 have none, first {X.index[3]}; fill the column site"):
        combat().fit(X, sites)
    with pytest.raises(PipelineError, match="2 have none"):
        combat().fit(X, SITES).transform(X, sites)
