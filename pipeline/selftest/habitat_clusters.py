"""Whether the habitats were clustered on training patients alone: by their hashes, and by clustering once more."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS, rois_in
from pipeline.contracts.data.habitat import CLUSTERS, STATUS, STATUS_FILE, Clustering, read_clusterings
from pipeline.contracts.data.split import ALL, FINAL
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table
from pipeline.habitat.clusterings import clusterings_of
from pipeline.habitat.fits import Fit, fits_of
from pipeline.habitat.lesions import lesions_of
from pipeline.habitat.params import HabitatParams
from pipeline.plan.feature_sets import HABITAT, FusionParams
from pipeline.selftest.lights import Check

FILES = ("habitat", "predicted", "rois", "regions")  # params, ROIs of predicted masks, folders of ROIs and habitats
LIMIT = 1e-9
TITLE = "Habitats were clustered on training patients alone"
RULE = (
    "Red if the clusters of a resample were fitted on other patients than its training patients (the value counts such "
    "clusterings), or those of one part of resample final are not found again from its training patients' images alone."
)
NUMBERS = ("means", "sds", "centres", "covariances", "weights")


def habitat_check(
    given: Mapping[str, Path], *, splits: pd.DataFrame, seed: int, spread: Callable[..., Iterator[Any]]
) -> Check:
    """The light: `value` = clusterings at fault, `limit` = 0. Grey if no set uses habitats.

    `given` has the flags of the stage by name; `seed` is the study's, and draws the part of resample final (LIMIT is
    the tolerance of its centres); `spread` is `map_cases` with its workers. Raises TableError as the tables do.
    """
    if HABITAT not in load_params(given["fusion"], FusionParams).blocks:
        finding = "No set of params/fusion.yaml uses habitats."
        return Check(check="habitat_clusters", light="grey", title=TITLE, rule=RULE, finding=finding)
    stored = read_clusterings(given["regions"] / CLUSTERS)
    fits = {fit.rows: fit for fit in fits_of(splits, parts=tuple(sorted({part for _, part in stored})))}
    rois, status = read_table(given["table"], ROIS), read_table(given["regions"] / STATUS_FILE, STATUS)
    owner = rois.set_index("image_id")["patient_id"]
    wrong = {rows for rows, one in stored.items() if rows not in fits or not _fits(one, fits[rows], status, owner)}
    wrong |= set(fits) - set(stored)
    again = sorted(rows for rows in stored if rows[0] == FINAL and rows in fits)
    if not again:
        wrong.add((FINAL, ALL))
    else:
        drawn = fits[again[seed % len(again)]]
        predicted = read_table(given["predicted"], PREDICTED_ROIS)
        lesions = lesions_of(rois_in(rois, predicted, resample=FINAL), folder=given["rois"].resolve())
        params = load_params(given["habitat"], HabitatParams)
        (found,) = clusterings_of([drawn], lesions={FINAL: lesions}, params=params, seed=seed, spread=spread)
        wrong |= set() if same_clusters(stored[drawn.rows], found) else {drawn.rows}
    return _light(len(wrong))


def same_clusters(stored: Clustering, found: Clustering) -> bool:
    """Whether two clusterings agree: number, features, scaling, centres and weights, to LIMIT."""
    if (stored.method, stored.k, stored.features) != (found.method, found.k, found.features):
        return False
    pairs = [(getattr(stored, name), getattr(found, name)) for name in NUMBERS]
    return all(
        a is b is None
        if a is None or b is None
        else np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=LIMIT, atol=LIMIT)
        for a, b in pairs
    )


def _fits(stored: Clustering, fit: Fit, status: pd.DataFrame, owner: pd.Series) -> bool:
    """Whether the hash of a clustering is that of the fit's training patients with a lesion that has sub-regions."""
    usable = status[(status["block"] == HABITAT) & (status["status"] == "ok")]
    usable = usable[usable["resample"].isin([ALL, stored.resample])]
    trained = sorted(fit.trained & set(owner.loc[usable["image_id"]]))
    return fingerprint(trained) == stored.trained_ids_sha256


def _light(faults: int) -> Check:
    bad = "Clusters do not come from the training patients of their resample: run habitat again, and report it to us."
    return Check(
        check="habitat_clusters",
        light="red" if faults else "green",
        title=TITLE,
        rule=RULE,
        finding=bad if faults else "Every clustering is that of its training patients.",
        value=float(faults),
        limit=0.0,
    )
