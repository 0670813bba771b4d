"""Inference: logits and embeddings in float32, without augmentation."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.networks.inputs import Normalisation, normalised
from pipeline.training.batches import Rows, batches


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Logits float64 (n,) and embeddings float32 (n, E); of a network of V views also the logits (n, V) of each view,
    NaN where it is missing, and their embeddings (n, V, E').
    """

    logits: NDArray[np.float64]
    embeddings: NDArray[np.float32]
    view_logits: NDArray[np.float64] | None = None
    view_embeddings: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """A network on `device`, with the normalisation of its images, the batch size and the precision of inference."""

    network: nn.Module
    normalise: Normalisation
    device: torch.device
    batch_size: int
    precision: Literal["float32", "bfloat16"] = "float32"

    def encode(self, pixels: NDArray[np.uint8], *, present: NDArray[np.bool_] | None = None) -> Encoding:
        """Logits and embeddings of images (n, P, S, S) or views (n, V, P, S, S), as float32, without augmentation."""
        self.network.eval()
        found: list[list[NDArray[Any]]] = []
        with torch.inference_mode():
            for batch in batches(np.arange(len(pixels)), batch_size=self.batch_size):
                grey = torch.from_numpy(pixels[batch])
                grey = (grey.pin_memory() if self.device.type == "cuda" else grey).to(self.device, non_blocking=True)
                with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
                    output = self.network(*self.inputs(grey.float() / 255, present=present, rows=batch))
                found.append([tensor.float().cpu().numpy() for tensor in output if tensor is not None])
        logits, embeddings, *views = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
        if not views:
            return Encoding(logits=logits.astype(np.float64), embeddings=embeddings)
        return Encoding(
            logits=logits.astype(np.float64),
            embeddings=embeddings,
            view_logits=views[0].astype(np.float64),
            view_embeddings=views[1],
        )

    def inputs(self, grey: Tensor, *, present: NDArray[np.bool_] | None, rows: Rows) -> tuple[Tensor, ...]:
        """The arguments of `forward`: images (N, 3, S, S), or views (N, V, 3, S, S) and which of them exist."""
        channels = normalised(grey.flatten(0, -4), how=self.normalise).contiguous(memory_format=torch.channels_last)
        if grey.ndim == 4:
            return (channels,)
        assert present is not None
        return channels.unflatten(0, grey.shape[:2]), torch.from_numpy(present[rows]).to(self.device)
