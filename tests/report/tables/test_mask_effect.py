"""tables.mask_effect: ICC of planted features, shares by hand, the sign of a difference."""

import numpy as np
import pandas as pd
import pytest

from pipeline.contracts.reports.compare import CHOSEN_SETS, DELONG
from pipeline.contracts.reports.regions import MASK_EFFECT, MASK_EFFECT_AUC, MASK_EFFECT_CLASSES
from pipeline.foundation.tables import check_table
from pipeline.report.tables.mask_effect import mask_effect_auc_table, mask_effect_class_table, mask_effect_table

DICTIONARY = pd.DataFrame({"feature": ["same", "noise", "shifted", "flat"], "class": ["shape", "glcm", "shape", None]})


def features():
    rng = np.random.default_rng(0)
    same, noise = rng.normal(size=(2, 40))
    given = pd.DataFrame({"same": same, "noise": noise, "shifted": same, "flat": 1.0})
    return given, given.assign(noise=rng.normal(size=40), shifted=same + 3)


def effect():
    given, predicted = features()
    table = mask_effect_table(given, predicted=predicted, dictionary=DICTIONARY)
    check_table(table, MASK_EFFECT, place="mask_effect")
    return table.set_index("feature")


def test_agreement_of_planted_features():
    found = effect()

    assert found.loc["same", "icc"] == 1
    assert found.loc["noise", "ci_low"] < 0 < found.loc["noise", "ci_high"]
    assert found.loc["shifted", "icc"] < 0.3  # absolute agreement: a shift counts
    assert pd.isna(found.loc["flat", "icc"])
    assert set(found["n_images"]) == {40}


def test_a_missing_value_does_not_count_and_few_images_give_no_row():
    given, predicted = features()
    predicted.loc[:9, "same"] = np.nan
    table = mask_effect_table(given, predicted=predicted, dictionary=DICTIONARY).set_index("feature")

    assert table.loc["same", "n_images"] == 30
    assert len(mask_effect_table(given[:2], predicted=predicted[:2], dictionary=DICTIONARY)) == 0


def test_shares_by_class():
    table = mask_effect_class_table(effect().reset_index())
    check_table(table, MASK_EFFECT_CLASSES, place="mask_effect_classes")
    shares = table.set_index("feature_class")

    assert tuple(shares.loc["all", ["n_features", "n_good"]]) == (4, 1)
    assert shares.loc["shape", "fraction_good"] == 0.5
    assert shares.loc["other", "fraction_good"] == 0  # an undefined ICC is not good
    assert len(mask_effect_class_table(MASK_EFFECT.empty())) == 0


def results(*, swapped):
    """Given masks have an AUC of 0.9, predicted ones of 0.8; DeLong names the pair in either order."""
    auc = {"radiomics": 0.9, "by_network": 0.8}
    metrics = pd.DataFrame(
        [(name, "lr", "internal", "auc", value, value - 0.1, value + 0.05, 10, 20) for name, value in auc.items()],
        columns=["feature_set", "model", "evaluation", "metric", "estimate", "ci_low", "ci_high", "n_pos", "n_neg"],
    )
    a, b = ("by_network", "radiomics") if swapped else ("radiomics", "by_network")
    sign = -1 if swapped else 1
    ends = sorted((sign * -0.02, sign * 0.22))
    row = ("internal", CHOSEN_SETS, a, "lr", b, "lr", auc[a], auc[b], sign * 0.1, *ends, 1.6, 0.1, 0.3, 0.2, 30)
    chosen = pd.DataFrame({"feature_set": list(auc), "model": "lr", "kind": "classifier"})
    return {"metrics": metrics, "delong": pd.DataFrame([row], columns=DELONG.names), "chosen": chosen}


@pytest.mark.parametrize("swapped", [True, False])
def test_the_difference_is_predicted_minus_given(swapped):
    table = mask_effect_auc_table(results(swapped=swapped), pairs=[("radiomics", "by_network")])
    check_table(table, MASK_EFFECT_AUC, place="mask_effect_auc")
    (row,) = table.to_dict("records")

    assert (row["given_auc"], row["predicted_auc"], row["n"]) == (0.9, 0.8, 30)
    assert (row["difference"], row["ci_low"], row["ci_high"]) == pytest.approx((-0.1, -0.22, 0.02))
    assert row["p_holm"] == 0.3


def test_a_pair_that_was_not_tested_has_no_difference():
    found = results(swapped=False)
    table = mask_effect_auc_table(found | {"delong": DELONG.empty()}, pairs=[("radiomics", "by_network")])
    check_table(table, MASK_EFFECT_AUC, place="mask_effect_auc")

    assert table["difference"].isna().all()
    assert len(mask_effect_auc_table(found, pairs=[])) == 0
