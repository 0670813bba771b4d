"""Probabilities of a network: in the order of the slices, whatever the batches; the Dice of the gland by hand."""

import numpy as np
import pytest
import torch
from drawn_nodules import drawing
from torch import nn

from pipeline.networks.unet import MaskOutput
from pipeline.segment.images import TrainingPictures
from pipeline.segment.pictures import Picture
from pipeline.segment.probability import gland_dice, mask_probability
from pipeline.training.inference import Encoder


class Grey(nn.Module):
    """The logit of the lesion is the grey level minus a half, that of the gland its right half."""

    def forward(self, x):
        right = (torch.arange(x.shape[-1]) >= x.shape[-1] // 2) * 20.0 - 10
        return MaskOutput(nodule=x[:, :1], gland=right.expand(len(x), 1, *x.shape[-2:]))


def encoder(batch_size):
    no_change = ((0.0,) * 3, (1.0,) * 3)
    return Encoder(network=Grey(), normalise=no_change, device=torch.device("cpu"), batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [2, 3, 8])
def test_probability_of_each_slice(batch_size):
    slices = np.random.default_rng(0).integers(0, 256, (7, 32, 32)).astype(np.uint8)
    found = mask_probability(encoder(batch_size), slices)

    assert found.dtype == np.float32
    assert found == pytest.approx(1 / (1 + np.exp(-slices.astype(np.float64) / 255)), rel=1e-6)


def test_dice_of_the_gland_is_of_these_blocks_alone(tmp_path):
    planes = np.zeros((3, 3, 32, 32), np.uint8)
    planes[:, 0] = drawing(0, side=32)[0]
    planes[0, 2, :, 16:] = 255  # the right half: Dice 1
    planes[1, 2] = 255  # everything: 2 / 3
    pictures = tuple(
        Picture(image_id=name, patient_id="", group=name, image=tmp_path, gland=tmp_path) for name in ("a", "b", "c")
    )
    kept = TrainingPictures(planes=planes, pictures=pictures, area=np.zeros(3, np.float32))

    assert gland_dice(encoder(2), kept, blocks=frozenset({"a", "b"})) == pytest.approx((1 + 2 / 3) / 2)
    assert gland_dice(encoder(2), kept, blocks=frozenset()) is None
