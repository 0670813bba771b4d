"""Where a network looks: Grad-CAM on its last layer with spatial dimensions.

Selvaraju et al., ICCV 2017, as captum computes it: the layer's channels, weighted by the mean gradient of the logit,
summed, negative values set to 0. The map is as coarse as the layer (2 x 2 for 64 px, 7 x 7 for 224 px).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

MIN_HEIGHT = 1e-12  # a map that never exceeds this carries no information, and stays 0


def grad_cam(network: nn.Module, images: Tensor, *, layer: str) -> NDArray[np.float32]:
    """The regions that raise the logit of the event, shape (N, S, S), each map from 0 to 1 (all 0 if none raises it).

    Parameters: `network` (images to logits (N,) and embeddings), `images` (N, 3, S, S), `layer` (the name of a module
    of the network whose output is (N, C, h, w)). Raises ValueError if there is no such module.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    known = dict(network.named_modules())
    if layer not in known:
        msg = f"layer ({layer}) is not a module of the network"
        raise ValueError(msg)
    network.eval()
    cam = LayerGradCam(lambda batch: network(batch)[0], known[layer])
    coarse = cam.attribute(images, relu_attributions=True)
    side = (images.shape[2], images.shape[3])
    fine = LayerAttribution.interpolate(coarse, side, interpolate_mode="bilinear")[:, 0].detach()
    heights = fine.amax(dim=(1, 2), keepdim=True)
    scaled = torch.where(heights > MIN_HEIGHT, fine / heights.clamp(min=MIN_HEIGHT), torch.zeros_like(fine))
    return np.asarray(scaled.cpu().numpy(), dtype=np.float32)
