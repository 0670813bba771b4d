"""Saved classifiers, without pickle: skops for scikit-learn, the libraries' own formats for xgboost and lightgbm.

Each model file has a card beside it, `<name>.card.json`, with the file's SHA-256. A model is loaded only if the hash
matches and, for skops, if every type in the file is on the list below. Equal models give equal bytes.
"""

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.benchmark.classifiers import scores
from pipeline.foundation.errors import PipelineError

TRUSTED = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
)
"""Types beyond skops' own list of trusted types that our models contain; each is a plain scikit-learn container."""

SUFFIXES = {"sklearn": ".skops", "xgboost": ".ubj", "lightgbm": ".txt"}


@dataclass(frozen=True, kw_only=True)
class SavedModel:
    """A loaded model with its card."""

    card: dict[str, Any]
    model: Any

    def score(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Raw scores, shape (n,), of the rows of `table`, which holds at least the model's features.

        Raises PipelineError if a feature is missing or empty.
        """
        features = self.card["features"]
        missing = [name for name in features if name not in table or table[name].isna().any()]
        if missing:
            raise PipelineError(f"{self.card['file']}: the table has no complete column {', '.join(missing)}")
        # Row by row in memory, as in training: BLAS may add up a matrix stored by columns in another order.
        return scores(self.model, np.ascontiguousarray(table[features].to_numpy(dtype=np.float64)))


def to_bytes(model: Any) -> tuple[str, bytes]:
    """The file suffix and the bytes of a fitted classifier; equal models give equal bytes."""
    kind = type(model).__module__.partition(".")[0]
    if kind == "xgboost":
        return SUFFIXES[kind], bytes(model.save_raw("ubj"))
    if kind == "lightgbm":
        return SUFFIXES[kind], model.model_to_string().encode()
    return SUFFIXES["sklearn"], _canonical(load_skops().dumps(model))


def from_bytes(suffix: str, content: bytes) -> Any:
    """The classifier that `to_bytes` wrote.

    Raises PipelineError if the suffix is not one of ours, or a skops file holds a type that is not trusted.
    """
    if suffix == SUFFIXES["xgboost"]:
        import xgboost

        return xgboost.Booster({"nthread": 1}, model_file=bytearray(content))
    if suffix == SUFFIXES["lightgbm"]:
        import lightgbm

        return lightgbm.Booster(model_str=content.decode())
    if suffix != SUFFIXES["sklearn"]:
        raise PipelineError(f"model files end in {', '.join(SUFFIXES.values())}, not '{suffix}'")
    skops_io = load_skops()
    untrusted = sorted(set(skops_io.get_untrusted_types(data=content)) - set(TRUSTED))
    if untrusted:
        raise PipelineError(f"the model file holds types that are not trusted: {', '.join(untrusted)}; do not load it")
    return skops_io.loads(content, trusted=list(TRUSTED))


def load_skops() -> ModuleType:
    """The module skops.io, imported without torch; import it through this function only.

    On import skops searches all of scikit-learn for estimators, and the search imports torch for a part that no
    estimator is in. That takes seconds and hundreds of MB in every process that saves a model.
    """
    hidden = "torch" not in sys.modules
    if hidden:
        sys.modules["torch"] = None  # type: ignore[assignment]  # an import of it fails, and the search goes on
    try:
        import skops.io
    finally:
        if hidden:
            del sys.modules["torch"]
    return skops.io


def write_model(folder: Path, *, name: str, suffix: str, content: bytes, card: dict[str, Any]) -> None:
    """Write `<name><suffix>` and `<name>.card.json` to `folder`; the card gets the file's name and SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}{suffix}").write_bytes(content)
    full = {"file": f"{name}{suffix}", "sha256": hashlib.sha256(content).hexdigest()} | card
    (folder / f"{name}.card.json").write_text(json.dumps(full, indent=2) + "\n", encoding="utf-8")


def load_model(card: Path) -> SavedModel:
    """Load the model that a card belongs to.

    Raises PipelineError if card or file is missing or unreadable, the hash differs, or a type is not trusted.
    """
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
        file = card.parent / Path(content["file"]).name
        data, expected = file.read_bytes(), content["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PipelineError(f"{card}: not a model card with its file beside it ({error})") from error
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise PipelineError(f"{file}: SHA-256 is {found}, its card has {expected}; the file was changed, fit it again")
    return SavedModel(card=content, model=from_bytes(file.suffix, data))


def _canonical(content: bytes) -> bytes:
    """A skops file without any trace of the process that wrote it.

    skops names arrays and nodes by their address in memory and stamps each with the time; trees have
    uninitialised padding bytes. Here every node and array is named by its content, so that equal ones share a name.
    """
    names: dict[str, int] = {}
    arrays: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    schema = json.loads(members.pop("schema.json"))
    cleaned = {name: _without_padding(data) if name.endswith(".npy") else data for name, data in members.items()}

    def rename(node: Any) -> Any:
        if isinstance(node, list):
            return [rename(item) for item in node]
        if not isinstance(node, dict):
            return node
        renamed = {key: rename(value) for key, value in node.items() if key != "__id__"}
        if isinstance(renamed.get("file"), str):
            data = cleaned[renamed["file"]]
            renamed["file"] = f"{hashlib.sha256(data).hexdigest()[:32]}{Path(renamed['file']).suffix}"
            arrays[renamed["file"]] = data
        if "__id__" in node:
            renamed["__id__"] = names.setdefault(json.dumps(renamed), len(names))
        return renamed

    tidy = json.dumps(rename(schema), separators=(",", ":")).encode()
    return archive({"schema.json": tidy} | {name: arrays[name] for name in sorted(arrays)})


def _without_padding(data: bytes) -> bytes:
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.names is None:
        return data
    clean = np.zeros(array.shape, dtype=array.dtype)
    for name in array.dtype.names:
        clean[name] = array[name]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def archive(members: Mapping[str, bytes]) -> bytes:
    """A zip file of `members` by name; the same members give the same bytes, whenever and wherever it is written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            target.writestr(entry, data)
    return buffer.getvalue()
