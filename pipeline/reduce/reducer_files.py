"""The fitted reducer of a block as a safetensors file: numbers and names, nothing that is executed on loading.

Each learned attribute of each step is a tensor, or a JSON value in the file's metadata. A file holds medians, means,
loadings and names of features: no row of a patient. skops would keep the same numbers inside pandas objects, whose
types change with every pandas.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import load, save

from pipeline.foundation.errors import PipelineError
from pipeline.reduce.block_reducer import BlockReducer, ReduceParams
from pipeline.reduce.steps.agreement_filter import AgreementFilter
from pipeline.reduce.steps.clinical_encoder import ClinicalEncoder
from pipeline.reduce.steps.combat import Combat
from pipeline.reduce.steps.lasso import LassoSelector, Solution
from pipeline.reduce.steps.median_imputer import MedianImputer
from pipeline.reduce.steps.near_zero_variance import NearZeroVariance
from pipeline.reduce.steps.principal_components import PrincipalComponents
from pipeline.reduce.steps.spearman_pruning import SpearmanPruning
from pipeline.reduce.steps.z_score import ZScore

SUFFIX = ".safetensors"
HEADER = "reducer"  # one entry of metadata: the order of several would differ between two runs
Tensors = dict[str, NDArray[np.float64]]
_STEPS = {
    "agreement": AgreementFilter,
    "clinical": ClinicalEncoder,
    "combat": Combat,
    "components": PrincipalComponents,
    "imputer": MedianImputer,
    "pruning": SpearmanPruning,
    "variance": NearZeroVariance,
    "z_score": ZScore,
}


def to_bytes(reducer: BlockReducer) -> bytes:
    """The file of a fitted reducer; equal reducers give equal bytes."""
    tensors: Tensors = {}
    steps = []
    for place, step in enumerate(reducer.steps_):
        kind = next(name for name, known in _STEPS.items() if type(step) is known)
        state, arrays = _WRITERS[kind](step)
        tensors |= {f"{place}.{name}": np.ascontiguousarray(array, dtype=np.float64) for name, array in arrays.items()}
        steps.append({"step": kind} | state)
    lasso = None
    if reducer.lasso_ is not None:
        chosen = reducer.lasso_.chosen_
        tensors["lasso.coefficients"] = chosen.coefficients.to_numpy(dtype=np.float64)
        lasso = {"features": _texts(chosen.coefficients.index), "intercept": chosen.intercept}
    header = {
        "kind": reducer.kind,
        "params": reducer.params.model_dump(mode="json"),
        "indicators": list(reducer.indicators),
        "seed": reducer.seed,
        "steps": steps,
        "lasso": lasso,
    }
    return save(dict(sorted(tensors.items())), metadata={HEADER: json.dumps(header, sort_keys=True)})


def from_bytes(content: bytes, *, place: str) -> BlockReducer:
    """The reducer that `to_bytes` wrote, ready for `transform`; `place` names the file in messages.

    Raises PipelineError if the file is damaged, or holds anything else than such a reducer.
    """
    try:
        header, tensors = _metadata(content), load(content)
        reducer = BlockReducer(
            kind=header["kind"],
            params=ReduceParams.model_validate(header["params"]),
            indicators=tuple(header["indicators"]),
            seed=header["seed"],
        )
        reducer.steps_ = [_step(state, _own(tensors, str(place))) for place, state in enumerate(header["steps"])]
        reducer.lasso_ = _lasso(header["lasso"], _own(tensors, "lasso"), params=reducer.params, seed=reducer.seed)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise PipelineError(f"{place}: not the file of a fitted reducer ({error}); run reduce again") from error
    return reducer


def _metadata(content: bytes) -> dict[str, Any]:
    """The header; safetensors' own reader checks that lengths and offsets fit, then the metadata are read as JSON."""
    deserialize(content)
    size = int.from_bytes(content[:8], "little")
    about: dict[str, Any] = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][HEADER])
    return about


def _own(tensors: Mapping[str, NDArray[Any]], owner: str) -> Tensors:
    return {name.partition(".")[2]: value for name, value in tensors.items() if name.partition(".")[0] == owner}


def _texts(names: Any) -> list[str]:
    return [str(name) for name in names]


def _index(names: list[str]) -> pd.Index:
    return pd.Index(names, dtype="str")


def _lasso(state: Any, arrays: Tensors, *, params: ReduceParams, seed: int) -> LassoSelector | None:
    if state is None:
        return None
    fitted = LassoSelector(**params.lasso.model_dump(), seed=seed)
    coefficients = pd.Series(arrays["coefficients"], index=_index(state["features"]))
    fitted.chosen_ = Solution(index=None, penalty=None, intercept=state["intercept"], coefficients=coefficients)
    return fitted


def _step(state: dict[str, Any], arrays: Tensors) -> Any:
    return _READERS[state["step"]](state, arrays)


def _write_agreement(step: AgreementFilter) -> tuple[dict[str, Any], Tensors]:
    about = {"min_lower_limit": step.min_lower_limit, "known": _texts(step.agreement_["feature"])}
    return about | {"kept": sorted(step.kept_)}, {}


def _read_agreement(state: dict[str, Any], _: Tensors) -> AgreementFilter:
    step = AgreementFilter(min_lower_limit=state["min_lower_limit"])
    step.agreement_ = pd.DataFrame({"feature": state["known"]})
    step.kept_ = frozenset(state["kept"])
    return step


def _write_clinical(step: ClinicalEncoder) -> tuple[dict[str, Any], Tensors]:
    # A list of pairs: JSON with sorted keys would lose the order of the columns.
    learned: dict[str, Any] = {"medians": list(step.medians_.items()), "levels": list(step.levels_.items())}
    return learned | {"indicators": _texts(step.indicators_), "kept": _texts(step.kept_)}, {}


def _read_clinical(state: dict[str, Any], _: Tensors) -> ClinicalEncoder:
    step = ClinicalEncoder()
    step.medians_ = {str(name): float(value) for name, value in state["medians"]}
    step.levels_ = {str(name): [str(level) for level in levels] for name, levels in state["levels"]}
    step.indicators_, step.kept_ = list(state["indicators"]), list(state["kept"])
    return step


def _write_combat(step: Combat) -> tuple[dict[str, Any], Tensors]:
    about = {"mean_only": step.mean_only, "unseen_site": step.unseen_site, "min_rows": step.min_rows}
    arrays = {name: getattr(step, f"{name}_") for name in ("means", "sds", "gamma", "delta")} if step.columns_ else {}
    return about | {"sites": _texts(step.sites_), "columns": _texts(step.columns_)}, arrays


def _read_combat(state: dict[str, Any], arrays: Tensors) -> Combat:
    step = Combat(mean_only=state["mean_only"], unseen_site=state["unseen_site"], min_rows=state["min_rows"])
    step.sites_, step.columns_ = list(state["sites"]), list(state["columns"])
    if step.columns_:
        step.means_, step.sds_ = arrays["means"], arrays["sds"]
        step.gamma_, step.delta_ = arrays["gamma"], arrays["delta"]
    return step


def _write_components(step: PrincipalComponents) -> tuple[dict[str, Any], Tensors]:
    about = {"max_components": step.max_components, "variance": step.variance, "passed": _texts(step.passed)}
    arrays = {"means": step.scale_.means_, "sds": step.scale_.sds_, "loadings": step.loadings_}
    return about | {"inputs": _texts(step.inputs_)}, arrays | {"explained": step.explained_}


def _read_components(state: dict[str, Any], arrays: Tensors) -> PrincipalComponents:
    settings = {name: state[name] for name in ("max_components", "variance")}
    step = PrincipalComponents(**settings, passed=tuple(state["passed"]))
    step.inputs_, step.scale_ = _index(state["inputs"]), _read_z_score({}, arrays)
    step.loadings_, step.explained_ = arrays["loadings"], arrays["explained"]
    return step


def _write_imputer(step: MedianImputer) -> tuple[dict[str, Any], Tensors]:
    return {"columns": _texts(step.medians_.index)}, {"medians": step.medians_.to_numpy()}


def _read_imputer(state: dict[str, Any], arrays: Tensors) -> MedianImputer:
    step = MedianImputer()
    step.medians_ = pd.Series(arrays["medians"], index=_index(state["columns"]))
    return step


def _read_variance(state: dict[str, Any], _: Tensors) -> NearZeroVariance:
    step = NearZeroVariance(max_same_fraction=state["limit"])
    step.kept_ = _index(state["kept"])
    return step


def _read_pruning(state: dict[str, Any], _: Tensors) -> SpearmanPruning:
    step = SpearmanPruning(max_abs_rho=state["limit"])
    step.kept_ = _index(state["kept"])
    return step


def _read_z_score(_: dict[str, Any], arrays: Tensors) -> ZScore:
    step = ZScore()
    step.means_, step.sds_ = arrays["means"], arrays["sds"]
    return step


_WRITERS: dict[str, Callable[[Any], tuple[dict[str, Any], Tensors]]] = {
    "agreement": _write_agreement,
    "clinical": _write_clinical,
    "combat": _write_combat,
    "components": _write_components,
    "imputer": _write_imputer,
    "pruning": lambda step: ({"limit": step.max_abs_rho, "kept": _texts(step.kept_)}, {}),
    "variance": lambda step: ({"limit": step.max_same_fraction, "kept": _texts(step.kept_)}, {}),
    "z_score": lambda step: ({}, {"means": step.means_, "sds": step.sds_}),
}
_READERS: dict[str, Callable[[dict[str, Any], Tensors], Any]] = {
    "agreement": _read_agreement,
    "clinical": _read_clinical,
    "combat": _read_combat,
    "components": _read_components,
    "imputer": _read_imputer,
    "pruning": _read_pruning,
    "variance": _read_variance,
    "z_score": _read_z_score,
}
