"""Means with intervals over patients, and the tests between networks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.contracts.reports.segment import SEGMENTATION_SUMMARY, SEGMENTATION_TESTS
from pipeline.foundation.errors import TableError
from pipeline.foundation.tables import check_table
from pipeline.segment.evaluation import segmentation_table
from pipeline.segment.summary import possible_tests, segmentation_summary, segmentation_tests
from pipeline.statistics.overlap import OverlapCounts

NAN = float("nan")


def row(image, counts, *, network="unet", resample="final", patient=None, evaluation="internal", hd95_px=NAN, parity=0):
    """The row of an image with these voxels in both masks, the predicted one (None = failed) and the given one."""
    inter, predicted, given = counts
    found = {"image_id": image, "patient_id": patient or image, "parity": parity}
    found |= {"network": network, "resample": resample, "evaluation": evaluation, "part": "all"}
    found |= {"mask_source": "given", "status": "ok", "reason": "", "predicted_voxels": predicted}
    found |= {"intersection_voxels": inter, "given_voxels": given, "hd95_px": hd95_px}
    found |= dict.fromkeys(["hd95_mm", "assd_px", "assd_mm"], NAN)
    names = ("dice", "iou", "precision", "sensitivity", "area_bias")
    if predicted is None or given is None:
        return found | dict.fromkeys(names, NAN)
    overlap = OverlapCounts(intersection=inter, predicted=predicted, given=given)
    return found | {name: getattr(overlap, name) for name in names}


def summary(rows, *, replicates=200):
    table = segmentation_summary(segmentation_table(rows), replicates=replicates, seed=1)
    check_table(table, SEGMENTATION_SUMMARY, place="summary")
    return table.set_index(["network", "evaluation", "metric"])


def test_three_kinds_of_dice_by_hand():
    # IoU 1 of 100 voxels, and 0.25 of 4 + 1 - 1: Dice 1 and 0.4.
    found = summary([row("a", (100, 100, 100)), row("b", (1, 4, 1))]).loc[("unet", "internal")]

    assert found.loc["dice_mean", "estimate"] == pytest.approx(0.7)
    assert found.loc["iou_mean", "estimate"] == 0.625
    assert found.loc["dice_from_mean_iou", "estimate"] == pytest.approx(1.25 / 1.625)
    assert found.loc["dice_pooled", "estimate"] == pytest.approx(202 / 205)
    assert found.loc["area_bias", "estimate"] == 1.5


def test_empty_and_failed_predictions_are_counted():
    rows = [row("a", (5, 5, 5), hd95_px=2), row("b", (0, 0, 5)), row("c", (0, 0, 0), hd95_px=0)]
    rows += [row("d", (None, None, 5)), row("e", (None, 5, None)), row("f", (0, 5, 0))]
    rows += [row("g", (None, None, 0))]
    found = summary(rows).loc[("unet", "internal")]

    counts = found.loc[["n_empty_predicted", "n_both_empty", "n_one_empty", "n_failed"]]
    assert counts["estimate"].tolist() == [2, 1, 2, 2]
    assert counts["n_images"].tolist() == [6] * 4  # e has no given mask
    assert tuple(found.loc["dice_mean", ["estimate", "n_images"]]) == (0.5, 4)  # 1, 0, 1, 0
    assert tuple(found.loc["hd95_px", ["estimate", "n_images"]]) == (1, 2)
    assert np.isnan(found.loc["hd95_mm", "estimate"])
    assert found.loc["hd95_mm", "n_images"] == 0


def test_the_interval_is_over_patients():
    # The same 40 Dice values, once of 40 patients and once of 4 with ten images each.
    rng = np.random.default_rng(1)
    inter = np.repeat(rng.integers(20, 100, 4), 10)
    many = [row(f"{place:02d}", (one, 100, 100)) for place, one in enumerate(inter)]
    few = [row(f"{place:02d}", (one, 100, 100), patient=f"P{place // 10}") for place, one in enumerate(inter)]
    one, other = (summary(rows).loc[("unet", "internal", "dice_mean")] for rows in (many, few))

    assert one["estimate"] == other["estimate"] == pytest.approx(inter.mean() / 100)
    assert one["ci_low"] < one["estimate"] < one["ci_high"]
    assert other["ci_high"] - other["ci_low"] > 2 * (one["ci_high"] - one["ci_low"])
    assert (other["n_images"], other["n_patients"]) == (40, 4)


def test_folds_give_a_standard_deviation_and_are_not_mixed_with_final():
    rows = [row("a", (one, 10, 10), resample=f"cv-1-{one}", evaluation="folds_internal") for one in (4, 6, 8)]
    found = summary([*rows, row("a", (10, 10, 10))])

    folds, final = (found.loc[("unet", evaluation, "dice_mean")] for evaluation in ("folds_internal", "internal"))
    assert (folds["estimate"], folds["sd_folds"]) == (pytest.approx(0.6), pytest.approx(0.2))
    assert (folds["n_resamples"], folds["n_images"]) == (3, 1)
    assert final["estimate"] == 1
    assert np.isnan(final["sd_folds"])


def test_order_of_rows_and_network_names_change_nothing():
    rng = np.random.default_rng(2)
    rows = [
        row(f"{place}", (int(rng.integers(1, 9)), 9, 9), patient=f"{place % 5}", parity=1, network=network)
        for network in ("trfe", "unet")
        for place in range(12)
    ]
    forth, back = summary(rows), summary(rows[::-1])

    pd.testing.assert_frame_equal(forth, back)
    assert (forth["parity"] == 1).all()
    again = summary([{**one, "network": "unet"} for one in rows if one["network"] == "trfe"])
    pd.testing.assert_frame_equal(again.loc["unet"], forth.loc["trfe"])


def test_no_replicates_no_rows():
    found = summary([row("a", (1, 2, 3)), row("b", (2, 2, 3))], replicates=0)

    assert found["ci_low"].isna().all()
    assert summary([]).empty


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(9, 20), st.integers(9, 20)), min_size=1, max_size=8))
def test_dice_from_mean_iou_is_never_below_the_mean_of_dice(counts):
    found = summary([row(f"{place}", one) for place, one in enumerate(counts)], replicates=0)["estimate"]

    mean, from_iou = (found[("unet", "internal", name)] for name in ("dice_mean", "dice_from_mean_iou"))
    assert from_iou >= mean - 1e-12


def compared(differences, *, images=1):
    """Tests of networks a and b, a higher by these numbers of 1,000 voxels in the images of each patient."""
    rows = []
    for patient, difference in enumerate(differences):
        for image in range(images):
            names = {"image": f"{patient:02d}_{image}", "patient": f"{patient:02d}"}
            rows.append(row(counts=(500 + difference, 1000, 1000), network="a", **names))
            rows.append(row(counts=(500, 1000, 1000), network="b", **names))
    table = segmentation_tests(segmentation_table(rows))
    check_table(table, SEGMENTATION_TESTS, place="tests")
    return table.set_index("metric")


def test_paired_test_by_hand():
    # Six positive differences: exact p = 2 / 2^6.
    found = compared([1, 2, 3, 4, 5, 6]).loc["dice"]

    assert (found["network_a"], found["network_b"]) == ("a", "b")
    assert found["median_difference"] == pytest.approx(0.0035)
    assert (found["p_value"], found["p_holm"], found["effect_size"]) == (0.03125, 0.03125, 1)
    assert compared([2, 2, -2, -2]).loc["dice", "p_value"] == 1


def test_images_of_one_patient_add_no_certainty():
    once, often = (compared([1, 2, 3, 4, 5, 6], images=images).loc["iou"] for images in (1, 5))

    assert once["p_value"] == often["p_value"]
    assert (often["n_images"], often["n_patients"]) == (30, 6)


def test_holm_counts_the_pairs_of_an_evaluation():
    rows = [
        row(f"{place}", (500 + step * place, 1000, 1000), network=network)
        for network, step in (("a", 1), ("b", 0), ("c", -1))
        for place in range(1, 7)
    ]
    table = segmentation_tests(segmentation_table(rows))

    assert (table["p_holm"] == 3 * 0.03125).all()
    assert len(table) == 6
    assert segmentation_tests(segmentation_table(rows[:6])).empty


@pytest.mark.parametrize("other", [("b", (5, 9, 9)), ("a", (None, None, 9))])
def test_networks_on_other_images_are_refused(other):
    rows = [row("a", (5, 9, 9)), row(*other, network="trfe")]

    with pytest.raises(TableError, match=r"'trfe' and 'unet' were not scored on the same images.*image a in .*final"):
        segmentation_tests(segmentation_table(rows))


def test_an_evaluation_that_cannot_be_tested_stops_no_other():
    scored = {"a": (5, 6, 7), "b": (9, 9, 9), "c": (3, 4, 9)}
    rows = [
        row(image, counts, network=network, evaluation=evaluation)
        for network in ("trfe", "unet")
        for evaluation in ("internal", "external")
        for image, counts in scored.items()
    ]
    table = segmentation_table([*rows[:-1], row("c", (None, None, 9), network="unet", evaluation="external")])
    tests, faults = possible_tests(table)

    assert set(tests["evaluation"]) == {"internal"}
    assert len(faults) == 1
    assert "'trfe' and 'unet' were not scored on the same images in evaluation 'external' (first: image c" in faults[0]
    with pytest.raises(TableError):
        segmentation_tests(table)


def test_an_image_for_which_all_networks_failed_is_no_pair():
    scored = {"a": (5, 6, 7), "b": (9, 9, 9), "c": (None, None, 9)}
    rows = [row(image, counts, network=network) for network in ("trfe", "unet") for image, counts in scored.items()]
    tests = segmentation_tests(segmentation_table(rows))

    assert tests[["n_images", "n_patients"]].values.tolist() == [[2, 2]] * 2
    nothing = segmentation_tests(segmentation_table([one for one in rows if one["image_id"] == "c"]))
    check_table(nothing, SEGMENTATION_TESTS, place="tests")
    assert nothing.empty
