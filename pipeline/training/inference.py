"""Inference: logits and embeddings in float32, without augmentation."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.networks.inputs import Normalisation, normalised
from pipeline.training.batches import Rows


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
        """Logits and embeddings of images (n, P, S, S) or views (n, V, P, S, S), as float32, without augmentation.

        A processor computes an image in a batch of 16 with other last digits than alone. Hence every batch has the same
        size, the last one is filled up, and a result depends neither on the other images of its batch nor on its place
        there: a new patient alone gets the numbers of the same patient in a study (tested for every network, on CPUs).
        A network of views passes as many images on as there are views, so that its batches have one sample.
        """
        self.network.eval()
        found: list[list[NDArray[Any]]] = []
        size = self.batch_size if present is None else 1
        with torch.inference_mode():
            for start in range(0, len(pixels), size):
                rows = np.arange(start, min(start + size, len(pixels)))
                batch = np.resize(rows, size)
                grey = torch.from_numpy(pixels[batch])
                grey = (grey.pin_memory() if self.device.type == "cuda" else grey).to(self.device, non_blocking=True)
                with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
                    output = self.network(*self.inputs(grey.float() / 255, present=present, rows=batch))
                kept = [tensor[: len(rows)] for tensor in output if tensor is not None]
                found.append([tensor.float().cpu().numpy() for tensor in kept])
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
