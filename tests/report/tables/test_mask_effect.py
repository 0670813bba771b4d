"""tables.mask_effect: ICC of planted features, shares by hand, the sign of a difference."""

import numpy as np
import pandas as pd
import pytest

from pipeline.contracts.reports.regions import MASK_EFFECT, MASK_EFFECT_AUC, MASK_EFFECT_CLASSES
from pipeline.foundation.errors import TableError
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


SCORES = {"radiomics": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "by_network": [0.1, 0.5, 0.3, 0.4, 0.2, 0.6]}
LABELS = [0, 0, 0, 1, 1, 1]


def scored(name, *, patients="abcdef"):
    """The scores of two classifiers; those of `rf` are the labels, so that they cannot be confused."""
    about = {"feature_set": name, "resample": "final", "evaluation": "internal", "threshold": np.nan}
    keys = {"patient_id": list(patients), "label": LABELS}
    return pd.concat(
        [pd.DataFrame(keys | about | {"model": m, "score": s}) for m, s in (("lr", SCORES[name]), ("rf", LABELS))]
    )


def results():
    """The classifier chosen for given masks is lr, for predicted ones rf."""
    auc = {("radiomics", "lr"): 1.0, ("by_network", "lr"): 6 / 9, ("by_network", "rf"): 1.0}
    metrics = pd.DataFrame(
        [(*key, "internal", "auc", value, value - 0.1, 1.0, 3, 3) for key, value in auc.items()],
        columns=["feature_set", "model", "evaluation", "metric", "estimate", "ci_low", "ci_high", "n_pos", "n_neg"],
    )
    chosen = pd.DataFrame({"feature_set": ["radiomics", "by_network"], "model": ["lr", "rf"], "kind": "classifier"})
    return {"metrics": metrics, "chosen": chosen}


def table_of(predictions, *, pairs=(("radiomics", "by_network"),)):
    table = mask_effect_auc_table(results(), predictions=predictions, pairs=pairs)
    check_table(table, MASK_EFFECT_AUC, place="mask_effect_auc")
    return table


def test_the_same_classifier_on_both_sets_and_the_difference_is_predicted_minus_given():
    (row,) = table_of({name: scored(name) for name in SCORES}).to_dict("records")

    assert (row["model"], row["given_auc"], row["predicted_auc"], row["n"]) == ("lr", 1.0, 6 / 9, 6)
    assert row["difference"] == pytest.approx(-3 / 9)
    assert row["ci_low"] < -3 / 9 < row["ci_high"]
    assert 0 < row["p_value"] < 1


def test_other_patients_are_refused_and_without_a_pair_there_is_no_row():
    with pytest.raises(TableError, match="a paired test needs the same patients"):
        table_of({"radiomics": scored("radiomics"), "by_network": scored("by_network", patients="abcdeg")})
    assert len(table_of({}, pairs=())) == 0
