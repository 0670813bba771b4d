"""CAR-Net's own attention: the product of the two maps of its last coordinate attention."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.networks.coordinate_attention import CoordinateAttention


def attention_maps(network: nn.Module, images: Tensor) -> NDArray[np.float32]:
    """The attention of the last block at every pixel, shape (N, S, S), each map scaled from 0 to 1 (flat ones are 0).

    The product of the block's maps along height (N, C, h, 1) and along width (N, C, 1, w), averaged over channels and
    interpolated to the size of `images` (N, 3, S, S). It shows what passes the attention, whether it raises or lowers
    the logit. Source: Hou et al., CVPR 2021. Raises ValueError if the network has no coordinate attention.
    """
    blocks = [module for module in network.modules() if isinstance(module, CoordinateAttention)]
    if not blocks:
        msg = "the network has no coordinate attention"
        raise ValueError(msg)
    found: list[Tensor] = []

    def keep(block: CoordinateAttention, given: tuple[Tensor, ...], _: Tensor) -> None:
        along_height, along_width = block.maps(given[0])
        found.append((along_height * along_width).mean(dim=1, keepdim=True))

    handle = blocks[-1].register_forward_hook(keep)
    network.eval()
    try:
        with torch.no_grad():
            network(images)
    finally:
        handle.remove()
    fine = nn.functional.interpolate(found[0], size=images.shape[2:], mode="bilinear")[:, 0]
    low, high = fine.amin(dim=(1, 2), keepdim=True), fine.amax(dim=(1, 2), keepdim=True)
    scaled = torch.where(high > low, (fine - low) / (high - low).clamp(min=1e-12), torch.zeros_like(fine))
    return np.asarray(scaled.cpu().numpy(), dtype=np.float32)
