"""The habitats in words and numbers: what each is, how their number was chosen, their size by outcome."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.data.habitat import Clustering
from pipeline.contracts.data.split import ALL
from pipeline.contracts.reports.regions import HABITAT_CHOICE, HABITAT_EXAMPLES, HABITAT_FRACTIONS, HABITATS
from pipeline.report.tables.patient_groups import EVENT, NO_EVENT
from pipeline.statistics.bootstrap import percentile_interval
from pipeline.statistics.cluster_bootstrap import ratio_samples

Numbers = NDArray[np.float64]
BRIGHT, UNEVEN = ("grey", "mean_"), ("sd_", "entropy_", "gradient")  # how the names of voxel features begin
ALIKE = 0.3  # a range of heterogeneity over the habitats, in SD, below which they are called alike
REPLICATES = 1000


def shown_part(clusterings: Mapping[str, Clustering]) -> str | None:
    """The part whose habitats the page shows: `all`, else the first half; None without a clustering."""
    return None if not clusterings else ALL if ALL in clusterings else min(clusterings)


def habitat_table(clusterings: Mapping[str, Clustering]) -> pd.DataFrame:
    """`HABITATS`: every habitat of each part, in words relative to the other habitats of the part."""
    rows = []
    for part, one in sorted(clusterings.items()):
        brightness, heterogeneity = _centres(one, BRIGHT), _centres(one, UNEVEN)
        words = habitat_words(brightness, heterogeneity=heterogeneity)
        rows += [
            (part, number, float(bright), None if np.isnan(uneven) else float(uneven), text)
            for number, (bright, uneven, text) in enumerate(zip(brightness, heterogeneity, words, strict=True), 1)
        ]
    return pd.DataFrame(rows, columns=HABITATS.names).astype({"heterogeneity": "float64"})


def _centres(clustering: Clustering, kinds: tuple[str, ...]) -> Numbers:
    """The mean of each centre over the voxel features of these kinds, (k,); NaN if there are none."""
    places = [place for place, name in enumerate(clustering.features) if name.startswith(kinds)]
    centres = np.array(clustering.centres, dtype=np.float64)
    return centres[:, places].mean(axis=1) if places else np.full(len(centres), np.nan)


def habitat_words(brightness: Sequence[float] | Numbers, *, heterogeneity: Sequence[float] | Numbers) -> list[str]:
    """Each habitat in words by its ranks among the others, such as `darkest, most homogeneous`; of two habitats, such
    as `darker, more homogeneous`.

    Habitats whose heterogeneity differs by less than `ALIKE` are told apart by their brightness alone.
    """
    two = len(brightness) == 2
    dark, bright = ("darker", "brighter") if two else ("darkest", "brightest")
    grades = _ranked(np.asarray(brightness, dtype=np.float64), (dark, "dark", "medium", "bright", bright))
    uneven = np.asarray(heterogeneity, dtype=np.float64)
    if np.isnan(uneven).any() or uneven.max() - uneven.min() < ALIKE:
        return [f"{one}; the texture is like that of the {'other' if two else 'others'}" for one in grades]
    most = "more" if two else "most"
    between = ("rather homogeneous", "of medium texture", "rather heterogeneous")
    texture = _ranked(uneven, (f"{most} homogeneous", *between, f"{most} heterogeneous"))
    return [f"{one}, {other}" for one, other in zip(grades, texture, strict=True)]


def _ranked(values: Numbers, words: tuple[str, str, str, str, str]) -> list[str]:
    """The word of each value by its rank: the lowest, the lower ones, the middle one, the upper ones, the highest."""
    lowest, low, middle, high, highest = words
    ranks, last = np.argsort(np.argsort(values, kind="stable")), len(values) - 1

    def word(rank: int) -> str:
        if rank == 0:
            return lowest
        if rank == last:
            return highest
        return middle if 2 * rank == last else low if 2 * rank < last else high

    return [word(int(rank)) for rank in ranks]


def choice_table(clusterings: Mapping[str, Clustering]) -> pd.DataFrame:
    """`HABITAT_CHOICE`: every number of habitats that was tried in each part, with its score."""
    rows = []
    for part, one in sorted(clusterings.items()):
        tried = {int(k): score for k, score in one.scores.items()} or {one.k: float("nan")}
        about = (one.method, one.n_voxels, one.n_patients)
        rows += [(part, k, int(k == one.k), one.score, score, *about) for k, score in sorted(tried.items())]
    table = pd.DataFrame(rows, columns=HABITAT_CHOICE.names)
    return table.astype({"measure": "object", "score": "float64"})


def patient_fractions(habitats: pd.DataFrame, *, cohort: pd.DataFrame, part: str, k: int) -> pd.DataFrame:
    """The fraction of each of `k` habitats, the mean over the patient's images; index patient_id, columns 1 … k.

    `habitats`: rows of `habitat.csv` of one resample.
    """
    own = habitats[habitats["part"] == part].set_index("image_id")
    columns = [f"habitat_{one}_fraction" for one in range(1, k + 1)]
    numbers = own[columns].set_axis(range(1, k + 1), axis=1).astype("float64")
    return numbers.groupby(cohort.set_index("image_id")["patient_id"].reindex(own.index)).mean()


def fractions_of(
    habitats: pd.DataFrame, *, cohort: pd.DataFrame, patients: pd.DataFrame, clusterings: Mapping[str, Clustering]
) -> Iterator[tuple[str, int, str, Numbers]]:
    """Part, habitat, outcome and the patients' fractions, in the order of the table `HABITAT_FRACTIONS`."""
    label = patients.set_index("patient_id")["label"].astype(float)
    for part, one in sorted(clusterings.items()):
        table = patient_fractions(habitats, cohort=cohort, part=part, k=one.k)
        event = table.index.to_series().map(label) == 1
        for habitat in table.columns:
            for outcome, inside in ((EVENT, event), (NO_EVENT, ~event)):
                yield part, int(habitat), outcome, table.loc[inside, habitat].dropna().to_numpy()


def fraction_table(
    habitats: pd.DataFrame,
    *,
    cohort: pd.DataFrame,
    patients: pd.DataFrame,
    clusterings: Mapping[str, Clustering],
    seed: int,
) -> pd.DataFrame:
    """`HABITAT_FRACTIONS`; 95 % intervals of the mean: percentiles of bootstrap samples of patients."""
    rows = []
    for part, habitat, outcome, values in fractions_of(
        habitats, cohort=cohort, patients=patients, clusterings=clusterings
    ):
        row: dict[str, object] = {"part": part, "habitat": habitat, "outcome": outcome, "n_patients": len(values)}
        if len(values):
            column = values[:, np.newaxis]
            samples = ratio_samples(column, np.ones_like(column), replicates=REPLICATES, seed=seed)
            low, high = percentile_interval(samples[:, 0]) if len(values) > 1 else (float("nan"), float("nan"))
            q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
            row |= {"mean": values.mean(), "ci_low": low, "ci_high": high, "median": median, "q1": q1, "q3": q3}
        rows.append(row)
    return pd.DataFrame(rows, columns=HABITAT_FRACTIONS.names)


def habitat_example_table(explain: pd.DataFrame, *, parts: Mapping[str, str]) -> pd.DataFrame:
    """`HABITAT_EXAMPLES`: the rows of explain.csv whose habitats are shown; `parts` by their number."""
    rows = explain[explain["number"].isin(list(parts))]
    return rows.assign(part=rows["number"].map(parts).astype("str"))[HABITAT_EXAMPLES.names].reset_index(drop=True)
