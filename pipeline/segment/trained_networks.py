"""The trained segmentation networks: cards of all, weights of resample `final`, losses."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.foundation.tables import write_csv
from pipeline.networks.weights import write_tensors
from pipeline.segment.cases import Segmented

LOSSES = ["network", "resample", "part", "epoch", "train_loss", "validation_loss"]


def write_networks(results: Sequence[Segmented], *, folder: Path) -> None:
    """Write `<network>/<resample>_<part>.json`, its weights if they are kept, and `losses.csv`."""
    for result in results:
        path = folder / result.job.name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result.card, indent=2, sort_keys=True, ensure_ascii=False)
        path.with_name(f"{path.name}.json").write_text(text + "\n", encoding="utf-8")
        if result.weights:
            write_tensors(result.weights, path.with_name(f"{path.name}.safetensors"))
    losses = pd.DataFrame([row for result in results for row in result.losses], columns=LOSSES)
    write_csv(losses.sort_values(LOSSES[:4], kind="stable"), folder / "losses.csv")
