"""The folder of a network: its weights, a card with its settings and its training patients, and its losses."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from pipeline.foundation.tables import write_csv
from pipeline.networks.weights import write_tensors

LOSS_COLUMNS = ["resample", "part", "network", "epoch", "train_loss", "validation_loss"]


def write_card(card: Mapping[str, Any], *, weights: Mapping[str, Tensor], folder: Path, name: str) -> None:
    """Write `<name>.json`, and `<name>.safetensors` if there are weights to keep."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(card, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    if weights:
        write_tensors(weights, folder / f"{name}.safetensors")


def write_losses(losses: list[dict[str, Any]], *, folder: Path) -> None:
    """Write `losses.csv`: the mean training and validation loss of every epoch of every network, sorted."""
    table = pd.DataFrame(losses, columns=LOSS_COLUMNS)
    write_csv(table.sort_values(LOSS_COLUMNS[:4], kind="stable"), folder / "losses.csv")
