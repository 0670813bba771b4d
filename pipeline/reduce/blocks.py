"""One row per patient for every block of features: clinical columns, image features by view, ready-made tables.

Images of one view are averaged feature by feature; if the cohort has several views, each has its own columns,
`feature@view`. A missing view (or a patient without a row) is empty in the features and 1 in the block's indicator
`missing@view` (or `missing`); imputation is learned later, on training rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.contracts.data.cohort import NOT_CLINICAL
from pipeline.contracts.data.embed import LOGIT, Embeddings
from pipeline.contracts.data.reduce import MISSING
from pipeline.contracts.data.split import ALL, OTHER_HALF
from pipeline.foundation.errors import PipelineError
from pipeline.plan.feature_sets import CLINICAL, OF_IMAGES, RADIOMICS
from pipeline.radiomics.noise_bands import noise_features

Kind = Literal["clinical", "radiomics", "deep", "logit", "table"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of features: `frame(resample, part)` gives its raw matrix, one row per patient, index patient_id.

    `indicators` names the missingness indicators among its columns. `repeated`: the block under whose name its features
    are measured on repeated masks too; None if they are not.
    """

    name: str
    kind: Kind
    indicators: tuple[str, ...]
    frame: Callable[[str, str], pd.DataFrame]
    repeated: str | None = None


def clinical_block(patients: pd.DataFrame) -> Block:
    """The clinical columns of the patients table, as they are. Raises PipelineError if there are none."""
    columns = [name for name in patients.columns if name not in NOT_CLINICAL]
    if not columns:
        raise PipelineError(
            "params/fusion.yaml: a set has the block 'clinical', and data/patients.csv has no clinical column; "
            "name a clinical table in params/cohort.yaml, or remove the block (and any set of it alone) from the sets"
        )
    frame = patients.set_index("patient_id")[columns].sort_index()
    return Block(name=CLINICAL, kind="clinical", indicators=(), frame=lambda _resample, _part: frame)


def table_block(table: pd.DataFrame, *, name: str, patients: Iterable[str]) -> Block:
    """A ready-made table of numbers by patient_id; patients without a row are all missing.

    Raises PipelineError if it has a column of the indicator's name.
    """
    if MISSING in table:
        raise PipelineError(f"data/blocks/{name}.csv: a column may not be named '{MISSING}'; rename it in its source")
    numbers = _one_array(table.set_index("patient_id"))
    return _one_frame(with_indicators(numbers, views=[], patients=patients), name, "table")


def usable_features(features: pd.DataFrame) -> pd.DataFrame:
    """The radiomics of the images that gave features, index image_id, without the features of pure noise; `features` as
    `radiomics.csv`.
    """
    usable = features[features["status"] == "ok"].drop(columns=["status", "reason"]).set_index("image_id")
    return _one_array(usable.drop(columns=noise_features([str(column) for column in usable.columns])))


def radiomics_block(
    features: pd.DataFrame,
    *,
    cohort: pd.DataFrame,
    patients: Iterable[str],
    name: str = RADIOMICS,
    resampled: Embeddings | None = None,
) -> Block:
    """The radiomics of each patient from the table by image; failed images and features of pure noise are excluded.

    `resampled`: the features of the resamples whose masks differ from those of the table (predicted masks).
    """
    usable, ids, views = usable_features(features), list(patients), _views(cohort)
    whole = by_view(usable, cohort=cohort, patients=ids, views=views)
    if resampled is None or not resampled.ids:
        return replace(_one_frame(whole, name, "radiomics"), repeated=RADIOMICS)

    def frame(resample: str, _part: str) -> pd.DataFrame:
        if (resample, ALL) not in resampled.ids:
            return whole
        return by_view(resampled.frame(resample, ALL)[list(usable.columns)], cohort=cohort, patients=ids, views=views)

    return Block(name=name, kind="radiomics", indicators=_indicators_of(whole), frame=frame, repeated=RADIOMICS)


def features_block(embedded: Embeddings, *, name: str, cohort: pd.DataFrame, patients: Iterable[str]) -> Block:
    """Features of images that may differ by resample and part, such as those of habitats.

    For (resample, part) its own rows are used, else those of part `all`, else those of resample `all`; they are read
    when `frame` is called. `frame` raises PipelineError if there are none.
    """
    ids, views = list(patients), _views(cohort)

    def frame(resample: str, part: str) -> pd.DataFrame:
        return by_view(_rows_of(embedded, resample, part, name=name), cohort=cohort, patients=ids, views=views)

    indicators = tuple(_indicator(view, views) for view in views) or (MISSING,)
    return Block(name=name, kind="radiomics", indicators=indicators, frame=frame, repeated=name)


def deep_block(
    embedded: Embeddings, *, name: str, cohort: pd.DataFrame, splits: pd.DataFrame, patients: Iterable[str]
) -> Block:
    """The embeddings of a network, or its logit, by resample, part and image, or patient (network of several views).

    For (resample, part) its own rows are used, else those of part `all` (insample), else those of resample `all`
    (frozen); they are read when `frame` is called. Raises PipelineError if a resample of the splits has no rows, or if
    patients of a half are embedded by the network trained on that half.
    """
    by_patient = embedded.key == "patient_id"
    _check_complete(embedded, name=name, splits=splits)
    owner = None if by_patient else cohort.set_index("image_id")["patient_id"]
    _check_halves(embedded, name=name, owner=owner, splits=splits)
    views, ids = [] if by_patient else _views(cohort), list(patients)

    def frame(resample: str, part: str) -> pd.DataFrame:
        rows = _rows_of(embedded, resample, part, name=name)
        if by_patient:
            return with_indicators(rows, views=[], patients=ids)
        return by_view(rows, cohort=cohort, patients=ids, views=views)

    indicators = tuple(_indicator(view, views) for view in views) or (MISSING,)
    kind: Kind = "logit" if name.endswith(LOGIT) else "deep"
    return Block(name=name, kind=kind, indicators=indicators, frame=frame)


def parts_of(blocks: Mapping[str, set[str]], *, used: Iterable[str], match_parts: bool) -> tuple[str, ...]:
    """The parts a set is reduced in: `a` and `b` if a network was cross-fitted in halves, else `all`.

    `blocks` gives the parts in the table of every network that any set names; `used` are the blocks of this set. With
    `match_parts` one cross-fitted network puts every set into halves, so that no set has more rows than another.
    """
    relevant = blocks.values() if match_parts else [blocks[name] for name in used if name in blocks]
    return ("a", "b") if any(parts & set(OTHER_HALF) for parts in relevant) else (ALL,)


def _one_frame(frame: pd.DataFrame, name: str, kind: Kind) -> Block:
    return Block(name=name, kind=kind, indicators=_indicators_of(frame), frame=lambda _resample, _part: frame)


def _indicators_of(frame: pd.DataFrame) -> tuple[str, ...]:
    return tuple(str(column) for column in frame.columns if str(column).partition("@")[0] == MISSING)


def _rows_of(embedded: Embeddings, resample: str, part: str, *, name: str) -> pd.DataFrame:
    """The rows of a resample and part, else of the whole resample, else of all resamples."""
    for rows in ((resample, part), (resample, ALL), (ALL, ALL)):
        if rows in embedded.ids:
            return embedded.frame(*rows)
    raise PipelineError(_without_rows(name, resample, part))


def _views(cohort: pd.DataFrame) -> list[str]:
    return sorted(cohort["view"].unique())


def _indicator(view: str, views: Sequence[str]) -> str:
    return f"{MISSING}@{view}" if len(views) > 1 else MISSING


def by_view(
    features: pd.DataFrame, *, cohort: pd.DataFrame, patients: Iterable[str], views: Sequence[str]
) -> pd.DataFrame:
    """Mean over the images of a patient and view, one group of columns per view of `views` (one view: no suffix), all
    `patients`, indicators last; `features` (images, p) has the index image_id.
    """
    # Sorted by image: the same images give the same last digit of a mean, whatever order they come in.
    rows = features.sort_index()
    about = cohort.set_index("image_id")[["patient_id", "view"]].reindex(rows.index)
    means = rows.groupby([about["patient_id"], about["view"]]).mean()
    groups = []
    for view in views:
        group = means[means.index.get_level_values("view") == view].droplevel("view")
        groups.append(group.add_suffix(f"@{view}") if len(views) > 1 else group)
    return with_indicators(pd.concat(groups, axis=1), views=views, patients=patients)


def with_indicators(frame: pd.DataFrame, *, views: Sequence[str], patients: Iterable[str]) -> pd.DataFrame:
    """All `patients`, sorted, with the rows of `frame` (index patient_id), empty if it has none, and the indicators of
    missing views (`views` empty: of a missing patient).
    """
    rows = frame.reindex(pd.Index(sorted(patients), name="patient_id", dtype="str"))
    indicators = {}
    for view in views or [""]:
        of_view = np.array([len(views) < 2 or str(name).endswith(f"@{view}") for name in rows.columns], dtype=np.bool_)
        indicators[_indicator(view, views)] = np.isnan(rows.to_numpy()[:, of_view]).all(axis=1) * 1.0
    return _one_array(pd.concat([rows, pd.DataFrame(indicators, index=rows.index)], axis=1))


def _one_array(frame: pd.DataFrame) -> pd.DataFrame:
    """The same numbers as one array: a table read from a file holds one array per column, slow to slice by row."""
    return pd.DataFrame(frame.to_numpy(dtype=np.float64), index=frame.index, columns=frame.columns)


def _without_rows(name: str, resample: str, part: str) -> str:
    stage = name if name in OF_IMAGES else "embed"
    place = f"data/features/{name}.csv and its folder"
    return f"{place} have no rows for resample {resample}, part {part}; run {stage} again"


def _check_complete(embedded: Embeddings, *, name: str, splits: pd.DataFrame) -> None:
    """Every resample of the splits has rows in each part, unless those of a frozen network serve all."""
    if (ALL, ALL) in embedded.ids:
        return
    parts = {part for _, part in embedded.ids}
    needed = {(str(resample), part) for resample in splits["resample"].unique() for part in parts}
    if missing := sorted(needed - set(embedded.ids)):
        raise PipelineError(_without_rows(name, *missing[0]))


def _check_halves(embedded: Embeddings, *, name: str, owner: pd.Series | None, splits: pd.DataFrame) -> None:
    """No patient may be embedded by the network trained on its half; `owner` is the patient_id by image_id."""
    for (resample, part), ids in embedded.ids.items():
        if part not in OTHER_HALF:
            continue
        trained = splits[(splits["resample"] == resample) & (splits["half"] == part)]
        found = set(ids if owner is None else owner.reindex(list(ids)).dropna())
        if leaked := sorted(found & set(trained["patient_id"])):
            raise PipelineError(
                f"data/features/{name}.csv: resample {resample}, part {part} embeds {len(leaked)} patients of the "
                f"half that its network was trained on, first {leaked[0]}; run embed again on the current splits"
            )
