"""What a network says of images: logits and embeddings, in float32 and without any random change."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.networks.inputs import Normalisation, normalised
from pipeline.training.batches import Rows, batches


@dataclass(frozen=True, kw_only=True)
class Description:
    """Logits float64 (n,) and embeddings float32 (n, E); of a network of V views their own logits (n, V) and embeddings
    (n, V, E') too, NaN where the view is missing.
    """

    logits: NDArray[np.float64]
    embeddings: NDArray[np.float32]
    view_logits: NDArray[np.float64] | None = None
    view_embeddings: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class Describer:
    """A network that lies on `device`, with how its images are normalised, and how many it is given at once."""

    network: nn.Module
    normalise: Normalisation
    device: torch.device
    batch_size: int

    def describe(self, pixels: NDArray[np.uint8], *, present: NDArray[np.bool_] | None = None) -> Description:
        """What the network says of images (n, P, S, S) or views (n, V, P, S, S), in float32, without augmentation."""
        self.network.eval()
        found: list[list[NDArray[Any]]] = []
        with torch.inference_mode():
            for batch in batches(np.arange(len(pixels)), batch_size=self.batch_size):
                grey = torch.from_numpy(pixels[batch])
                grey = (grey.pin_memory() if self.device.type == "cuda" else grey).to(self.device, non_blocking=True)
                output = self.network(*self.inputs(grey.float() / 255, present=present, rows=batch))
                found.append([part.float().cpu().numpy() for part in output if part is not None])
        logits, embeddings, *views = (np.concatenate(parts) for parts in zip(*found, strict=True))
        if not views:
            return Description(logits=logits.astype(np.float64), embeddings=embeddings)
        return Description(
            logits=logits.astype(np.float64),
            embeddings=embeddings,
            view_logits=views[0].astype(np.float64),
            view_embeddings=views[1],
        )

    def inputs(self, grey: Tensor, *, present: NDArray[np.bool_] | None, rows: Rows) -> tuple[Tensor, ...]:
        """What `forward` takes: images (N, 3, S, S), or views (N, V, 3, S, S) and which of them there are."""
        channels = normalised(grey.flatten(0, -4), how=self.normalise).contiguous(memory_format=torch.channels_last)
        if grey.ndim == 4:
            return (channels,)
        assert present is not None
        return channels.unflatten(0, grey.shape[:2]), torch.from_numpy(present[rows]).to(self.device)
