"""Networks compared: mean agreement with intervals over patients, and paired tests on identical images.

Three numbers are called Dice in the literature and differ by up to several points on the same masks: `dice_mean`, the
mean over images; `dice_from_mean_iou` = 2 m / (1 + m) of the mean IoU m, which published tables often show; and
`dice_pooled`, of the voxels of all images together. Each has its own name here.
"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.reports.segment import METRICS, PARITY_METRICS, SEGMENTATION_SUMMARY, SEGMENTATION_TESTS
from pipeline.foundation.errors import TableError
from pipeline.statistics.bootstrap import percentile_interval
from pipeline.statistics.cluster_bootstrap import ratio_samples
from pipeline.statistics.multiplicity import holm
from pipeline.statistics.signed_rank import signed_rank_test

Numbers = NDArray[np.float64]
TESTED = ("dice", "iou")
RENAMED = {"dice": "dice_mean", "iou": "iou_mean"}
SCORED_ON = ["resample", "image_id"]


def segmentation_summary(table: pd.DataFrame, *, replicates: int, seed: int) -> pd.DataFrame:
    """`SEGMENTATION_SUMMARY` of `SEGMENTATION`: a row per network, evaluation and metric.

    Estimates are means over images, once per resample that scored them, without images for which the metric is
    undefined (`n_images` counts the others); or the Dice of the pooled voxels (NaN if there are none). 95 % intervals:
    percentiles of `replicates` samples of patients, each with all images in all resamples, the same samples for
    networks with the same patients. `sd_folds` is the SD of the estimate of each resample, if two or more scored.
    Counts of images (`n_`): the predicted mask empty, both masks empty, exactly one empty, no prediction at all
    (failed). Images without a given mask are not evaluated.
    """
    parts = [
        _summary(rows, replicates=replicates, seed=seed).assign(network=network, evaluation=evaluation)
        for (network, evaluation), rows in _evaluated(table).groupby(["network", "evaluation"])
    ]
    return pd.concat(parts, ignore_index=True)[SEGMENTATION_SUMMARY.names] if parts else SEGMENTATION_SUMMARY.empty()


def segmentation_tests(table: pd.DataFrame) -> pd.DataFrame:
    """`SEGMENTATION_TESTS` of `SEGMENTATION`: Wilcoxon's signed-rank test of Dice and IoU for each pair of networks.

    The patient is the unit: a network's value is the mean over the patient's images, in all resamples, since images of
    one patient are not independent. Holm's correction is over the pairs of one evaluation and metric.
    Raises TableError if the networks of an evaluation were not scored on the same images, each with a prediction.
    """
    parts = []
    for evaluation, evaluated in _evaluated(table).groupby("evaluation"):
        networks = sorted(set(evaluated["network"]))
        _check_same_images(evaluated, networks=networks, evaluation=str(evaluation))
        rows = evaluated[evaluated["dice"].notna()]  # without the images for which all of them failed
        if rows.empty:
            continue
        for metric in TESTED:
            by_patient = rows.groupby(["patient_id", "network"])[metric].mean().unstack("network")
            found = pd.DataFrame(
                [(a, b, *_test(by_patient[a], by_patient[b])) for a, b in combinations(networks, 2)],
                columns=["network_a", "network_b", "median_difference", "p_value", "effect_size", "n_equal"],
            )
            found["p_holm"] = holm(found["p_value"])
            found["n_images"], found["n_patients"] = rows["image_id"].nunique(), len(by_patient)
            parts.append(found.assign(evaluation=evaluation, metric=metric, parity=int(rows["parity"].max())))
    return pd.concat(parts, ignore_index=True)[SEGMENTATION_TESTS.names] if parts else SEGMENTATION_TESTS.empty()


def possible_tests(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """`segmentation_tests` of each evaluation for which they can be made, and a sentence for each of the others."""
    parts, faults = [], []
    for _, rows in table.groupby("evaluation"):
        try:
            parts.append(segmentation_tests(rows))
        except TableError as error:
            faults.append(str(error))
    full = [part for part in parts if len(part)]
    return pd.concat(full, ignore_index=True) if full else SEGMENTATION_TESTS.empty(), faults


def _evaluated(table: pd.DataFrame) -> pd.DataFrame:
    """The images with a given mask, in one order, so that sums do not depend on that of the table."""
    return table[table["given_voxels"].notna()].sort_values(["network", *SCORED_ON])


def _test(a: pd.Series, b: pd.Series) -> tuple[float, float, float, int]:
    test = signed_rank_test(a, b)
    return test.median_difference, test.p_value, test.effect_size, test.n_zero


def _check_same_images(rows: pd.DataFrame, *, networks: list[str], evaluation: str) -> None:
    scored = {
        network: set(group[SCORED_ON].itertuples(index=False, name=None))
        for network, group in rows[rows["dice"].notna()].groupby("network")
    }
    for network in networks:
        first, own = scored.get(networks[0], set()), scored.get(network, set())
        if first != own:
            resample, image = min(first ^ own)
            raise TableError(
                f"segmentation networks '{networks[0]}' and '{network}' were not scored on the same images in "
                f"evaluation '{evaluation}' (first: image {image} in resample {resample}); paired tests need identical "
                "images: run segment again for both"
            )


def _summary(rows: pd.DataFrame, *, replicates: int, seed: int) -> pd.DataFrame:
    """The rows of one network and evaluation."""
    names, above, below, used = _contributions(rows)
    patients, patient = np.unique(rows["patient_id"].to_numpy(dtype=str), return_inverse=True)
    _, image = np.unique(rows["image_id"].to_numpy(dtype=str), return_inverse=True)
    resamples, resample = np.unique(rows["resample"].to_numpy(dtype=str), return_inverse=True)
    samples = ratio_samples(_sums(above, patient), _sums(below, patient), replicates=replicates, seed=seed)
    # One row of estimates, of each sample and of each resample.
    names, complete = _with_dice_from_mean_iou(names)
    estimates = complete(_ratios(above.sum(axis=0), below.sum(axis=0))[np.newaxis])[0]
    intervals = [percentile_interval(column) for column in complete(samples).T]
    by_resample = complete(_ratios(_sums(above, resample), _sums(below, resample)))
    used = complete(used.astype(np.float64)) > 0
    found = pd.DataFrame({"metric": names, "estimate": estimates, "sd_folds": [_sd(one) for one in by_resample.T]})
    found[["ci_low", "ci_high"]] = intervals
    found["n_images"] = [np.unique(image[column]).size for column in used.T]
    found["n_patients"] = [np.unique(patient[column]).size for column in used.T]
    counted = _counted(rows).assign(n_images=rows["image_id"].nunique(), n_patients=len(patients))
    return pd.concat([found, counted], ignore_index=True).assign(
        n_resamples=len(resamples), parity=int(rows["parity"].max())
    )


def _contributions(rows: pd.DataFrame) -> tuple[list[str], Numbers, Numbers, NDArray[np.bool_]]:
    """Names of the ratios, and of each row and ratio (n, k): numerator, denominator, and whether the row counts."""
    present = [name for name in (*METRICS, *PARITY_METRICS) if name in rows]
    values = rows[present].to_numpy(dtype=np.float64)
    inter, predicted, given = (
        rows[f"{name}_voxels"].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("intersection", "predicted", "given")
    )
    above, below = np.column_stack([values, 2 * inter]), np.column_stack([np.ones_like(values), predicted + given])
    used = ~np.isnan(above)
    names = [RENAMED.get(name, name) for name in present] + ["dice_pooled"]
    return names, np.where(used, above, 0.0), np.where(used, below, 0.0), used


def _with_dice_from_mean_iou(names: list[str]) -> tuple[list[str], Callable[[Numbers], Numbers]]:
    """The names with `dice_from_mean_iou`, and the function that adds its column to ratios (m, k)."""
    place = names.index("iou_mean")

    def complete(ratios: Numbers) -> Numbers:
        return np.column_stack([ratios, 2 * ratios[:, place] / (1 + ratios[:, place])])

    return [*names, "dice_from_mean_iou"], complete


def _counted(rows: pd.DataFrame) -> pd.DataFrame:
    predicted, given = (
        rows[f"{name}_voxels"].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("predicted", "given")
    )
    failed = np.isnan(predicted)
    counts = {
        "n_empty_predicted": predicted == 0,
        "n_both_empty": (predicted == 0) & (given == 0),
        "n_one_empty": ((predicted == 0) != (given == 0)) & ~failed,
        "n_failed": failed,
    }
    estimates = [float(one.sum()) for one in counts.values()]
    nothing = dict.fromkeys(("ci_low", "ci_high", "sd_folds"), np.nan)
    return pd.DataFrame({"metric": list(counts), "estimate": estimates, **nothing})


def _sums(values: Numbers, group: NDArray[np.intp]) -> Numbers:
    """The sum over the rows of each group, shape (groups, k)."""
    sums = np.zeros((int(group.max()) + 1, values.shape[1]))
    np.add.at(sums, group, values)
    return sums


def _ratios(above: Numbers, below: Numbers) -> Numbers:
    ratios = np.full(above.shape, np.nan)
    return np.divide(above, below, out=ratios, where=below != 0)


def _sd(values: Numbers) -> float:
    found = values[~np.isnan(values)]
    return float(found.std(ddof=1)) if found.size > 1 else float("nan")
